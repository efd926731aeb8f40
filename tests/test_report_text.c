/* report_text: what people read. Wording may change; what must be said may not. */
#include "natprobe/report/report_text.h"

#include "report_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Freed with free. */
static char *print(const struct report *r, struct report_style style)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	report_text(r, &style, out);
	fclose(out);
	return text;
}

static void expect(const char *text, const char *want)
{
	if (strstr(text, want) == NULL)
		fail_msg("no \"%s\" in:\n%s", want, text);
}

static void expect_not(const char *text, const char *what)
{
	if (strstr(text, what) != NULL)
		fail_msg("\"%s\" in:\n%s", what, text);
}

/* The line that starts with a label; in a static buffer. */
static const char *line_of(const char *text, const char *name)
{
	static char line[512];
	char start[64];
	const char *found;

	snprintf(start, sizeof(start), "\n  %s ", name);
	found = strstr(text, start);
	if (found == NULL)
		fail_msg("no line %s in:\n%s", name, text);
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(found + 1, "\n"), found + 1);
	return line;
}

static void a_block_says_all_properties(void **state)
{
	struct fixture f;
	char *text;

	fixture_restrict_port(&f);
	text = print(&f.report, (struct report_style){ 0 });
	expect(text, "eth0, IPv4\n");
	expect(line_of(text, "local"), "10.0.0.2:40001");
	expect(line_of(text, "mapped"), "203.0.113.9:40001");
	expect_not(text, "(TCP)");
	expect(line_of(text, "NAT"), "yes");
	expect(line_of(text, "mapping"), "endpoint-independent");
	expect(line_of(text, "filtering"), "address-and-port-dependent");
	expect(line_of(text, "firewall"), "no");
	expect(line_of(text, "mapping"), "endpoint-independent, TCP too");
	expect(line_of(text, "ports"), "kept by 77 to 100 % of sockets, parity kept, contiguous");
	expect(line_of(text, "next port"), "the local port (99 %)");
	expect(line_of(text, "hairpin"), "no");
	expect(line_of(text, "gateway"), "10.0.0.1: PCP no, NAT-PMP yes, UPnP no");
	expect(line_of(text, "gateway"), "outside it is 203.0.113.9");
	expect(line_of(text, "path"), "round trip 12.3 to 15.0 ms, lost 0.0 to 8.0 %");
	expect(line_of(text, "confidence"), "99.96 %");
	expect(line_of(text, "also called"), "restrict port, equal (P2PD)");
	expect(line_of(text, "also called"), "Port Restricted Cone");
	expect(text, "hole punching");
	expect_not(text, "unknown");
	expect_not(text, "\033");
	free(text);
}

static void a_deeper_look_has_its_lines(void **state)
{
	struct fixture f;
	char *text;

	fixture_deep(&f);
	text = print(&f.report, (struct report_style){ .verbose = true });
	expect(line_of(text, "lifetime"), "at least 119 s, 29.5 to 31.2 s without an answer");
	expect(line_of(text, "kept alive"), "by what we send");
	expect(line_of(text, "keepalive"), "every 14 s");
	expect(line_of(text, "port range"), "from 1 to 1024, up to 65535");
	expect(line_of(text, "port step"), "-3");
	expect(line_of(text, "fragments in"), "in-order");
	expect(line_of(text, "unknown"), "lifetime.low-port");
	expect(line_of(text, "unknown"), "more (");
	expect(line_of(text, "cut short"), "after 130 s");
	expect(line_of(text, "both ways"), "118.8 s alive");
	expect(line_of(text, "hops"), "1: 10.0.0.1, saw us as 10.0.0.7:40001");
	expect(line_of(text, "deeper look"), "700 sent, 650 answered, 180 sockets");
	free(text);
}

static void a_network_without_a_name_is_a_number(void **state)
{
	struct fixture f;
	char *text;

	fixture_restrict_port(&f);
	f.verdict.geo = (struct verdict_geo){ .country = "DE", .asn = 64500 };
	text = print(&f.report, (struct report_style){ 0 });
	expect(text, ", DE, AS64500\n");
	free(text);
}

static void meaning_is_told_for_each_kind_of_peer(void **state)
{
	struct fixture f;
	char *text;

	fixture_restrict_port(&f);
	text = print(&f.report, (struct report_style){ 0 });
	expect(line_of(text, "punch"), "always with: firewalled, address-filtered, port-filtered");
	expect(line_of(text, "birthday"), "likely with: narrow, random");
	expect(line_of(text, "to change"), "opens ports when it is asked");
	expect(line_of(text, "to paste"), "natprobe ipv4 nat=yes mapping=endpoint-independent "
					  "mapping.tcp=endpoint-independent "
					  "filtering=address-and-port-dependent");
	expect_not(line_of(text, "to paste"), "203.0.113");
	expect_not(text, "can be told where to send");
	free(text);
	text = print(&f.report, (struct report_style){ .explain = true });
	expect(text, "mapping: One port of ours has one external port for everybody");
	expect(text, "filtering: Only endpoints that this host has sent to get through");
	free(text);
}

static void what_is_nearly_sure_is_not_printed_as_sure(void **state)
{
	struct fixture f;
	char *text;

	fixture_restrict_port(&f);
	f.verdict.confidence = 0.99999;
	f.verdict.prediction.candidates[0].chance = 0.997;
	text = print(&f.report, (struct report_style){ 0 });
	expect(line_of(text, "confidence"), "over 99.99 %");
	expect(line_of(text, "next port"), "the local port (over 99 %)");
	free(text);
}

static void a_hard_nat_says_how_it_counts(void **state)
{
	struct fixture f;
	char *text;

	fixture_full(&f);
	text = print(&f.report, (struct report_style){ 0 });
	expect(line_of(text, "ports"), "the last one -2, parity kept, seen 1025 to 40009");
	expect(line_of(text, "next port"), "40003 (90 %), 40001 (6 %)");
	expect(line_of(text, "addresses"), "arbitrary: 203.0.113.9, 203.0.113.10");
	expect(line_of(text, "hairpin"), "possible: no or internal-source");
	expect(line_of(text, "second NAT"), "yes (the gateway's outside address is a provider's");
	expect(line_of(text, "path"), "at most 40 datagrams a second");
	expect(line_of(text, "mapped"), ", DE, AS3320 Example");
	free(text);
	text = print(&f.report, (struct report_style){ .verbose = true });
	expect(line_of(text, "samples"), "50000 became 203.0.113.9:40009 at 100 ms");
	expect(line_of(text, "hairpinned"), "1 of 5, from 10.0.0.2:40055");
	free(text);
}

static void evidence_is_for_verbose_only(void **state)
{
	struct fixture f;
	char *text;

	fixture_restrict_port(&f);
	text = print(&f.report, (struct report_style){ 0 });
	expect_not(text, "change-both");
	free(text);
	text = print(&f.report, (struct report_style){ .verbose = true });
	expect(text, "change-both: 0 of 6 from 192.0.2.2:3479");
	expect(text, "203.0.113.9:40001 by 192.0.2.2:3478");
	expect(text, "32 sent, 14 answered");
	free(text);
}

static void unknown_says_why(void **state)
{
	struct fixture f;
	char *text;

	fixture_ignores_change(&f);
	text = print(&f.report, (struct report_style){ 0 });
	expect(line_of(text, "filtering"), "unknown (the server ignores CHANGE-REQUEST");
	expect(line_of(text, "filtering"), "possible: endpoint-independent or address-dependent)");
	expect(line_of(text, "server"), "stun.example.org: the server ignores CHANGE-REQUEST");
	free(text);

	fixture_no_server(&f);
	text = print(&f.report, (struct report_style){ 0 });
	expect(line_of(text, "NAT"), "unknown (no server answered)");
	expect(line_of(text, "UDP blocked"), "unknown (no server answered)");
	free(text);
}

static void a_limit_is_told(void **state)
{
	struct fixture f;
	char *text;

	fixture_one_port(&f);
	text = print(&f.report, (struct report_style){ 0 });
	expect(line_of(text, "mapping"), "endpoint-independent (or port-dependent: all endpoints");
	expect_not(text, "unknown");
	free(text);
}

static void udp_blocked_is_said(void **state)
{
	struct fixture f;
	char *text;

	fixture_udp_blocked(&f);
	text = print(&f.report, (struct report_style){ 0 });
	expect(line_of(text, "UDP blocked"), "yes");
	expect(line_of(text, "local"), "10.0.0.2:40017 (TCP)");
	expect(line_of(text, "mapped"), "203.0.113.9:40017 (TCP)");
	expect(line_of(text, "NAT"), "yes");
	expect(line_of(text, "mapping"), "unknown (UDP is blocked)");
	expect(line_of(text, "firewall"), "unknown (UDP is blocked)");
	expect(line_of(text, "also called"), "UDP Blocked");
	free(text);
	text = print(&f.report, (struct report_style){ .verbose = true });
	expect(line_of(text, "asked"), "answers by TCP, sees 203.0.113.9:40017 there");
	free(text);
}

static void quiet_is_a_line_each(void **state)
{
	struct fixture f;
	char *text;

	fixture_restrict_port(&f);
	fixture_add_unprobed(&f);
	text = print(&f.report, (struct report_style){ .quiet = true });
	assert_string_equal(text,
			    "eth0 IPv4: NAT, mapping endpoint-independent, filtering "
			    "address-and-port-dependent\n"
			    "wlan0 IPv6: not probed (no route leads from here to a server)\n");
	free(text);

	fixture_ignores_change(&f);
	text = print(&f.report, (struct report_style){ .quiet = true });
	expect(text, "NAT, mapping endpoint-independent, filtering unknown (the server ignores");
	free(text);
	fixture_udp_blocked(&f);
	text = print(&f.report, (struct report_style){ .quiet = true });
	assert_string_equal(text, "eth0 IPv4: UDP blocked, NAT\n");
	free(text);
	fixture_no_server(&f);
	text = print(&f.report, (struct report_style){ .quiet = true });
	assert_string_equal(text, "eth0 IPv4: NAT unknown (no server answered)\n");
	free(text);
}

static void what_a_relay_showed_is_told(void **state)
{
	struct fixture f;
	char *text;

	fixture_full(&f);
	f.verdict.turn.why = NULL;
	f.verdict.turn.code = 0;
	f.verdict.filtering = f.verdict.turn.filtering;
	text = print(&f.report, (struct report_style){ 0 });
	expect(line_of(text, "filtering"),
	       "address-and-port-dependent (or port-dependent: too few endpoints");
	expect(text, "    over TCP  address-dependent\n");
	expect(line_of(text, "TURN"), "stun.example.org: relays from 192.0.2.8:50000 and "
				      "192.0.2.8:50001, sees filtering "
				      "address-and-port-dependent");
	free(text);

	f.verdict.turn = (struct verdict_turn){ .tried = true, .code = 401, .why = "not you" };
	text = print(&f.report, (struct report_style){ 0 });
	expect(line_of(text, "TURN"), "stun.example.org: no relayed address; not you (401)");
	free(text);
}

static void names_without_address_are_listed(void **state)
{
	struct fixture f;
	char *text;

	fixture_restrict_port(&f);
	fixture_add_unprobed(&f);
	text = print(&f.report, (struct report_style){ 0 });
	expect(text, "stun.example.net: no such name in DNS\n");
	free(text);
}

static void tls_has_a_line(void **state)
{
	struct fixture f;
	char *text;

	fixture_no_server(&f);
	fixture_add_tls(&f);
	text = print(&f.report, (struct report_style){ 0 });
	expect(line_of(text, "TLS"), "stuns:stun.example.org: answers, sees 203.0.113.9:50000");
	expect(line_of(text, "TLS"), "not to be trusted");
	free(text);
}

static void colour_ends_where_it_began(void **state)
{
	struct fixture f;
	char *text;
	size_t on = 0;
	size_t off = 0;

	fixture_restrict_port(&f);
	text = print(&f.report, (struct report_style){ .colour = true });
	for (size_t i = 0; text[i] != '\0'; i++) {
		if (text[i] != '\033')
			continue;
		if (strncmp(&text[i], "\033[0m", 4) == 0)
			off++;
		else
			on++;
	}
	assert_true(on > 0);
	assert_int_equal(on, off);
	free(text);
}

static void a_plot_is_of_letters_or_of_more(void **state)
{
	static const struct report_style plain = { .verbose = true };
	static const struct report_style wide = { .verbose = true, .utf8 = true };
	struct fixture f;
	char *text;

	fixture_full(&f);
	text = print(&f.report, plain);
	expect(text, "mapped port by local port, 3 sockets, 1 without an answer\n");
	expect(text, "40010 |");
	expect(text, "*\n");
	for (size_t i = 0; text[i] != '\0'; i++)
		assert_true((unsigned char)text[i] < 0x80);
	free(text);
	text = print(&f.report, wide);
	expect(text, "40010 \u2502");
	expect(text, "\u2514\u2500");
	free(text);
	text = print(&f.report, (struct report_style){ .utf8 = true });
	expect_not(text, "port plot");
	free(text);
}

static void a_ladder_is_a_line_in_order(void **state)
{
	static const struct report_style plain = { .verbose = true };
	static const struct report_style coloured = { .verbose = true,
						      .utf8 = true,
						      .colour = true };
	struct fixture f;
	struct verdict_deep *d = &f.verdict.deep;
	char *text;

	fixture_restrict_port(&f);
	d->rungs[0] = (struct deep_rung){ LADDER_TWO_WAY, .ended = true, .waited_s = 22 };
	d->rungs[1] =
		(struct deep_rung){ LADDER_TWO_WAY, .ended = true, .alive = true, .waited_s = 5 };
	d->rungs[2] = (struct deep_rung){ LADDER_TWO_WAY, .waited_s = 30.25 };
	d->rung_count = 3;
	d->tried = true;
	text = print(&f.report, plain);
	assert_string_equal(line_of(text, "both ways"),
			    "  both ways   5.0 s +xo 30.2 s, 5.0 s alive, 22.0 s gone");
	free(text);
	text = print(&f.report, coloured);
	expect(text, "\033[32m\u25cf\033[0m\033[31m\u2715\033[0m\u25cb 30.2 s");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_says_all_properties),
		cmocka_unit_test(a_deeper_look_has_its_lines),
		cmocka_unit_test(a_network_without_a_name_is_a_number),
		cmocka_unit_test(meaning_is_told_for_each_kind_of_peer),
		cmocka_unit_test(what_is_nearly_sure_is_not_printed_as_sure),
		cmocka_unit_test(a_hard_nat_says_how_it_counts),
		cmocka_unit_test(evidence_is_for_verbose_only),
		cmocka_unit_test(unknown_says_why),
		cmocka_unit_test(a_limit_is_told),
		cmocka_unit_test(udp_blocked_is_said),
		cmocka_unit_test(quiet_is_a_line_each),
		cmocka_unit_test(what_a_relay_showed_is_told),
		cmocka_unit_test(names_without_address_are_listed),
		cmocka_unit_test(tls_has_a_line),
		cmocka_unit_test(colour_ends_where_it_began),
		cmocka_unit_test(a_plot_is_of_letters_or_of_more),
		cmocka_unit_test(a_ladder_is_a_line_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
