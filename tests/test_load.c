/* A load that sends to itself: what it counts is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "load.h"

#define WINDOW 16

enum spoil {
	SPOIL_NOTHING,
	SPOIL_SECRET, /* every arrival has a ticket of another run */
	SPOIL_BYTES,  /* right tickets on wrong contents */
	SPOIL_ROAD,   /* nothing arrives */
};

struct mirror {
	int fd;
	uint16_t port;
	enum spoil spoil;
	unsigned int steps; /* arrivals that a slot takes until it is done */
	unsigned int begun, at_step[WINDOW];
	uint32_t hosts; /* that datagrams came from, a bit each */
};

static void begin(void *arg, uint32_t slot)
{
	struct mirror *m = arg;

	m->begun++;
	m->at_step[slot] = 0;
}

static size_t write_dgram(void *arg, const struct load_ticket *t, uint8_t *buf,
			  struct udp_dgram *out)
{
	struct mirror *m = arg;
	struct addr first = addr_ipv4(127, 16, 0, 1, 0);
	struct load_ticket ticket = *t;

	if (m->spoil == SPOIL_SECRET)
		ticket.secret++;
	load_ticket_put(&ticket, buf);
	out->local = load_host(&first, t->slot);
	out->peer = addr_ipv4(127, 0, 0, 1, m->spoil == SPOIL_ROAD ? 9 : m->port);
	return LOAD_TICKET_LEN;
}

static bool find(void *arg, const struct udp_dgram *in, struct load_ticket *out)
{
	struct mirror *m = arg;

	if (in->data.len != LOAD_TICKET_LEN)
		return false;
	load_ticket_get(in->data.data, out);
	m->hosts |= 1u << (in->peer.ip[3] - 1);
	return true;
}

static enum load_arrival take(void *arg, const struct load_ticket *t, const struct udp_dgram *in)
{
	struct mirror *m = arg;

	if (m->spoil == SPOIL_BYTES)
		return LOAD_WRONG;
	return ++m->at_step[t->slot] < m->steps ? LOAD_STEP : LOAD_DONE;
}

static const struct load_kind mirror = { begin, write_dgram, find, take };

static struct load_result play(struct mirror *m, uint64_t begun, int patience_ms)
{
	struct load_until until = { .ms = 60000, .begun = begun, .patience_ms = patience_ms };
	struct load *l = load_new(WINDOW);
	struct load_result r;

	assert_non_null(l);
	m->fd = load_socket(&m->port);
	assert_true(m->fd >= 0);
	assert_in_range(m->port, LOAD_PORT_FIRST, LOAD_PORT_LAST);
	r = load_run(l, &mirror, m, m->fd, m->fd, &until);
	close(m->fd);
	load_free(l);
	return r;
}

static void all_that_begins_is_done(void **state)
{
	struct mirror m = { .steps = 1 };
	struct load_result r = play(&m, 1000, 2000);

	assert_int_equal(r.done, 1000);
	assert_int_equal(r.wrong, 0);
	assert_int_equal(r.lost, 0);
	assert_int_equal(m.begun, 1000);
	assert_int_equal(m.hosts, 0xffff);
	assert_true(r.took_ns > 0);
}

static void fewer_than_the_window_are_fine(void **state)
{
	struct mirror m = { .steps = 1 };

	assert_int_equal(play(&m, WINDOW / 2, 2000).done, WINDOW / 2);
	assert_int_equal(m.begun, WINDOW / 2);
}

static void steps_count_once(void **state)
{
	struct mirror m = { .steps = 3 };
	struct load_result r = play(&m, 100, 2000);

	assert_int_equal(r.done, 100);
	assert_int_equal(m.begun, 100);
}

static void what_another_run_sent_is_wrong(void **state)
{
	struct mirror m = { .steps = 1, .spoil = SPOIL_SECRET };
	struct load_result r = play(&m, WINDOW, 20);

	assert_int_equal(r.done, 0);
	assert_int_equal(r.wrong, WINDOW);
	assert_int_equal(r.lost, WINDOW);
}

static void what_is_not_as_it_should_be_is_wrong(void **state)
{
	struct mirror m = { .steps = 1, .spoil = SPOIL_BYTES };
	struct load_result r = play(&m, 100, 2000);

	assert_int_equal(r.done, 0);
	assert_int_equal(r.wrong, 100);
	assert_int_equal(r.lost, 0);
}

static void what_does_not_arrive_is_lost(void **state)
{
	struct mirror m = { .steps = 1, .spoil = SPOIL_ROAD };
	struct load_result r = play(&m, WINDOW * 2, 20);

	assert_int_equal(r.done, 0);
	assert_int_equal(r.lost, WINDOW * 2);
}

static void hosts_carry_over(void **state)
{
	struct addr first = addr_ipv4(127, 16, 255, 250, 7), want = addr_ipv4(127, 17, 0, 4, 7);
	struct addr got = load_host(&first, 10);

	assert_true(addr_equal(&got, &want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_begins_is_done),
		cmocka_unit_test(fewer_than_the_window_are_fine),
		cmocka_unit_test(steps_count_once),
		cmocka_unit_test(what_another_run_sent_is_wrong),
		cmocka_unit_test(what_is_not_as_it_should_be_is_wrong),
		cmocka_unit_test(what_does_not_arrive_is_lost),
		cmocka_unit_test(hosts_carry_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
