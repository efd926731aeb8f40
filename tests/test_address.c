/* address: one string that survives being pasted, and says so where it did not. */
#include "natprobe/meet/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

static struct address home(void)
{
	struct address a = {
		.profile = { .paths[0] = { .family = ADDR_IPV4,
					   .local = addr_ipv4(192, 168, 1, 2, 0),
					   .local_prefix_len = 24,
					   .externals = { addr_ipv4(21, 0, 0, 2, 0) },
					   .external_count = 1,
					   .mapping = BEHAVIOUR_ENDPOINT_INDEPENDENT,
					   .filtering = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
					   .delta = DELTA_EQUAL,
					   .background_per_s = -1,
					   .overload = 0.0625,
					   .chance = 0.875,
					   .loss = 0.0625,
					   .rtt_us = 20000 },
			     .path_count = 1 },
		.port = 41000,
		.rendezvous = "https://stun.example.net/",
	};

	for (uint8_t i = 0; i < sizeof(a.public_key); i++)
		a.public_key[i] = (uint8_t)(i * 7);
	return a;
}

static void assert_same(const struct address *a, const struct address *b)
{
	const struct peer_path *x = &a->profile.paths[0], *y = &b->profile.paths[0];

	assert_memory_equal(a->public_key, b->public_key, sizeof(a->public_key));
	assert_int_equal(a->profile.path_count, b->profile.path_count);
	assert_true(addr_equal(&x->local, &y->local));
	assert_true(x->chance == y->chance);
	assert_int_equal(a->port, b->port);
	assert_string_equal(a->rendezvous, b->rendezvous);
	assert_int_equal(a->is_once, b->is_once);
}

static void an_address_comes_back(void **state)
{
	struct address a = home(), back;
	char text[ADDRESS_TEXT_MAX];
	const char *why;

	for (int i = 0; i < 4; i++) {
		size_t len;

		a.is_once = (i & 1) != 0;
		a.port = (i & 2) != 0 ? 0 : 41000;
		len = address_print(&a, text, sizeof(text));
		assert_in_range(len, 1, 255);
		assert_int_equal(len, strlen(text));
		assert_int_equal(strncmp(text, "natkit:", 7), 0);
		assert_int_equal(strspn(text + 7,
					"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					"0123456789-_"),
				 len - 7);
		assert_true(address_parse(text, &back, &why));
		assert_null(why);
		assert_same(&a, &back);
		for (size_t cap = 0; cap <= len; cap++)
			assert_int_equal(address_print(&a, text, cap), 0);
	}
	a.rendezvous[0] = '\0';
	assert_true(address_print(&a, text, sizeof(text)) > 0);
	assert_true(address_parse(text, &back, &why));
	assert_string_equal(back.rendezvous, "");
}

static void white_space_does_not_matter(void **state)
{
	struct address a = home(), back;
	char text[ADDRESS_TEXT_MAX], spaced[3 * ADDRESS_TEXT_MAX] = "\n  ";
	const char *why;
	size_t at = strlen(spaced);

	assert_true(address_print(&a, text, sizeof(text)) > 0);
	for (size_t i = 0; text[i] != '\0'; i++) {
		spaced[at++] = text[i];
		if (i % 5 == 0)
			spaced[at++] = i % 2 == 0 ? '\n' : '\t';
	}
	spaced[at++] = '\r';
	spaced[at] = '\0';
	assert_true(address_parse(spaced, &back, &why));
	assert_same(&a, &back);
	memcpy(text, "NatKit:", 7);
	assert_true(address_parse(text, &back, &why));
}

static void every_slip_is_found(void **state)
{
	struct address a = home(), back;
	char text[ADDRESS_TEXT_MAX], slip[ADDRESS_TEXT_MAX];
	size_t len = address_print(&a, text, sizeof(text));
	const char *why = NULL;

	for (size_t i = 0; i < len; i++) {
		memcpy(slip, text, len + 1);
		slip[i] = slip[i] == 'x' ? 'y' : 'x';
		assert_false(address_parse(slip, &back, &why));
		assert_non_null(why);
		memcpy(slip, text, len + 1);
		memmove(slip + i, slip + i + 1, len - i); /* left out */
		assert_false(address_parse(slip, &back, &why));
		slip[i] = '\0'; /* cut off */
		assert_false(address_parse(slip, &back, &why));
	}
	assert_false(address_parse("", &back, &why));
	assert_false(address_parse("https://example.net/", &back, &why));
	assert_non_null(strstr(why, "natkit:"));
	assert_false(address_parse("natkit:", &back, &why));
	assert_false(address_parse("natkit:AAAA====", &back, &why));
	memset(slip, 'A', sizeof(slip) - 1);
	memcpy(slip, "natkit:", 7);
	slip[sizeof(slip) - 1] = '\0';
	assert_false(address_parse(slip, &back, &why));
}

static void what_does_not_fit_is_not_printed(void **state)
{
	struct address a = home(), back;
	char text[ADDRESS_TEXT_MAX];
	const char *why;

	a.profile.paths[0].mapping = 99;
	assert_true(address_print(&a, text, sizeof(text)) > 0);
	assert_false(address_parse(text, &back, &why)); /* right sum, wrong word */
	a = home();
	memcpy(a.rendezvous, "a b", 4);
	assert_true(address_print(&a, text, sizeof(text)) > 0);
	assert_false(address_parse(text, &back, &why));
	for (uint8_t i = 0; i < PEER_PATHS_MAX; i++) {
		struct peer_path *p = &a.profile.paths[i];

		*p = home().profile.paths[0];
		p->external_count = PEER_EXTERNALS_MAX;
		for (uint8_t j = 0; j < PEER_EXTERNALS_MAX; j++)
			p->externals[j] = (struct addr){ .family = ADDR_IPV6, .ip = { 0x20, j } };
	}
	a.rendezvous[0] = '\0';
	a.profile.path_count = PEER_PATHS_MAX;
	assert_true(address_print(&a, text, sizeof(text)) > 0);
	assert_true(address_parse(text, &back, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_comes_back),
		cmocka_unit_test(white_space_does_not_matter),
		cmocka_unit_test(every_slip_is_found),
		cmocka_unit_test(what_does_not_fit_is_not_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
