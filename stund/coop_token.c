#include "coop_token.h"

#include <openssl/crypto.h>

#include "siphash.h"

#define US_PER_PERIOD (UINT64_C(1000000) * COOP_TOKEN_TTL_S)

#define ROUNDS_WORD 2
#define ROUNDS_END  4

static uint64_t half(const uint8_t key[static 16], const struct addr *from, uint64_t period)
{
	struct addr source = addr_unmap(from);
	struct siphash hash = siphash_start(key);

	siphash_word(&hash, siphash_load_le64(source.ip), ROUNDS_WORD);
	siphash_word(&hash, siphash_load_le64(source.ip + 8), ROUNDS_WORD);
	siphash_word(&hash, (uint64_t)source.scope << 8 | source.family, ROUNDS_WORD);
	siphash_word(&hash, period, ROUNDS_WORD);
	siphash_word(&hash, (uint64_t)32 << 56, ROUNDS_WORD); /* how long it was */
	return siphash_end(&hash, ROUNDS_END);
}

static void make(const struct coop_token_key *key, const struct addr *from, uint64_t period,
		 struct coop_token *out)
{
	struct wire_out w = wire_write(out->bytes, sizeof(out->bytes));

	wire_put_u64(&w, half(key->bytes, from, period));
	wire_put_u64(&w, half(key->bytes + 16, from, period));
}

void coop_token_make(const struct coop_token_key *key, const struct addr *from, uint64_t now_us,
		     struct coop_token *out)
{
	make(key, from, now_us / US_PER_PERIOD, out);
}

static bool is_of(const struct coop_token_key *key, const struct addr *from, uint64_t period,
		  const struct coop_token *t)
{
	struct coop_token right;

	make(key, from, period, &right);
	return CRYPTO_memcmp(right.bytes, t->bytes, COOP_TOKEN_LEN) == 0;
}

bool coop_token_is_good(const struct coop_token_key *key, const struct addr *from, uint64_t now_us,
			const struct coop_token *t)
{
	uint64_t period = now_us / US_PER_PERIOD;
	bool is_new = is_of(key, from, period, t);
	bool is_old = is_of(key, from, period - 1, t); /* before all time: nobody ever gets it */

	return is_new || is_old;
}
