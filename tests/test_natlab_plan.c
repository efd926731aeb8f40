/* natlab: behaviours as text, plans from profiles and from files. */
#include "tests/natlab/topology.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 8192

static void print_to(char text[static TEXT_MAX], const struct nat_config *c,
		     const struct nat_link_config *line)
{
	FILE *f = fmemopen(text, TEXT_MAX, "w");

	assert_non_null(f);
	behaviours_print(c, line, true, f);
	assert_int_equal(fclose(f), 0);
}

/* "key = value" lines into values; what is "none" cannot be said, and is left out. */
static void read_back(char *text, struct behaviour_values *v)
{
	size_t at = 0;

	for (char *rest = NULL, *line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest), at++) {
		char *value = strstr(line, " = ");

		assert_non_null(value);
		*value = '\0';
		assert_string_equal(behaviours[at].name, line);
		if (strcmp(value + 3, "none") != 0 ||
		    behaviours[at].offset <= offsetof(struct nat_config, tcp_filtering))
			v->text[at] = value + 3;
	}
	assert_int_equal(at, behaviour_count);
}

static void every_profile_can_be_said_in_words(void **state)
{
	for (size_t i = 0; i < nat_profile_count; i++) {
		const struct nat_profile *p = &nat_profiles[i];

		for (unsigned layer = 0; layer < p->layer_count; layer++) {
			char text[TEXT_MAX], again[TEXT_MAX], copy[TEXT_MAX];
			struct behaviour_values v = { 0 };
			struct nat_config c = { 0 };
			struct nat_link_config line = { 0 };
			struct lab_error err;

			print_to(text, &p->layers[layer], &p->access);
			memcpy(copy, text, sizeof(copy));
			read_back(copy, &v);
			if (!behaviours_apply(&v, &c, &line, &err))
				fail_msg("%s: %s", p->name, err.text);
			print_to(again, &c, &line);
			assert_string_equal(again, text);
		}
	}
}

static size_t index_of(const char *name)
{
	for (size_t i = 0; i < behaviour_count; i++) {
		if (strcmp(behaviours[i].name, name) == 0)
			return i;
	}
	fail_msg("no behaviour %s", name);
	return 0;
}

static struct nat_config with(const struct nat_config *from, const char *name, char *value)
{
	struct behaviour_values v = { 0 };
	struct nat_config c = *from;
	struct nat_link_config line = { 0 };
	struct lab_error err;

	v.text[index_of(name)] = value;
	if (!behaviours_apply(&v, &c, &line, &err))
		fail_msg("%s", err.text);
	return c;
}

static void words_bring_along_what_they_need(void **state)
{
	const struct nat_config *home = &nat_profile_find("home-router")->layers[0];
	struct nat_config c = with(home, "step", "-2");

	assert_int_equal(c.allocation, NAT_SEQUENTIAL);
	assert_int_equal(c.step, -2);
	c = with(&nat_profile_find("N20")->layers[0], "step", "3");
	assert_int_equal(c.allocation, NAT_DEPENDENT);
	c = with(home, "offset", "-100");
	assert_int_equal(c.allocation, NAT_OFFSET);
	c = with(home, "allocation", "sequential");
	assert_int_equal(c.step, 1);
	c = with(home, "external", "1.2.3.4,5.6.7.8");
	assert_int_equal(c.external_count, 2);
	c = with(home, "tcp-mapping", "apd");
	assert_true(c.has_tcp_rules);
	assert_int_equal(c.tcp_filtering, home->filtering);
	c = with(home, "packet-rate", "40");
	assert_int_equal(c.rate_burst, 40);
	c = with(home, "nat64", "2001:db8::/64");
	assert_int_equal(c.nat64_prefix_len, 64);
	assert_int_equal(c.nat64_prefix.port, 0);
}

static void values_have_limits(void **state)
{
	static const struct {
		const char *name, *value;
		bool ok;
	} cases[] = {
		{ "loss", "0", true },
		{ "loss", "100%", true },
		{ "loss", "0.05", true },
		{ "loss", "101%", false },
		{ "loss", "-1%", false },
		{ "loss", "nan", false },
		{ "loss", "0x1p-3", false },
		{ "loss", "5 %", false },
		{ "delay", "0", true },
		{ "delay", "50ms", true },
		{ "delay", "50", false },
		{ "delay", "71m", true },
		{ "delay", "72m", false },
		{ "delay", "inf", false },
		{ "rate", "100Mbit", true },
		{ "rate", "100", false },
		{ "rate", "1001Gbit", false },
		{ "step", "-65535", true },
		{ "step", "-65536", false },
		{ "step", "", false },
		{ "ports", "1-65535", true },
		{ "ports", "0-65535", false },
		{ "ports", "2000-1999", false },
		{ "ports", "1-65536", false },
		{ "ports", "000000001-2", false },
		{ "lifetime", "30s", true },
		{ "pcp", "on", true },
		{ "pcp", "1", false },
		{ "mapping", "apd", true },
		{ "mapping", "APD", false },
		{ "udp-ports", "53,443", true },
		{ "udp-ports", "53,,443", false },
		{ "udp-ports", "1,2,3,4,5", false },
		{ "nat64", "64:ff9b::/96", true },
		{ "nat64", "64:ff9b::", false },
		{ "nat64", "64:ff9b::/33", false },
		{ "nat64", "1.2.3.4/32", false },
		{ "external", "1.2.3.4,", true },
		{ "external", "1.2.3.4,x", false },
		{ "external",
		  "1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9",
		  false },
	};
	struct opt rows[BEHAVIOURS_MAX];

	behaviour_rows(rows, 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct opt_error err = { "" };

		if (rows[index_of(cases[i].name)].check(cases[i].value, &err) != cases[i].ok)
			fail_msg("%s = %s: %s", cases[i].name, cases[i].value, err.text);
		assert_true(cases[i].ok || strstr(err.text, "write") != NULL);
	}
}

static void two_of_a_kind_have_addresses_of_their_own(void **state)
{
	static struct lab_plan plan;
	struct lab_error err;

	for (size_t i = 0; i < nat_profile_count; i++) {
		const struct nat_profile *p = &nat_profiles[i];
		const struct lab_box *b = plan.boxes;

		plan = (struct lab_plan){ 0 };
		assert_true(lab_add_profile(&plan, p, "x", "a", &err));
		assert_true(lab_add_profile(&plan, p, "y", "b", &err));
		assert_int_equal(plan.box_count, 2u * p->layer_count);
		while (b < &plan.boxes[p->layer_count] && b->config.external_count == 0 &&
		       b->config.nptv6_len == 0)
			b++;
		if (b < &plan.boxes[p->layer_count] && b->config.nptv6_len > 0)
			assert_false(addr_equal_ip(&b->config.nptv6_outside,
						   &b[p->layer_count].config.nptv6_outside));
		else if (b < &plan.boxes[p->layer_count])
			assert_false(addr_equal_ip(&b->config.externals[0],
						   &b[p->layer_count].config.externals[0]));
		else
			assert_false(addr_equal_ip(&plan.hosts[0].nics[0].addr,
						   &plan.hosts[1].nics[0].addr));
		assert_int_equal(plan.hosts[0].nic_count, p->two_nics ? 2 : 1);
	}
}

static void a_router_that_starts_to_translate_gets_an_address(void **state)
{
	static struct lab_plan plan;
	struct lab_error err;

	plan = (struct lab_plan){ 0 };
	assert_true(lab_add_profile(&plan, nat_profile_find("N01"), "x", "a", &err));
	plan.boxes[0].config.mapping = NAT_EI;
	assert_true(lab_settle_box(&plan, 0, &err));
	assert_int_equal(plan.boxes[0].config.external_count, 1);
	assert_false(addr_equal_ip(&plan.boxes[0].config.externals[0], &plan.boxes[0].inside));
}

/* False, and *err, where the file or the plan is refused. */
static bool read_file(const char *text, struct lab_plan *plan, struct lab_error *err)
{
	struct opt_error why;
	struct topology t;
	bool ok;

	assert_true(opt_defaults(topology_program(), &t, &why));
	ok = opt_read_text(topology_program(), "lab", text, strlen(text), &t, &why);
	if (!ok)
		lab_fail(err, "%s", why.text);
	ok = ok && topology_plan(&t, plan, err);
	opt_clear(topology_program(), &t);
	return ok;
}

static void a_box_may_say_where_it_is(void **state)
{
	static struct lab_plan plan;
	struct addr inside = addr_ipv4(172, 16, 5, 1, 0), host = addr_ipv4(172, 16, 5, 2, 0);
	struct lab_error err;

	assert_true(read_file("[box x]\ninside = 172.16.5.1\nmapping = ei\n[host a]\nbehind = x\n",
			      &plan, &err));
	assert_true(addr_equal_ip(&plan.boxes[0].inside, &inside));
	assert_true(addr_equal_ip(&plan.boxes[0].config.gateway, &inside));
	assert_true(addr_equal_ip(&plan.hosts[0].nics[0].addr, &host));
	assert_false(read_file("[box x]\ninside = here\n[host a]\n", &plan, &err));
	assert_non_null(strstr(err.text, "is no address"));
	assert_false(read_file("[box x]\nprofile = linux-masquerade\ninside = 10.1.1.1\n"
			       "[host a]\n",
			       &plan, &err));
	assert_non_null(strstr(err.text, "stays where it is"));
	assert_true(read_file("[box x]\nprofile = linux-masquerade\ninside = 10.1.1.1\n"
			      "engine = model\n[host a]\n",
			      &plan, &err));
}

/* Rules of TCP are told where they are not those of UDP. */
static void what_a_box_prints_makes_that_box(void **state)
{
	static struct lab_plan plan;
	struct nat_config c = { .filtering = NAT_APD, .has_tcp_rules = true };
	static const struct nat_link_config wire;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	struct lab_error err;

	assert_non_null(out);
	fputs("[host a]\nbehind = x\n[box x]\n", out);
	behaviours_print(&c, &wire, false, out);
	assert_int_equal(fclose(out), 0);
	assert_true(read_file(text, &plan, &err));
	assert_true(plan.boxes[0].config.has_tcp_rules);
	assert_int_equal(plan.boxes[0].config.filtering, NAT_APD);
	assert_int_equal(plan.boxes[0].config.tcp_filtering, NAT_NONE);
	assert_int_equal(plan.boxes[0].config.tcp_mapping, NAT_NONE);
	free(text);
}

static void a_network_can_be_full(void **state)
{
	static struct lab_plan plan;
	struct lab_error err;
	char name[LAB_NAME_MAX];
	size_t hosts = 0;

	plan = (struct lab_plan){ 0 };
	assert_int_equal(lab_add_boxes(&plan, nat_profile_find("N07"), "x", LAB_WORLD, &err), 0);
	plan.boxes[0].inside.ip[3] = 240;
	for (;; hosts++) {
		snprintf(name, sizeof(name), "h%zu", hosts);
		struct lab_host *host = lab_add_host(&plan, name, &err);

		assert_non_null(host);
		if (!lab_add_nic(&plan, host, 0, NULL, &err))
			break;
	}
	assert_int_equal(hosts, 10);
	assert_non_null(strstr(err.text, "no address left"));
}

static void dns_tells_what_the_provider_tells(void **state)
{
	static struct lab_plan plan;
	struct lab_error err;
	uint8_t len;

	plan = (struct lab_plan){ 0 };
	assert_true(lab_add_profile(&plan, nat_profile_find("N49"), "x", "a", &err));
	assert_int_equal(lab_dns_nat64(&plan, &plan.hosts[0], &len).family, ADDR_IPV6);
	assert_int_equal(len, 96);
	/* A home behind it, and one that is not. */
	assert_int_equal(lab_add_boxes(&plan, nat_profile_find("N07"), "y", 0, &err), 1);
	assert_true(lab_add_nic(&plan, lab_add_host(&plan, "b", &err), 1, NULL, &err));
	assert_int_equal(lab_dns_nat64(&plan, &plan.hosts[1], &len).family, ADDR_IPV6);
	assert_true(lab_add_profile(&plan, nat_profile_find("N42"), "z", "c", &err));
	assert_int_equal(lab_dns_nat64(&plan, &plan.hosts[2], &len).family, ADDR_NONE);
	assert_int_equal(len, 0);
}

static void servers_are_seen_through_a_nat64(void **state)
{
	static struct lab_plan plan;
	struct lab_error err;
	char text[ADDR_TEXT_MAX];
	struct addr a;

	plan = (struct lab_plan){ 0 };
	assert_true(lab_add_profile(&plan, nat_profile_find("nat64"), "x", "a", &err));
	a = lab_server_seen(&plan, &plan.hosts[0], 0);
	assert_string_equal(addr_print_ip(&a, text), "64:ff9b::1400:a");
	plan.boxes[0].config.nat64_prefix_len = 40; /* RFC 6052, table 1: around byte 8 */
	plan.boxes[0].config.nat64_prefix =
		(struct addr){ .family = ADDR_IPV6, .ip = { 0x20, 1, 0xd, 0xb8, 1 } };
	a = lab_server_seen(&plan, &plan.hosts[0], 0);
	assert_string_equal(addr_print_ip(&a, text), "2001:db8:114:0:a::");
}

static void names_are_unique(void **state)
{
	static const char *const bad[] = { "", "servers", "x", "two words",
					   "a-name-that-is-longer-than-thirty-two-characters" };
	static struct lab_plan plan;
	struct lab_error err;

	plan = (struct lab_plan){ 0 };
	assert_true(lab_add_profile(&plan, nat_profile_find("N07"), "x", "a", &err));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_null(lab_add_host(&plan, bad[i], &err));
	assert_int_equal(plan.host_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_profile_can_be_said_in_words),
		cmocka_unit_test(words_bring_along_what_they_need),
		cmocka_unit_test(values_have_limits),
		cmocka_unit_test(two_of_a_kind_have_addresses_of_their_own),
		cmocka_unit_test(a_router_that_starts_to_translate_gets_an_address),
		cmocka_unit_test(a_box_may_say_where_it_is),
		cmocka_unit_test(what_a_box_prints_makes_that_box),
		cmocka_unit_test(a_network_can_be_full),
		cmocka_unit_test(dns_tells_what_the_provider_tells),
		cmocka_unit_test(servers_are_seen_through_a_nat64),
		cmocka_unit_test(names_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
