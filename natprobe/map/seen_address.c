#include "seen_address.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "natprobe/net/await.h"
#include "stun_attr.h"
#include "stun_txn.h"
#include "udp.h"

#define RTO_US      250000
#define COPIES      6
#define MESSAGE_MAX 1500

struct ask {
	struct event_base *base;
	struct event *readable, *timer;
	int fd;
	struct addr servers[SEEN_SERVERS_MAX];
	struct stun_txn txns[SEEN_SERVERS_MAX];
	size_t count;
	uint64_t ends_us;
	struct addr seen;
};

static void finish(struct ask *a)
{
	event_base_loopbreak(a->base);
}

static void send_to(struct ask *a, size_t i)
{
	uint8_t buf[64];
	struct stun_builder b =
		stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &a->txns[i].tid);
	struct udp_dgram d = { .peer = a->servers[i] };

	if (stun_build_finish(&b, &d.data) == STUN_OK)
		(void)udp_send_one(a->fd, &d, NULL);
}

static void step(struct ask *a)
{
	uint64_t now_us = clock_us(), next_us = a->ends_us;

	if (now_us >= a->ends_us) {
		finish(a);
		return;
	}
	for (size_t i = 0; i < a->count; i++) {
		while (stun_txn_step(&a->txns[i], now_us) == STUN_TXN_SEND)
			send_to(a, i);
		if (a->txns[i].next_us < next_us)
			next_us = a->txns[i].next_us;
	}
	await_moment(a->timer, next_us);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	step(arg);
}

/* Whoever knows the transaction id is the server that was asked. */
static bool take(struct ask *a, const struct udp_dgram *d)
{
	struct stun_msg m;
	struct bytes value;

	if (stun_msg_parse(d->data, &m) != STUN_OK || m.class != STUN_SUCCESS)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!stun_txn_matches(&a->txns[i], STUN_BINDING, &m) ||
		    !addr_equal(&d->peer, &a->servers[i]))
			continue;
		stun_txn_end(&a->txns[i]);
		return stun_msg_find(&m, STUN_ATTR_XOR_MAPPED_ADDRESS, &value) &&
		       stun_attr_get_xor_addr(value, &m.tid, &a->seen) == STUN_OK;
	}
	return false;
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct ask *a = arg;
	uint8_t buf[MESSAGE_MAX];
	struct udp_dgram d;

	for (int i = 0; i < UDP_BATCH && udp_recv_one(fd, buf, sizeof(buf), &d) == 1; i++) {
		if (take(a, &d)) {
			finish(a);
			return;
		}
	}
}

static bool start(struct ask *a, const struct probe_source *source)
{
	const struct stun_txn_timing timing = { .rto_us = RTO_US, .rc = COPIES, .rm = 2 };
	struct addr bound;

	a->fd = probe_socket_udp(source, 0, &bound);
	if (a->fd < 0)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		uint8_t random[12];
		struct stun_tid tid;

		if (RAND_bytes(random, sizeof(random)) != 1)
			abort(); /* without it nothing is safe */
		tid = stun_tid_make(random);
		stun_txn_start(&a->txns[i], &tid, &timing, clock_us());
	}
	a->readable = event_new(a->base, a->fd, EV_READ | EV_PERSIST, on_readable, a);
	a->timer = evtimer_new(a->base, on_timer, a);
	return a->readable != NULL && a->timer != NULL && event_add(a->readable, NULL) == 0;
}

struct addr seen_address_ask(struct event_base *base, const struct probe_source *source,
			     const struct addr *servers, size_t count, uint32_t patience_ms)
{
	struct ask a = { .base = base, .fd = -1, .count = count };

	a.ends_us = clock_us() + patience_ms * 1000ULL;
	for (size_t i = 0; i < count; i++)
		a.servers[i] = servers[i];
	if (count > 0 && start(&a, source)) {
		step(&a);
		event_base_dispatch(base);
	}
	if (a.readable != NULL)
		event_free(a.readable);
	if (a.timer != NULL)
		event_free(a.timer);
	if (a.fd >= 0)
		close(a.fd);
	return a.seen;
}
