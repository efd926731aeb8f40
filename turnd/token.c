#include "token.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "utf8.h"

#define CONTENT_MAX (2 + TOKEN_MAC_KEY_MAX + 8 + 4)

struct key_row {
	uint8_t kid[TOKEN_KID_MAX];
	size_t kid_len;
	uint8_t secret[SEAL_KEY_MAX];
	size_t secret_len;
	uint64_t from_s;
	uint64_t until_s;
};

struct token_keys {
	struct key_row rows[TOKEN_KEYS_MAX];
	uint32_t count;
	uint8_t name[TOKEN_NAME_MAX];
	size_t name_len;
};

static bool is_name(struct bytes name)
{
	if (name.len == 0 || name.len > TOKEN_NAME_MAX || memchr(name.data, '\0', name.len) != NULL)
		return false;
	while (name.len > 0) {
		size_t n = utf8_len(name);

		if (n == 0)
			return false;
		name = bytes_of(name.data + n, name.len - n);
	}
	return true;
}

struct token_keys *token_keys_new(struct bytes server_name)
{
	struct token_keys *k = is_name(server_name) ? calloc(1, sizeof(*k)) : NULL;

	if (k == NULL)
		return NULL;
	memcpy(k->name, server_name.data, server_name.len);
	k->name_len = server_name.len;
	return k;
}

void token_keys_free(struct token_keys *k)
{
	if (k == NULL)
		return;
	OPENSSL_cleanse(k, sizeof(*k));
	free(k);
}

struct bytes token_keys_name(const struct token_keys *k)
{
	return bytes_of(k->name, k->name_len);
}

/* A kid is sent in clear: comparing it tells nothing. */
static const struct key_row *find(const struct token_keys *k, struct bytes kid)
{
	for (uint32_t i = 0; i < k->count; i++) {
		if (bytes_equal(kid, bytes_of(k->rows[i].kid, k->rows[i].kid_len)))
			return &k->rows[i];
	}
	return NULL;
}

static bool is_good_key(const struct token_key *key)
{
	return key->kid.len > 0 && key->kid.len <= TOKEN_KID_MAX &&
	       memchr(key->kid.data, '\0', key->kid.len) == NULL &&
	       seal_is_key_len((size_t)key->algorithm) &&
	       key->secret.len >= (size_t)key->algorithm && key->from_s < key->until_s;
}

bool token_keys_add(struct token_keys *k, const struct token_key *key)
{
	struct key_row *row;

	if (k->count == TOKEN_KEYS_MAX || !is_good_key(key) || find(k, key->kid) != NULL)
		return false;
	row = &k->rows[k->count++];
	memcpy(row->kid, key->kid.data, key->kid.len);
	row->kid_len = key->kid.len;
	row->secret_len = (size_t)key->algorithm;
	memcpy(row->secret, key->secret.data, row->secret_len);
	row->from_s = key->from_s;
	row->until_s = key->until_s;
	return true;
}

static bool is_mac_key_len(size_t len)
{
	return len >= TOKEN_MAC_KEY_MIN && len <= TOKEN_MAC_KEY_MAX;
}

/* timestamp and lifetime against the clock */
static enum token_verdict judge_time(uint64_t made_s, uint32_t lifetime_s, uint64_t now_s)
{
	uint64_t window = (uint64_t)lifetime_s + TOKEN_DELTA_S;

	if (made_s > now_s)
		return made_s - now_s < window ? TOKEN_GOOD : TOKEN_TOO_EARLY;
	return now_s - made_s < window ? TOKEN_GOOD : TOKEN_EXPIRED;
}

static enum token_verdict read_content(struct bytes plain, uint64_t now_s, struct token *out)
{
	struct wire in = wire_read(plain);
	struct bytes mac_key = wire_get_bytes(&in, wire_get_u16(&in));
	uint64_t made_s = wire_get_u64(&in) >> 16;
	uint32_t lifetime_s = wire_get_u32(&in);
	enum token_verdict verdict;

	if (!wire_done(&in) || !is_mac_key_len(mac_key.len))
		return TOKEN_BAD_CONTENT;
	verdict = judge_time(made_s, lifetime_s, now_s);
	if (verdict != TOKEN_GOOD)
		return verdict;
	stun_key_make(&out->key, mac_key);
	out->has_cut = mac_key.len > TOKEN_MAC_KEY_CUT;
	if (out->has_cut)
		stun_key_make(&out->cut, bytes_of(mac_key.data, TOKEN_MAC_KEY_CUT));
	out->made_s = made_s;
	out->expires_s = made_s + lifetime_s;
	return TOKEN_GOOD;
}

enum token_verdict token_open(const struct token_keys *k, struct bytes kid, struct bytes value,
			      uint64_t now_s, struct token *out)
{
	const struct key_row *row = find(k, kid);
	uint8_t plain[CONTENT_MAX];
	enum token_verdict verdict;
	struct stun_token token;

	if (row == NULL)
		return TOKEN_UNKNOWN_KEY;
	if (now_s < row->from_s || now_s >= row->until_s)
		return TOKEN_KEY_EXPIRED;
	if (stun_attr_get_token(value, &token) != STUN_OK || token.nonce.len != SEAL_NONCE_LEN ||
	    token.block.len < SEAL_TAG_LEN || token.block.len > sizeof(plain) + SEAL_TAG_LEN)
		return TOKEN_MALFORMED;
	if (!seal_get(bytes_of(row->secret, row->secret_len), token.nonce.data, token_keys_name(k),
		      token.block, plain))
		return TOKEN_FORGED;
	verdict = read_content(bytes_of(plain, token.block.len - SEAL_TAG_LEN), now_s, out);
	if (verdict == TOKEN_GOOD)
		out->id = (uint32_t)(row - k->rows);
	OPENSSL_cleanse(plain, sizeof(plain));
	return verdict;
}

void token_wipe(struct token *t)
{
	OPENSSL_cleanse(t, sizeof(*t));
}

size_t token_make(const struct token_keys *k, struct bytes kid, const struct token_content *content,
		  const uint8_t nonce[static SEAL_NONCE_LEN], uint8_t *out, size_t cap)
{
	const struct key_row *row = find(k, kid);
	uint8_t plain[CONTENT_MAX];
	struct wire_out in = wire_write(plain, sizeof(plain));
	struct wire_out w = wire_write(out, cap);
	uint8_t *block;
	bool done;

	if (row == NULL || !is_mac_key_len(content->mac_key.len))
		return 0;
	wire_put_u16(&in, (uint16_t)content->mac_key.len);
	wire_put_mem(&in, content->mac_key.data, content->mac_key.len);
	wire_put_u64(&in, content->timestamp);
	wire_put_u32(&in, content->lifetime_s);
	wire_put_u16(&w, SEAL_NONCE_LEN);
	wire_put_mem(&w, nonce, SEAL_NONCE_LEN);
	block = wire_room(&w, in.len + SEAL_TAG_LEN);
	done = block != NULL && seal_put(bytes_of(row->secret, row->secret_len), nonce,
					 token_keys_name(k), wire_written(&in), block);
	OPENSSL_cleanse(plain, sizeof(plain));
	return done ? w.len : 0;
}

const char *token_why(enum token_verdict verdict)
{
	switch (verdict) {
	case TOKEN_GOOD:
		return "good token";
	case TOKEN_UNKNOWN_KEY:
		return "token of a key that is unknown";
	case TOKEN_KEY_EXPIRED:
		return "token of a key that is not valid now";
	case TOKEN_MALFORMED:
		return "token of a wrong form";
	case TOKEN_FORGED:
		return "token that does not open";
	case TOKEN_BAD_CONTENT:
		return "token without a key in it";
	case TOKEN_EXPIRED:
		return "token that has expired";
	case TOKEN_TOO_EARLY:
		return "token from the future";
	}
	return "token without a verdict";
}
