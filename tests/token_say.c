/*
 * token_say - an authorization server for tests: an access token (RFC 7635) by a key of
 * --oauth-key-file, as natprobe relay --token-file reads it.
 *
 *	token_say SERVER-NAME KID KEY-BASE64 LIFETIME	for A256GCM
 *
 * Exit status: 0, or 2 for anything else.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base64.h"
#include "turnd/token.h"

#define MAC_KEY_LEN 20

static int die(const char *what)
{
	(void)fprintf(stderr, "token_say: %s\n", what);
	return 2;
}

static void say(const char *word, struct bytes value)
{
	char text[512];

	base64_put(value, text);
	printf("%s %s\n", word, text);
}

int main(int argc, char **argv)
{
	uint8_t secret[64], mac_key[MAC_KEY_LEN], nonce[SEAL_NONCE_LEN], out[TOKEN_LEN_MAX];
	struct token_key key = { .algorithm = TOKEN_A256GCM, .until_s = UINT64_MAX };
	struct token_content content = { .mac_key = bytes_of(mac_key, sizeof(mac_key)) };
	struct token_keys *keys;
	size_t len;

	if (argc != 5 || !base64_get(bytes_of_str(argv[3]), secret, sizeof(secret), &len))
		return die("usage: token_say SERVER-NAME KID KEY-BASE64 LIFETIME");
	key.kid = bytes_of_str(argv[2]);
	key.secret = bytes_of(secret, len);
	keys = token_keys_new(bytes_of_str(argv[1]));
	if (keys == NULL || !token_keys_add(keys, &key))
		return die("no such key");
	if (getrandom(mac_key, sizeof(mac_key), 0) != sizeof(mac_key) ||
	    getrandom(nonce, sizeof(nonce), 0) != sizeof(nonce))
		return die("no randomness");
	content.timestamp = (uint64_t)time(NULL) << 16;
	content.lifetime_s = (uint32_t)strtoul(argv[4], NULL, 10);
	len = token_make(keys, key.kid, &content, nonce, out, sizeof(out));
	token_keys_free(keys);
	if (len == 0)
		return die("no token");
	printf("kid %s\n", argv[2]);
	say("key", content.mac_key);
	say("token", bytes_of(out, len));
	return 0;
}
