#include "spake2.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "kdf.h"

#define COMPRESSED_LEN 33
#define HALF           16
#define TT_MAX         512

/* RFC 9382, section 6. */
static const uint8_t point_m[COMPRESSED_LEN] = {
	0x02, 0x88, 0x6e, 0x2f, 0x97, 0xac, 0xe4, 0x6e, 0x55, 0xba, 0x9d,
	0xd7, 0x24, 0x25, 0x79, 0xf2, 0x99, 0x3b, 0x64, 0xe1, 0x6e, 0xf3,
	0xdc, 0xab, 0x95, 0xaf, 0xd4, 0x97, 0x33, 0x3d, 0x8f, 0xa1, 0x2f,
};
static const uint8_t point_n[COMPRESSED_LEN] = {
	0x03, 0xd8, 0xbb, 0xd6, 0xc6, 0x39, 0xc6, 0x29, 0x37, 0xb0, 0x4d,
	0x99, 0x7f, 0x38, 0xc3, 0x77, 0x07, 0x19, 0xc6, 0x29, 0xd7, 0x01,
	0x4d, 0x49, 0xa2, 0x4b, 0x4f, 0x98, 0xba, 0xa1, 0x29, 0x2b, 0x49,
};

/* What one computation borrows of libcrypto. */
struct curve {
	EC_GROUP *group;
	BN_CTX *bn;
	EC_POINT *blind; /* w * M or w * N */
	EC_POINT *point;
	BIGNUM *number;
};

static bool curve_open(struct curve *c)
{
	*c = (struct curve){ 0 };
	c->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	c->bn = BN_CTX_secure_new();
	c->number = BN_secure_new();
	if (c->group == NULL || c->bn == NULL || c->number == NULL)
		return false;
	BN_set_flags(c->number, BN_FLG_CONSTTIME);
	c->blind = EC_POINT_new(c->group);
	c->point = EC_POINT_new(c->group);
	return c->blind != NULL && c->point != NULL;
}

static void curve_close(struct curve *c)
{
	EC_POINT_clear_free(c->point);
	EC_POINT_clear_free(c->blind);
	BN_clear_free(c->number);
	BN_CTX_free(c->bn);
	EC_GROUP_free(c->group);
}

static bool set_number(struct curve *c, const uint8_t bytes[static SPAKE2_NUMBER_LEN])
{
	return BN_bin2bn(bytes, SPAKE2_NUMBER_LEN, c->number) != NULL && !BN_is_zero(c->number);
}

/* blind = w * (a ? M : N) */
static bool make_blind(struct curve *c, const struct spake2 *s, bool a)
{
	return EC_POINT_oct2point(c->group, c->point, a ? point_m : point_n, COMPRESSED_LEN,
				  c->bn) == 1 &&
	       set_number(c, s->w) &&
	       EC_POINT_mul(c->group, c->blind, NULL, c->point, c->number, c->bn) == 1;
}

static bool put_point(const struct curve *c, const EC_POINT *p, uint8_t *out)
{
	return EC_POINT_point2oct(c->group, p, POINT_CONVERSION_UNCOMPRESSED, out, SPAKE2_SHARE_LEN,
				  c->bn) == SPAKE2_SHARE_LEN;
}

static bool reduce(const uint8_t *wide, uint8_t *out, struct curve *c, BIGNUM *r)
{
	const BIGNUM *order = EC_GROUP_get0_order(c->group);

	return BN_bin2bn(wide, SPAKE2_WIDE_LEN, c->number) != NULL &&
	       BN_mod(r, c->number, order, c->bn) == 1 && !BN_is_zero(r) &&
	       BN_bn2binpad(r, out, SPAKE2_NUMBER_LEN) == SPAKE2_NUMBER_LEN;
}

bool spake2_number(const uint8_t wide[static SPAKE2_WIDE_LEN],
		   uint8_t out[static SPAKE2_NUMBER_LEN])
{
	struct curve c;
	BIGNUM *r = BN_secure_new();
	bool done = curve_open(&c) && r != NULL && reduce(wide, out, &c, r);

	BN_clear_free(r);
	curve_close(&c);
	return done;
}

static bool make_share(struct curve *c, struct spake2 *s)
{
	return make_blind(c, s, s->is_a) && set_number(c, s->x) &&
	       EC_POINT_mul(c->group, c->point, c->number, NULL, NULL, c->bn) == 1 &&
	       EC_POINT_add(c->group, c->point, c->point, c->blind, c->bn) == 1 &&
	       put_point(c, c->point, s->share);
}

bool spake2_start(struct spake2 *s, bool is_a, const uint8_t w[static SPAKE2_NUMBER_LEN],
		  const uint8_t x[static SPAKE2_NUMBER_LEN])
{
	struct curve c;
	bool done;

	*s = (struct spake2){ .is_a = is_a };
	memcpy(s->w, w, sizeof(s->w));
	memcpy(s->x, x, sizeof(s->x));
	done = curve_open(&c) && make_share(&c, s);
	curve_close(&c);
	return done;
}

/* K = x * (theirs - w * N), or with M. Half the curve's work is checking what came. */
static enum spake2_result make_k(struct curve *c, const struct spake2 *s, const uint8_t *theirs,
				 uint8_t *out)
{
	if (!make_blind(c, s, !s->is_a))
		return SPAKE2_FAILED;
	if (theirs[0] != POINT_CONVERSION_UNCOMPRESSED ||
	    EC_POINT_oct2point(c->group, c->point, theirs, SPAKE2_SHARE_LEN, c->bn) != 1 ||
	    EC_POINT_is_at_infinity(c->group, c->point) == 1)
		return SPAKE2_NO_POINT;
	if (EC_POINT_invert(c->group, c->blind, c->bn) != 1 ||
	    EC_POINT_add(c->group, c->point, c->point, c->blind, c->bn) != 1 ||
	    !set_number(c, s->x) ||
	    EC_POINT_mul(c->group, c->blind, NULL, c->point, c->number, c->bn) != 1)
		return SPAKE2_FAILED;
	if (EC_POINT_is_at_infinity(c->group, c->blind) == 1)
		return SPAKE2_NO_POINT;
	return put_point(c, c->blind, out) ? SPAKE2_OK : SPAKE2_FAILED;
}

static void put_part(struct wire_out *w, const void *data, size_t len)
{
	wire_put_u8(w, (uint8_t)len);
	wire_put_zeros(w, 7); /* of a little-endian length below 256 */
	wire_put_mem(w, data, len);
}

static void put_transcript(struct wire_out *w, const struct spake2 *s,
			   const struct spake2_context *context, const uint8_t *theirs,
			   const uint8_t *k)
{
	put_part(w, context->a.data, context->a.len);
	put_part(w, context->b.data, context->b.len);
	put_part(w, s->is_a ? s->share : theirs, SPAKE2_SHARE_LEN);
	put_part(w, s->is_a ? theirs : s->share, SPAKE2_SHARE_LEN);
	put_part(w, k, SPAKE2_SHARE_LEN);
	put_part(w, s->w, SPAKE2_NUMBER_LEN);
}

static bool derive(const struct spake2 *s, struct bytes transcript, struct bytes aad,
		   struct spake2_keys *out)
{
	uint8_t hash[KDF_LEN], prk[KDF_LEN], confirm[KDF_LEN];
	uint8_t *mac_a = s->is_a ? out->ours : out->theirs;
	uint8_t *mac_b = s->is_a ? out->theirs : out->ours;
	bool done = kdf_hash(transcript, hash) &&
		    kdf_extract((struct bytes){ 0 }, bytes_of(hash + HALF, HALF), prk) &&
		    kdf_expand(prk, "ConfirmationKeys", aad, confirm, sizeof(confirm)) &&
		    kdf_hmac(bytes_of(confirm, HALF), transcript, mac_a) &&
		    kdf_hmac(bytes_of(confirm + HALF, HALF), transcript, mac_b);

	memcpy(out->key, hash, sizeof(out->key));
	OPENSSL_cleanse(hash, sizeof(hash));
	OPENSSL_cleanse(prk, sizeof(prk));
	OPENSSL_cleanse(confirm, sizeof(confirm));
	return done;
}

static bool fits(const struct spake2_context *context)
{
	return context->a.len <= SPAKE2_NAME_MAX && context->b.len <= SPAKE2_NAME_MAX &&
	       context->aad.len <= SPAKE2_NAME_MAX;
}

enum spake2_result spake2_finish(const struct spake2 *s, const struct spake2_context *context,
				 const uint8_t theirs[static SPAKE2_SHARE_LEN],
				 struct spake2_keys *out)
{
	uint8_t k[SPAKE2_SHARE_LEN], transcript[TT_MAX];
	struct wire_out w = wire_write(transcript, sizeof(transcript));
	struct spake2_keys keys;
	struct curve c;
	enum spake2_result result = SPAKE2_FAILED;

	if (curve_open(&c) && fits(context))
		result = make_k(&c, s, theirs, k);
	curve_close(&c);
	if (result == SPAKE2_OK) {
		put_transcript(&w, s, context, theirs, k);
		if (!derive(s, wire_written(&w), context->aad, &keys))
			result = SPAKE2_FAILED;
		else
			*out = keys;
	}
	OPENSSL_cleanse(k, sizeof(k));
	OPENSSL_cleanse(transcript, sizeof(transcript));
	OPENSSL_cleanse(&keys, sizeof(keys));
	return result;
}

bool spake2_is_right(const struct spake2_keys *keys, const uint8_t mac[static SPAKE2_MAC_LEN])
{
	return CRYPTO_memcmp(keys->theirs, mac, SPAKE2_MAC_LEN) == 0;
}
