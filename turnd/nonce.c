#include "nonce.h"

#include <openssl/crypto.h>

#include "base64.h"

/* What stands behind the cookie, in base64: 24 bytes, so that no bit is left over. */
#define BODY_LEN 24
#define MAC_LEN  8

#define ROUNDS_WORD 2
#define ROUNDS_END  4

_Static_assert(NONCE_LEN == STUN_NONCE_COOKIE_LEN + BASE64_LEN(BODY_LEN), "base64 of the body");

struct body {
	uint64_t when; /* 48 bits of seconds, 16 of the port */
	uint64_t tag;
	uint64_t mac;
};

static struct nonce_key start(const uint8_t key[static NONCE_KEY_LEN])
{
	return (struct nonce_key){ .mac = siphash_start(key), .tag = siphash_start(key + 16) };
}

void nonce_keys_init(struct nonce_keys *k, const uint8_t key[static NONCE_KEY_LEN],
		     const uint8_t *other, uint32_t life_s)
{
	*k = (struct nonce_keys){ .current = start(key), .life_s = life_s != 0 ? life_s : 1 };
	k->other = other != NULL ? start(other) : k->current;
}

void nonce_keys_rotate(struct nonce_keys *k, const uint8_t key[static NONCE_KEY_LEN])
{
	k->other = k->current;
	k->current = start(key);
}

void nonce_keys_wipe(struct nonce_keys *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}

/* Of the IP address; `when` is in it so that nobody sees who comes back. */
static uint64_t tag_of(const struct nonce_key *key, uint64_t when, const struct addr *client)
{
	struct addr source = addr_unmap(client);
	struct siphash hash = key->tag;

	siphash_word(&hash, when, ROUNDS_WORD);
	siphash_word(&hash, siphash_load_le64(source.ip), ROUNDS_WORD);
	siphash_word(&hash, siphash_load_le64(source.ip + 8), ROUNDS_WORD);
	siphash_word(&hash, (uint64_t)25 << 56 | source.family, ROUNDS_WORD);
	return siphash_end(&hash, ROUNDS_END);
}

static uint64_t mac_of(const struct nonce_key *key, const struct body *b, uint32_t features)
{
	struct siphash hash = key->mac;

	siphash_word(&hash, b->when, ROUNDS_WORD);
	siphash_word(&hash, b->tag, ROUNDS_WORD);
	siphash_word(&hash, (uint64_t)20 << 56 | features, ROUNDS_WORD);
	return siphash_end(&hash, ROUNDS_END);
}

void nonce_make(const struct nonce_keys *k, const struct addr *client, uint32_t features,
		uint64_t now_s, char out[static NONCE_LEN])
{
	struct body b = { .when = now_s << 16 | client->port };
	uint8_t raw[BODY_LEN];
	struct wire_out w = wire_write(raw, sizeof(raw));

	features &= 0xffffff;
	b.tag = tag_of(&k->current, b.when, client);
	b.mac = mac_of(&k->current, &b, features);
	wire_put_u64(&w, b.when);
	wire_put_u64(&w, b.tag);
	wire_put_u64(&w, b.mac);
	stun_nonce_cookie_put(features, out);
	base64_put(wire_written(&w), out + STUN_NONCE_COOKIE_LEN);
}

static bool read_nonce(struct bytes nonce, struct body *out, uint32_t *features)
{
	uint8_t raw[BODY_LEN];
	struct wire in;
	size_t len;

	if (nonce.len != NONCE_LEN || !stun_nonce_cookie_get(nonce, features))
		return false;
	nonce = bytes_of(nonce.data + STUN_NONCE_COOKIE_LEN, BASE64_LEN(BODY_LEN));
	if (!base64_get(nonce, raw, sizeof(raw), &len) || len != BODY_LEN)
		return false;
	in = wire_read(bytes_of(raw, len));
	out->when = wire_get_u64(&in);
	out->tag = wire_get_u64(&in);
	out->mac = wire_get_u64(&in);
	return true;
}

static bool is_same(uint64_t a, uint64_t b)
{
	return CRYPTO_memcmp(&a, &b, sizeof(a)) == 0;
}

/* The key that made it; NULL for none. Tries both, whatever becomes of the first. */
static const struct nonce_key *maker(const struct nonce_keys *k, const struct body *b,
				     uint32_t features)
{
	bool by_current = is_same(mac_of(&k->current, b, features), b->mac);
	bool by_other = is_same(mac_of(&k->other, b, features), b->mac);

	if (by_current)
		return &k->current;
	return by_other ? &k->other : NULL;
}

/* How long it is fresh yet; 0: it is not. */
static uint32_t left_s(const struct nonce_keys *k, uint64_t made_s, uint64_t now_s)
{
	if (made_s > now_s)
		return made_s - now_s <= NONCE_SKEW_S ? k->life_s : 0;
	return now_s - made_s < k->life_s ? (uint32_t)(k->life_s - (now_s - made_s)) : 0;
}

enum nonce_verdict nonce_check(const struct nonce_keys *k, struct bytes nonce,
			       const struct addr *client, uint64_t now_s, struct nonce_facts *facts)
{
	const struct nonce_key *key;
	struct body b;
	uint32_t features, left;

	*facts = (struct nonce_facts){ 0 };
	if (!read_nonce(nonce, &b, &features))
		return NONCE_FORGED;
	key = maker(k, &b, features);
	if (key == NULL)
		return NONCE_FORGED;
	left = left_s(k, b.when >> 16, now_s & UINT64_MAX >> 16);
	if (left == 0)
		return NONCE_STALE;
	if (!is_same(tag_of(key, b.when, client), b.tag))
		return NONCE_OTHER_ADDRESS;
	*facts = (struct nonce_facts){ .features = features, .left_s = left };
	return (b.when & 0xffff) == client->port ? NONCE_FRESH : NONCE_OTHER_PORT;
}

const char *nonce_why(enum nonce_verdict verdict)
{
	switch (verdict) {
	case NONCE_FRESH:
		return "fresh nonce";
	case NONCE_STALE:
		return "stale nonce";
	case NONCE_FORGED:
		return "nonce that is not ours";
	case NONCE_OTHER_ADDRESS:
		return "nonce of another address";
	case NONCE_OTHER_PORT:
		return "nonce of another port";
	}
	return "nonce without a verdict";
}
