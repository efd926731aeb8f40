/* natprobe map: ports as the user writes them; what is wrong with a lease, and what helps. */
#include "natprobe/map/map_options.h"
#include "natprobe/map/map_report.h"
#include "natprobe/reach/reach_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void ports_are_read(void **state)
{
	static const struct {
		const char *text;
		uint16_t port; /* 0: refused */
		bool udp, tcp;
	} cases[] = {
		{ "4900/udp", 4900, true, false }, { "4900/tcp", 4900, false, true },
		{ "4900", 4900, true, true },      { "1/udp", 1, true, false },
		{ "65535", 65535, true, true },    { "65536", 0, false, false },
		{ "0/udp", 0, false, false },      { "", 0, false, false },
		{ "-1", 0, false, false },         { " 1", 0, false, false },
		{ "4900/sctp", 0, false, false },  { "4900/", 0, false, false },
		{ "4900udp", 0, false, false },    { "99999999999999999999", 0, false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct map_port p = { 0 };
		bool ok = map_port_read(cases[i].text, &p);

		if (ok != (cases[i].port != 0))
			fail_msg("%s: %s", cases[i].text, ok ? "read" : "refused");
		if (ok &&
		    (p.port != cases[i].port || p.udp != cases[i].udp || p.tcp != cases[i].tcp))
			fail_msg("%s: something else", cases[i].text);
	}
}

static void options_are_sound(void **state)
{
	struct map_options map;
	struct reach_options reach;
	struct opt_error err;

	assert_true(opt_defaults(&map_program, &map, &err));
	assert_int_equal(map.lifetime_ms, 7200000);
	assert_true(map.compare);
	opt_clear(&map_program, &map);
	assert_true(opt_defaults(&reach_program, &reach, &err));
	opt_clear(&reach_program, &reach);
}

static struct map_row row_of(uint8_t lease_state)
{
	struct map_row row = { .device = "eth0" };

	row.lease.state = lease_state;
	row.lease.config.transport = PORTMAP_UDP;
	row.lease.config.internal = addr_ipv4(192, 168, 1, 2, 4900);
	row.lease.config.gateway = addr_ipv4(192, 168, 1, 1, 5351);
	row.lease.grant.external = addr_ipv4(84, 20, 3, 2, 4900);
	row.lease.grant.lifetime_s = 7200;
	return row;
}

static void assert_says(const struct map_row *row, const char *problem, const char *remedy)
{
	char buf[MAP_TEXT_MAX];

	if (strstr(map_row_problem(row, buf), problem) == NULL)
		fail_msg("\"%s\" is not in: %s", problem, map_row_problem(row, buf));
	if (strstr(map_row_remedy(row, buf), remedy) == NULL)
		fail_msg("\"%s\" is not in: %s", remedy, map_row_remedy(row, buf));
}

static void an_address_that_is_not_public_is_told(void **state)
{
	struct map_row row = row_of(LEASE_HELD);
	char buf[MAP_TEXT_MAX];

	assert_string_equal(map_row_problem(&row, buf), "");
	row.lease.grant.external = addr_ipv4(10, 0, 0, 2, 4900);
	assert_says(&row, "double NAT", "in front");
	row.lease.grant.external = addr_ipv4(100, 64, 0, 2, 4900);
	assert_says(&row, "CGN", "provider");
	row.lease.grant.external = addr_ipv4(84, 20, 3, 2, 4900);
	row.seen = addr_ipv4(84, 20, 3, 3, 0);
	assert_says(&row, "84.20.3.3", "in front");
	row.seen = row.lease.grant.external;
	assert_string_equal(map_row_problem(&row, buf), "");
}

static void what_was_refused_has_its_remedy(void **state)
{
	static const struct {
		uint8_t by, answer;
		uint16_t code;
		const char *problem, *remedy;
	} cases[] = {
		{ LEASE_PCP, LEASE_SILENT, 0, "none of the protocols", "forward udp 4900 to 192." },
		{ LEASE_PCP, LEASE_NO_GATEWAY, 0, "no gateway", "" },
		{ LEASE_PCP, LEASE_DENIED, PORTMAP_PCP_CANNOT_PROVIDE_EXTERNAL, "taken",
		  "--external" },
		{ LEASE_UPNP, LEASE_TAKEN, 718, "taken", "--external" },
		{ LEASE_NAT_PMP, LEASE_OTHER_PORT, 0, "taken", "--external" },
		{ LEASE_PCP, LEASE_DENIED, PORTMAP_PCP_NOT_AUTHORIZED, "another program", "" },
		{ LEASE_NAT_PMP, LEASE_DENIED, PORTMAP_PMP_NETWORK_FAILURE, "no address",
		  "online" },
		{ LEASE_PCP, LEASE_DENIED, PORTMAP_PCP_USER_EX_QUOTA, "no port left", "" },
		{ LEASE_UPNP, LEASE_DENIED, 501, "refuses", "" },
		{ LEASE_UPNP, LEASE_UNCONFIRMED, 0, "refuses", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct map_row row = row_of(LEASE_REFUSED);

		row.lease.replies[cases[i].by] =
			(struct lease_reply){ cases[i].answer, cases[i].code };
		assert_says(&row, cases[i].problem, cases[i].remedy);
	}
}

static void a_host_that_is_public_itself_needs_no_mapping(void **state)
{
	struct map_row row = row_of(LEASE_REFUSED);

	row.lease.config.internal = addr_ipv4(84, 20, 3, 2, 4900);
	assert_says(&row, "none of the protocols", "public address itself");
}

static void the_exit_status_counts_ports_and_not_families(void **state)
{
	struct map_row rows[2] = { row_of(LEASE_HELD), row_of(LEASE_REFUSED) };
	struct map_report r = { .action = "open", .rows = rows, .count = 2 };

	assert_int_equal(map_report_exit(&r), EXIT_REACHED);
	rows[1].lease.config.internal.port = 4901;
	rows[0].lease.replies[LEASE_PCP].answer = LEASE_GRANTED;
	assert_int_equal(map_report_exit(&r), EXIT_FAILED);
	rows[0] = row_of(LEASE_REFUSED);
	assert_int_equal(map_report_exit(&r), EXIT_NO_SERVER);
	rows[1].lease.replies[LEASE_UPNP].answer = LEASE_DENIED;
	assert_int_equal(map_report_exit(&r), EXIT_FAILED);

	r.action = "close";
	rows[0] = rows[1] = row_of(LEASE_ENDED);
	rows[0].lease.is_removed = rows[1].lease.is_removed = true;
	assert_int_equal(map_report_exit(&r), EXIT_REACHED);
	rows[1].lease.config.internal.port = 4901;
	rows[1].is_taken = true;
	assert_int_equal(map_report_exit(&r), EXIT_FAILED);
	assert_says(&rows[1], "not ours", "where it was made");
}

static void all_of_it_is_printed(void **state)
{
	struct map_row rows[3] = { row_of(LEASE_HELD), row_of(LEASE_REFUSED), row_of(LEASE_ENDED) };
	const struct map_report r = { .action = "open", .program = "x", .rows = rows, .count = 3 };
	const struct report_style style = { .quiet = false };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	rows[0].lease.grant.external = addr_ipv4(10, 0, 0, 2, 4900);
	map_text(&r, &style, out);
	assert_true(map_json(&r, out));
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "open at the gateway alone, as 10.0.0.2:4900"));
	assert_non_null(strstr(text, "PCP: not asked"));
	assert_non_null(strstr(text, "\"address\": \"private\""));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_are_read),
		cmocka_unit_test(options_are_sound),
		cmocka_unit_test(an_address_that_is_not_public_is_told),
		cmocka_unit_test(what_was_refused_has_its_remedy),
		cmocka_unit_test(a_host_that_is_public_itself_needs_no_mapping),
		cmocka_unit_test(the_exit_status_counts_ports_and_not_families),
		cmocka_unit_test(all_of_it_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
