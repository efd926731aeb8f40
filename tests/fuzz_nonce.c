/* Nonces from strangers: no text but our own is fresh, and our own always is. */
#include "turnd/nonce.h"
#include "fuzz_check.h"

#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t key[NONCE_KEY_LEN] = "a key that no seed was made with";
	struct addr client = addr_ipv4(192, 0, 2, 1, 5000);
	struct nonce_keys keys;
	struct nonce_facts facts;
	char own[NONCE_LEN];

	nonce_keys_init(&keys, key, NULL, NONCE_LIFE_S);
	FUZZ_CHECK(nonce_check(&keys, bytes_of(data, len), &client, NOW, &facts) == NONCE_FORGED);
	FUZZ_CHECK(facts.features == 0 && facts.left_s == 0);

	client.port = (uint16_t)(len > 1 ? data[0] << 8 | data[1] : 0);
	uint32_t features = len > 3 ? (uint32_t)data[2] << 16 | data[3] : 0;
	nonce_make(&keys, &client, features, NOW, own);
	FUZZ_CHECK(nonce_check(&keys, bytes_of(own, NONCE_LEN), &client, NOW, &facts) ==
		   NONCE_FRESH);
	FUZZ_CHECK(facts.features == features);
	return 0;
}
