/* The world of sim_pair, with senders in place of punch that follow a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "natprobe/peer/peer_facts.h"
#include "sim_pair.h"
#include "stun_attr.h"

#define QUEUE_MAX 16
#define GAP_US    100000
#define SENDS     20
#define PORT      41000

enum script {
	SCRIPT_UDP,
	SCRIPT_LOW_TTL, /* the first one of A */
	SCRIPT_LAN,
	SCRIPT_RELAY, /* A sends to B's relayed address */
	SCRIPT_MAP,
	SCRIPT_TCP,
};

struct script_end {
	bool is_a;
	struct addr server;
	struct punch_action queue[QUEUE_MAX];
	size_t first, count;
	struct addr remote;
	struct addr seen[2]; /* where the first datagram, or connection, came from */
	uint64_t next_us;
	unsigned sends, received, icmp[PUNCH_ICMP_KINDS], connected, accepted, refused;
	uint8_t buf[PUNCH_TELL_MAX];
};

static enum script script;
static struct script_end ends[2]; /* what came of it */
static struct sim_pair_side sides[2];

static void put(struct script_end *p, const struct punch_action *a)
{
	assert_true(p->count < QUEUE_MAX);
	p->queue[(p->first + p->count++) % QUEUE_MAX] = *a;
}

static void tell(struct script_end *p, const struct addr *a)
{
	memcpy(p->buf, a, sizeof(*a));
	put(p, &(struct punch_action){ .kind = PUNCH_TELL, .data = bytes_of(p->buf, sizeof(*a)) });
}

static struct bytes ask(void)
{
	static uint8_t buf[64];
	const struct stun_tid tid = { .bytes = { 0x21, 0x12, 0xa4, 0x42, 1, 2, 3 } };
	struct stun_builder b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &tid);
	struct bytes out = { 0 };

	assert_int_equal(stun_build_finish(&b, &out), STUN_OK);
	return out;
}

static void *make(const struct punch_config *config)
{
	struct script_end *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->is_a = config->is_a;
	p->server = config->servers[0];
	p->next_us = UINT64_MAX;
	if (script == SCRIPT_TCP)
		put(p, &(struct punch_action){ .kind = PUNCH_LISTEN, .port = PORT });
	else
		put(p, &(struct punch_action){ .kind = PUNCH_OPEN, .port = PORT });
	return p;
}

static void end_it(void *end)
{
	struct script_end *p = end;

	ends[p->is_a ? 0 : 1] = *p;
	free(p);
}

static void send_one(struct script_end *p, struct punch_action *a)
{
	bool is_low = script == SCRIPT_LOW_TTL && p->is_a && p->sends == 0;

	*a = (struct punch_action){ .kind = script == SCRIPT_TCP ? PUNCH_CONNECT : PUNCH_SEND,
				    .port = PORT,
				    .slot = script == SCRIPT_TCP ? 1 : 0,
				    .ttl = is_low ? 2 : 0,
				    .to = p->remote,
				    .data = bytes_of_str("hello") };
	p->sends = script == SCRIPT_TCP ? SENDS : p->sends + 1;
}

static enum punch_kind next(void *end, uint64_t now_us, struct punch_action *a)
{
	struct script_end *p = end;

	if (p->count > 0) {
		*a = p->queue[p->first];
		p->first = (p->first + 1) % QUEUE_MAX;
		p->count--;
		return (enum punch_kind)a->kind;
	}
	*a = (struct punch_action){ .kind = PUNCH_WAIT, .deadline_us = p->next_us };
	if (now_us < p->next_us)
		return PUNCH_WAIT;
	p->next_us = now_us + (p->sends + 1 < SENDS && script != SCRIPT_TCP ? GAP_US : 20 * GAP_US);
	if (p->sends == SENDS)
		return PUNCH_FINISHED;
	send_one(p, a);
	return (enum punch_kind)a->kind;
}

static void on_open(void *end, uint16_t slot, const struct addr *local, uint64_t now_us)
{
	struct script_end *p = end;

	(void)now_us;
	assert_int_equal(slot, 0);
	if (script == SCRIPT_LAN)
		tell(p, local);
	else if (script == SCRIPT_RELAY)
		put(p, &(struct punch_action){ .kind = PUNCH_OPEN_RELAY, .slot = 1 });
	else if (script == SCRIPT_MAP && !p->is_a)
		put(p, &(struct punch_action){ .kind = PUNCH_MAP });
	else
		put(p,
		    &(struct punch_action){ .kind = PUNCH_SEND, .to = p->server, .data = ask() });
}

static void on_datagram(void *end, uint16_t slot, const struct addr *from, struct bytes data,
			uint64_t now_us)
{
	struct script_end *p = end;
	struct addr mapped;
	struct stun_msg msg;
	struct bytes value;

	(void)now_us;
	if (data.len == 5 && memcmp(data.data, "hello", 5) == 0) {
		if (p->received++ == 0)
			p->seen[0] = *from;
		if (script == SCRIPT_RELAY)
			assert_int_equal(slot, p->is_a ? 0 : 1);
		return;
	}
	assert_int_equal(stun_msg_parse(data, &msg), STUN_OK);
	assert_true(stun_msg_find(&msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value));
	assert_int_equal(stun_attr_get_xor_addr(value, &msg.tid, &mapped), STUN_OK);
	tell(p, &mapped);
}

static void on_told(void *end, struct bytes data, uint64_t now_us)
{
	struct script_end *p = end;

	assert_int_equal(data.len, sizeof(p->remote));
	memcpy(&p->remote, data.data, data.len);
	p->next_us = now_us + (p->is_a ? 0 : GAP_US);
	if (script == SCRIPT_RELAY && !p->is_a)
		p->next_us += 10; /* it permits A by sending, through its relay */
}

static void on_relay(void *end, uint16_t slot, const struct addr *relayed, uint16_t code,
		     uint64_t now_us)
{
	struct script_end *p = end;

	(void)now_us;
	assert_int_equal(slot, 1);
	assert_int_equal(code, 0);
	tell(p, relayed);
}

static void on_mapped(void *end, uint16_t slot, const struct addr *external, uint64_t now_us)
{
	struct script_end *p = end;

	(void)now_us;
	assert_int_equal(slot, 0);
	p->seen[1] = *external;
	tell(p, external);
}

static void on_icmp(void *end, uint16_t slot, const struct addr *to, enum punch_icmp what,
		    uint64_t now_us)
{
	struct script_end *p = end;

	(void)now_us;
	assert_int_equal(slot, 0);
	assert_true(addr_equal(to, &p->remote));
	p->icmp[what]++;
}

static void on_connected(void *end, uint16_t slot, const struct addr *local, uint64_t now_us)
{
	struct script_end *p = end;
	const struct addr b = addr_ipv4(21, 64, 0, 2, PORT), a = addr_ipv4(21, 0, 0, 2, PORT);

	assert_int_equal(local->port, PORT);
	if (slot == 0) { /* listens */
		p->remote = p->is_a ? b : a;
		p->next_us = now_us + GAP_US;
	} else {
		p->connected++;
		put(p, &(struct punch_action){
			       .kind = PUNCH_WRITE, .slot = slot, .data = bytes_of_str("hello") });
	}
}

static void on_accepted(void *end, uint16_t listener, uint16_t slot, const struct addr *remote,
			uint64_t now_us)
{
	struct script_end *p = end;

	(void)now_us;
	assert_int_equal(listener, 0);
	assert_true(slot >= PUNCH_ACCEPTED_FIRST);
	p->seen[0] = *remote;
	p->accepted++;
}

static void on_stream(void *end, uint16_t slot, enum punch_stream what, struct bytes data,
		      uint64_t now_us)
{
	struct script_end *p = end;

	(void)slot;
	(void)now_us;
	if (what == PUNCH_STREAM_DATA)
		p->received += data.len == 5;
	else
		p->refused++;
}

static void on_open_failed(void *end, uint16_t slot, int err, uint64_t now_us)
{
	(void)end;
	(void)slot;
	(void)err;
	(void)now_us;
	fail();
}

static void on_send_failed(void *end, uint16_t slot, int err, uint64_t now_us)
{
	on_open_failed(end, slot, err, now_us);
}

static void set_clock(void *end, const struct punch_clock *clock)
{
	(void)end;
	(void)clock;
}

static void get_result(const void *end, struct punch_result *out)
{
	(void)end;
	*out = (struct punch_result){ 0 };
}

static const struct sim_pair_driver driver = {
	.make = make,
	.free = end_it,
	.next = next,
	.on_open = on_open,
	.on_open_failed = on_open_failed,
	.on_send_failed = on_send_failed,
	.on_datagram = on_datagram,
	.on_icmp = on_icmp,
	.on_mapped = on_mapped,
	.on_relay = on_relay,
	.on_connected = on_connected,
	.on_accepted = on_accepted,
	.on_stream = on_stream,
	.on_told = on_told,
	.set_clock = set_clock,
	.get_result = get_result,
};

static void run(enum script s, const char *a, const char *b)
{
	static const struct peer_profile unknown = { .path_count = 1 };
	struct sim_pair_config c = { .seed = 2,
				     .profiles = { nat_profile_find(a), nat_profile_find(b) },
				     .known = { &unknown, &unknown },
				     .same_nat = b[0] == '\0',
				     .has_relay = s == SCRIPT_RELAY };

	script = s;
	if (c.same_nat)
		c.profiles[1] = NULL;
	assert_true(sim_pair_drive(&c, &driver, sides));
}

static unsigned truth(void)
{
	const struct sim_pair_event *events;
	unsigned all = 0;
	size_t n;

	events = sim_pair_events(&n);
	for (size_t i = 0; i < n; i++)
		all |= events[i].truth;
	return all;
}

/* Both keep their mapping, and let in whom they sent to: only what comes too early is dropped. */
static void test_home_routers(void **state)
{
	const struct addr a = addr_ipv4(21, 0, 0, 2, PORT), b = addr_ipv4(21, 64, 0, 2, PORT);

	(void)state;
	run(SCRIPT_UDP, "N07", "N07");
	assert_in_range(ends[0].received, SENDS - 2, SENDS);
	assert_in_range(ends[1].received, SENDS - 2, SENDS);
	assert_true(addr_equal(&ends[0].seen[0], &b));
	assert_true(addr_equal(&ends[1].seen[0], &a));
	assert_true((truth() & SIM_PAIR_FILTERED) != 0);
}

/* A port for each destination: nothing gets in on either side. */
static void test_symmetric(void **state)
{
	(void)state;
	run(SCRIPT_UDP, "N22", "N22");
	assert_int_equal(ends[0].received + ends[1].received, 0);
	assert_true((truth() & SIM_PAIR_FILTERED) != 0);
	assert_true((truth() & SIM_PAIR_REMAPPED) == 0);
}

/* The early packet takes the tuple of whom it comes to, unless it ended underway. */
static void test_linux(void **state)
{
	(void)state;
	run(SCRIPT_UDP, "K1", "K1");
	assert_int_equal(ends[0].received + ends[1].received, 0);
	assert_true((truth() & SIM_PAIR_REMAPPED) != 0);
	run(SCRIPT_LOW_TTL, "K1", "K1");
	assert_true(ends[0].received >= SENDS - 1 && ends[1].received >= SENDS - 1);
	assert_int_equal(ends[0].icmp[PUNCH_ICMP_TTL], 1);
	assert_true((truth() & SIM_PAIR_TTL_ENDED) != 0);
}

static void test_same_nat(void **state)
{
	(void)state;
	run(SCRIPT_LAN, "N08", "");
	assert_true(ends[0].received >= SENDS - 1 && ends[1].received >= SENDS - 1);
	run(SCRIPT_UDP, "N08", "");
	assert_int_equal(ends[0].received + ends[1].received, 0);
	assert_true((truth() & SIM_PAIR_NO_HAIRPIN) != 0);
	run(SCRIPT_UDP, "N07", "");
	assert_true(ends[0].received >= SENDS - 2 && ends[1].received >= SENDS - 2);
}

/* What A sends reaches B's relayed address, which lets in nobody that B did not send to. */
static void test_relay(void **state)
{
	(void)state;
	run(SCRIPT_RELAY, "N07", "N22");
	assert_int_equal(ends[0].received + ends[1].received, 0);
}

static void test_port_mapping(void **state)
{
	const struct addr b = addr_ipv4(21, 64, 0, 2, PORT);

	(void)state;
	run(SCRIPT_MAP, "N07", "N07");
	assert_true(addr_equal(&ends[1].seen[1], &b));
	assert_int_equal(ends[1].received, SENDS);
	run(SCRIPT_MAP, "N07", "N06"); /* NAT-PMP alone */
	assert_int_equal(ends[1].received, SENDS);
}

/* Both connect at once from where they listen. */
static void test_tcp(void **state)
{
	(void)state;
	run(SCRIPT_TCP, "N07", "N07");
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ends[i].connected, 1);
		assert_int_equal(ends[i].received, 1);
		assert_int_equal(ends[i].refused, 0);
	}
	run(SCRIPT_TCP, "N07", "N43"); /* resets what comes early */
	assert_int_equal(ends[0].refused + ends[0].connected, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_home_routers), cmocka_unit_test(test_symmetric),
		cmocka_unit_test(test_linux),        cmocka_unit_test(test_same_nat),
		cmocka_unit_test(test_relay),        cmocka_unit_test(test_port_mapping),
		cmocka_unit_test(test_tcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
