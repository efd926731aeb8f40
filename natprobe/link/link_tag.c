#include "link_tag.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "natprobe/meet/kdf.h"

#define STRETCH  12 /* log2: some milliseconds */
#define HASH_LEN 16

bool link_tag_make(const char *code, const uint8_t salt[static LINK_TAG_SALT_LEN],
		   char out[static LINK_TAG_MAX])
{
	uint8_t stretched[KDF_STRETCHED], hash[KDF_LEN];
	bool ok = kdf_stretch(bytes_of_str(code), bytes_of(salt, LINK_TAG_SALT_LEN), STRETCH,
			      stretched) &&
		  kdf_hmac(bytes_of(stretched, sizeof(stretched)), BYTES("natkit link tag"), hash);

	for (size_t i = 0; ok && i < LINK_TAG_SALT_LEN; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", salt[i]);
	for (size_t i = 0; ok && i < HASH_LEN; i++)
		(void)snprintf(out + 2 * (LINK_TAG_SALT_LEN + i), 3, "%02x", hash[i]);
	OPENSSL_cleanse(stretched, sizeof(stretched));
	return ok;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool link_tag_is_of(const char *tag, const char *code)
{
	uint8_t salt[LINK_TAG_SALT_LEN];
	char made[LINK_TAG_MAX];

	if (strlen(tag) != LINK_TAG_MAX - 1)
		return false;
	for (size_t i = 0; i < sizeof(salt); i++) {
		const int high = digit(tag[2 * i]), low = digit(tag[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		salt[i] = (uint8_t)(high << 4 | low);
	}
	return link_tag_make(code, salt, made) && CRYPTO_memcmp(made, tag, LINK_TAG_MAX) == 0;
}
