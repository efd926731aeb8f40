/* tcp_mapping: four connections from one port, what they show, and how long they are waited for. */
#include "natprobe/discover/tcp_mapping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "natprobe/discover/session.h"
#include "stun_attr.h"

#define RTT_US   50000
#define START_US 1000000

struct bench {
	struct tcp_mapping mapping;
	struct streams streams;
	struct probe_log log;
	struct discover_timing timing;
	struct probe_view view;
};

static const struct addr primary = { .family = ADDR_IPV4, .ip = { 20, 0, 0, 10 }, .port = 3478 };
static const struct addr other = { .family = ADDR_IPV4, .ip = { 20, 9, 7, 11 }, .port = 3479 };

/* Begins all connections that are due now. */
static void connect_all(struct bench *b)
{
	static uint8_t count;
	uint8_t random[12] = { 0 };
	struct bytes request;
	struct addr to;
	uint16_t port;

	while (tcp_mapping_next(&b->mapping, &b->streams, &to, &port)) {
		random[0] = ++count;
		tcp_mapping_begun(&b->mapping, streams_connect(&b->streams, 0, &to, port, random,
							       b->view.now_us, &request));
		assert_true(request.len > 0);
	}
}

static struct bench *begin(unsigned answered, unsigned lost)
{
	static struct bench b;
	struct addr endpoints[FILTER_KINDS];

	b = (struct bench){ .timing = discover_timing_default() };
	b.log.rtt[0].min_us = b.log.rtt[0].awake_us = RTT_US;
	b.view = (struct probe_view){ .timing = &b.timing,
				      .log = &b.log,
				      .loss = { { answered, lost } },
				      .now_us = START_US };
	session_endpoints(&primary, &other, endpoints);
	tcp_mapping_start(&b.mapping, 0, endpoints, 40000);
	connect_all(&b);
	return &b;
}

static void answer(struct bench *b, uint8_t number, uint16_t mapped_port)
{
	struct stream *c = &b->streams.list[number];
	struct addr local = { .family = ADDR_IPV4, .ip = { 192, 168, 1, 2 }, .port = c->port };
	struct addr mapped = addr_ipv4(21, 0, 0, 2, mapped_port);
	struct bytes out = { 0 };
	struct stun_builder m;
	uint8_t buf[64];

	streams_on_connected(&b->streams, number, &local, b->view.now_us);
	m = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_SUCCESS, &c->tid);
	(void)stun_attr_put_xor_addr(&m, STUN_ATTR_XOR_MAPPED_ADDRESS, &mapped);
	(void)stun_build_finish(&m, &out);
	streams_on_data(&b->streams, number, out, b->view.now_us);
	assert_true(c->answered);
}

static bool is_over(const struct bench *b)
{
	return tcp_mapping_is_over(&b->mapping, &b->streams, &b->view);
}

static void one_port_serves_all_endpoints(void **state)
{
	struct bench *b = begin(40, 0);

	assert_int_equal(b->streams.count, 4);
	for (uint8_t i = 0; i < 4; i++) {
		assert_int_equal(b->streams.list[i].port, 40000);
		assert_true(tcp_mapping_has(&b->mapping, i));
		for (uint8_t j = 0; j < i; j++)
			assert_false(addr_equal(&b->streams.list[i].to, &b->streams.list[j].to));
	}
	assert_false(tcp_mapping_has(&b->mapping, 4));
	assert_false(is_over(b));
}

static void rules_show_in_the_ports(void **state)
{
	static const struct {
		uint16_t ports[FILTER_KINDS];
		enum verdict_behaviour value;
	} cases[] = {
		{ { 7, 7, 7, 7 }, BEHAVIOUR_ENDPOINT_INDEPENDENT },
		{ { 7, 7, 8, 8 }, BEHAVIOUR_ADDRESS_DEPENDENT },
		{ { 7, 8, 9, 10 }, BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT },
		{ { 7, 8, 7, 8 }, BEHAVIOUR_PORT_DEPENDENT },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bench *b = begin(40, 0);

		for (uint8_t k = 0; k < FILTER_KINDS; k++)
			answer(b, k, cases[i].ports[k]);
		assert_true(is_over(b));
		assert_int_equal(tcp_mapping_result(&b->mapping, &b->streams).value,
				 cases[i].value);
	}
}

static void a_change_between_connections_is_no_rule(void **state)
{
	struct bench *b = begin(40, 0);
	struct verdict_property p;

	answer(b, 0, 7);
	answer(b, 1, 7);
	b->view.now_us += 1000000;
	answer(b, 2, 8);
	answer(b, 3, 8);
	assert_true(tcp_mapping_wants_port(&b->mapping, &b->streams, &b->view));
	tcp_mapping_add_port(&b->mapping, 41000);
	connect_all(b);
	for (uint8_t k = 4; k < 8; k++)
		answer(b, k, 9);
	p = tcp_mapping_result(&b->mapping, &b->streams);
	assert_int_equal(p.value, BEHAVIOUR_UNKNOWN);
	assert_int_equal(p.cause, CAUSE_CHANGED);
}

static void chance_is_looked_through_by_a_second_port(void **state)
{
	struct bench *b = begin(40, 0);

	answer(b, 0, 7);
	answer(b, 1, 8);
	answer(b, 2, 9);
	answer(b, 3, 7); /* as the first: no rule says so */
	assert_false(is_over(b));
	assert_true(tcp_mapping_wants_port(&b->mapping, &b->streams, &b->view));
	tcp_mapping_add_port(&b->mapping, 41000);
	connect_all(b);
	assert_int_equal(b->streams.count, 8);
	for (uint8_t i = 4; i < 8; i++)
		answer(b, i, (uint16_t)(20 + i));
	assert_true(is_over(b));
	assert_int_equal(tcp_mapping_result(&b->mapping, &b->streams).value,
			 BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
}

/* A port that somebody else has: no connection stands, and nobody was asked. */
static void a_port_in_use_is_replaced(void **state)
{
	struct bench *b = begin(40, 0);

	for (uint8_t i = 0; i < 4; i++)
		streams_on_closed(&b->streams, i);
	assert_true(tcp_mapping_wants_port(&b->mapping, &b->streams, &b->view));
	tcp_mapping_add_port(&b->mapping, 41000);
	connect_all(b);
	for (uint8_t i = 4; i < 8; i++)
		answer(b, i, 7);
	assert_int_equal(tcp_mapping_result(&b->mapping, &b->streams).value,
			 BEHAVIOUR_ENDPOINT_INDEPENDENT);
}

/* Until its silence counts; UINT64_MAX: it is not told when to look again. */
static uint64_t wait_us(struct bench *b)
{
	for (unsigned i = 0; i < 50 && !is_over(b); i++) {
		b->view.now_us = tcp_mapping_deadline_us(&b->mapping, &b->streams, &b->view);
		if (b->view.now_us == UINT64_MAX)
			return UINT64_MAX;
	}
	assert_true(is_over(b));
	return b->view.now_us - START_US;
}

static void silence_is_waited_for_as_loss_asks(void **state)
{
	struct bench *b = begin(60, 0);
	struct verdict_property p;

	assert_true(wait_us(b) < 1000000); /* all four lost: hardly */
	p = tcp_mapping_result(&b->mapping, &b->streams);
	assert_int_equal(p.value, BEHAVIOUR_UNKNOWN);
	assert_int_equal(p.cause, CAUSE_TCP_SILENT);

	b = begin(60, 10);
	for (uint8_t i = 0; i < 3; i++)
		answer(b, i, 7);
	assert_in_range(wait_us(b), 3000000, 10000000);
	assert_int_equal(tcp_mapping_result(&b->mapping, &b->streams).value,
			 BEHAVIOUR_ENDPOINT_INDEPENDENT); /* three are enough for that */

	/* Silent by UDP too: it is not there. */
	b = begin(60, 10);
	for (uint8_t i = 0; i < 3; i++)
		answer(b, i, 7);
	tcp_mapping_set_dead(&b->mapping, FILTER_BOTH);
	assert_true(wait_us(b) < 1000000);
}

static void streams_show_what_tcp_lost(void **state)
{
	struct bench *b = begin(0, 0);
	struct probe_loss loss;

	b->view.now_us += RTT_US;
	answer(b, 0, 7);
	loss = streams_loss(&b->streams);
	assert_int_equal(loss.answered, 2);
	assert_int_equal(loss.lost, 0);
	b->view.now_us = START_US + 3000000 + RTT_US; /* the third SYN */
	answer(b, 1, 7);
	loss = streams_loss(&b->streams);
	assert_int_equal(loss.answered, 4);
	assert_int_equal(loss.lost, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_port_serves_all_endpoints),
		cmocka_unit_test(rules_show_in_the_ports),
		cmocka_unit_test(a_change_between_connections_is_no_rule),
		cmocka_unit_test(chance_is_looked_through_by_a_second_port),
		cmocka_unit_test(a_port_in_use_is_replaced),
		cmocka_unit_test(silence_is_waited_for_as_loss_asks),
		cmocka_unit_test(streams_show_what_tcp_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
