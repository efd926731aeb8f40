/* kdf and meet_seal: vectors of their RFCs, and that each key opens what it sealed and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "natprobe/meet/meet_seal.h"

static void assert_hex(const uint8_t *got, const char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; text[2 * i] != 0; i++) {
		assert_int_equal(digits[got[i] >> 4], text[2 * i]);
		assert_int_equal(digits[got[i] & 15], text[2 * i + 1]);
	}
}

/* RFC 5869, A.1 and A.3. Our info is a label and a context, one behind the other. */
static void derives_as_the_rfc_does(void **state)
{
	uint8_t secret[22], salt[13], prk[KDF_LEN], out[KDF_LEN];

	memset(secret, 0x0b, sizeof(secret));
	for (uint8_t i = 0; i < sizeof(salt); i++)
		salt[i] = i;
	assert_true(
		kdf_extract(bytes_of(salt, sizeof(salt)), bytes_of(secret, sizeof(secret)), prk));
	assert_hex(prk, "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
	assert_true(
		kdf_expand(prk, "\xf0\xf1\xf2", BYTES("\xf3\xf4\xf5\xf6\xf7\xf8\xf9"), out, 32));
	assert_hex(out, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");

	assert_true(kdf_extract((struct bytes){ 0 }, bytes_of(secret, sizeof(secret)), prk));
	assert_hex(prk, "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
	assert_true(kdf_expand(prk, "", (struct bytes){ 0 }, out, 32));
	assert_hex(out, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

static void derives_nothing_that_is_too_long(void **state)
{
	uint8_t key[KDF_LEN] = { 1 }, out[2 * KDF_LEN] = { 7 }, context[200] = { 0 };

	assert_false(kdf_expand(key, "label", (struct bytes){ 0 }, out, sizeof(out)));
	assert_int_equal(out[0], 0);
	assert_false(kdf_expand(key, "label", bytes_of(context, sizeof(context)), out, 32));
	assert_false(kdf_stretch(BYTES("secret"), BYTES("salt"), KDF_STRETCH_LOG + 1, out));
	assert_false(kdf_stretch(BYTES("secret"), BYTES("salt"), 0, out));
}

/* RFC 7914, section 12, has r = 8, p = 1 with N = 16384. */
static void stretches_as_the_rfc_does(void **state)
{
	uint8_t out[KDF_STRETCHED];

	assert_true(kdf_stretch(BYTES("pleaseletmein"), BYTES("SodiumChloride"), 14, out));
	assert_hex(out, "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
			"d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
}

static struct meet_way way_of(const char *secret, bool from_a, struct bytes salt)
{
	uint8_t root[KDF_LEN];
	struct meet_way way;

	assert_true(meet_seal_root("label", bytes_of_str(secret), BYTES("context"), root));
	assert_true(meet_seal_way(root, from_a, salt, &way));
	return way;
}

static void opens_what_it_sealed_alone(void **state)
{
	struct bytes none = { 0 }, plain = BYTES("a message"), aad = BYTES("head");
	struct meet_way a = way_of("secret", true, none), b = way_of("secret", false, none);
	struct meet_way salted = way_of("secret", true, BYTES("salt"));
	struct meet_way other = way_of("Secret", true, none);
	uint8_t sealed[64], out[64], zeros[64] = { 0 };
	struct bytes whole = bytes_of(sealed, plain.len + MEET_SEAL_MORE);

	assert_true(meet_seal_put(&a, 7, aad, plain, sealed));
	assert_true(meet_seal_get(&a, 7, aad, whole, out));
	assert_memory_equal(out, plain.data, plain.len);

	assert_false(meet_seal_get(&a, 8, aad, whole, out));
	assert_memory_equal(out, zeros, plain.len);
	assert_false(meet_seal_get(&a, 7, BYTES("Head"), whole, out));
	assert_false(meet_seal_get(&b, 7, aad, whole, out));
	assert_false(meet_seal_get(&salted, 7, aad, whole, out));
	assert_false(meet_seal_get(&other, 7, aad, whole, out));
	for (size_t i = 0; i < whole.len; i++) {
		sealed[i] ^= 0x40;
		assert_false(meet_seal_get(&a, 7, aad, whole, out));
		sealed[i] ^= 0x40;
		assert_false(meet_seal_get(&a, 7, aad, bytes_of(sealed, i), out));
	}
	assert_memory_not_equal(a.tag, b.tag, MEET_TAG_LEN);
	assert_memory_equal(a.tag, salted.tag, MEET_TAG_LEN); /* one looks for it before the salt */
}

/* RFC 7748, section 6.1. */
static void shares_as_the_rfc_does(void **state)
{
	static const uint8_t a[MEET_CURVE_LEN] = {
		0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1,
		0x72, 0x51, 0xb2, 0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0,
		0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a,
	};
	uint8_t b[MEET_CURVE_LEN] = { 5 }, public_a[MEET_CURVE_LEN], public_b[MEET_CURVE_LEN];
	uint8_t of_a[MEET_CURVE_LEN], of_b[MEET_CURVE_LEN];

	assert_true(meet_curve_public(a, public_a));
	assert_hex(public_a, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
	assert_true(meet_curve_public(b, public_b));
	assert_true(meet_curve_share(a, public_b, of_a));
	assert_true(meet_curve_share(b, public_a, of_b));
	assert_memory_equal(of_a, of_b, MEET_CURVE_LEN);
}

static void shares_nothing_with_a_point_of_small_order(void **state)
{
	uint8_t key[MEET_CURVE_LEN] = { 5 }, zero[MEET_CURVE_LEN] = { 0 }, out[MEET_CURVE_LEN];
	uint8_t one[MEET_CURVE_LEN] = { 1 };

	assert_false(meet_curve_share(key, zero, out));
	assert_false(meet_curve_share(key, one, out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derives_as_the_rfc_does),
		cmocka_unit_test(derives_nothing_that_is_too_long),
		cmocka_unit_test(stretches_as_the_rfc_does),
		cmocka_unit_test(opens_what_it_sealed_alone),
		cmocka_unit_test(shares_as_the_rfc_does),
		cmocka_unit_test(shares_nothing_with_a_point_of_small_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
