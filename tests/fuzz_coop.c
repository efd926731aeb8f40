/*
 * A cooperating server: any datagrams from anybody, orders with good tokens, time, and outcomes.
 * Nothing goes to an address that did not ask; strangers get no more than they sent; what is
 * pending stays within bounds, and all of it ends.
 *
 * Input: steps. A byte says what it is: 0 a datagram with its length (2 bytes) and bytes; 1 an order
 * with a good token, its value (24 bytes); 2 time passes (2 bytes, ms); 3 an outcome of a connection
 * or a refusal of the system (1 byte). The upper bits choose who asks, and which socket.
 */
#include "stund/coop_packet.h"
#include "stund/coop_server.h"
#include "fuzz_check.h"

#define ORDERS 8
#define PEERS  4

static const struct coop_token_key key = { .bytes = "a key that no seed was made with" };
static const struct stun_site site = {
	.seen_as = { { .family = ADDR_IPV4, .port = 3478, .ip = { 192, 0, 2, 1 } },
		     { .family = ADDR_IPV4, .port = 3479, .ip = { 192, 0, 2, 1 } },
		     { .family = ADDR_IPV4, .port = 3478, .ip = { 192, 0, 2, 2 } },
		     { .family = ADDR_IPV4, .port = 3479, .ip = { 192, 0, 2, 2 } } },
	.has = { true, true, true, true },
};
static const struct addr peers[PEERS] = {
	{ .family = ADDR_IPV4, .port = 40000, .ip = { 198, 51, 100, 7 } },
	{ .family = ADDR_IPV4, .port = 40001, .ip = { 198, 51, 100, 7 } },
	{ .family = ADDR_IPV4, .port = 40000, .ip = { 198, 51, 100, 8 } },
	{ .family = ADDR_IPV6, .port = 40000, .ip = { 0x20, 1, [15] = 1 } },
};

static struct coop *server;
static uint64_t now_us;
static uint32_t last_handle;
static uint8_t reply_buf[2048], work[COOP_SIZE_MAX];

static void read_back(struct bytes raw)
{
	struct coop_answer a;
	struct stun_msg m;

	FUZZ_CHECK(stun_msg_parse(raw, &m) == STUN_OK);
	FUZZ_CHECK(coop_read_answer(&m, &a));
	FUZZ_CHECK(a.has_token || a.has_report || raw.len == STUN_HEADER_LEN);
}

static void ask(const struct addr *from, uint8_t socket, struct bytes datagram, bool is_stranger)
{
	struct stun_query q = { .datagram = datagram,
				.from = *from,
				.transport = STUN_UDP,
				.site = &site,
				.socket = socket,
				.local = &site.seen_as[socket] };
	struct stun_reply r;

	if (!coop_on_request(server, &q, now_us, now_us, reply_buf, sizeof(reply_buf), &r))
		return;
	FUZZ_CHECK(addr_equal(&r.to, from) && r.socket == socket);
	FUZZ_CHECK(!is_stranger || r.msg.len <= datagram.len);
	if (r.msg.len > 0)
		read_back(r.msg);
}

static bool has_asked(const struct addr *to)
{
	for (size_t i = 0; i < PEERS; i++) {
		if (addr_equal_ip(&peers[i], to))
			return true;
	}
	return false;
}

static void cut_up(const struct coop_action *a)
{
	static struct coop_udp udp;
	uint8_t buf[COOP_PACKET_MAX];

	if (!coop_udp_make(&udp, &site.seen_as[0], &a->to, a->msg))
		return;
	for (unsigned int i = 0; i < coop_fragment_count(&udp); i++)
		FUZZ_CHECK(coop_fragment(&udp, i, 1, buf).len > 0);
	FUZZ_CHECK(coop_icmp(&udp, buf).len > 0);
}

static void carry_out(void)
{
	struct coop_action a;

	/* Of each order: its answers, and a report or two. */
	for (int n = 0;; n++) {
		if (coop_next(server, now_us, now_us, work, sizeof(work), &a) == COOP_ACT_NONE)
			break;
		FUZZ_CHECK(n < 64 * ORDERS);
		FUZZ_CHECK(has_asked(&a.to) && a.to.port != 0);
		FUZZ_CHECK(a.site == &site && a.socket < STUN_SITE_SOCKETS);
		FUZZ_CHECK(a.kind == COOP_ACT_CONNECT || a.msg.len > 0);
		if (a.kind == COOP_ACT_SEND)
			read_back(a.msg);
		cut_up(&a);
		last_handle = a.handle != 0 ? a.handle : last_handle;
	}
	FUZZ_CHECK(counter_read(&coop_stats(server)->pending) <= ORDERS);
}

static void order(const struct addr *from, uint8_t socket, struct wire *in)
{
	struct bytes value = wire_get_bytes(in, COOP_ORDER_LEN);
	struct coop_token token;
	struct coop_order o;
	uint8_t buf[100];
	/* The tid follows from the order: the same one comes again. */
	struct stun_tid tid;
	uint8_t random[12] = { 0 };

	if (in->failed || coop_get_order(value, &o) != STUN_OK)
		return;
	random[0] = o.kind;
	random[1] = (uint8_t)o.id;
	tid = stun_tid_make(random);
	coop_token_make(&key, from, now_us, &token);
	ask(from, socket, coop_request(&tid, &token, &o, 0, buf, sizeof(buf)), false);
}

static void told(uint8_t what)
{
	struct coop_report r = { .outcome = (uint8_t)(COOP_CONNECTED + what % 4) };

	if ((what & 0x80) != 0)
		coop_on_failed(server, last_handle ^ (what & 0x40), now_us);
	else
		coop_on_outcome(server, last_handle ^ (what & 0x40), &r, now_us);
}

static void step(struct wire *in)
{
	uint8_t what = wire_get_u8(in);
	const struct addr *from = &peers[what >> 2 & 3];
	uint8_t socket = what >> 4 & 3;

	switch (what & 3) {
	case 0:
		ask(from, socket, wire_get_bytes(in, wire_get_u16(in)), true);
		break;
	case 1:
		order(from, socket, in);
		break;
	case 2:
		now_us += (uint64_t)wire_get_u16(in) * 1000;
		break;
	default:
		told(wire_get_u8(in));
		break;
	}
	carry_out();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct coop_limits limits = {
		.orders = ORDERS, .orders_source = ORDERS, .can_fragment = true, .can_icmp = true
	};
	struct wire in = wire_read(bytes_of(data, len));

	server = coop_new(&limits, &key);
	FUZZ_CHECK(server != NULL);
	now_us = 1000000;
	last_handle = 0;
	while (in.left > 0 && !in.failed)
		step(&in);
	/* All of it ends: the longest delay, all gaps, a connection, and then it is forgotten. */
	for (int i = 0; i < 100 && coop_deadline_us(server) != UINT64_MAX; i++) {
		now_us += UINT64_C(60000000) + UINT64_C(1000000) * (uint64_t)i;
		carry_out();
	}
	FUZZ_CHECK(coop_deadline_us(server) == UINT64_MAX);
	FUZZ_CHECK(counter_read(&coop_stats(server)->pending) == 0);
	coop_free(server);
	return 0;
}
