/* The simulated network itself: time, chance, counters and connections are what was asked for. */
#include "sim_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim_check.h"
#include "sim_queue.h"

static struct sim_queue queue;

static void what_is_due_first_comes_first(void **state)
{
	struct rng rng = rng_seed(7);
	struct sim_event e, before = { 0 };

	sim_queue_reset(&queue);
	for (uint16_t i = 0; i < 1000; i++) {
		uint8_t data[2] = { (uint8_t)(i >> 8), (uint8_t)i };

		e = (struct sim_event){ .at_us = rng_below(&rng, 50), .who = i };
		sim_queue_put(&queue, e, bytes_of(data, sizeof(data)));
	}
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t due_us = sim_queue_due_us(&queue);
		struct bytes packet;

		assert_true(sim_queue_take(&queue, &e));
		assert_int_equal(e.at_us, due_us);
		assert_true(e.at_us >= before.at_us);
		/* At the same time: in the order of putting. */
		if (i > 0 && e.at_us == before.at_us)
			assert_true(e.who > before.who);
		packet = sim_queue_packet(&queue, &e);
		assert_int_equal(packet.data[0] << 8 | packet.data[1], e.who);
		sim_queue_drop(&queue, &e);
		before = e;
	}
	assert_false(sim_queue_take(&queue, &e));
	assert_int_equal(sim_queue_due_us(&queue), UINT64_MAX);
}

/* Places that were given back are used again: far more packets than the pool holds. */
static void packets_are_given_back(void **state)
{
	uint8_t data[SIM_PACKET_LEN] = { 0 };
	struct sim_event e = { 0 };

	sim_queue_reset(&queue);
	for (unsigned i = 0; i < 3 * SIM_PACKETS_MAX; i++) {
		sim_queue_put(&queue, (struct sim_event){ .at_us = i },
			      bytes_of(data, sizeof(data)));
		assert_true(sim_queue_take(&queue, &e));
		sim_queue_drop(&queue, &e);
	}
	assert_int_equal(queue.free_count, SIM_PACKETS_MAX);
}

static struct sim_case open_home(void)
{
	struct sim_case c = sim_home;

	c.box.filtering = NAT_EI;
	return c;
}

static void round_trips_are_exact(void **state)
{
	static const uint32_t rtts_us[] = { 3, 399, 1001, 20000, 50001, 700000 };

	for (size_t i = 0; i < ARRAY_LEN(rtts_us); i++) {
		struct sim_case c = open_home();
		struct sim_result r;

		c.net.rtt_us = rtts_us[i];
		r = sim_check(&c);
		assert_int_equal(r.verdict.rtt_min_us, rtts_us[i]);
		assert_int_equal(r.verdict.servers[0].rtt_us, rtts_us[i]);

		c.net.servers[0].extra_rtt_us = 5000;
		r = sim_check(&c);
		assert_int_equal(r.verdict.servers[0].rtt_us, rtts_us[i] + 5000);
	}
}

/* Of the requests that are answered whatever the filter, and long before the end. */
static double share_answered(struct sim_case *c)
{
	unsigned sent = 0, answered = 0;

	for (c->net.seed = 1; c->net.seed <= 100; c->net.seed++) {
		struct sim_result r = sim_check(c);

		for (size_t i = 0; i < r.verdict.sighting_count; i++) {
			sent += r.verdict.sightings[i].sent;
			answered += r.verdict.sightings[i].answered;
		}
	}
	return (double)answered / sent;
}

static void loss_is_what_was_asked_for(void **state)
{
	struct sim_case c = sim_home;

	assert_float_equal(share_answered(&c), 1, 0);
	c.net.access.loss = 0.1;
	assert_float_equal(share_answered(&c), 0.81, 0.025);
	c.net.loses_inside = true;
	assert_float_equal(share_answered(&c), 0.81, 0.025);
	c.net.access.loss = 0;
	c.net.servers[0].misdeed = SIM_LOSSY;
	assert_float_equal(share_answered(&c), 0.7, 0.025);
}

static void duplicates_and_jitter_show(void **state)
{
	struct sim_case c = open_home();
	struct sim_result r;

	c.net.access.duplicate = 1;
	r = sim_check(&c);
	/* Two of each request, two answers to each of these; the last may come too late. */
	assert_in_range(r.verdict.duplicates, 2 * r.verdict.servers[0].answered,
			3 * r.verdict.servers[0].answered);

	c = open_home();
	c.net.access.jitter_us = 10000;
	r = sim_check(&c);
	assert_in_range(r.verdict.rtt_min_us, c.net.rtt_us, r.verdict.rtt_max_us - 1);
	assert_in_range(r.verdict.rtt_max_us, c.net.rtt_us + 5000, c.net.rtt_us + 20000);
}

static void counters_fit_each_other(void **state)
{
	struct sim_result r = sim_check(&sim_home);

	assert_true(r.burst > 0 && r.burst <= r.per_second && r.per_second <= r.datagrams);
	assert_int_equal(r.datagrams, r.verdict.sent);
}

static void the_same_seed_is_the_same_run(void **state)
{
	struct sim_case c = sim_home;
	struct sim_result a, b;

	c.net.access.loss = 0.1;
	c.net.access.jitter_us = 20000;
	c.box.allocation = NAT_RANDOM;
	a = sim_check(&c);
	b = sim_check(&c);
	assert_int_equal(a.calls, b.calls);
	assert_int_equal(a.elapsed_us, b.elapsed_us);
	assert_true(addr_equal(&a.verdict.mapped, &b.verdict.mapped));
	assert_true(addr_equal(&a.verdict.local, &b.verdict.local));
	c.net.seed++;
	b = sim_check(&c);
	assert_false(addr_equal(&a.verdict.mapped, &b.verdict.mapped));
}

static void the_wanted_port_is_used(void **state)
{
	struct sim_case c = sim_home;
	struct sim_result r;

	c.net.local_port = 5353;
	r = sim_check(&c);
	assert_int_equal(r.verdict.local.port, 5353);
	assert_int_equal(r.verdict.mapped.port, 5353);
}

/* A SYN that is lost is sent again after a second, and what follows as well. */
static void connections_survive_loss(void **state)
{
	struct sim_case c = sim_home;
	unsigned answered = 0;

	c.box.udp_blocked = true;
	c.net.access.loss = 0.1;
	for (c.net.seed = 1; c.net.seed <= 100; c.net.seed++) {
		struct sim_result r = sim_check(&c);

		assert_true(r.connections > 0);
		answered += r.verdict.servers[0].tcp_answered > 0;
	}
	assert_int_equal(answered, 100);
}

static void refused_connections_end_at_once(void **state)
{
	struct sim_case c = sim_home;
	struct sim_result r;

	c.box.udp_blocked = true;
	c.net.servers[0].misdeed = SIM_NO_TCP;
	r = sim_check(&c);
	assert_true(r.verdict.servers[0].tcp_tried > 0);
	assert_int_equal(r.verdict.servers[0].tcp_connected, 0);
}

static bool owns(const struct nat_profile *p, const struct addr *mapped)
{
	for (size_t layer = 0; layer < p->layer_count; layer++) {
		const struct nat_config *n = &p->layers[layer];

		for (size_t i = 0; i < n->external_count; i++) {
			if (addr_equal_ip(&n->externals[i], mapped))
				return true;
		}
		if (n->nptv6_len > 0)
			return memcmp(n->nptv6_outside.ip, mapped->ip, n->nptv6_len / 8) == 0;
		if (n->external_count > 0)
			break; /* what is behind shows nowhere */
	}
	return false;
}

/* What a run printed about itself; free it. */
static char *trace_of(struct sim_case *c, struct sim_result *r)
{
	char *text = NULL;
	size_t len = 0;

	c->net.trace = open_memstream(&text, &len);
	assert_non_null(c->net.trace);
	*r = sim_check(c);
	assert_int_equal(fclose(c->net.trace), 0);
	assert_non_null(text);
	return text;
}

static void a_reboot_forgets_all_mappings(void **state)
{
	struct sim_case c = sim_home;
	struct sim_result r;
	char *text;

	c.net.flush_at_us = SIM_START_US + 100000;
	text = trace_of(&c, &r);
	assert_non_null(strstr(text, "100.000 ms  box 0: removed from inside (flush)"));
	free(text);
	c.net.flush_at_us = 0;
	text = trace_of(&c, &r);
	assert_null(strstr(text, "(flush)"));
	free(text);
}

/* Calls `each` with every line of `text`, which is cut up. */
static void for_lines(char *text, void (*each)(void *arg, const char *line), void *arg)
{
	for (char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		*end = '\0';
		each(arg, text);
	}
}

struct syns {
	double at_ms;
	char ends[80]; /* of the last one */
	unsigned again;
};

static void on_syn(void *arg, const char *line)
{
	struct syns *s = arg;
	const char *ends = strstr(line, "from host 0: ");
	double at_ms = strtod(line, NULL);

	if (ends == NULL || strstr(line, "TCP SYN") == NULL)
		return;
	if (strcmp(ends, s->ends) == 0) {
		assert_true(at_ms - s->at_ms > 999.999 && at_ms - s->at_ms < 4000.001);
		s->again++;
	}
	s->at_ms = at_ms;
	snprintf(s->ends, sizeof(s->ends), "%s", ends);
}

static void a_lost_syn_is_sent_again(void **state)
{
	struct sim_case c = sim_home;
	struct syns syns = { 0 };

	c.box.udp_blocked = true;
	c.net.access.loss = 0.4;
	for (c.net.seed = 1; c.net.seed <= 20; c.net.seed++) {
		struct sim_result r;
		char *text = trace_of(&c, &r);

		syns.ends[0] = '\0';
		for_lines(text, on_syn, &syns);
		free(text);
	}
	assert_true(syns.again > 0);
}

struct deed {
	uint8_t misdeed;
	const char *always, *never; /* what the lines of the server say; "": anything */
	unsigned lines;
};

static void on_answer(void *arg, const char *line)
{
	struct deed *d = arg;

	if (strstr(line, "from servers") == NULL)
		return;
	d->lines++;
	if (strstr(line, d->always) == NULL ||
	    (d->never[0] != '\0' && strstr(line, d->never) != NULL))
		fail_msg("misdeed %u: %s", d->misdeed, line);
}

/* Of those that show in each packet alone. */
static void servers_do_what_they_shall(void **state)
{
	static const struct deed deeds[] = {
		{ SIM_HONEST, "success response", "TCP", 0 },
		{ SIM_ONE_ADDRESS, "servers 0: 20.0.0.10:3478 >", "other", 0 },
		{ SIM_DEAD, "nothing", "", 0 },
		{ SIM_TCP_ONLY, "TCP", "", 0 },
		{ SIM_REFUSES_BINDING, "error response", "", 0 },
		{ SIM_ONE_VOICE, "servers 0: 20.0.0.10:3478 >", "", 0 },
		{ SIM_SAME_ADDRESS, "other 20.0.0.10:3479", "", 0 },
		{ SIM_SAME_PORT, "other 20.99.7.11:3478", "", 0 },
		{ SIM_PRIVATE_ALTERNATE, "other 10.0.0.1:3479", "", 0 },
		{ SIM_DEAD_ALTERNATE, "success response", "servers 0: 20.99.7.11", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(deeds); i++) {
		struct deed d = deeds[i];
		struct sim_case c = open_home();
		struct sim_result r;
		char *text;

		c.net.servers[0].misdeed = d.misdeed;
		c.box.tcp_blocked = d.misdeed != SIM_TCP_ONLY;
		text = trace_of(&c, &r);
		for_lines(text, on_answer, &d);
		assert_int_equal(d.lines > 0, d.misdeed != SIM_DEAD);
		free(text);
	}
}

/* Both interfaces go through the same box, as two hosts. */
static void two_interfaces_share_a_box(void **state)
{
	struct sim_result r[SIM_INTERFACES_MAX];
	struct nat_profile p = *nat_profile_find("home-router");
	struct sim_config c = { .profile = &p, .seed = 1 };

	p.two_nics = true;
	assert_int_equal(sim_run(&c, r), 2);
	for (unsigned i = 0; i < 2; i++) {
		struct addr host = nat_plan_host(&p, i);

		assert_true(r[i].ended);
		assert_true(addr_equal_ip(&r[i].verdict.local, &host));
		assert_true(owns(&p, &r[i].verdict.mapped));
		assert_int_equal(r[i].verdict.mapping.value, BEHAVIOUR_ENDPOINT_INDEPENDENT);
	}
	assert_false(addr_equal_ip(&r[0].verdict.local, &r[1].verdict.local));
}

struct turns {
	char last; /* whose mapping it was: the end of its address */
	unsigned mappings, changes;
};

static void on_mapping(void *arg, const char *line)
{
	const char *at = strstr(line, "mapped from inside (outbound): internal 192.168.1.");
	struct turns *t = arg;
	char who;

	if (at == NULL)
		return;
	who = *(strstr(at, "192.168.1.") + strlen("192.168.1."));
	t->changes += t->mappings++ > 0 && who != t->last;
	t->last = who;
}

/* Else one would count the ports that the other one took. */
static void two_interfaces_take_turns(void **state)
{
	struct sim_result r[SIM_INTERFACES_MAX];
	struct sim_config c = { .profile = nat_profile_find("two-nics-sequential") };

	c.access.loss = 0.05;
	for (c.seed = 1; c.seed <= 10; c.seed++) {
		struct turns t = { 0 };
		char *text = NULL;
		size_t len = 0;

		c.trace = open_memstream(&text, &len);
		assert_non_null(c.trace);
		assert_int_equal(sim_run(&c, r), 2);
		assert_int_equal(fclose(c.trace), 0);
		for_lines(text, on_mapping, &t);
		assert_true(t.mappings > 40);
		assert_in_range(t.changes, 1, 3);
		free(text);
	}
}

/* RFC 6052, section 2.4: its examples, with a server's address. */
static void servers_behind_a_nat64_are_synthesised(void **state)
{
	static const struct {
		uint8_t len;
		const char *prefix, *wanted;
	} cases[] = {
		{ 32, "2001:db8::", "[2001:db8:1400:a::]:3478" },
		{ 40, "2001:db8:100::", "[2001:db8:114::a:0:0:0]:3478" },
		{ 48, "2001:db8:122::", "[2001:db8:122:1400:0:a00::]:3478" },
		{ 56, "2001:db8:122:300::", "[2001:db8:122:314:0:a::]:3478" },
		{ 64, "2001:db8:122:344::", "[2001:db8:122:344:14:0:a00::]:3478" },
		{ 96, "64:ff9b::", "[64:ff9b::1400:a]:3478" },
	};
	struct nat_profile p = *nat_profile_find("nat64");
	struct sim_config c = { .profile = &p };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr got, wanted;
		char text[ADDR_TEXT_MAX];

		p.layers[0].nat64_prefix_len = cases[i].len;
		assert_true(addr_parse_ip(cases[i].prefix, 0, &p.layers[0].nat64_prefix));
		assert_true(addr_parse(cases[i].wanted, 0, &wanted));
		got = sim_endpoint(&c, 0, 0);
		if (!addr_equal(&got, &wanted))
			fail_msg("/%u: %s", cases[i].len, addr_print(&got, text));
	}
}

/* Every network of the table carries a diagnosis from end to end. */
static void every_profile_runs(void **state)
{
	for (size_t i = 0; i < nat_profile_count; i++) {
		const struct nat_profile *p = &nat_profiles[i];
		struct sim_config c = { .profile = p, .seed = i, .hides_own_source = true };
		struct sim_result r[SIM_INTERFACES_MAX];
		size_t n = sim_run(&c, r);

		assert_int_equal(n, p->two_nics ? 2 : 1);
		for (size_t k = 0; k < n; k++) {
			const struct addr *mapped = &r[k].verdict.mapped;

			if (!r[k].ended || r[k].open_at_end != 0)
				fail_msg("%s: not ended", p->name);
			if (mapped->family == p->family &&
			    !addr_equal(mapped, &r[k].verdict.local) && !owns(p, mapped))
				fail_msg("%s: mapped to a stranger's address", p->name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_due_first_comes_first),
		cmocka_unit_test(packets_are_given_back),
		cmocka_unit_test(round_trips_are_exact),
		cmocka_unit_test(loss_is_what_was_asked_for),
		cmocka_unit_test(duplicates_and_jitter_show),
		cmocka_unit_test(counters_fit_each_other),
		cmocka_unit_test(the_same_seed_is_the_same_run),
		cmocka_unit_test(the_wanted_port_is_used),
		cmocka_unit_test(connections_survive_loss),
		cmocka_unit_test(refused_connections_end_at_once),
		cmocka_unit_test(a_reboot_forgets_all_mappings),
		cmocka_unit_test(a_lost_syn_is_sent_again),
		cmocka_unit_test(servers_do_what_they_shall),
		cmocka_unit_test(two_interfaces_share_a_box),
		cmocka_unit_test(two_interfaces_take_turns),
		cmocka_unit_test(servers_behind_a_nat64_are_synthesised),
		cmocka_unit_test(every_profile_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
