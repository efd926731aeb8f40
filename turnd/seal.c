#include "seal.h"

#include <assert.h>
#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

bool seal_is_key_len(size_t len)
{
	return len == 16 || len == 32;
}

static EVP_CIPHER_CTX *start(struct bytes key, const uint8_t *nonce, struct bytes aad, int encrypt)
{
	const EVP_CIPHER *cipher = key.len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;

	assert(seal_is_key_len(key.len) && aad.len < INT_MAX);
	if (ctx == NULL)
		return NULL;
	if (EVP_CipherInit_ex(ctx, cipher, NULL, key.data, nonce, encrypt) == 1 &&
	    (aad.len == 0 || EVP_CipherUpdate(ctx, NULL, &len, aad.data, (int)aad.len) == 1))
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

bool seal_put(struct bytes key, const uint8_t nonce[static SEAL_NONCE_LEN], struct bytes aad,
	      struct bytes plain, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = start(key, nonce, aad, 1);
	int len, more;
	bool done;

	assert(plain.len < INT_MAX);
	if (ctx == NULL)
		return false;
	done = EVP_EncryptUpdate(ctx, out, &len, plain.data, (int)plain.len) == 1 &&
	       EVP_EncryptFinal_ex(ctx, out + len, &more) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_LEN, out + plain.len) == 1;
	EVP_CIPHER_CTX_free(ctx); /* wipes what it knows of the key */
	return done;
}

static EVP_CIPHER_CTX *start_siv(const uint8_t key[static SEAL_SIV_KEY_LEN], int encrypt)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-128-SIV", NULL);
	EVP_CIPHER_CTX *ctx = cipher != NULL ? EVP_CIPHER_CTX_new() : NULL;

	if (ctx != NULL && EVP_CipherInit_ex(ctx, cipher, NULL, key, NULL, encrypt) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	EVP_CIPHER_free(cipher); /* the context holds on to it */
	return ctx;
}

bool seal_siv_put(const uint8_t key[static SEAL_SIV_KEY_LEN], struct bytes aad, struct bytes plain,
		  uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = start_siv(key, 1);
	uint8_t *sealed = out + SEAL_TAG_LEN;
	int len;
	bool done = ctx != NULL && EVP_CipherUpdate(ctx, NULL, &len, aad.data, (int)aad.len) == 1 &&
		    EVP_CipherUpdate(ctx, sealed, &len, plain.data, (int)plain.len) == 1 &&
		    EVP_CipherFinal_ex(ctx, sealed + len, &len) == 1 &&
		    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_LEN, out) == 1;

	EVP_CIPHER_CTX_free(ctx);
	return done;
}

bool seal_siv_get(const uint8_t key[static SEAL_SIV_KEY_LEN], struct bytes aad, struct bytes sealed,
		  uint8_t *out)
{
	EVP_CIPHER_CTX *ctx;
	uint8_t tag[SEAL_TAG_LEN];
	size_t plain_len;
	int len;
	bool done;

	if (sealed.len <= SEAL_TAG_LEN || sealed.len > INT_MAX)
		return false;
	plain_len = sealed.len - SEAL_TAG_LEN;
	memcpy(tag, sealed.data, sizeof(tag));
	ctx = start_siv(key, 0);
	done = ctx != NULL &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) == 1 &&
	       EVP_CipherUpdate(ctx, NULL, &len, aad.data, (int)aad.len) == 1 &&
	       EVP_CipherUpdate(ctx, out, &len, sealed.data + SEAL_TAG_LEN, (int)plain_len) == 1 &&
	       EVP_CipherFinal_ex(ctx, out + len, &len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!done)
		OPENSSL_cleanse(out, plain_len);
	return done;
}

bool seal_get(struct bytes key, const uint8_t nonce[static SEAL_NONCE_LEN], struct bytes aad,
	      struct bytes sealed, uint8_t *out)
{
	uint8_t tag[SEAL_TAG_LEN];
	EVP_CIPHER_CTX *ctx;
	size_t plain_len;
	int len, more;
	bool done;

	if (sealed.len < SEAL_TAG_LEN || sealed.len > INT_MAX)
		return false;
	plain_len = sealed.len - SEAL_TAG_LEN;
	memcpy(tag, sealed.data + plain_len, sizeof(tag));
	ctx = start(key, nonce, aad, 0);
	done = ctx != NULL && EVP_DecryptUpdate(ctx, out, &len, sealed.data, (int)plain_len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, sizeof(tag), tag) == 1 &&
	       EVP_DecryptFinal_ex(ctx, out + len, &more) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!done) /* what was decrypted is nobody's word */
		OPENSSL_cleanse(out, plain_len);
	return done;
}
