/*
 * One side of a trial beside a peer that has the key and may do anything, strangers, and a system
 * that says what it likes: it ends in time, sends to nobody in particular no packet, keeps within
 * its bounds, and closes what it opened.
 *
 * Input: a byte of choices, then steps: a byte that says what happens, and what that takes.
 */
#include "fuzz_check.h"
#include "natprobe/peer/peer_wire.h"
#include "natprobe/punch/check.h"
#include "natprobe/punch/punch.h"
#include "natprobe/punch/punch_wire.h"
#include "rng.h"

#define SENT_MAX   64
#define SPIN_MAX   20000
#define PACKETS_MS 13 /* in the long run: 64 in 5 ms */
#define END_US     UINT64_C(120000000)

struct world {
	struct punch *punch;
	struct check_keys theirs;
	struct peer_profile profiles[2];
	struct rng rng;
	bool slots[PUNCH_SLOTS_MAX], tcp[PUNCH_CONNECTIONS_MAX];
	uint64_t now_us, began_us;
	uint32_t sends;
	bool is_finished;
	struct {
		struct stun_tid tid;
		struct addr to;
		uint16_t slot;
	} sent[SENT_MAX];
	size_t sent_count;
};

static struct world w;

static void fill_random(void *arg, void *buf, size_t len)
{
	rng_fill(arg, buf, len);
}

static void make_profile(struct peer_profile *p, uint8_t side, uint8_t kind)
{
	struct peer_path *path = &p->paths[0];

	*p = (struct peer_profile){ .path_count = 1 };
	path->family = ADDR_IPV4;
	path->local = addr_ipv4(10, 0, side, 1, 0);
	path->local_prefix_len = 24;
	path->externals[0] = addr_ipv4(20, 0, (kind & 1) != 0 ? 7 : side, 1, 0);
	path->external_count = 1;
	path->mapping = (kind & 2) != 0 ? BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT
					: BEHAVIOUR_ENDPOINT_INDEPENDENT;
	path->tcp_mapping = BEHAVIOUR_ENDPOINT_INDEPENDENT;
	path->filtering = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	path->delta = (kind & 4) != 0 ? DELTA_INDEPENDENT : DELTA_RANDOM;
	path->delta_value = 1;
	path->portmap = VERDICT_YES;
	path->background_per_s = path->overload = path->loss = -1;
	p->has_relay = (kind & 8) != 0;
}

static void note_send(const struct punch_action *a)
{
	struct wire in = wire_read(a->data);

	FUZZ_CHECK(a->slot < PUNCH_SLOTS_MAX && w.slots[a->slot] && a->data.len > 0);
	FUZZ_CHECK(a->to.port != 0 && !addr_is_any(&a->to) && !addr_is_loopback(&a->to));
	FUZZ_CHECK(a->to.family != ADDR_IPV4 || a->to.ip[0] < 224);
	w.sends++;
	wire_skip(&in, 4);
	wire_get_mem(&in, w.sent[w.sent_count % SENT_MAX].tid.bytes, 16);
	w.sent[w.sent_count % SENT_MAX].to = a->to;
	w.sent[w.sent_count++ % SENT_MAX].slot = a->slot;
}

static void open_slot(const struct punch_action *a)
{
	struct addr local = addr_with_port(&w.profiles[0].paths[0].local,
					   (uint16_t)(1024 + rng_below(&w.rng, 60000)));

	FUZZ_CHECK(a->slot < PUNCH_SLOTS_MAX && !w.slots[a->slot] && a->path == 0);
	if (rng_below(&w.rng, 16) == 0) {
		punch_on_open_failed(w.punch, a->slot, 24, w.now_us);
		return;
	}
	w.slots[a->slot] = true;
	punch_on_open(w.punch, a->slot, &local, w.now_us);
}

static void carry_out(const struct punch_action *a)
{
	switch ((enum punch_kind)a->kind) {
	case PUNCH_OPEN:
		open_slot(a);
		break;
	case PUNCH_OPEN_RELAY:
		w.slots[a->slot] = true;
		break;
	case PUNCH_SEND:
		note_send(a);
		break;
	case PUNCH_CLOSE:
		w.slots[a->slot] = false;
		break;
	case PUNCH_LISTEN:
	case PUNCH_CONNECT:
		FUZZ_CHECK(a->slot < PUNCH_ACCEPTED_FIRST);
		w.tcp[a->slot] = true;
		break;
	case PUNCH_DISCONNECT:
		w.tcp[a->slot] = false;
		break;
	case PUNCH_TELL:
		FUZZ_CHECK(a->data.len > 0 && a->data.len <= PUNCH_TELL_MAX);
		break;
	case PUNCH_FINISHED:
		FUZZ_CHECK(!w.is_finished);
		w.is_finished = true;
		break;
	default:
		break;
	}
}

/* All that is to be done now; returns when there is more. */
static uint64_t drive(void)
{
	struct punch_action a;
	unsigned calls = 0;

	while (punch_next(w.punch, w.now_us, &a) != PUNCH_WAIT) {
		carry_out(&a);
		FUZZ_CHECK(++calls < SPIN_MAX);
	}
	return a.deadline_us;
}

static void pass(uint64_t us)
{
	uint64_t until_us = w.now_us + us, due_us;
	unsigned calls = 0;

	while ((due_us = drive()) <= until_us) {
		w.now_us = due_us > w.now_us ? due_us : w.now_us;
		FUZZ_CHECK(++calls < SPIN_MAX);
	}
	w.now_us = until_us;
}

static struct addr get_addr(struct wire *in)
{
	uint8_t kind = wire_get_u8(in);
	struct addr a = addr_ipv4(20, 0, kind % 8, 1, (uint16_t)(40000 + kind));

	if (kind < 240)
		return a;
	a.family = kind % 2 == 0 ? ADDR_IPV4 : ADDR_IPV6;
	wire_get_mem(in, a.ip, addr_ip_len(a.family));
	a.port = wire_get_u16(in);
	return a;
}

static void receive(struct wire *in)
{
	uint16_t slot = wire_get_u16(in) % PUNCH_SLOTS_MAX;
	struct addr from = get_addr(in);
	uint8_t len = wire_get_u8(in);
	struct bytes data = wire_get_bytes(in, len < in->left ? len : in->left);

	if (w.slots[slot])
		punch_on_datagram(w.punch, slot, &from, data, w.now_us);
}

/* Signed rightly, whatever it says. */
static void receive_check(struct wire *in)
{
	uint16_t slot = (uint16_t)(wire_get_u8(in) % 48);
	struct addr from = get_addr(in);
	uint8_t step = wire_get_u8(in), nomination = wire_get_u8(in), buf[CHECK_BYTES_MAX];
	struct stun_tid tid =
		stun_tid_make((const uint8_t[12]){ wire_get_u8(in), [5] = wire_get_u8(in) });
	size_t len = check_write_request(&w.theirs, &tid, step, nomination, buf);

	if (w.slots[slot])
		punch_on_datagram(w.punch, slot, &from, bytes_of(buf, len), w.now_us);
}

/* An answer to something that was sent, of a server or the peer, perhaps from elsewhere. */
static void receive_answer(struct wire *in)
{
	uint8_t which = wire_get_u8(in), how = wire_get_u8(in), buf[CHECK_BYTES_MAX];
	struct addr mapped = get_addr(in);
	struct bytes data = { 0 };
	struct addr from;
	struct stun_builder b;

	which %= SENT_MAX;
	if (which >= w.sent_count)
		return;
	from = w.sent[which].to;
	if ((how & 1) != 0)
		from.port++;
	if ((how & 2) != 0) {
		data = bytes_of(buf,
				check_write_answer(&w.theirs, &w.sent[which].tid, &mapped, buf));
	} else {
		b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_SUCCESS, &w.sent[which].tid);
		(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &mapped);
		if (stun_build_finish(&b, &data) != STUN_OK)
			return;
	}
	if (w.slots[w.sent[which].slot])
		punch_on_datagram(w.punch, w.sent[which].slot, &from, data, w.now_us);
}

static void tell_offer(struct wire *in)
{
	uint8_t raw[PEER_OFFER_BYTES_MAX], buf[PUNCH_TELL_MAX];
	struct punch_told_offer told = { .made_us = wire_get_u32(in),
					 .hold_s = wire_get_u8(in) % 4,
					 .sockets_max = wire_get_u8(in) };
	struct peer_offer o = { .endpoint_count = wire_get_u8(in) % 8 };

	for (uint8_t i = 0; i < o.endpoint_count; i++) {
		o.endpoints[i].addr = get_addr(in);
		o.endpoints[i].kind = wire_get_u8(in) % PEER_ENDPOINT_KINDS;
		o.endpoints[i].set = wire_get_u8(in) % PEER_SETS;
		o.endpoints[i].is_tcp = (wire_get_u8(in) & 1) != 0;
	}
	told.offer = bytes_of(raw, peer_offer_write(&o, raw, sizeof(raw)));
	punch_on_told(w.punch, bytes_of(buf, punch_write_offer(0, &told, buf, sizeof(buf))),
		      w.now_us);
}

static void tell_start(struct wire *in)
{
	uint8_t buf[PUNCH_TELL_MAX];
	struct punch_told_start told = { .start_us = wire_get_u32(in),
					 .delay_us = wire_get_u32(in),
					 .hold_s = wire_get_u8(in) % 4,
					 .options.only = wire_get_u16(in),
					 .options.start_error_us = wire_get_u32(in),
					 .options.has_relay = (wire_get_u8(in) & 1) != 0,
					 .options.sockets_max = wire_get_u16(in) };

	punch_on_told(w.punch, bytes_of(buf, punch_write_start(0, &told, buf, sizeof(buf))),
		      w.now_us);
}

static void tell(struct wire *in)
{
	uint8_t buf[6 + 255] = { 1, wire_get_u8(in) % 6 };
	uint8_t len = wire_get_u8(in);

	if (len > in->left)
		len = (uint8_t)in->left;
	wire_get_mem(in, buf + 6, len);
	punch_on_told(w.punch, bytes_of(buf, 6u + len), w.now_us);
}

static void stream(struct wire *in)
{
	uint8_t what = wire_get_u8(in), slot = wire_get_u8(in) % PUNCH_CONNECTIONS_MAX;
	struct addr a = get_addr(in);
	uint8_t len = wire_get_u8(in) % 64;
	struct bytes data = wire_get_bytes(in, len < in->left ? len : in->left);

	if (what % 3 == 0 && w.tcp[slot])
		punch_on_connected(w.punch, slot, &a, w.now_us);
	if (what % 3 == 1 && slot < PUNCH_ACCEPTED_FIRST && w.tcp[slot]) {
		uint16_t to = (uint16_t)(PUNCH_ACCEPTED_FIRST + what % 16);

		if (!w.tcp[to]) {
			w.tcp[to] = true;
			punch_on_accepted(w.punch, slot, to, &a, w.now_us);
		}
	}
	if (what % 3 == 2 && w.tcp[slot]) {
		w.tcp[slot] = what % 5 == PUNCH_STREAM_DATA;
		punch_on_stream(w.punch, slot, (enum punch_stream)(what % 5), data, w.now_us);
	}
}

static void system_says(struct wire *in)
{
	uint8_t what = wire_get_u8(in);
	uint16_t slot = wire_get_u16(in) % (PUNCH_SLOTS_MAX + 2);
	struct addr a = get_addr(in);

	if (what % 6 == 0)
		punch_on_icmp(w.punch, slot, &a, (enum punch_icmp)(what / 6 % 4), w.now_us);
	else if (what % 6 == 1)
		punch_on_send_failed(w.punch, slot, what, w.now_us);
	else if (what % 6 == 2)
		punch_on_mapped(w.punch, slot, &a, w.now_us);
	else if (what % 6 == 3)
		punch_on_relay(w.punch, slot, &a, what, w.now_us);
	else if (what == 4)
		punch_on_peer_gone(w.punch, w.now_us);
	else if (what == 5)
		punch_stop(w.punch, w.now_us);
}

static void happen(struct wire *in)
{
	static void (*const what[])(struct wire *in) = {
		receive,    receive_check, receive_answer, tell_offer,
		tell_start, tell,          stream,         system_says,
	};
	uint8_t kind = wire_get_u8(in);

	if (kind % 16 >= ARRAY_LEN(what))
		pass((uint64_t)(kind % 16 - 7) * wire_get_u16(in));
	else
		what[kind % 16](in);
	(void)drive();
}

static void begin(struct wire *in)
{
	static const uint8_t key[PUNCH_KEY_LEN] = { 5 };
	uint8_t flags = wire_get_u8(in), kinds = wire_get_u8(in);
	struct addr server = addr_ipv4(20, 9, 9, 9, 3478);
	struct punch_clock clock = { .error_us = 1000, .round_trip_us = 1 + flags * 1000u };
	struct punch_config config = {
		.is_a = (flags & 1) != 0,
		.ours = &w.profiles[0],
		.theirs = &w.profiles[1],
		.servers = &server,
		.server_count = (flags & 2) != 0,
		.has_relay = (flags & 4) != 0,
		.plan.only = (flags & 8) != 0 ? (uint32_t)wire_get_u16(in) & ~1u : 0,
		.random = fill_random,
		.random_arg = &w.rng,
	};

	memset(&w, 0, sizeof(w));
	w.rng = rng_seed(flags);
	w.now_us = w.began_us = 1000000;
	memcpy(config.key, key, sizeof(key));
	make_profile(&w.profiles[0], 0, kinds);
	make_profile(&w.profiles[1], 1, kinds >> 4);
	check_keys_make(&w.theirs, key, !config.is_a);
	w.punch = punch_new(&config);
	if ((flags & 16) != 0)
		punch_set_clock(w.punch, &clock);
}

static void check_result(void)
{
	const struct punch_result *r = punch_result(w.punch);
	unsigned open = 0;

	for (size_t i = 0; i < PUNCH_SLOTS_MAX; i++)
		open += w.slots[i];
	for (size_t i = 0; i < PUNCH_CONNECTIONS_MAX; i++)
		open += w.tcp[i];
	FUZZ_CHECK(w.is_finished);
	FUZZ_CHECK(open <= (r->path.strategy != PUNCH_NONE));
	FUZZ_CHECK((r->path.strategy != PUNCH_NONE) == (r->overall.reason == REASON_NONE));
	FUZZ_CHECK(r->overall.reason < PUNCH_REASONS && r->step < PUNCH_STEPS_MAX);
	FUZZ_CHECK(r->quality.answered <= r->quality.sent);
	FUZZ_CHECK(w.sends < (w.now_us - w.began_us) / 1000 * PACKETS_MS + 128);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire in = wire_read(bytes_of(data, len));

	begin(&in);
	while (in.left > 0 && !in.failed && w.now_us < END_US)
		happen(&in);
	pass(END_US);
	check_result();
	punch_free(w.punch);
	return 0;
}
