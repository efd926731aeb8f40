/* spake2: the vectors of RFC 9382, Appendix B; what is no point; who does not know the password. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "natprobe/meet/spake2.h"

struct vector {
	const char *a, *b, *w, *x, *y, *pa, *pb, *ke, *mac_a, *mac_b;
};

static const struct vector vectors[] = {
	{
		.a = "server",
		.b = "client",
		.w = "2ee57912099d31560b3a44b1184b9b4866e904c49d12ac5042c97dca461b1a5f",
		.x = "43dd0fd7215bdcb482879fca3220c6a968e66d70b1356cac18bb26c84a78d729",
		.y = "dcb60106f276b02606d8ef0a328c02e4b629f84f89786af5befb0bc75b6e66be",
		.pa = "04a56fa807caaa53a4d28dbb9853b9815c61a411118a6fe516a8798434751470"
		      "f9010153ac33d0d5f2047ffdb1a3e42c9b4e6be662766e1eeb4116988ede5f91"
		      "2c",
		.pb = "0406557e482bd03097ad0cbaa5df82115460d951e3451962f1eaf4367a420676"
		      "d09857ccbc522686c83d1852abfa8ed6e4a1155cf8f1543ceca528afb591a1e0"
		      "b7",
		.ke = "0e0672dc86f8e45565d338b0540abe69",
		.mac_a = "58ad4aa88e0b60d5061eb6b5dd93e80d9c4f00d127c65b3b35b1b5281fee38f0",
		.mac_b = "d3e2e547f1ae04f2dbdbf0fc4b79f8ecff2dff314b5d32fe9fcef2fb26dc459b",
	},
	{
		.a = "",
		.b = "client",
		.w = "0548d8729f730589e579b0475a582c1608138ddf7054b73b5381c7e883e2efae",
		.x = "403abbe3b1b4b9ba17e3032849759d723939a27a27b9d921c500edde18ed654b",
		.y = "903023b6598908936ea7c929bd761af6039577a9c3f9581064187c3049d87065",
		.pa = "04a897b769e681c62ac1c2357319a3d363f610839c4477720d24cbe32f5fd85f"
		      "44fb92ba966578c1b712be6962498834078262caa5b441ecfa9d4a9485720e91"
		      "8a",
		.pb = "04e0f816fd1c35e22065d5556215c097e799390d16661c386e0ecc84593974a6"
		      "1b881a8c82327687d0501862970c64565560cb5671f696048050ca66ca5f8cc7"
		      "fc",
		.ke = "642f05c473c2cd79909f9a841e2f30a7",
		.mac_a = "47d29e6666af1b7dd450d571233085d7a9866e4d49d2645e2df975489521232b",
		.mac_b = "3313c5cefc361d27fb16847a91c2a73b766ffa90a4839122a9b70a2f6bd1d6df",
	},
	{
		.a = "server",
		.b = "",
		.w = "626e0cdc7b14c9db3e52a0b1b3a768c98e37852d5db30febe0497b14eae8c254",
		.x = "07adb3db6bc623d3399726bfdbfd3d15a58ea776ab8a308b00392621291f9633",
		.y = "b6a4fc8dbb629d4ba51d6f91ed1532cf87adec98f25dd153a75accafafedec16",
		.pa = "04f88fb71c99bfffaea370966b7eb99cd4be0ff1a7d335caac4211c4afd855e2"
		      "e15a873b298503ad8ba1d9cbb9a392d2ba309b48bfd7879aefd0f2cea6009763"
		      "b0",
		.pb = "040c269d6be017dccb15182ac6bfcd9e2a14de019dd587eaf4bdfd353f031101"
		      "e7cca177f8eb362a6e83e7d5e729c0732e1b528879c086f39ba0f31a9661bd34"
		      "db",
		.ke = "005184ff460da2ce59062c87733c299c",
		.mac_a = "bc9f9bbe99f26d0b2260e6456e05a86196a3307ec6663a18bf6ac825736533b2",
		.mac_b = "c2370e1bf813b086dff0d834e74425a06e6390f48f5411900276dcccc5a297ec",
	},
	{
		.a = "",
		.b = "",
		.w = "7bf46c454b4c1b25799527d896508afd5fc62ef4ec59db1efb49113063d70cca",
		.x = "8cef65df64bb2d0f83540c53632de911b5b24b3eab6cc74a97609fd659e95473",
		.y = "d7a66f64074a84652d8d623a92e20c9675c61cb5b4f6a0063e4648a2fdc02d53",
		.pa = "04a65b367a3f613cf9f0654b1b28a1e3a8a40387956c8ba6063e8658563890f4"
		      "6ca1ef6a676598889fc28de2950ab8120b79a5ef1ea4c9f44bc98f585634b46d"
		      "66",
		.pb = "04589f13218822710d98d8b2123a079041052d9941b9cf88c6617ddb2fcc0494"
		      "662eea8ba6b64692dc318250030c6af045cb738bc81ba35b043c3dcb46adf6f5"
		      "8d",
		.ke = "fc6374762ba5cf11f4b2caa08b2cd1b9",
		.mac_a = "dfb4db8d48ae5a675963ea5e6c19d98d4ea028d8e898dad96ea19a80ade95dca",
		.mac_b = "d0f0609d1613138d354f7e95f19fb556bf52d751947241e8c7118df5ef0ae175",
	},
};

static uint8_t nibble(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void unhex(const char *text, uint8_t *out, size_t len)
{
	assert_int_equal(strlen(text), 2 * len);
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
}

static void assert_hex(const uint8_t *got, const char *text)
{
	uint8_t want[SPAKE2_SHARE_LEN];

	unhex(text, want, strlen(text) / 2);
	assert_memory_equal(got, want, strlen(text) / 2);
}

static void start(struct spake2 *s, const struct vector *v, bool is_a)
{
	uint8_t w[SPAKE2_NUMBER_LEN], x[SPAKE2_NUMBER_LEN];

	unhex(v->w, w, sizeof(w));
	unhex(is_a ? v->x : v->y, x, sizeof(x));
	assert_true(spake2_start(s, is_a, w, x));
	assert_hex(s->share, is_a ? v->pa : v->pb);
}

static enum spake2_result finish(const struct spake2 *s, const struct vector *v,
				 const uint8_t *theirs, struct spake2_keys *out)
{
	struct spake2_context context = { bytes_of_str(v->a), bytes_of_str(v->b), { 0 } };

	return spake2_finish(s, &context, theirs, out);
}

static void agrees_with_the_rfc(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct spake2 a, b;
		struct spake2_keys of_a, of_b;

		start(&a, v, true);
		start(&b, v, false);
		assert_int_equal(finish(&a, v, b.share, &of_a), SPAKE2_OK);
		assert_int_equal(finish(&b, v, a.share, &of_b), SPAKE2_OK);
		assert_hex(of_a.key, v->ke);
		assert_hex(of_b.key, v->ke);
		assert_hex(of_a.ours, v->mac_a);
		assert_hex(of_a.theirs, v->mac_b);
		assert_true(spake2_is_right(&of_a, of_b.ours));
		assert_true(spake2_is_right(&of_b, of_a.ours));
		assert_false(spake2_is_right(&of_a, of_a.ours));
	}
}

static void refuses_what_is_no_point(void **state)
{
	const struct vector *v = &vectors[0];
	static const uint8_t identity[SPAKE2_SHARE_LEN];
	uint8_t share[SPAKE2_SHARE_LEN];
	struct spake2_keys keys = { .key = { 7 } };
	struct spake2 a, b;

	start(&a, v, true);
	start(&b, v, false);
	assert_int_equal(finish(&a, v, identity, &keys), SPAKE2_NO_POINT);
	memcpy(share, b.share, sizeof(share));
	share[64] ^= 1; /* beside the curve */
	assert_int_equal(finish(&a, v, share, &keys), SPAKE2_NO_POINT);
	memcpy(share, b.share, sizeof(share));
	share[0] = 2; /* says that it is compressed */
	assert_int_equal(finish(&a, v, share, &keys), SPAKE2_NO_POINT);
	share[0] = 6; /* the hybrid form */
	assert_int_equal(finish(&a, v, share, &keys), SPAKE2_NO_POINT);
	memset(share + 1, 0xff, sizeof(share) - 1); /* beyond the field */
	share[0] = 4;
	assert_int_equal(finish(&a, v, share, &keys), SPAKE2_NO_POINT);
	assert_int_equal(keys.key[0], 7);
}

/* Whoever sends w * N itself would know K without knowing a number. */
static void refuses_a_key_that_is_the_identity(void **state)
{
	uint8_t one[SPAKE2_NUMBER_LEN] = { [31] = 1 }, two[SPAKE2_NUMBER_LEN] = { [31] = 2 };
	struct spake2 s, minus;
	struct spake2_keys keys;

	assert_true(spake2_start(&s, true, one, two));
	assert_true(spake2_start(&minus, false, one, one)); /* P + N */
	assert_int_equal(finish(&s, &vectors[0], minus.share, &keys), SPAKE2_OK);
	/* N itself: K would be 0 */
	unhex("04d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49"
	      "07d60aa6bfade45008a636337f5168c64d9bd36034808cd564490b1e656edbe7",
	      minus.share, sizeof(minus.share));
	assert_int_equal(finish(&s, &vectors[0], minus.share, &keys), SPAKE2_NO_POINT);
}

static void tells_another_password(void **state)
{
	struct spake2_keys of_a, of_b;
	struct spake2 a, b;
	struct vector other = vectors[0];

	other.w = vectors[1].w;
	other.pa = vectors[0].pa;
	start(&a, &vectors[0], true);
	{
		uint8_t w[SPAKE2_NUMBER_LEN], y[SPAKE2_NUMBER_LEN];

		unhex(other.w, w, sizeof(w));
		unhex(other.y, y, sizeof(y));
		assert_true(spake2_start(&b, false, w, y));
	}
	assert_int_equal(finish(&a, &vectors[0], b.share, &of_a), SPAKE2_OK);
	assert_int_equal(finish(&b, &vectors[0], a.share, &of_b), SPAKE2_OK);
	assert_false(spake2_is_right(&of_a, of_b.ours));
	assert_false(spake2_is_right(&of_b, of_a.ours));
}

static void binds_names_and_context(void **state)
{
	struct spake2_context context = { BYTES("server"), BYTES("client"), BYTES("topic") };
	struct spake2_keys of_a, of_b;
	struct spake2 a, b;

	start(&a, &vectors[0], true);
	start(&b, &vectors[0], false);
	assert_int_equal(spake2_finish(&a, &context, b.share, &of_a), SPAKE2_OK);
	assert_int_equal(finish(&b, &vectors[0], a.share, &of_b), SPAKE2_OK);
	assert_false(spake2_is_right(&of_b, of_a.ours));
	context.aad = BYTES("");
	context.b = BYTES("clienT");
	assert_int_equal(spake2_finish(&a, &context, b.share, &of_a), SPAKE2_OK);
	assert_false(spake2_is_right(&of_b, of_a.ours));
}

static void reduces_numbers(void **state)
{
	uint8_t wide[SPAKE2_WIDE_LEN] = { 0 }, out[SPAKE2_NUMBER_LEN];

	assert_false(spake2_number(wide, out)); /* zero is none */
	/* the order of the group, and 5 */
	unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632556", wide + 16, 32);
	assert_true(spake2_number(wide, out));
	assert_hex(out, "0000000000000000000000000000000000000000000000000000000000000005");
	wide[47] = 0x51;
	assert_false(spake2_number(wide, out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_rfc),
		cmocka_unit_test(refuses_what_is_no_point),
		cmocka_unit_test(refuses_a_key_that_is_the_identity),
		cmocka_unit_test(tells_another_password),
		cmocka_unit_test(binds_names_and_context),
		cmocka_unit_test(reduces_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
