/*
 * A deeper look among servers and strangers that do what they like, when they like: it ends in
 * bounded time, keeps to its cap of sockets, leaves nothing open, and tells a cause for all that it
 * does not know.
 *
 * Input: two bytes of choices (the NAT as the discovery saw it, what the shell can do), then steps:
 * a byte that says what happens, and what that needs.
 */
#include "natprobe/deep/deep.h"
#include "fuzz_check.h"

#include <math.h>
#include <stdlib.h>

#include "coop.h"

#define SENT_MAX  256
#define STEPS_MAX 200000
#define SOCKETS   40
#define LONGEST_S 12

struct sent {
	struct stun_tid tid;
	uint16_t slot, id;
	bool has_order;
	struct coop_order order;
};

struct fuzz {
	struct deep *deep;
	struct wire in;
	uint64_t now_us, counter;
	struct addr server, local;
	struct addr slots[DEEP_SLOTS_MAX]; /* family ADDR_NONE: closed */
	bool tcp[DEEP_CONNECTIONS_MAX];
	unsigned open, steps;
	struct sent sent[SENT_MAX];
	size_t sent_count;
	bool done;
};

static struct verdict verdict; /* too large for a stack */

static void fill(void *arg, void *buf, size_t len)
{
	struct fuzz *f = arg;
	uint8_t *p = buf;

	f->counter++;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)((f->counter * 0x9e3779b97f4a7c15u) >> (8 * (i % 8)));
}

static void do_open(struct fuzz *f, const struct deep_action *a)
{
	FUZZ_CHECK(a->slot < DEEP_SLOTS_MAX && f->slots[a->slot].family == ADDR_NONE);
	if (wire_get_u8(&f->in) == 0xff) {
		deep_on_open_failed(f->deep, a->slot, -98, f->now_us);
		return;
	}
	f->slots[a->slot] = addr_with_port(&f->local, a->port != 0 ? a->port : 7);
	f->open++;
	FUZZ_CHECK(f->open <= SOCKETS);
	deep_on_open(f->deep, a->slot, &f->slots[a->slot], f->now_us);
}

static void do_send(struct fuzz *f, const struct deep_action *a)
{
	struct sent *s = &f->sent[f->sent_count % SENT_MAX];
	struct stun_msg msg;
	struct bytes value;

	FUZZ_CHECK(a->slot < DEEP_SLOTS_MAX && f->slots[a->slot].family != ADDR_NONE);
	FUZZ_CHECK(a->data.len <= COOP_SIZE_MAX && a->to.port != 0);
	FUZZ_CHECK(addr_equal_ip(&a->to, &f->server) || a->to.ip[0] == 203);
	if (stun_msg_parse(a->data, &msg) != STUN_OK)
		return;
	*s = (struct sent){ .tid = msg.tid, .slot = a->slot };
	if (stun_msg_find(&msg, COOP_ATTR_ORDER, &value))
		s->has_order = coop_get_order(value, &s->order) == STUN_OK;
	FUZZ_CHECK(!s->has_order || coop_order_is_sound(&s->order));
	f->sent_count++;
}

static void do_tcp(struct fuzz *f, const struct deep_action *a)
{
	FUZZ_CHECK(a->slot < DEEP_ACCEPTED_FIRST && !f->tcp[a->slot]);
	f->tcp[a->slot] = true;
}

static void do_action(struct fuzz *f, const struct deep_action *a)
{
	switch (a->kind) {
	case DEEP_OPEN:
		do_open(f, a);
		break;
	case DEEP_SEND:
		do_send(f, a);
		break;
	case DEEP_CLOSE:
		FUZZ_CHECK(f->slots[a->slot].family != ADDR_NONE);
		f->slots[a->slot] = (struct addr){ 0 };
		f->open--;
		break;
	case DEEP_LISTEN:
	case DEEP_CONNECT:
		do_tcp(f, a);
		break;
	case DEEP_DISCONNECT:
		FUZZ_CHECK(f->tcp[a->slot]);
		f->tcp[a->slot] = false;
		break;
	default:
		FUZZ_CHECK(a->kind == DEEP_WRITE && f->tcp[a->slot]);
		break;
	}
}

/* Carries out what is due; with `sleep`, also waits once. */
static void pump(struct fuzz *f, bool sleep)
{
	struct deep_action a;

	while (!f->done) {
		FUZZ_CHECK(f->steps++ < STEPS_MAX);
		switch (deep_next(f->deep, f->now_us, &a)) {
		case DEEP_WAIT:
			FUZZ_CHECK(a.deadline_us != UINT64_MAX);
			if (sleep && a.deadline_us > f->now_us)
				f->now_us = a.deadline_us;
			else if (sleep)
				f->now_us++;
			return;
		case DEEP_FINISHED:
			f->done = true;
			break;
		default:
			do_action(f, &a);
			break;
		}
	}
}

static struct bytes make_answer(struct fuzz *f, const struct sent *s, uint8_t *buf, size_t cap)
{
	struct stun_builder b = stun_build(buf, cap, STUN_BINDING, STUN_SUCCESS, &s->tid);
	struct addr mapped = addr_ipv4(198, 51, 100, 7, f->slots[s->slot].port);
	struct addr other = addr_ipv4(203, 0, 113, 2, 3479);
	struct coop_token token = { { 1 } };
	uint8_t shape = wire_get_u8(&f->in);
	struct coop_report r = { .kind = s->order.kind, .id = s->order.id };
	struct bytes out = { 0 };

	r.outcome = wire_get_u8(&f->in) % 24;
	if ((shape & 1) != 0)
		r.outcome = COOP_ACCEPTED;
	r.index = shape >> 5;
	r.elapsed_ms = s->order.delay_ms + wire_get_u8(&f->in);
	if ((shape & 2) != 0)
		mapped.port = wire_get_u16(&f->in);
	if ((shape & 4) != 0)
		mapped.ip[3] ^= wire_get_u8(&f->in) & 15;
	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &mapped);
	(void)stun_attr_put_addr(&b, STUN_ATTR_OTHER_ADDRESS, &other);
	if ((shape & 8) == 0)
		(void)coop_put_token(&b, &token);
	if (s->has_order && (shape & 16) == 0)
		(void)coop_put_report(&b, &r);
	(void)stun_build_finish(&b, &out);
	return out;
}

static void answer(struct fuzz *f, uint8_t choice)
{
	size_t known = f->sent_count < SENT_MAX ? f->sent_count : SENT_MAX;
	struct addr from = f->server;
	const struct sent *s;
	uint8_t buf[256];
	struct bytes data;

	if (known == 0)
		return;
	s = &f->sent[(f->sent_count - 1 - wire_get_u8(&f->in) % known) % SENT_MAX];
	from.port = (uint16_t)(from.port ^ (choice & 1));
	data = make_answer(f, s, buf, sizeof(buf));
	deep_on_datagram(f->deep, s->slot, &from, data, f->now_us);
}

static void strangers(struct fuzz *f, uint8_t choice)
{
	uint16_t slot = wire_get_u16(&f->in) % (DEEP_SLOTS_MAX + 8);
	struct bytes data = wire_get_bytes(&f->in, wire_get_u8(&f->in) & 63);
	struct deep_icmp icmp = { .type = choice, .router = f->server, .to = f->server };

	icmp.code = choice >> 4;
	icmp.inside = data;
	if ((choice & 1) != 0)
		deep_on_icmp(f->deep, slot, &icmp, f->now_us);
	else if ((choice & 2) != 0)
		deep_on_datagram(f->deep, slot, &f->server, data, f->now_us);
	else
		deep_on_send_error(f->deep, slot, -90, f->now_us);
}

/* What is not ours is not told by any shell. */
static void streams(struct fuzz *f, uint8_t choice)
{
	uint16_t slot = wire_get_u8(&f->in) % DEEP_CONNECTIONS_MAX;
	uint16_t listener = wire_get_u8(&f->in) % DEEP_ACCEPTED_FIRST;

	if (!f->tcp[slot] && slot >= DEEP_ACCEPTED_FIRST && f->tcp[listener]) {
		f->tcp[slot] = true;
		deep_on_accepted(f->deep, listener, slot, &f->server, f->now_us);
		return;
	}
	if (!f->tcp[slot])
		return;
	if ((choice & 1) != 0) {
		deep_on_connected(f->deep, slot, (choice & 2) != 0 ? NULL : &f->local, f->now_us);
	} else if ((choice & 2) != 0) {
		deep_on_stream(f->deep, slot, bytes_of(&choice, 1), f->now_us);
	} else {
		f->tcp[slot] = false;
		deep_on_closed(f->deep, slot, -111, f->now_us);
	}
}

static void step(struct fuzz *f)
{
	uint8_t choice = wire_get_u8(&f->in);

	switch (choice >> 2 & 7) {
	case 0:
		f->now_us += (uint64_t)10000 * (choice & 0xe3);
		pump(f, false);
		break;
	case 1:
	case 2:
		answer(f, choice);
		break;
	case 3:
		strangers(f, wire_get_u8(&f->in));
		break;
	case 4:
		streams(f, choice);
		break;
	case 5:
		if (choice == 0xf7)
			deep_stop(f->deep, f->now_us);
		break;
	default:
		pump(f, true);
		break;
	}
}

static void is_sound(const struct verdict_deep *v)
{
	FUZZ_CHECK(v->tried);
	FUZZ_CHECK(v->rung_count <= DEEP_RUNGS_MAX && v->hop_count <= DEEP_HOPS_MAX);
	FUZZ_CHECK(v->mappings <= SOCKETS);
	for (unsigned i = 0; i < DEEP_PROPERTIES; i++) {
		const struct deep_value *value = &v->values[i];

		FUZZ_CHECK((value->state == DEEP_UNKNOWN) == (value->cause != CAUSE_NONE));
		FUZZ_CHECK(value->state != DEEP_NUMBER ||
			   (value->low <= value->high && isfinite(value->low)));
		FUZZ_CHECK(value->error >= 0 && value->error <= 1);
	}
}

/* What a discovery may have found. */
static void make_verdict(uint8_t choice, uint8_t more)
{
	verdict = (struct verdict){ 0 };
	verdict.nat.value = choice % 4;
	verdict.mapping.value = (choice >> 2) % BEHAVIOURS;
	verdict.filtering.value = BEHAVIOUR_ENDPOINT_INDEPENDENT + (choice >> 5) % 3;
	verdict.ports.delta = more % DELTAS;
	verdict.ports.value = (int8_t)more;
	verdict.pooling.value = (more >> 4) % POOLINGS;
	verdict.rtt_min_us = 20000;
	verdict.nat.cause = verdict.nat.value == VERDICT_UNKNOWN ? CAUSE_LOSS : CAUSE_NONE;
	verdict.mapping.cause =
		verdict.mapping.value == BEHAVIOUR_UNKNOWN ? CAUSE_LOSS : CAUSE_NONE;
	verdict.ports.cause = verdict.ports.delta == DELTA_UNKNOWN ? CAUSE_AMBIGUOUS : CAUSE_NONE;
	verdict.rate_limit.value = (more & 8) != 0 ? VERDICT_YES : VERDICT_NO;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct fuzz f;
	struct deep_config config = { .random = fill, .random_arg = &f, .longest_s = LONGEST_S };
	uint8_t choice, more;

	f = (struct fuzz){ .in = wire_read(bytes_of(data, len)), .now_us = 1000 };
	choice = wire_get_u8(&f.in);
	more = wire_get_u8(&f.in);
	make_verdict(choice, more);
	f.server = addr_ipv4(203, 0, 113, 1, 3478);
	f.local = addr_ipv4(192, 168, 1, 2, 0);
	config.local = f.local;
	config.servers[config.server_count++] = f.server;
	config.servers[config.server_count++] = addr_ipv4(203, 0, 113, 9, 3478);
	config.mappings = SOCKETS;
	config.can_fragment = (more & 1) != 0;
	config.sees_icmp = (more & 2) != 0;
	if ((more & 4) != 0)
		config.second = addr_ipv4(192, 168, 1, 3, 0);
	f.deep = deep_new(&config, &verdict);
	FUZZ_CHECK(f.deep != NULL);
	pump(&f, false);
	while (f.in.left > 0 && !f.in.failed && !f.done)
		step(&f);
	while (!f.done)
		pump(&f, true);
	FUZZ_CHECK(f.open == 0);
	for (size_t i = 0; i < DEEP_CONNECTIONS_MAX; i++)
		FUZZ_CHECK(!f.tcp[i]);
	is_sound(&verdict.deep);
	deep_free(f.deep);
	return 0;
}
