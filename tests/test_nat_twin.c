/* A measured network, rebuilt: probing the twin finds what the first probe knew. */
#include "nat_twin.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nat_truth.h"
#include "natlab/topology.h"
#include "natlab/twin_report.h"
#include "natlab/twin_text.h"
#include "natprobe/report/expect.h"
#include "rng.h"
#include "twin_score.h"

#define SEEDS     4
#define MADE_UP   150
#define VERDICTS  2000
#define OPEN_MOST 0.005 /* where datagrams are lost, or a pool of addresses decides by lot */

/* --- the fixed point --- */

static struct twin_score score;

static void score_profiles(unsigned seeds, double loss, bool deep)
{
	score = (struct twin_score){ 0 };
	for (size_t i = 0; i < nat_profile_count; i++) {
		for (unsigned seed = 1; seed <= seeds; seed++) {
			struct twin_case c = { &nat_profiles[i], seed, loss, deep };

			twin_score_run(&c, stderr, &score);
		}
	}
	assert_int_equal(score.runs, nat_profile_count * seeds);
	assert_true(score.known > score.runs * 10);
	assert_int_equal(score.other, 0);
	assert_int_equal(score.broken, 0);
	assert_true(score.open <= (loss > 0 || deep ? OPEN_MOST * score.known : 0));
}

static void twins_of_profiles_are_found_alike(void **state)
{
	score_profiles(SEEDS, 0, false);
}

static void twins_of_profiles_are_found_alike_in_spite_of_loss(void **state)
{
	score_profiles(SEEDS, 0.02, false);
}

static void twins_of_profiles_are_found_alike_by_the_deeper_look(void **state)
{
	score_profiles(1, 0, true);
}

static void twins_of_networks_made_up_are_found_alike(void **state)
{
	struct nat_random made;

	score = (struct twin_score){ 0 };
	for (unsigned seed = 1; seed <= MADE_UP; seed++) {
		struct twin_case c = { &made.profile, seed, 0, seed % 8 == 0 };

		nat_random_profile(seed, &made);
		twin_score_run(&c, stderr, &score);
	}
	assert_int_equal(score.equal, score.known);
	assert_int_equal(score.broken, 0);
}

/* What no profile has, and the model can do. */
static void twins_of_odd_boxes_are_found_alike(void **state)
{
	static const struct nat_config odd[] = {
		{ .fragments_out = NAT_FRAGMENTS_DROP },
		{ .fragments_out = NAT_FRAGMENTS_IN_ORDER, .fragments = NAT_FRAGMENTS_DROP },
		{ .lifetime_s = 47, .refresh = NAT_REFRESH_NONE },
		{ .lifetime_s = 100, .lifetime_low_port_s = 20, .lifetime_one_way_s = 200 },
		{ .unsolicited_syn = NAT_ICMP, .unsolicited = NAT_ICMP },
		{ .mtu = 1280, .fragments_df = true, .drops_icmp_errors = true },
		{ .allocation = NAT_RANDOM, .port_low = 30000, .port_high = 30999 },
		{ .pcp = true, .claims_external = { .family = ADDR_IPV4, .ip = { 10, 9, 9, 9 } } },
		{ .rate_per_s = 60, .rate_burst = 5 },
	};
	const struct nat_profile *home = nat_profile_find("no-hairpin");

	score = (struct twin_score){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		struct nat_profile p = *home;
		struct twin_case c = { &p, i + 1, 0, true };

		p.layers[0] = odd[i];
		p.layers[0].mapping = NAT_EI;
		p.layers[0].filtering = NAT_APD;
		p.layers[0].externals[0] = home->layers[0].externals[0];
		p.layers[0].external_count = 1;
		p.layers[0].gateway = home->layers[0].gateway;
		twin_score_run(&c, stderr, &score);
	}
	assert_int_equal(score.equal, score.known);
	assert_int_equal(score.broken, 0);
}

/* --- one thing each --- */

static struct nat_twin twin;

static struct verdict home(void)
{
	return (struct verdict){
		.nat = { VERDICT_YES, 0 },
		.mapping = { .value = BEHAVIOUR_ENDPOINT_INDEPENDENT },
		.mapping_tcp = { .value = BEHAVIOUR_ENDPOINT_INDEPENDENT },
		.filtering = { .value = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT },
		.udp_blocked = { VERDICT_NO, 0 },
		.firewall = { VERDICT_NO, 0 },
		.ports = { .delta = DELTA_EQUAL, .preserved = { 0.8, 1, true } },
		.pooling = { .value = POOLING_PAIRED },
		.hairpin = { .value = HAIRPIN_NO },
		.pcp = { .present = { VERDICT_NO, 0 } },
		.nat_pmp = { .present = { VERDICT_NO, 0 } },
		.rate_limit = { VERDICT_NO, 0 },
		.loss = { 0, 0.1, true },
		.rtt_min_us = 20000,
		.rtt_max_us = 21000,
	};
}

static void derive(const struct verdict *v, uint8_t family)
{
	nat_twin_derive(v, family, &twin);
}

static bool lists_gap(const char *property)
{
	for (size_t i = 0; i < twin.gap_count; i++) {
		if (strcmp(twin.gaps[i].property, property) == 0)
			return true;
	}
	return false;
}

static void what_is_known_leaves_no_gap(void **state)
{
	struct verdict v = home();

	derive(&v, ADDR_IPV4);
	assert_int_equal(twin.profile.layer_count, 1);
	assert_int_equal(twin.profile.layers[0].mapping, NAT_EI);
	assert_int_equal(twin.profile.layers[0].filtering, NAT_APD);
	assert_int_equal(twin.line.delay_us, 10000);
	assert_int_equal(twin.line.jitter_us, 0);
	assert_true(twin.line.loss <= 0);
	assert_int_equal(twin.gap_count, 1); /* nobody looked deeper */
	assert_true(lists_gap("lifetime"));
	assert_string_equal(nat_twin_source_of(&twin, 0, "mapping")->property, "mapping");
	assert_null(nat_twin_source_of(&twin, 0, "seed"));
}

static void what_is_unknown_is_assumed_and_listed(void **state)
{
	struct verdict v = { .nat = { VERDICT_YES, 0 } };

	derive(&v, ADDR_IPV4);
	assert_int_equal(twin.profile.layers[0].mapping, NAT_EI);
	assert_int_equal(twin.profile.layers[0].filtering, NAT_APD);
	assert_int_equal(twin.profile.layers[0].allocation, NAT_PRESERVING);
	assert_true(lists_gap("mapping") && lists_gap("filtering") && lists_gap("delta.type"));
	assert_true(lists_gap("rtt") && lists_gap("hairpin") && lists_gap("pcp"));
}

static void what_was_excluded_is_not_assumed(void **state)
{
	struct verdict v = home();

	v.mapping = (struct verdict_property){
		.possible = BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_DEPENDENT) |
			    BEHAVIOUR_BIT(BEHAVIOUR_PORT_DEPENDENT),
	};
	v.filtering = (struct verdict_property){
		.possible = BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT),
	};
	derive(&v, ADDR_IPV4);
	assert_int_equal(twin.profile.layers[0].mapping, NAT_AD);
	assert_int_equal(twin.profile.layers[0].filtering, NAT_EI);
}

static void a_private_address_of_the_gateway_makes_a_second_nat(void **state)
{
	struct verdict v = home();

	v.mapping.value = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	v.nat_pmp.present.value = VERDICT_YES;
	v.cgn = (struct verdict_yes_no){ VERDICT_YES, 0 };
	v.cgn_hints = CGN_GATEWAY_SHARED;
	derive(&v, ADDR_IPV4);
	assert_int_equal(twin.profile.layer_count, 2);
	assert_int_equal(twin.profile.layers[0].mapping, NAT_APD);
	assert_int_equal(twin.profile.layers[0].gateway.ip[0], 100);
	assert_int_equal(twin.profile.layers[1].mapping, NAT_EI);
	assert_int_equal(twin.profile.layers[1].externals[0].ip[0], 100);
	assert_false(twin.profile.layers[0].nat_pmp);
	assert_true(twin.profile.layers[1].nat_pmp);
}

static void as_many_nats_as_were_counted(void **state)
{
	struct verdict v = home();

	v.deep.tried = true;
	deep_set_number(&v.deep, DEEP_NATS, 3, 3);
	deep_set_number(&v.deep, DEEP_LIFETIME, 880, 910);
	derive(&v, ADDR_IPV4);
	assert_int_equal(twin.profile.layer_count, 3);
	/* None of them forgets before the others. */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(twin.profile.layers[i].lifetime_s, 900);
	deep_set_number(&v.deep, DEEP_NATS, 9, 9);
	derive(&v, ADDR_IPV4);
	assert_int_equal(twin.profile.layer_count, NAT_LAYERS_MAX);
	assert_true(lists_gap("nats"));
}

static void a_blocked_port_that_stun_needs_is_blocked(void **state)
{
	struct verdict v = home();

	v.udp_blocked.value = VERDICT_MIXED;
	v.sightings[0].endpoint = addr_ipv4(192, 0, 2, 1, 3478);
	v.sightings[1].endpoint = addr_ipv4(192, 0, 2, 1, 443);
	v.sightings[1].mapped = addr_ipv4(192, 0, 2, 9, 999);
	v.sightings[2].endpoint = addr_ipv4(192, 0, 2, 1, 53);
	v.sightings[2].mapped = addr_ipv4(192, 0, 2, 9, 998);
	v.sighting_count = 3;
	derive(&v, ADDR_IPV4);
	assert_int_equal(twin.profile.layers[0].udp_ports_allowed[0], 443);
	assert_int_equal(twin.profile.layers[0].udp_ports_allowed[1], 53);
	assert_int_equal(twin.profile.layers[0].udp_ports_allowed[2], 0);
}

static void nat64_has_a_prefix_that_the_model_knows(void **state)
{
	struct verdict v = home();

	v.nat64 = (struct verdict_yes_no){ VERDICT_YES, 0 };
	v.nat64_prefix_len = 56;
	derive(&v, ADDR_IPV6);
	assert_int_equal(twin.profile.layers[0].nat64_prefix_len, 56);
	assert_int_equal(twin.profile.layers[0].externals[0].family, ADDR_IPV4);
	v.nat64_prefix_len = 77;
	derive(&v, ADDR_IPV6);
	assert_int_equal(twin.profile.layers[0].nat64_prefix_len, 96);
	assert_true(lists_gap("nat64.prefix"));
}

static void nothing_that_a_twin_does_not_show_is_expected(void **state)
{
	static struct verdict out;
	struct verdict v = home();

	v.upnp.present.value = VERDICT_YES;
	v.cgn = (struct verdict_yes_no){ VERDICT_YES, 0 };
	v.cgn_hints = CGN_GATEWAY_PRIVATE; /* UPnP said so */
	v.captive_portal.value = VERDICT_YES;
	nat_twin_expected(&v, &out);
	assert_int_equal(out.upnp.present.value, VERDICT_UNKNOWN);
	assert_int_equal(out.captive_portal.value, VERDICT_UNKNOWN);
	assert_int_equal(out.cgn.value, VERDICT_UNKNOWN);
	assert_int_equal(out.mapping.value, v.mapping.value);
	derive(&v, ADDR_IPV4);
	assert_true(lists_gap("upnp") && lists_gap("captive-portal"));
}

/* --- whatever a report says --- */

static struct lab_plan plan; /* too large for a stack */

static char *print(const struct report_probe *of, bool expected)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	if (expected)
		assert_true(twin_print_expected(of, out));
	else
		twin_print(&twin, of, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void assert_natlab_takes(const char *text)
{
	struct topology t;
	struct opt_error why;
	struct lab_error err;

	assert_true(opt_defaults(topology_program(), &t, &why));
	if (!opt_read_text(topology_program(), "twin", text, strlen(text), &t, &why))
		fail_msg("%s\n%s", why.text, text);
	if (!topology_plan(&t, &plan, &err))
		fail_msg("%s\n%s", err.text, text);
	opt_clear(topology_program(), &t);
}

static void assert_natprobe_takes(const char *text)
{
	struct expect_error why;
	struct expect e;

	if (!expect_parse(bytes_of(text, strlen(text)), &e, &why))
		fail_msg("line %u: %s\n%s", why.line, why.text, text);
	expect_free(&e);
}

static void assert_is_of_use(const struct report_probe *of)
{
	char *text;

	nat_twin_derive(of->verdict, of->family, &twin);
	text = print(of, false);
	assert_natlab_takes(text);
	free(text);
	text = print(of, true);
	assert_natprobe_takes(text);
	free(text);
}

static double any_number(struct rng *r)
{
	static const double odd[] = {
		0, -1, 0.3, 1, 1.5, 1023.2, 65535, 65536, 4294967296.0, 1e12
	};

	return rng_below(r, 2) == 0 ? odd[rng_below(r, ARRAY_LEN(odd))]
				    : (double)rng_below(r, 70000);
}

static struct verdict_interval any_share(struct rng *r)
{
	return (struct verdict_interval){ rng_below(r, 11) / 10.0, rng_below(r, 11) / 10.0,
					  rng_below(r, 2) == 0 };
}

static struct verdict_yes_no any_answer(struct rng *r)
{
	return (struct verdict_yes_no){ (uint8_t)rng_below(r, 4), 0 };
}

static struct verdict_property any_property(struct rng *r)
{
	return (struct verdict_property){ .value = (uint8_t)rng_below(r, BEHAVIOURS),
					  .possible = rng_below(r, 128) };
}

/* Of what a report may say: words where there are words. */
static void fill_deep(struct verdict_deep *v, struct rng *r)
{
	struct deep_value *value = v->values;

	v->tried = rng_below(r, 4) > 0;
	for (size_t i = 0; i < property_count; i++) {
		const struct property *p = &property_table[i];

		if (!p->is_deep)
			continue;
		*value = (struct deep_value){ .state = (uint8_t)rng_below(r, 2),
					      .word = (uint8_t)rng_below(r, 7),
					      .low = fabs(any_number(r)) };
		value->high = value->low + fabs(any_number(r));
		if (rng_below(r, 2) == 0)
			value->state = p->kind == PROPERTY_WORD ? DEEP_WORD : DEEP_NUMBER;
		if (p->kind == PROPERTY_MEASURE && rng_below(r, 8) == 0)
			value->high = INFINITY;
		value++;
	}
}

static void fill(struct verdict *v, struct rng *r)
{
	*v = (struct verdict){
		.nat = any_answer(r),
		.mapping = any_property(r),
		.mapping_tcp = any_property(r),
		.filtering = any_property(r),
		.udp_blocked = any_answer(r),
		.firewall = any_answer(r),
		.ports = { .delta = (uint8_t)rng_below(r, DELTAS),
			   .value = (int32_t)rng_below(r, 131071) - 65535,
			   .preserved = any_share(r),
			   .parity = any_answer(r),
			   .low = (uint16_t)rng_below(r, 65536),
			   .high = (uint16_t)rng_below(r, 65536),
			   .answered = (uint16_t)rng_below(r, 40) },
		.pooling = { .value = (uint8_t)rng_below(r, POOLINGS),
			     .external_count = (uint8_t)rng_below(r, VERDICT_EXTERNALS_MAX + 1) },
		.hairpin = { .value = (uint8_t)rng_below(r, HAIRPINS) },
		.pcp = { .present = any_answer(r) },
		.nat_pmp = { .present = any_answer(r) },
		.rate_limit = any_answer(r),
		.rate_limit_per_s = (uint16_t)rng_below(r, 65536),
		.nat64 = any_answer(r),
		.nat64_prefix_len = (uint8_t)rng_below(r, 129),
		.cgn = any_answer(r),
		.cgn_hints = (uint8_t)rng_below(r, 32),
		.loss = any_share(r),
		.rtt_min_us = rng_next(r) >> (24 + rng_below(r, 40)),
		.rtt_max_us = rng_next(r) >> (24 + rng_below(r, 40)),
	};
	fill_deep(&v->deep, r);
}

static void every_verdict_gives_a_file(void **state)
{
	static struct verdict v;
	struct rng r = rng_seed(5);
	struct report_probe of = { .interface = "eth0\n[box x]", .verdict = &v };

	for (unsigned i = 0; i < VERDICTS; i++) {
		fill(&v, &r);
		of.family = rng_below(&r, 2) == 0 ? ADDR_IPV4 : ADDR_IPV6;
		assert_is_of_use(&of);
		assert_int_equal(plan.box_count, twin.profile.layer_count);
	}
}

/* --- reports --- */

#define PROBE(nic, family, nat, mapping, filtering)                                          \
	"{\"interface\":\"" nic "\",\"family\":\"" family "\",\"probed\":true,"              \
	"\"asked\":[{\"server\":\"s\",\"sent\":9,\"answered\":9}],\"nat\":{\"value\":\"" nat \
	"\"},\"mapping\":{\"value\":\"" mapping "\"},\"filtering\":{\"value\":\"" filtering  \
	"\"},\"datagrams\":{\"sent\":9,\"answered\":9},\"rtt_ms\":{\"min\":9,\"max\":9}}"
#define REPORT(probes) "{\"version\":1,\"servers\":[],\"interfaces\":[" probes "]}"
#define EI             "endpoint-independent"
#define OPEN           PROBE("eth0", "ipv4", "yes", "unknown", "unknown")
#define KNOWN          PROBE("eth0", "ipv6", "no", "none", EI)
#define OTHER          PROBE("wlan0", "ipv4", "yes", EI, EI)

static const struct report_probe *pick(struct report_document *d, const char *interface,
				       uint8_t family, struct lab_error *err)
{
	struct twin_choice c = { interface, family, 0 };

	assert_non_null(d);
	return twin_report_pick(report_document_report(d), &c, err);
}

static struct report_document *read_text(const char *text, int64_t line, struct lab_error *err)
{
	return twin_report_read(bytes_of(text, strlen(text)), line, err);
}

static void the_first_that_reached_a_verdict_is_taken(void **state)
{
	struct lab_error err;
	struct report_document *d = read_text(REPORT(OPEN "," KNOWN "," OTHER), 0, &err);
	const struct report_probe *p = pick(d, NULL, ADDR_NONE, &err);

	assert_non_null(p);
	assert_int_equal(p->family, ADDR_IPV6);
	p = pick(d, NULL, ADDR_IPV4, &err);
	assert_non_null(p);
	assert_string_equal(p->interface, "wlan0");
	p = pick(d, "eth0", ADDR_IPV4, &err);
	assert_non_null(p);
	assert_int_equal(p->verdict->mapping.value, BEHAVIOUR_UNKNOWN);
	assert_null(pick(d, "wlan0", ADDR_IPV6, &err));
	assert_non_null(strstr(err.text, "there are: eth0 ipv4, eth0 ipv6, wlan0 ipv4"));
	report_document_free(d);
}

static void where_nothing_is_known_it_says_so(void **state)
{
	struct lab_error err;
	struct report_document *d = read_text(REPORT(OPEN), 0, &err);

	assert_non_null(pick(d, NULL, ADDR_NONE, &err)); /* something is known */
	report_document_free(d);
	d = read_text(REPORT("{\"interface\":\"eth0\",\"family\":\"ipv4\",\"probed\":false}"), 0,
		      &err);
	assert_null(pick(d, "eth0", ADDR_NONE, &err));
	assert_non_null(strstr(err.text, "no server answered"));
	report_document_free(d);
}

static void a_log_has_lines(void **state)
{
	static const char log[] = REPORT(KNOWN) "\n" REPORT(OTHER) "\n" REPORT(OPEN) "\n{\"vers";
	struct lab_error err;
	struct report_document *d = read_text(log, 0, &err);
	const struct report_probe *p = pick(d, "eth0", ADDR_NONE, &err);

	assert_non_null(p);
	assert_int_equal(p->family, ADDR_IPV4); /* the last whole one */
	report_document_free(d);
	d = read_text(log, 2, &err);
	p = pick(d, NULL, ADDR_NONE, &err);
	assert_non_null(p);
	assert_string_equal(p->interface, "wlan0");
	report_document_free(d);
	assert_null(read_text(log, 4, &err));
	assert_null(read_text("{\n}", 1, &err));
	assert_null(read_text("no", 0, &err));
	assert_null(read_text("", 0, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twins_of_profiles_are_found_alike),
		cmocka_unit_test(twins_of_profiles_are_found_alike_in_spite_of_loss),
		cmocka_unit_test(twins_of_profiles_are_found_alike_by_the_deeper_look),
		cmocka_unit_test(twins_of_networks_made_up_are_found_alike),
		cmocka_unit_test(twins_of_odd_boxes_are_found_alike),
		cmocka_unit_test(what_is_known_leaves_no_gap),
		cmocka_unit_test(what_is_unknown_is_assumed_and_listed),
		cmocka_unit_test(what_was_excluded_is_not_assumed),
		cmocka_unit_test(a_private_address_of_the_gateway_makes_a_second_nat),
		cmocka_unit_test(as_many_nats_as_were_counted),
		cmocka_unit_test(a_blocked_port_that_stun_needs_is_blocked),
		cmocka_unit_test(nat64_has_a_prefix_that_the_model_knows),
		cmocka_unit_test(nothing_that_a_twin_does_not_show_is_expected),
		cmocka_unit_test(every_verdict_gives_a_file),
		cmocka_unit_test(the_first_that_reached_a_verdict_is_taken),
		cmocka_unit_test(where_nothing_is_known_it_says_so),
		cmocka_unit_test(a_log_has_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
