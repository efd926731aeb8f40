/* iface_select: which addresses of a host are probed. */
#include "natprobe/net/iface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

/* One row of a host: name, index, address, and flags as letters. */
struct row {
	const char *name;
	uint32_t index;
	const char *ip;
	const char *flags; /* d down, l loopback, t temporary, o deprecated, ? tentative */
};

static const struct row laptop[] = {
	{ "lo", 1, "127.0.0.1", "l" },       { "lo", 1, "::1", "l" },
	{ "eth0", 2, "192.168.1.7", "" },    { "eth0", 2, "fe80::1", "" },
	{ "eth0", 2, "fd00::7", "" },        { "eth0", 2, "2001:db8::aaaa", "o" },
	{ "eth0", 2, "2001:db8::7e", "t" },  { "eth0", 2, "2001:db8::7", "" },
	{ "eth0", 2, "2001:db8::bad", "?" }, { "wlan0", 3, "10.0.0.9", "" },
	{ "wlan0", 3, "10.0.0.10", "" },     { "wlan1", 4, "169.254.3.4", "" },
	{ "usb0", 5, "172.16.0.2", "d" },
};

static const struct iface_filter both = { .ipv4 = true, .ipv6 = true };

static bool has(const struct row *r, char flag)
{
	return strchr(r->flags, flag) != NULL;
}

static size_t make_host(const struct row *rows, size_t count, struct iface_addr *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];

		out[i] = (struct iface_addr){ .index = r->index,
					      .up = !has(r, 'd'),
					      .loopback = has(r, 'l'),
					      .temporary = has(r, 't'),
					      .deprecated = has(r, 'o'),
					      .tentative = has(r, '?') };
		memcpy(out[i].name, r->name, strlen(r->name));
		if (!addr_parse_ip(r->ip, 0, &out[i].addr))
			fail_msg("%s: not an address", r->ip);
	}
	return count;
}

/* Prints a selection as "eth0 192.168.1.7; eth0 2001:db8::7,2001:db8::7e". */
static const char *select_text(const struct row *rows, size_t count,
			       const struct iface_filter *filter, size_t cap)
{
	static char text[1024];
	struct iface_addr host[32];
	struct iface_choice chosen[16];
	size_t n = iface_select(host, make_host(rows, count, host), filter, chosen, cap);
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? "; " : "",
					chosen[i].name);
		for (size_t k = 0; k < chosen[i].candidate_count; k++) {
			char ip[ADDR_TEXT_MAX];

			addr_print_ip(&chosen[i].candidates[k], ip);
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%c%s",
						k > 0 ? ',' : ' ', ip);
		}
	}
	return text;
}

static void one_probe_per_interface_and_family(void **state)
{
	assert_string_equal(
		select_text(laptop, ARRAY_LEN(laptop), &both, 16),
		"eth0 192.168.1.7; eth0 2001:db8::7,2001:db8::7e,fd00::7,2001:db8::aaaa; "
		"wlan0 10.0.0.9,10.0.0.10");
}

static void families_of_an_interface_stay_together(void **state)
{
	static const struct row rows[] = {
		{ "eth0", 2, "192.168.1.7", "" },
		{ "wlan0", 3, "10.0.0.9", "" },
		{ "eth0", 2, "2001:db8::7", "" },
	};

	assert_string_equal(select_text(rows, ARRAY_LEN(rows), &both, 16),
			    "eth0 192.168.1.7; eth0 2001:db8::7; wlan0 10.0.0.9");
}

static void families_can_be_left_out(void **state)
{
	struct iface_filter filter = { .ipv4 = true };

	assert_string_equal(select_text(laptop, ARRAY_LEN(laptop), &filter, 16),
			    "eth0 192.168.1.7; wlan0 10.0.0.9,10.0.0.10");
	filter = (struct iface_filter){ .ipv6 = true };
	assert_string_equal(select_text(laptop, ARRAY_LEN(laptop), &filter, 16),
			    "eth0 2001:db8::7,2001:db8::7e,fd00::7,2001:db8::aaaa");
}

static void names_choose_even_loopback(void **state)
{
	const char *names[] = { "lo", "wlan0" };
	struct iface_filter filter = { names, 2, true, true, false };

	assert_string_equal(select_text(laptop, ARRAY_LEN(laptop), &filter, 16),
			    "lo 127.0.0.1; lo ::1; wlan0 10.0.0.9,10.0.0.10");
}

static void a_named_interface_that_is_down_gives_nothing(void **state)
{
	const char *names[] = { "usb0", "wlan1" };
	struct iface_filter filter = { names, 2, true, true, false };

	assert_string_equal(select_text(laptop, ARRAY_LEN(laptop), &filter, 16), "");
}

static void loopback_stands_in_where_nothing_else_is(void **state)
{
	assert_string_equal(select_text(laptop, 2, &both, 16), "lo 127.0.0.1; lo ::1");
}

static void servers_on_this_host_are_asked_from_loopback(void **state)
{
	struct iface_filter filter = both;

	filter.loopback = true;
	assert_string_equal(select_text(laptop, ARRAY_LEN(laptop), &filter, 16),
			    "lo 127.0.0.1; lo ::1");
}

static void more_than_fits_is_left_out(void **state)
{
	assert_string_equal(select_text(laptop, ARRAY_LEN(laptop), &both, 1), "eth0 192.168.1.7");
	assert_string_equal(select_text(laptop, ARRAY_LEN(laptop), &both, 0), "");
}

static void the_best_candidates_are_kept(void **state)
{
	struct row rows[IFACE_CANDIDATES + 2];
	struct iface_addr host[ARRAY_LEN(rows)];
	struct iface_choice chosen;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		rows[i] = (struct row){ "eth0", 2, "10.0.0.1", "" };
	rows[IFACE_CANDIDATES + 1].ip = "192.0.2.1";
	make_host(rows, ARRAY_LEN(rows), host);
	for (size_t i = 0; i < IFACE_CANDIDATES + 1; i++)
		host[i].addr.ip[3] = (uint8_t)(i + 1);

	assert_int_equal(iface_select(host, ARRAY_LEN(rows), &both, &chosen, 1), 1);
	assert_int_equal(chosen.candidate_count, IFACE_CANDIDATES);
	assert_int_equal(chosen.candidates[0].ip[0], 192);
	assert_int_equal(chosen.candidates[1].ip[3], 1);
	assert_int_equal(chosen.candidates[IFACE_CANDIDATES - 1].ip[3], IFACE_CANDIDATES - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_probe_per_interface_and_family),
		cmocka_unit_test(families_of_an_interface_stay_together),
		cmocka_unit_test(families_can_be_left_out),
		cmocka_unit_test(names_choose_even_loopback),
		cmocka_unit_test(a_named_interface_that_is_down_gives_nothing),
		cmocka_unit_test(loopback_stands_in_where_nothing_else_is),
		cmocka_unit_test(servers_on_this_host_are_asked_from_loopback),
		cmocka_unit_test(more_than_fits_is_left_out),
		cmocka_unit_test(the_best_candidates_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
