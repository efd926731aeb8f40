#include "meet_seal.h"

#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define NONCE_LEN 12

bool meet_seal_root(const char *label, struct bytes secret, struct bytes context,
		    uint8_t root[static KDF_LEN])
{
	uint8_t prk[KDF_LEN];
	bool done = kdf_extract(bytes_of_str(label), secret, prk) &&
		    kdf_expand(prk, "root", context, root, KDF_LEN);

	OPENSSL_cleanse(prk, sizeof(prk));
	return done;
}

bool meet_seal_way(const uint8_t root[static KDF_LEN], bool from_a, struct bytes salt,
		   struct meet_way *out)
{
	return kdf_expand(root, from_a ? "key of a" : "key of b", salt, out->key, KDF_LEN) &&
	       kdf_expand(root, from_a ? "tag of a" : "tag of b", (struct bytes){ 0 }, out->tag,
			  MEET_TAG_LEN);
}

static EVP_CIPHER_CTX *start(const struct meet_way *way, uint64_t counter, struct bytes aad,
			     int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nonce[NONCE_LEN];
	struct wire_out w = wire_write(nonce, sizeof(nonce));
	int len;

	wire_put_zeros(&w, NONCE_LEN - 8);
	wire_put_u64(&w, counter);
	if (ctx != NULL && aad.len < INT_MAX &&
	    EVP_CipherInit_ex(ctx, EVP_chacha20_poly1305(), NULL, way->key, nonce, encrypt) == 1 &&
	    (aad.len == 0 || EVP_CipherUpdate(ctx, NULL, &len, aad.data, (int)aad.len) == 1))
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

bool meet_seal_put(const struct meet_way *way, uint64_t counter, struct bytes aad,
		   struct bytes plain, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = start(way, counter, aad, 1);
	int len, more;
	bool done = ctx != NULL && plain.len < INT_MAX &&
		    EVP_EncryptUpdate(ctx, out, &len, plain.data, (int)plain.len) == 1 &&
		    EVP_EncryptFinal_ex(ctx, out + len, &more) == 1 &&
		    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, MEET_SEAL_MORE,
					out + plain.len) == 1;

	EVP_CIPHER_CTX_free(ctx); /* wipes what it knows of the key */
	return done;
}

bool meet_seal_get(const struct meet_way *way, uint64_t counter, struct bytes aad,
		   struct bytes sealed, uint8_t *out)
{
	uint8_t tag[MEET_SEAL_MORE];
	EVP_CIPHER_CTX *ctx;
	size_t plain_len;
	int len, more;
	bool done;

	if (sealed.len < MEET_SEAL_MORE || sealed.len > INT_MAX)
		return false;
	plain_len = sealed.len - MEET_SEAL_MORE;
	memcpy(tag, sealed.data + plain_len, sizeof(tag));
	ctx = start(way, counter, aad, 0);
	done = ctx != NULL && EVP_DecryptUpdate(ctx, out, &len, sealed.data, (int)plain_len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, MEET_SEAL_MORE, tag) == 1 &&
	       EVP_DecryptFinal_ex(ctx, out + len, &more) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!done) /* what was decrypted is nobody's word */
		OPENSSL_cleanse(out, plain_len);
	return done;
}

bool meet_curve_public(const uint8_t private_key[static MEET_CURVE_LEN],
		       uint8_t out[static MEET_CURVE_LEN])
{
	EVP_PKEY *key =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, MEET_CURVE_LEN);
	size_t len = MEET_CURVE_LEN;
	bool done = key != NULL && EVP_PKEY_get_raw_public_key(key, out, &len) == 1;

	EVP_PKEY_free(key);
	return done && len == MEET_CURVE_LEN;
}

static bool share(EVP_PKEY *ours, EVP_PKEY *theirs, uint8_t *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ours, NULL);
	size_t len = MEET_CURVE_LEN;
	bool done = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
		    EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
		    EVP_PKEY_derive(ctx, out, &len) == 1;

	EVP_PKEY_CTX_free(ctx);
	return done && len == MEET_CURVE_LEN;
}

bool meet_curve_share(const uint8_t private_key[static MEET_CURVE_LEN],
		      const uint8_t public_key[static MEET_CURVE_LEN],
		      uint8_t out[static MEET_CURVE_LEN])
{
	EVP_PKEY *ours =
		EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, MEET_CURVE_LEN);
	EVP_PKEY *theirs =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public_key, MEET_CURVE_LEN);
	bool done = ours != NULL && theirs != NULL && share(ours, theirs, out);

	EVP_PKEY_free(theirs);
	EVP_PKEY_free(ours);
	return done;
}
