#include "stun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

/* Every type that stun.h names. */
static const uint16_t all_types[] = {
	STUN_ATTR_MAPPED_ADDRESS,
	STUN_ATTR_RESPONSE_ADDRESS,
	STUN_ATTR_CHANGE_REQUEST,
	STUN_ATTR_SOURCE_ADDRESS,
	STUN_ATTR_CHANGED_ADDRESS,
	STUN_ATTR_USERNAME,
	STUN_ATTR_PASSWORD,
	STUN_ATTR_MESSAGE_INTEGRITY,
	STUN_ATTR_ERROR_CODE,
	STUN_ATTR_UNKNOWN_ATTRIBUTES,
	STUN_ATTR_REFLECTED_FROM,
	STUN_ATTR_CHANNEL_NUMBER,
	STUN_ATTR_LIFETIME,
	STUN_ATTR_XOR_PEER_ADDRESS,
	STUN_ATTR_DATA,
	STUN_ATTR_REALM,
	STUN_ATTR_NONCE,
	STUN_ATTR_XOR_RELAYED_ADDRESS,
	STUN_ATTR_REQUESTED_ADDRESS_FAMILY,
	STUN_ATTR_EVEN_PORT,
	STUN_ATTR_REQUESTED_TRANSPORT,
	STUN_ATTR_DONT_FRAGMENT,
	STUN_ATTR_ACCESS_TOKEN,
	STUN_ATTR_MESSAGE_INTEGRITY_SHA256,
	STUN_ATTR_PASSWORD_ALGORITHM,
	STUN_ATTR_USERHASH,
	STUN_ATTR_XOR_MAPPED_ADDRESS,
	STUN_ATTR_RESERVATION_TOKEN,
	STUN_ATTR_PRIORITY,
	STUN_ATTR_USE_CANDIDATE,
	STUN_ATTR_PADDING,
	STUN_ATTR_RESPONSE_PORT,
	STUN_ATTR_CONNECTION_ID,
	STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY,
	STUN_ATTR_ADDRESS_ERROR_CODE,
	STUN_ATTR_PASSWORD_ALGORITHMS,
	STUN_ATTR_ALTERNATE_DOMAIN,
	STUN_ATTR_ICMP,
	STUN_ATTR_SOFTWARE,
	STUN_ATTR_ALTERNATE_SERVER,
	STUN_ATTR_CACHE_TIMEOUT,
	STUN_ATTR_FINGERPRINT,
	STUN_ATTR_ICE_CONTROLLED,
	STUN_ATTR_ICE_CONTROLLING,
	STUN_ATTR_RESPONSE_ORIGIN,
	STUN_ATTR_OTHER_ADDRESS,
	STUN_ATTR_THIRD_PARTY_AUTHORIZATION,
	STUN_ATTR_ORIGIN,
	STUN_ATTR_MOBILITY_TICKET,
};

static void the_table_is_complete(void **state)
{
	size_t count;

	(void)stun_attr_table(&count);
	assert_int_equal(count, ARRAY_LEN(all_types));
	for (size_t i = 0; i < ARRAY_LEN(all_types); i++) {
		const struct stun_attr_info *info = stun_attr_info(all_types[i]);

		if (info == NULL)
			fail_msg("0x%04x: no row", all_types[i]);
		assert_int_equal(info->type, all_types[i]);
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
	assert_int_equal(found, ARRAY_LEN(all_types));
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
	assert_string_equal(stun_method_name(STUN_BINDING), "Binding");
	assert_string_equal(stun_method_name(TURN_ALLOCATE), "Allocate");
	assert_string_equal(stun_method_name(TURN_CONNECTION_ATTEMPT), "ConnectionAttempt");
	assert_string_equal(stun_method_name(0), "unknown method");
	assert_string_equal(stun_method_name(0xfff), "unknown method");
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
		cmocka_unit_test(the_table_is_complete),
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
