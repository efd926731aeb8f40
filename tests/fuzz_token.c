/*
 * Access tokens from strangers. The first byte chooses: the rest is a token as it came, or
 * the content of one that was sealed with our key, so that the parser behind the seal is
 * reached as well.
 */
#include "turnd/token.h"
#include "fuzz_check.h"

#define NOW    1800000000
#define SECRET "12345678901234567890123456789012"

static struct token_keys *keys(void)
{
	static struct token_keys *k;
	struct token_key key = { BYTES("k"), TOKEN_A256GCM, BYTES(SECRET), 0, UINT64_MAX };

	if (k == NULL) {
		k = token_keys_new(BYTES("turn.example.org"));
		FUZZ_CHECK(k != NULL && token_keys_add(k, &key));
	}
	return k;
}

static void check_good(const struct token *t)
{
	FUZZ_CHECK(t->id == 0);
	FUZZ_CHECK(t->expires_s >= t->made_s);
	FUZZ_CHECK(t->expires_s + TOKEN_DELTA_S > NOW);
}

static enum token_verdict open_sealed(struct bytes plain, struct token *out)
{
	uint8_t raw[TOKEN_LEN_MAX] = { 0, SEAL_NONCE_LEN };
	size_t head = 2 + SEAL_NONCE_LEN;

	if (plain.len > sizeof(raw) - head - SEAL_TAG_LEN)
		plain.len = sizeof(raw) - head - SEAL_TAG_LEN;
	FUZZ_CHECK(seal_put(BYTES(SECRET), raw + 2, token_keys_name(keys()), plain, raw + head));
	return token_open(keys(), BYTES("k"), bytes_of(raw, head + plain.len + SEAL_TAG_LEN), NOW,
			  out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct token token;
	enum token_verdict v;

	if (len == 0)
		return 0;
	if (data[0] % 2 == 0) {
		v = token_open(keys(), BYTES("k"), bytes_of(data + 1, len - 1), NOW, &token);
	} else {
		v = open_sealed(bytes_of(data + 1, len - 1), &token);
		FUZZ_CHECK(v != TOKEN_MALFORMED && v != TOKEN_FORGED);
	}
	FUZZ_CHECK(*token_why(v) != '\0');
	if (v == TOKEN_GOOD)
		check_good(&token);
	return 0;
}
