#include "kdf.h"

#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define INFO_MAX    160
#define BLOCK_SIZE  8
#define STRETCH_MEM (64ull << 20) /* libcrypto refuses to take more */

bool kdf_hash(struct bytes in, uint8_t out[static KDF_LEN])
{
	unsigned int len = 0;

	if (EVP_Digest(in.data, in.len, out, &len, EVP_sha256(), NULL) == 1)
		return true;
	OPENSSL_cleanse(out, KDF_LEN);
	return false;
}

bool kdf_hmac(struct bytes key, struct bytes in, uint8_t out[static KDF_LEN])
{
	static const uint8_t none[1];
	unsigned int len = 0;

	/* A key that is NULL would mean the last one to HMAC(). */
	if (key.len <= INT_MAX && HMAC(EVP_sha256(), key.len > 0 ? key.data : none, (int)key.len,
				       in.data, in.len, out, &len) != NULL)
		return true;
	OPENSSL_cleanse(out, KDF_LEN);
	return false;
}

bool kdf_extract(struct bytes salt, struct bytes secret, uint8_t out[static KDF_LEN])
{
	return kdf_hmac(salt, secret, out);
}

bool kdf_expand(const uint8_t key[static KDF_LEN], const char *label, struct bytes context,
		uint8_t *out, size_t len)
{
	uint8_t info[INFO_MAX + 1], block[KDF_LEN];
	struct wire_out w = wire_write(info, sizeof(info));
	bool done;

	wire_put_mem(&w, label, strlen(label));
	wire_put_mem(&w, context.data, context.len);
	wire_put_u8(&w, 1); /* the first block, and the last one */
	done = !w.failed && len <= sizeof(block) &&
	       kdf_hmac(bytes_of(key, KDF_LEN), wire_written(&w), block);
	if (done)
		memcpy(out, block, len);
	else
		memset(out, 0, len);
	OPENSSL_cleanse(block, sizeof(block));
	return done;
}

bool kdf_stretch(struct bytes secret, struct bytes salt, uint8_t log2_n,
		 uint8_t out[static KDF_STRETCHED])
{
	if (log2_n >= 1 && log2_n <= KDF_STRETCH_LOG &&
	    EVP_PBE_scrypt((const char *)secret.data, secret.len, salt.data, salt.len,
			   1ull << log2_n, BLOCK_SIZE, 1, STRETCH_MEM, out, KDF_STRETCHED) == 1)
		return true;
	OPENSSL_cleanse(out, KDF_STRETCHED);
	return false;
}
