/*
 * A discovery among servers and strangers that do what they like, when they like: it ends in
 * bounded time, within its budget, leaves nothing open, and tells a cause for all it does not
 * know.
 *
 * Input: a byte of choices (servers, IPv6), then steps: a byte that says what happens, and what
 * that needs. Answers are well-formed or bent ones to probes that were sent; the rest is noise.
 */
#include "natprobe/discover/discover.h"
#include "fuzz_check.h"

#include "stun_attr.h"
#include "stun_msg.h"

#define SENT_MAX  256
#define STEPS_MAX 20000

struct sent {
	struct stun_tid tid;
	struct addr to, local;
	struct stun_change change;
	uint8_t slot;
};

struct fuzz {
	struct discover *discover;
	struct wire in;
	struct addr servers[3];
	uint64_t now_us;
	struct addr slots[DISCOVER_SLOTS_MAX];
	bool open[DISCOVER_SLOTS_MAX];
	bool connected[DISCOVER_CONNECTIONS_MAX];
	struct sent sent[SENT_MAX];
	size_t sent_count;
	struct addr gateway;
	struct bytes request; /* of the last connection */
	uint8_t request_bytes[64];
	unsigned steps;
	bool done;
	uint64_t counter;
};

static void fill(void *arg, void *buf, size_t len)
{
	struct fuzz *f = arg;
	uint8_t *p = buf;

	f->counter++;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(f->counter >> (8 * (i % 8)));
}

static struct addr make_addr(bool ipv6, uint8_t host, uint16_t port)
{
	struct addr a = addr_ipv4(203, 0, 113, host, port);

	if (ipv6)
		a = (struct addr){ .family = ADDR_IPV6,
				   .port = port,
				   .ip = { 0x20, 1, [15] = host } };
	return a;
}

static void do_open(struct fuzz *f, uint8_t slot)
{
	FUZZ_CHECK(slot < DISCOVER_SLOTS_MAX && !f->open[slot]);
	if (wire_get_u8(&f->in) == 0xff) {
		discover_on_open_failed(f->discover, slot, -1);
		return;
	}
	f->open[slot] = true;
	f->slots[slot] = make_addr(f->servers[0].family == ADDR_IPV6, 200, (uint16_t)(5000 + slot));
	discover_on_open(f->discover, slot, &f->slots[slot]);
}

static void do_send(struct fuzz *f, const struct discover_action *a)
{
	struct sent *s;
	struct stun_msg msg;
	struct bytes value;

	FUZZ_CHECK(a->slot < DISCOVER_SLOTS_MAX && f->open[a->slot]);
	FUZZ_CHECK(a->to.family == f->servers[0].family && a->to.port != 0);
	FUZZ_CHECK(!addr_is_loopback(&a->to) && a->to.ip[0] < 224);
	if (a->to.port == 5351 && addr_equal_ip(&a->to, &f->gateway))
		return; /* PCP or NAT-PMP */
	s = &f->sent[f->sent_count++ % SENT_MAX];
	FUZZ_CHECK(stun_msg_parse(a->data, &msg) == STUN_OK && msg.class == STUN_REQUEST);
	*s = (struct sent){ .tid = msg.tid, .to = a->to, .slot = a->slot };
	s->local = f->slots[a->slot];
	if (stun_msg_find(&msg, STUN_ATTR_CHANGE_REQUEST, &value))
		FUZZ_CHECK(stun_attr_get_change(value, &s->change) == STUN_OK);
}

static void do_connect(struct fuzz *f, const struct discover_action *a)
{
	FUZZ_CHECK(a->slot < DISCOVER_CONNECTIONS_MAX && !f->connected[a->slot]);
	FUZZ_CHECK(a->data.len <= sizeof(f->request_bytes));
	f->connected[a->slot] = true;
	memcpy(f->request_bytes, a->data.data, a->data.len);
	f->request = bytes_of(f->request_bytes, a->data.len);
}

/* Carries out what is due; with `sleep`, also waits once. */
static void pump(struct fuzz *f, bool sleep)
{
	struct discover_action a;

	while (!f->done) {
		FUZZ_CHECK(f->steps++ < STEPS_MAX);
		switch (discover_next(f->discover, f->now_us, &a)) {
		case DISCOVER_OPEN:
			do_open(f, a.slot);
			break;
		case DISCOVER_SEND:
			do_send(f, &a);
			break;
		case DISCOVER_CLOSE:
			FUZZ_CHECK(f->open[a.slot]);
			f->open[a.slot] = false;
			break;
		case DISCOVER_CONNECT:
			do_connect(f, &a);
			break;
		case DISCOVER_DISCONNECT:
			FUZZ_CHECK(f->connected[a.slot]);
			f->connected[a.slot] = false;
			break;
		case DISCOVER_WAIT:
			FUZZ_CHECK(a.deadline_us > f->now_us && a.deadline_us != UINT64_MAX);
			if (sleep)
				f->now_us = a.deadline_us;
			return;
		case DISCOVER_DONE:
			f->done = true;
			break;
		}
	}
}

/* Where an answer comes from: the right source, if the last alternate counts, or another. */
static struct addr pick_source(struct fuzz *f, const struct sent *s, uint8_t choice)
{
	struct addr from = s->to;

	switch (choice & 3) {
	case 0:
		if (s->change.address)
			from.ip[addr_ip_len(from.family) - 1] ^= 0x80;
		if (s->change.port)
			from.port ^= 1;
		return from;
	case 1:
		return s->to;
	case 2:
		from.port ^= 1;
		return from;
	default:
		return make_addr(from.family == ADDR_IPV6, wire_get_u8(&f->in), 3478);
	}
}

static struct bytes make_answer(struct fuzz *f, const struct sent *s, uint8_t choice, uint8_t *buf,
				size_t cap)
{
	enum stun_class class = (choice & 0x80) != 0 ? STUN_ERROR : STUN_SUCCESS;
	struct stun_builder b = stun_build(buf, cap, STUN_BINDING, class, &s->tid);
	struct addr mapped = s->local, other = s->to;
	uint8_t shape = wire_get_u8(&f->in);
	struct bytes out = { 0 };

	mapped.port = (uint16_t)(mapped.port + (shape & 3));
	if ((choice & 0x10) != 0) { /* a lie */
		mapped.ip[0] = wire_get_u8(&f->in);
		mapped.port = wire_get_u16(&f->in);
	}
	other.ip[addr_ip_len(other.family) - 1] ^= (shape & 4) != 0 ? 0 : 0x80;
	other.port ^= (shape & 8) != 0 ? 0 : 1;
	if ((shape & 0x10) == 0)
		(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &mapped);
	if ((shape & 0x20) != 0)
		other = make_addr((shape & 0x40) != 0, 9, wire_get_u16(&f->in));
	if ((shape & 0x80) == 0)
		(void)stun_attr_put_addr(&b, STUN_ATTR_OTHER_ADDRESS, &other);
	(void)stun_build_finish(&b, &out);
	return out;
}

/* A request of ours comes back to a socket of ours. */
static void reflect(struct fuzz *f, const struct sent *s)
{
	struct stun_builder b;
	struct bytes out = { 0 };
	uint8_t buf[64];

	b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &s->tid);
	(void)stun_build_finish(&b, &out);
	discover_on_datagram(f->discover, wire_get_u8(&f->in), &s->local, out, f->now_us);
}

static void answer(struct fuzz *f, uint8_t choice)
{
	size_t known = f->sent_count < SENT_MAX ? f->sent_count : SENT_MAX;
	uint8_t back = wire_get_u8(&f->in);
	const struct sent *s;
	uint8_t buf[128];
	struct addr from;
	struct bytes data;

	if (known == 0)
		return;
	s = &f->sent[(f->sent_count - 1 - back % known) % SENT_MAX];
	if ((choice & 0x60) == 0x60) {
		reflect(f, s);
		return;
	}
	from = pick_source(f, s, choice);
	data = make_answer(f, s, choice, buf, sizeof(buf));
	discover_on_datagram(f->discover, s->slot, &from, data, f->now_us);
}

static void noise(struct fuzz *f)
{
	uint8_t slot = wire_get_u8(&f->in);
	struct bytes data = wire_get_bytes(&f->in, wire_get_u8(&f->in) & 63);

	discover_on_datagram(f->discover, slot, &f->servers[0], data, f->now_us);
}

/* To our last request over TCP: with an address, or without one. */
static struct bytes make_stream_answer(const struct fuzz *f, const struct addr *local,
				       uint8_t choice, uint8_t *buf, size_t cap)
{
	struct addr mapped = addr_with_port(local, (uint16_t)(local->port + (choice >> 6 & 1)));
	struct stun_builder b;
	struct stun_msg asked;
	struct bytes out = { 0 };

	FUZZ_CHECK(stun_msg_parse(f->request, &asked) == STUN_OK);
	b = stun_build(buf, cap, STUN_BINDING, STUN_SUCCESS, &asked.tid);
	if ((choice & 2) != 0)
		(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &mapped);
	(void)stun_build_finish(&b, &out);
	return out;
}

static void stream(struct fuzz *f, uint8_t choice)
{
	uint8_t slot = wire_get_u8(&f->in);
	struct bytes data = wire_get_bytes(&f->in, wire_get_u8(&f->in) & 63);
	struct addr local = make_addr(f->servers[0].family == ADDR_IPV6, 200, 6000);
	uint8_t buf[64];

	if ((choice & 0x80) != 0 && f->request.len > 0)
		data = make_stream_answer(f, &local, choice, buf, sizeof(buf));
	switch ((choice >> 4 & 3) % 3) {
	case 0:
		discover_on_connected(f->discover, slot, (choice & 0x40) != 0 ? NULL : &local,
				      f->now_us);
		break;
	case 1:
		discover_on_stream(f->discover, slot, DISCOVER_STREAM_DATA, data, f->now_us);
		break;
	default:
		discover_on_stream(f->discover, slot, DISCOVER_STREAM_CLOSED, data, f->now_us);
		break;
	}
}

static void step(struct fuzz *f)
{
	uint8_t choice = wire_get_u8(&f->in);

	switch (choice >> 2 & 3) {
	case 0:
		f->now_us += (uint64_t)1000 * (choice & 0xf3);
		pump(f, false);
		break;
	case 1:
		answer(f, choice);
		break;
	case 2:
		if ((choice & 1) != 0)
			noise(f);
		else
			stream(f, choice);
		break;
	default:
		if (choice == 0xff)
			discover_stop(f->discover, f->now_us);
		else if (choice == 0xfe || choice == 0xfc)
			discover_take_floor(f->discover, choice == 0xfe);
		else if ((choice & 1) != 0)
			discover_on_send_error(f->discover, wire_get_u8(&f->in), -1);
		else
			pump(f, true);
		break;
	}
}

static void is_sound(const struct verdict *v)
{
	char buf[200];

	FUZZ_CHECK(v != NULL);
	FUZZ_CHECK(v->sent <= 120 && v->answered <= v->sent + v->send_errors);
	FUZZ_CHECK((v->nat.value == VERDICT_UNKNOWN) == (v->nat.cause != CAUSE_NONE));
	FUZZ_CHECK(v->mapping.value != BEHAVIOUR_UNKNOWN || v->mapping.cause != CAUSE_NONE);
	FUZZ_CHECK(((v->mapping.possible & (v->mapping.possible - 1)) != 0) ==
		   (v->mapping.cause != CAUSE_NONE));
	FUZZ_CHECK((v->filtering.value == BEHAVIOUR_UNKNOWN) == (v->filtering.cause != CAUSE_NONE));
	FUZZ_CHECK(v->udp_blocked.value != VERDICT_YES ||
		   (v->mapping.value == BEHAVIOUR_UNKNOWN &&
		    v->filtering.value == BEHAVIOUR_UNKNOWN &&
		    (v->firewall.value == VERDICT_YES) == (v->nat.value == VERDICT_NO)));
	FUZZ_CHECK(v->filtering.error >= 0 && v->filtering.error <= 1e-3);
	FUZZ_CHECK(v->sighting_count <= VERDICT_SIGHTINGS_MAX);
	FUZZ_CHECK(v->sample_count <= VERDICT_SAMPLES_MAX);
	FUZZ_CHECK(v->confidence >= 0 && v->confidence < 1);
	FUZZ_CHECK((v->hairpin.value == HAIRPIN_UNKNOWN) == (v->hairpin.cause != CAUSE_NONE));
	FUZZ_CHECK((v->rate_limit.value == VERDICT_UNKNOWN) == (v->rate_limit.cause != CAUSE_NONE));
	FUZZ_CHECK((v->ports.delta == DELTA_UNKNOWN) == (v->ports.cause != CAUSE_NONE));
	FUZZ_CHECK((v->pooling.value == POOLING_UNKNOWN) == (v->pooling.cause != CAUSE_NONE));
	FUZZ_CHECK(v->mapping_tcp.value != BEHAVIOUR_UNKNOWN || v->mapping_tcp.cause != CAUSE_NONE);
	FUZZ_CHECK(verdict_headline(v)[0] != '\0');
	FUZZ_CHECK(verdict_possible_print(v->mapping.possible, buf, sizeof(buf))[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct fuzz f;
	struct discover_server servers[3];
	struct discover_config config = { .servers = servers, .random = fill, .random_arg = &f };
	uint8_t choice;

	f = (struct fuzz){ .in = wire_read(bytes_of(data, len)), .now_us = 1000 };
	choice = wire_get_u8(&f.in);
	config.server_count = choice % 4;
	for (uint8_t i = 0; i < 3; i++) {
		f.servers[i] = make_addr((choice & 0x10) != 0, (uint8_t)(1 + i), 3478);
		servers[i] = (struct discover_server){ f.servers[i], "server" };
	}
	config.local = addr_with_port(&f.servers[0], 0);
	if ((choice & 0x20) != 0)
		config.gateway = f.gateway = make_addr((choice & 0x10) != 0, 254, 0);
	config.sees_own_source = (choice & 0x40) != 0;
	f.discover = discover_new(&config);
	FUZZ_CHECK(f.discover != NULL);
	pump(&f, false);
	while (f.in.left > 0 && !f.in.failed && !f.done)
		step(&f);
	while (!f.done)
		pump(&f, true);

	for (size_t i = 0; i < DISCOVER_SLOTS_MAX; i++)
		FUZZ_CHECK(!f.open[i]);
	is_sound(discover_verdict(f.discover));
	discover_free(f.discover);
	return 0;
}
