/* stun: the table of attributes against the RFCs, and names. */
#include "stun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

/* Numbers and names of the IANA registry, lengths of the RFCs; written without stun.h. */
static const struct {
	uint16_t type;
	const char *name;
	uint16_t min_len, max_len;
} registry[] = {
	{ 0x0001, "MAPPED-ADDRESS", 8, 20 },
	{ 0x0002, "RESPONSE-ADDRESS", 8, 20 },
	{ 0x0003, "CHANGE-REQUEST", 4, 4 },
	{ 0x0004, "SOURCE-ADDRESS", 8, 20 },
	{ 0x0005, "CHANGED-ADDRESS", 8, 20 },
	{ 0x0006, "USERNAME", 1, 763 },
	{ 0x0007, "PASSWORD", 0, 65528 },
	{ 0x0008, "MESSAGE-INTEGRITY", 20, 20 },
	{ 0x0009, "ERROR-CODE", 4, 767 },
	{ 0x000a, "UNKNOWN-ATTRIBUTES", 2, 65528 },
	{ 0x000b, "REFLECTED-FROM", 8, 20 },
	{ 0x000c, "CHANNEL-NUMBER", 4, 4 },
	{ 0x000d, "LIFETIME", 4, 4 },
	{ 0x0012, "XOR-PEER-ADDRESS", 8, 20 },
	{ 0x0013, "DATA", 0, 65528 },
	{ 0x0014, "REALM", 0, 763 },
	{ 0x0015, "NONCE", 1, 763 },
	{ 0x0016, "XOR-RELAYED-ADDRESS", 8, 20 },
	{ 0x0017, "REQUESTED-ADDRESS-FAMILY", 4, 4 },
	{ 0x0018, "EVEN-PORT", 1, 1 },
	{ 0x0019, "REQUESTED-TRANSPORT", 4, 4 },
	{ 0x001a, "DONT-FRAGMENT", 0, 0 },
	{ 0x001b, "ACCESS-TOKEN", 2, 65528 },
	{ 0x001c, "MESSAGE-INTEGRITY-SHA256", 16, 32 },
	{ 0x001d, "PASSWORD-ALGORITHM", 4, 65528 },
	{ 0x001e, "USERHASH", 32, 32 },
	{ 0x0020, "XOR-MAPPED-ADDRESS", 8, 20 },
	{ 0x0022, "RESERVATION-TOKEN", 8, 8 },
	{ 0x0024, "PRIORITY", 4, 4 },
	{ 0x0025, "USE-CANDIDATE", 0, 0 },
	{ 0x0026, "PADDING", 0, 65528 },
	{ 0x0027, "RESPONSE-PORT", 4, 4 },
	{ 0x002a, "CONNECTION-ID", 4, 4 },
	{ 0x8000, "ADDITIONAL-ADDRESS-FAMILY", 4, 4 },
	{ 0x8001, "ADDRESS-ERROR-CODE", 4, 767 },
	{ 0x8002, "PASSWORD-ALGORITHMS", 4, 65528 },
	{ 0x8003, "ALTERNATE-DOMAIN", 1, 255 },
	{ 0x8004, "ICMP", 8, 8 },
	{ 0x8022, "SOFTWARE", 0, 763 },
	{ 0x8023, "ALTERNATE-SERVER", 8, 20 },
	{ 0x8027, "CACHE-TIMEOUT", 4, 4 },
	{ 0x8028, "FINGERPRINT", 4, 4 },
	{ 0x8029, "ICE-CONTROLLED", 8, 8 },
	{ 0x802a, "ICE-CONTROLLING", 8, 8 },
	{ 0x802b, "RESPONSE-ORIGIN", 8, 20 },
	{ 0x802c, "OTHER-ADDRESS", 8, 20 },
	{ 0x802e, "THIRD-PARTY-AUTHORIZATION", 0, 763 },
	{ 0x802f, "ORIGIN", 0, 763 },
	{ 0x8030, "MOBILITY-TICKET", 0, 65528 },
};

static void the_table_is_that_of_the_rfcs(void **state)
{
	size_t count;
	const struct stun_attr_info *rows = stun_attr_table(&count);

	assert_int_equal(count, ARRAY_LEN(registry));
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(rows[i].type, registry[i].type);
		assert_string_equal(rows[i].name, registry[i].name);
		assert_int_equal(rows[i].min_len, registry[i].min_len);
		assert_int_equal(rows[i].max_len, registry[i].max_len);
		assert_ptr_equal(stun_attr_info(registry[i].type), &rows[i]);
	}
}

static void types_rise_and_names_differ(void **state)
{
	size_t count;
	const struct stun_attr_info *rows = stun_attr_table(&count);

	for (size_t i = 1; i < count; i++) {
		if (rows[i - 1].type >= rows[i].type)
			fail_msg("%s: out of order", rows[i].name);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(rows[i].name, rows[j].name);
	}
}

static void every_row_makes_sense(void **state)
{
	size_t count;
	const struct stun_attr_info *rows = stun_attr_table(&count);

	for (size_t i = 0; i < count; i++) {
		const struct stun_attr_info *r = &rows[i];
		bool is_right = r->kind < STUN_KINDS && r->min_len <= r->put_max &&
				r->put_max <= r->max_len && r->max_len <= STUN_VALUE_MAX &&
				r->meaning[0] != '\0' && strstr(r->spec, ", section ") != NULL;

		if (!is_right)
			fail_msg("%s: a wrong row", r->name);
	}
}

static void every_row_prints_whole(void **state)
{
	char text[STUN_ATTR_TEXT_MAX];
	size_t count;
	const struct stun_attr_info *rows = stun_attr_table(&count);

	for (size_t i = 0; i < count; i++) {
		(void)stun_attr_print(&rows[i], text);
		assert_non_null(strstr(text, rows[i].name));
		assert_non_null(strstr(text, rows[i].meaning));
		assert_int_equal(text[strlen(text) - 1], ')');
	}
	assert_string_equal(stun_attr_print(stun_attr_info(STUN_ATTR_USERHASH), text),
			    "0x001e  USERHASH                   32        hash of user name and "
			    "realm, instead of USERNAME (RFC 8489, section 14.4)");
}

static void only_known_types_have_a_row(void **state)
{
	size_t found = 0;

	for (uint32_t type = 0; type <= UINT16_MAX; type++) {
		const struct stun_attr_info *info = stun_attr_info((uint16_t)type);
		const char *name = stun_attr_name((uint16_t)type);

		found += info != NULL;
		assert_string_equal(name, info != NULL ? info->name : "unknown attribute");
	}
	assert_int_equal(found, ARRAY_LEN(registry));
	assert_string_equal(stun_attr_name(0x0020), "XOR-MAPPED-ADDRESS");
}

static void half_of_the_types_must_be_understood(void **state)
{
	assert_true(stun_attr_is_required(0));
	assert_true(stun_attr_is_required(0x7fff));
	assert_false(stun_attr_is_required(0x8000));
	assert_false(stun_attr_is_required(0xffff));
}

static void methods_and_classes_have_names(void **state)
{
	static const char *const methods[0x010] = {
		[0x001] = "Binding",
		[0x002] = "Shared Secret",
		[0x003] = "Allocate",
		[0x004] = "Refresh",
		[0x006] = "Send",
		[0x007] = "Data",
		[0x008] = "CreatePermission",
		[0x009] = "ChannelBind",
		[0x00a] = "Connect",
		[0x00b] = "ConnectionBind",
		[0x00c] = "ConnectionAttempt",
	};

	for (uint16_t i = 0; i <= 0xfff; i++) {
		bool is_known = i < ARRAY_LEN(methods) && methods[i] != NULL;

		assert_string_equal(stun_method_name(i), is_known ? methods[i] : "unknown method");
	}
	assert_string_equal(stun_class_name(STUN_REQUEST), "request");
	assert_string_equal(stun_class_name(STUN_INDICATION), "indication");
	assert_string_equal(stun_class_name(STUN_SUCCESS), "success response");
	assert_string_equal(stun_class_name(STUN_ERROR), "error response");
}

static void errors_have_reasons(void **state)
{
	static const uint16_t codes[] = { 300, 400, 401, 403, 405, 420, 437, 438, 440,
					  441, 442, 443, 446, 447, 486, 487, 500, 508 };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		assert_string_not_equal(stun_error_reason(codes[i]), "");
	assert_string_equal(stun_error_reason(401), "Unauthenticated");
	assert_string_equal(stun_error_reason(0), "");
	assert_string_equal(stun_error_reason(499), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_that_of_the_rfcs),
		cmocka_unit_test(types_rise_and_names_differ),
		cmocka_unit_test(every_row_makes_sense),
		cmocka_unit_test(every_row_prints_whole),
		cmocka_unit_test(only_known_types_have_a_row),
		cmocka_unit_test(half_of_the_types_must_be_understood),
		cmocka_unit_test(methods_and_classes_have_names),
		cmocka_unit_test(errors_have_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
