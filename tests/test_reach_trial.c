/* reach_trial: what a cooperating server is asked for, and the cause that follows from what was seen. */
#include "natprobe/reach/reach_trial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MS     1000ULL
#define START  1000000ULL
#define LOCAL  "192.168.1.2:4900"
#define SERVER "91.80.1.11:3478"
#define MAPPED "84.20.3.2:50000"

static struct reach_trial trial;
static uint64_t now_us;
static uint8_t drawn;

static void draw(void *arg, void *buf, size_t len)
{
	memset(buf, ++drawn, len);
}

static struct addr addr_of(const char *text)
{
	struct addr a = { 0 };

	if (text != NULL)
		assert_true(addr_parse(text, 0, &a));
	return a;
}

static void start(uint8_t transport)
{
	const struct reach_config config = {
		.transport = transport, .server = addr_of(SERVER), .port = 4900, .random = draw
	};

	now_us = START;
	reach_start(&trial, &config, now_us);
}

/* The next request, as a message: false where none is due. */
static bool take(struct stun_msg *m, uint8_t buf[REACH_REQUEST_MAX])
{
	size_t len = reach_next(&trial, now_us, buf);

	return len > 0 && stun_msg_parse(bytes_of(buf, len), m) == STUN_OK;
}

static void answer_from(const char *from, const struct stun_tid *tid,
			const struct coop_token *token, const struct coop_report *report)
{
	const struct addr mapped = addr_of(MAPPED), at = addr_of(from);
	uint8_t buf[256];
	struct bytes out;
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_SUCCESS, tid);

	assert_int_equal(stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &mapped),
			 STUN_OK);
	if (token != NULL)
		assert_int_equal(coop_put_token(&b, token), STUN_OK);
	if (report != NULL)
		assert_int_equal(coop_put_report(&b, report), STUN_OK);
	assert_int_equal(stun_build_finish(&b, &out), STUN_OK);
	reach_on_datagram(&trial, &at, out, now_us);
}

static void answer(const struct stun_tid *tid, uint8_t outcome)
{
	const struct coop_token token = { { 7 } };
	const struct coop_report report = { .outcome = outcome };

	answer_from(SERVER, tid, &token, outcome != 0 ? &report : NULL);
}

/* Up to the order; its transaction id. */
static struct stun_tid order(uint8_t transport, struct coop_order *out)
{
	uint8_t buf[REACH_REQUEST_MAX];
	struct bytes value;
	struct stun_msg m;

	start(transport);
	assert_true(take(&m, buf));
	answer(&m.tid, 0);
	assert_true(take(&m, buf));
	assert_true(stun_msg_find(&m, COOP_ATTR_ORDER, &value));
	assert_int_equal(coop_get_order(value, out), STUN_OK);
	return m.tid;
}

/* Lets time pass to the end; how many requests left. */
static unsigned run_out(void)
{
	uint8_t buf[REACH_REQUEST_MAX];
	unsigned sent = 0;

	for (unsigned i = 0; i < 100 && !trial.is_over; i++) {
		while (reach_next(&trial, now_us, buf) > 0)
			sent++;
		if (trial.is_over)
			break;
		assert_true(reach_deadline_us(&trial) > now_us);
		now_us = reach_deadline_us(&trial);
	}
	assert_true(trial.is_over);
	return sent;
}

static void a_datagram_is_ordered_to_the_port(void **state)
{
	struct coop_order o;
	struct stun_tid tid = order(PORTMAP_UDP, &o);
	uint8_t buf[64];
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_SUCCESS, &tid);
	struct bytes datagram;

	assert_int_equal(o.kind, COOP_ANSWER);
	assert_int_equal(o.port, 4900);
	assert_int_equal(o.flags, COOP_ANY_PORT);
	assert_true(coop_order_is_sound(&o));
	answer(&tid, COOP_ACCEPTED);
	assert_false(trial.is_over);
	assert_int_equal(stun_build_finish(&b, &datagram), STUN_OK);
	assert_true(reach_is_ordered(&trial, datagram));
	buf[10] ^= 1; /* of another transaction */
	assert_false(reach_is_ordered(&trial, datagram));
	reach_on_heard(&trial, now_us);
	assert_true(trial.is_over && trial.is_heard);
	assert_int_equal(trial.server, REACH_SERVER_TRIED);
	assert_true(addr_equal(&trial.mapped, &(struct addr){ 0 }) == false);
}

static void silence_at_the_port_counts_after_two_rounds(void **state)
{
	struct coop_order o;
	struct stun_tid tid = order(PORTMAP_UDP, &o), first = tid;
	uint8_t buf[REACH_REQUEST_MAX];
	struct stun_msg m;

	answer(&tid, COOP_ACCEPTED);
	while (!trial.is_over && stun_tid_equal(&tid, &first)) {
		now_us = reach_deadline_us(&trial);
		if (take(&m, buf))
			tid = m.tid;
	}
	assert_false(trial.is_over);
	answer(&tid, COOP_ACCEPTED);
	(void)run_out();
	assert_int_equal(trial.server, REACH_SERVER_TRIED);
	assert_false(trial.is_heard);
	assert_true(now_us - START < 5000 * MS);
}

static void outcomes_of_a_connection_are_taken(void **state)
{
	static const uint8_t outcomes[] = { COOP_CONNECTED, COOP_RESET, COOP_UNREACHABLE,
					    COOP_TIMED_OUT };

	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		struct coop_order o;
		struct stun_tid tid = order(PORTMAP_TCP, &o);

		assert_int_equal(o.kind, COOP_CONNECT);
		assert_true(coop_order_is_sound(&o));
		answer(&tid, COOP_ACCEPTED);
		now_us += 300 * MS;
		answer(&tid, outcomes[i]);
		assert_int_equal(trial.outcome, outcomes[i]);
		assert_int_equal(trial.is_over, outcomes[i] != COOP_CONNECTED);
		(void)run_out();
		assert_int_equal(trial.server, REACH_SERVER_TRIED);
	}
}

static void a_report_that_is_lost_is_asked_for_again(void **state)
{
	struct coop_order o;
	struct stun_tid tid = order(PORTMAP_TCP, &o);

	answer(&tid, COOP_ACCEPTED);
	assert_true(run_out() >= 3);
	assert_int_equal(trial.outcome, COOP_TIMED_OUT);
}

static void servers_that_do_not_do_it_are_told_apart(void **state)
{
	const struct coop_token token = { { 7 } }, none = { { 0 } };
	uint8_t buf[REACH_REQUEST_MAX];
	struct coop_order o;
	struct stun_msg m;

	start(PORTMAP_UDP);
	assert_true(run_out() >= 5);
	assert_int_equal(trial.server, REACH_SERVER_SILENT);

	start(PORTMAP_UDP);
	assert_true(take(&m, buf));
	answer_from(SERVER, &m.tid, NULL, NULL);
	assert_true(trial.is_over);
	assert_int_equal(trial.server, REACH_SERVER_OTHER);

	start(PORTMAP_UDP);
	assert_true(take(&m, buf));
	answer_from(SERVER, &m.tid, &none, NULL);
	assert_int_equal(trial.server, REACH_SERVER_OTHER);

	start(PORTMAP_UDP); /* somebody else's answer is none */
	assert_true(take(&m, buf));
	answer_from("91.80.1.12:3478", &m.tid, &token, NULL);
	m.tid.bytes[5] ^= 1;
	answer_from(SERVER, &m.tid, &token, NULL);
	assert_int_equal(trial.server, REACH_SERVER_SILENT);

	struct stun_tid tid = order(PORTMAP_UDP, &o);

	answer(&tid, COOP_MALFORMED);
	assert_true(trial.is_over);
	assert_int_equal(trial.server, REACH_SERVER_REFUSES);
}

static void refusals_are_overcome_where_they_can_be(void **state)
{
	uint8_t buf[REACH_REQUEST_MAX];
	struct coop_order o;
	struct stun_tid tid = order(PORTMAP_UDP, &o);
	struct bytes value;
	struct stun_msg m;

	answer(&tid, COOP_BAD_TOKEN);
	assert_true(take(&m, buf));
	answer(&m.tid, COOP_UNABLE); /* from any port: an ordinary one will do */
	assert_true(take(&m, buf));
	assert_true(stun_msg_find(&m, COOP_ATTR_ORDER, &value));
	assert_int_equal(coop_get_order(value, &o), STUN_OK);
	assert_int_equal(o.flags, 0);
	answer(&m.tid, COOP_BUSY);
	assert_false(take(&m, buf));
	now_us += 1000 * MS;
	assert_true(take(&m, buf));
	answer(&m.tid, COOP_BUSY); /* enough is enough */
	assert_true(trial.is_over);
	assert_int_equal(trial.server, REACH_SERVER_REFUSES);
}

#define UDP PORTMAP_UDP
#define TCP PORTMAP_TCP

static const struct {
	const char *why;
	uint8_t transport, listener, outcome;
	bool heard, watched, tapped;
	const char *mapped, *external, *verdict;
} cases[] = {
	{ "all well", UDP, REACH_NATPROBE, 0, true, false, false, MAPPED, NULL, "nothing-listens" },
	{ "not at the host", UDP, REACH_NATPROBE, 0, false, true, false, MAPPED, NULL,
	  "nat-filter" },
	{ "behind a CGN", UDP, REACH_NATPROBE, 0, false, true, false, MAPPED, "100.64.0.2", "cgn" },
	{ "double NAT", UDP, REACH_NATPROBE, 0, false, true, false, MAPPED, "10.0.0.2", "cgn" },
	{ "the gateway differs", UDP, REACH_NATPROBE, 0, false, true, false, MAPPED, "84.20.3.9",
	  "cgn" },
	{ "the gateway is the last", UDP, REACH_NATPROBE, 0, false, true, false, MAPPED,
	  "84.20.3.2", "nat-filter" },
	{ "no NAT", UDP, REACH_NATPROBE, 0, false, true, false, LOCAL, NULL, "firewall" },
	{ "at the host", UDP, REACH_NATPROBE, 0, false, true, true, MAPPED, NULL, "host-firewall" },
	{ "at the host of a CGN", UDP, REACH_NATPROBE, 0, false, true, true, MAPPED, "100.64.0.2",
	  "host-firewall" },
	{ "unwatched", UDP, REACH_NATPROBE, 0, false, false, false, MAPPED, NULL,
	  "host-firewall-or-nat-filter" },
	{ "unwatched, a CGN", UDP, REACH_NATPROBE, 0, false, false, false, MAPPED, "100.64.0.2",
	  "cgn" },
	{ "a program", UDP, REACH_PROGRAM, 0, false, true, true, MAPPED, NULL, "arrives" },
	{ "a program, not at the host", UDP, REACH_PROGRAM, 0, false, true, false, MAPPED, NULL,
	  "nat-filter" },
	{ "a program, unwatched", UDP, REACH_PROGRAM, 0, false, false, false, MAPPED, NULL,
	  "unknown" },
	{ "nobody", UDP, REACH_NOBODY, 0, false, true, true, MAPPED, NULL, "nothing-listens" },

	{ "connected", TCP, REACH_PROGRAM, COOP_CONNECTED, false, false, false, MAPPED, NULL,
	  "open" },
	{ "connected, seen", TCP, REACH_PROGRAM, COOP_CONNECTED, false, true, true, MAPPED, NULL,
	  "open" },
	{ "connected, not here", TCP, REACH_PROGRAM, COOP_CONNECTED, false, true, false, MAPPED,
	  NULL, "other-host" },
	{ "connected to us", TCP, REACH_NATPROBE, COOP_CONNECTED, true, true, true, MAPPED, NULL,
	  "nothing-listens" },
	{ "connected, not to us", TCP, REACH_NATPROBE, COOP_CONNECTED, false, false, false, MAPPED,
	  NULL, "other-host" },
	{ "half connected", TCP, REACH_NATPROBE, COOP_TIMED_OUT, true, false, false, MAPPED, NULL,
	  "nothing-listens" },
	{ "reset by us", TCP, REACH_NOBODY, COOP_RESET, false, true, true, MAPPED, NULL,
	  "nothing-listens" },
	{ "reset though natprobe has it", TCP, REACH_NATPROBE, COOP_RESET, false, true, true,
	  MAPPED, NULL, "host-firewall" },
	{ "reset on the way", TCP, REACH_NATPROBE, COOP_RESET, false, true, false, MAPPED, NULL,
	  "nat-filter" },
	{ "reset, unwatched", TCP, REACH_NATPROBE, COOP_RESET, false, false, false, MAPPED, NULL,
	  "host-firewall-or-nat-filter" },
	{ "reset, unwatched, no NAT", TCP, REACH_NOBODY, COOP_RESET, false, false, false, LOCAL,
	  NULL, "nothing-listens" },
	{ "timed out at the host", TCP, REACH_NATPROBE, COOP_TIMED_OUT, false, true, true, MAPPED,
	  NULL, "host-firewall" },
	{ "timed out on the way", TCP, REACH_PROGRAM, COOP_TIMED_OUT, false, true, false, MAPPED,
	  NULL, "nat-filter" },
	{ "timed out, no NAT", TCP, REACH_NATPROBE, COOP_TIMED_OUT, false, true, false, LOCAL, NULL,
	  "firewall" },
	{ "ICMP, a CGN", TCP, REACH_NATPROBE, COOP_UNREACHABLE, false, true, false, MAPPED,
	  "100.64.0.2", "cgn" },
};

static void each_cause_is_named(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reach_facts f = { .transport = cases[i].transport,
					 .local = addr_of(LOCAL),
					 .mapped = addr_of(cases[i].mapped),
					 .server = REACH_SERVER_TRIED,
					 .outcome = cases[i].outcome,
					 .listener = cases[i].listener,
					 .is_heard = cases[i].heard,
					 .is_watched = cases[i].watched,
					 .is_tapped = cases[i].tapped,
					 .external = addr_of(cases[i].external) };
		struct reach_verdict v;

		reach_judge(&f, &v);
		if (strcmp(reach_cause_word(v.cause), cases[i].verdict) != 0)
			fail_msg("%s: %s", cases[i].why, reach_cause_word(v.cause));
		f.stands_in = true;
		reach_judge(&f, &v);
		if (f.is_heard)
			assert_int_equal(v.cause, REACH_OPEN);
	}
}

static void without_a_trial_the_reason_is_told(void **state)
{
	static const uint8_t whys[] = { REACH_WHY_SILENT, REACH_WHY_OTHER, REACH_WHY_REFUSED };

	for (uint8_t server = 0; server < ARRAY_LEN(whys); server++) {
		const struct reach_facts f = { .transport = TCP,
					       .server = server,
					       .outcome = COOP_CONNECTED };
		struct reach_verdict v;

		reach_judge(&f, &v);
		assert_int_equal(v.cause, REACH_UNKNOWN);
		assert_int_equal(v.why, whys[server]);
	}
}

/* A host that has a carrier's address itself needs no gateway to say so. */
static void an_address_of_a_carrier_is_hint_enough(void **state)
{
	const struct reach_facts f = { .transport = UDP,
				       .local = addr_of("100.64.7.7:4900"),
				       .mapped = addr_of(MAPPED),
				       .server = REACH_SERVER_TRIED,
				       .listener = REACH_NATPROBE };
	struct reach_verdict v;

	reach_judge(&f, &v);
	assert_int_equal(v.cause, REACH_CGN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_is_ordered_to_the_port),
		cmocka_unit_test(silence_at_the_port_counts_after_two_rounds),
		cmocka_unit_test(outcomes_of_a_connection_are_taken),
		cmocka_unit_test(a_report_that_is_lost_is_asked_for_again),
		cmocka_unit_test(servers_that_do_not_do_it_are_told_apart),
		cmocka_unit_test(refusals_are_overcome_where_they_can_be),
		cmocka_unit_test(each_cause_is_named),
		cmocka_unit_test(without_a_trial_the_reason_is_told),
		cmocka_unit_test(an_address_of_a_carrier_is_hint_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
