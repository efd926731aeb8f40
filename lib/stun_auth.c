/*
 * The low-level hash functions of libcrypto are deprecated since 3.0, and are used all the
 * same: EVP allocates for each message, even with a key that is prepared.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "stun_auth.h"

#include <assert.h>

#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

#include "crc32.h"

#define BLOCK_LEN       64 /* of SHA-1 and of SHA-256 */
#define ATTR_HEAD_LEN   4
#define FINGERPRINT_LEN 4

static void sha1_save(const SHA_CTX *ctx, uint32_t state[static 5])
{
	state[0] = ctx->h0;
	state[1] = ctx->h1;
	state[2] = ctx->h2;
	state[3] = ctx->h3;
	state[4] = ctx->h4;
}

/* Goes on from a state that has seen one block. */
static void sha1_resume(SHA_CTX *ctx, const uint32_t state[static 5])
{
	SHA1_Init(ctx);
	ctx->h0 = state[0];
	ctx->h1 = state[1];
	ctx->h2 = state[2];
	ctx->h3 = state[3];
	ctx->h4 = state[4];
	ctx->Nl = BLOCK_LEN * 8;
}

static void sha256_resume(SHA256_CTX *ctx, const uint32_t state[static 8])
{
	SHA256_Init(ctx);
	memcpy(ctx->h, state, sizeof(ctx->h));
	ctx->Nl = BLOCK_LEN * 8;
}

/* The first block of HMAC (RFC 2104): the secret, filled up with zeros, XOR `pad`. */
static void fill_block(uint8_t block[static BLOCK_LEN], struct bytes secret, uint8_t pad)
{
	memset(block, pad, BLOCK_LEN);
	for (size_t i = 0; i < secret.len; i++)
		block[i] ^= secret.data[i];
}

static void make_sha1(struct stun_key *out, struct bytes secret)
{
	uint8_t hashed[SHA_DIGEST_LENGTH];
	uint8_t block[BLOCK_LEN];
	SHA_CTX ctx;

	if (secret.len > BLOCK_LEN) {
		SHA1_Init(&ctx);
		SHA1_Update(&ctx, secret.data, secret.len);
		SHA1_Final(hashed, &ctx);
		secret = bytes_of(hashed, sizeof(hashed));
	}
	fill_block(block, secret, 0x36);
	SHA1_Init(&ctx);
	SHA1_Transform(&ctx, block);
	sha1_save(&ctx, out->sha1_inner);

	fill_block(block, secret, 0x5c);
	SHA1_Init(&ctx);
	SHA1_Transform(&ctx, block);
	sha1_save(&ctx, out->sha1_outer);

	OPENSSL_cleanse(hashed, sizeof(hashed));
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}

static void make_sha256(struct stun_key *out, struct bytes secret)
{
	uint8_t hashed[SHA256_DIGEST_LENGTH];
	uint8_t block[BLOCK_LEN];
	SHA256_CTX ctx;

	if (secret.len > BLOCK_LEN) {
		SHA256_Init(&ctx);
		SHA256_Update(&ctx, secret.data, secret.len);
		SHA256_Final(hashed, &ctx);
		secret = bytes_of(hashed, sizeof(hashed));
	}
	fill_block(block, secret, 0x36);
	SHA256_Init(&ctx);
	SHA256_Transform(&ctx, block);
	memcpy(out->sha256_inner, ctx.h, sizeof(ctx.h));

	fill_block(block, secret, 0x5c);
	SHA256_Init(&ctx);
	SHA256_Transform(&ctx, block);
	memcpy(out->sha256_outer, ctx.h, sizeof(ctx.h));

	OPENSSL_cleanse(hashed, sizeof(hashed));
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}

void stun_key_make(struct stun_key *out, struct bytes secret)
{
	make_sha1(out, secret);
	make_sha256(out, secret);
}

void stun_key_wipe(struct stun_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}

static struct bytes without_quotes(struct bytes in)
{
	in = bytes_without_nuls(in);
	if (in.len >= 2 && in.data[0] == '"' && in.data[in.len - 1] == '"')
		return bytes_of(in.data + 1, in.len - 2);
	return in;
}

static void md5_joined(const struct bytes *parts, size_t count, uint8_t out[static 16])
{
	MD5_CTX ctx;

	MD5_Init(&ctx);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			MD5_Update(&ctx, ":", 1);
		MD5_Update(&ctx, parts[i].data, parts[i].len);
	}
	MD5_Final(out, &ctx);
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}

static void sha256_joined(const struct bytes *parts, size_t count, uint8_t out[static 32])
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			SHA256_Update(&ctx, ":", 1);
		SHA256_Update(&ctx, parts[i].data, parts[i].len);
	}
	SHA256_Final(out, &ctx);
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}

size_t stun_secret_long_term(uint16_t algorithm, struct bytes username, struct bytes realm,
			     struct bytes password, uint8_t out[static STUN_SECRET_MAX])
{
	struct bytes parts[] = {
		without_quotes(username),
		without_quotes(realm),
		bytes_without_nuls(password),
	};

	switch (algorithm) {
	case STUN_PASSWORD_MD5:
		md5_joined(parts, ARRAY_LEN(parts), out);
		return MD5_DIGEST_LENGTH;
	case STUN_PASSWORD_SHA256:
		sha256_joined(parts, ARRAY_LEN(parts), out);
		return SHA256_DIGEST_LENGTH;
	default:
		return 0;
	}
}

bool stun_key_long_term(struct stun_key *out, uint16_t algorithm, struct bytes username,
			struct bytes realm, struct bytes password)
{
	uint8_t secret[STUN_SECRET_MAX];
	size_t len = stun_secret_long_term(algorithm, username, realm, password, secret);

	if (len == 0)
		return false;
	stun_key_make(out, bytes_of(secret, len));
	OPENSSL_cleanse(secret, sizeof(secret));
	return true;
}

void stun_userhash(struct bytes username, struct bytes realm, uint8_t out[static STUN_USERHASH_LEN])
{
	struct bytes parts[] = { username, realm };

	sha256_joined(parts, ARRAY_LEN(parts), out);
}

/*
 * What an HMAC covers: the message up to the attribute, as if it ended with that attribute.
 * So the length in its header is made up, and the bytes of the message stay untouched.
 */
struct covered {
	uint8_t head[4]; /* type and length of the message */
	struct bytes rest;
};

static struct covered cover(struct bytes raw, size_t attr_at, size_t value_len)
{
	struct covered c = { .rest = bytes_of(raw.data + sizeof(c.head),
					      attr_at - sizeof(c.head)) };
	size_t end = attr_at + ATTR_HEAD_LEN + value_len;

	memcpy(c.head, raw.data, 2);
	wire_store_u16(c.head + 2, (uint16_t)(end - STUN_HEADER_LEN));
	return c;
}

static void join_sha1(const struct stun_key *key, struct bytes head, struct bytes rest,
		      uint8_t out[static SHA_DIGEST_LENGTH])
{
	SHA_CTX ctx;

	sha1_resume(&ctx, key->sha1_inner);
	SHA1_Update(&ctx, head.data, head.len);
	SHA1_Update(&ctx, rest.data, rest.len);
	SHA1_Final(out, &ctx);
	sha1_resume(&ctx, key->sha1_outer);
	SHA1_Update(&ctx, out, SHA_DIGEST_LENGTH);
	SHA1_Final(out, &ctx);
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}

static void join_sha256(const struct stun_key *key, struct bytes head, struct bytes rest,
			uint8_t out[static SHA256_DIGEST_LENGTH])
{
	SHA256_CTX ctx;

	sha256_resume(&ctx, key->sha256_inner);
	SHA256_Update(&ctx, head.data, head.len);
	SHA256_Update(&ctx, rest.data, rest.len);
	SHA256_Final(out, &ctx);
	sha256_resume(&ctx, key->sha256_outer);
	SHA256_Update(&ctx, out, SHA256_DIGEST_LENGTH);
	SHA256_Final(out, &ctx);
	OPENSSL_cleanse(&ctx, sizeof(ctx));
}

void stun_key_hmac_sha1(const struct stun_key *key, struct bytes in,
			uint8_t out[static STUN_INTEGRITY_LEN])
{
	join_sha1(key, (struct bytes){ 0 }, in, out);
}

void stun_key_hmac_sha256(const struct stun_key *key, struct bytes in,
			  uint8_t out[static STUN_SHA256_FULL])
{
	join_sha256(key, (struct bytes){ 0 }, in, out);
}

static void hmac_sha1(const struct stun_key *key, const struct covered *in,
		      uint8_t out[static SHA_DIGEST_LENGTH])
{
	join_sha1(key, bytes_of(in->head, sizeof(in->head)), in->rest, out);
}

static void hmac_sha256(const struct stun_key *key, const struct covered *in,
			uint8_t out[static SHA256_DIGEST_LENGTH])
{
	join_sha256(key, bytes_of(in->head, sizeof(in->head)), in->rest, out);
}

static struct bytes built(const struct stun_builder *b)
{
	return bytes_of(b->buf, b->len);
}

enum stun_result stun_auth_put_integrity(struct stun_builder *b, const struct stun_key *key)
{
	size_t at = b->len;
	uint8_t *value = stun_build_attr(b, STUN_ATTR_MESSAGE_INTEGRITY, STUN_INTEGRITY_LEN);

	if (value == NULL)
		return STUN_NO_SPACE;
	struct covered c = cover(built(b), at, STUN_INTEGRITY_LEN);
	hmac_sha1(key, &c, value);
	return STUN_OK;
}

static bool is_sha256_len(size_t len)
{
	return len >= STUN_SHA256_MIN && len <= STUN_SHA256_FULL && len % 4 == 0;
}

enum stun_result stun_auth_put_sha256(struct stun_builder *b, const struct stun_key *key,
				      size_t len)
{
	uint8_t hmac[SHA256_DIGEST_LENGTH];
	size_t at = b->len;
	uint8_t *value;

	assert(is_sha256_len(len));
	value = stun_build_attr(b, STUN_ATTR_MESSAGE_INTEGRITY_SHA256, len);
	if (value == NULL)
		return STUN_NO_SPACE;
	struct covered c = cover(built(b), at, len);
	hmac_sha256(key, &c, hmac);
	memcpy(value, hmac, len);
	return STUN_OK;
}

static uint32_t fingerprint(struct bytes before)
{
	return crc32_update(0, before) ^ STUN_FINGERPRINT_MAGIC;
}

enum stun_result stun_auth_put_fingerprint(struct stun_builder *b)
{
	size_t at = b->len;
	uint8_t *value = stun_build_attr(b, STUN_ATTR_FINGERPRINT, FINGERPRINT_LEN);

	if (value == NULL)
		return STUN_NO_SPACE;
	wire_store_u32(value, fingerprint(bytes_of(b->buf, at)));
	return STUN_OK;
}

/* The value of the attribute whose header is at `at`. */
static struct bytes value_at(const struct stun_msg *msg, size_t at)
{
	struct wire in = wire_read(msg->raw);

	wire_skip(&in, at + 2);
	return wire_get_bytes(&in, wire_get_u16(&in));
}

static enum stun_auth_result compare(struct bytes given, const uint8_t *hmac)
{
	return CRYPTO_memcmp(given.data, hmac, given.len) == 0 ? STUN_AUTH_OK : STUN_AUTH_WRONG;
}

enum stun_auth_result stun_auth_check_integrity(const struct stun_msg *msg,
						const struct stun_key *key)
{
	uint8_t hmac[SHA_DIGEST_LENGTH];
	struct bytes given;

	if (msg->integrity == 0)
		return STUN_AUTH_ABSENT;
	given = value_at(msg, msg->integrity);
	if (given.len != STUN_INTEGRITY_LEN)
		return STUN_AUTH_WRONG;
	struct covered c = cover(msg->raw, msg->integrity, given.len);
	hmac_sha1(key, &c, hmac);
	return compare(given, hmac);
}

enum stun_auth_result stun_auth_check_sha256(const struct stun_msg *msg, const struct stun_key *key,
					     size_t min_len)
{
	uint8_t hmac[SHA256_DIGEST_LENGTH];
	struct bytes given;

	assert(is_sha256_len(min_len));
	if (msg->integrity_sha256 == 0)
		return STUN_AUTH_ABSENT;
	given = value_at(msg, msg->integrity_sha256);
	if (given.len < min_len || !is_sha256_len(given.len))
		return STUN_AUTH_WRONG;
	struct covered c = cover(msg->raw, msg->integrity_sha256, given.len);
	hmac_sha256(key, &c, hmac);
	return compare(given, hmac);
}

enum stun_auth_result stun_auth_check(const struct stun_msg *msg, const struct stun_key *key)
{
	if (msg->integrity_sha256 != 0)
		return stun_auth_check_sha256(msg, key, STUN_SHA256_FULL);
	return stun_auth_check_integrity(msg, key);
}

enum stun_auth_result stun_auth_check_fingerprint(const struct stun_msg *msg)
{
	size_t at = msg->fingerprint;
	struct bytes given;

	if (at == 0)
		return STUN_AUTH_ABSENT;
	given = value_at(msg, at);
	if (given.len != FINGERPRINT_LEN || at + ATTR_HEAD_LEN + given.len != msg->raw.len)
		return STUN_AUTH_WRONG;
	struct wire in = wire_read(given);
	bool same = wire_get_u32(&in) == fingerprint(bytes_of(msg->raw.data, at));
	return same ? STUN_AUTH_OK : STUN_AUTH_WRONG;
}
