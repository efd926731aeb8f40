/*
 * A diagnosis with a TURN server that says what it likes, behind any NAT: it ends in time, leaves
 * nothing open, and tells a cause for what it does not know.
 *
 * Input: bytes of choices (NAT, seed, what is wrong with the server), then how bytes that come from
 * the server are changed.
 */
#include "fuzz_check.h"
#include "sim_turn.h"

#define TIME_MAX_US 60000000

static struct sim_turn_server server;

/* Now and then a byte becomes another one, or the end is cut off. */
static void change(void *arg, uint8_t *data, size_t *len)
{
	struct wire *in = arg;
	uint8_t what = wire_get_u8(in), where;

	if (what < 128 || *len == 0)
		return;
	where = wire_get_u8(in);
	if (what < 144)
		*len = where % *len;
	else
		data[where % *len] = wire_get_u8(in);
}

static void configure(struct sim_config *c, struct wire *in)
{
	static const double shares[] = { 0, 0, 0.1, 0.5 };
	uint8_t flags;

	c->profile = &nat_profiles[wire_get_u8(in) % nat_profile_count];
	c->seed = wire_get_u8(in);
	c->access.loss = shares[wire_get_u8(in) % ARRAY_LEN(shares)];
	c->servers[0].misdeed = wire_get_u8(in) % SIM_MISDEEDS;
	c->servers[1].misdeed = SIM_ONE_ADDRESS;
	c->server_count = 1 + wire_get_u8(in) % 2;
	c->turn_stops_after_us = wire_get_u16(in) * 100u;
	flags = wire_get_u8(in);
	sim_turn_init(&server, c->profile);
	if ((flags & 1) != 0)
		server.turn.has_lines = false;
	if ((flags & 2) != 0)
		server.rig.snapshot.tcp_relay = false;
	if ((flags & 4) != 0)
		server.rig.realms[0].limits.user_allocations = 1 + (flags >> 7);
	if ((flags & 8) != 0)
		server.turn.credentials.password = BYTES("wrong");
	if ((flags & 16) != 0)
		server.leaves_as = addr_ipv4(20, 50, 3, 99, 0);
	if ((flags & 32) != 0)
		server.makes_no_connections = true;
	if ((flags & 64) != 0)
		server.rig.relays[0].seen_as = addr_ipv4(20, 0, 0, 10, 0);
}

static void check_verdict(const struct verdict *v)
{
	const struct verdict_turn *t = &v->turn;

	FUZZ_CHECK(t->tried && v->server_count <= VERDICT_SERVERS_MAX);
	FUZZ_CHECK((v->filtering.value == BEHAVIOUR_UNKNOWN) <= (v->filtering.cause != CAUSE_NONE));
	FUZZ_CHECK((t->filtering.value == BEHAVIOUR_UNKNOWN) <= (t->filtering.cause != CAUSE_NONE));
	FUZZ_CHECK((t->filtering_tcp.state == DEEP_UNKNOWN) ==
		   (t->filtering_tcp.cause != CAUSE_NONE));
	FUZZ_CHECK(t->filtering.error >= 0 && t->filtering.error < 1);
	FUZZ_CHECK(t->filtering_tcp.error >= 0 && t->filtering_tcp.error < 1);
	for (size_t k = 0; k < FILTER_KINDS; k++)
		FUZZ_CHECK(v->filter[k].answered <= v->filter[k].sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire in = wire_read(bytes_of(data, len));
	struct sim_config c = { 0 };
	struct sim_result results[SIM_INTERFACES_MAX];
	size_t count;

	configure(&c, &in);
	server.change = change;
	server.change_arg = &in;
	sim_turn_start(&server);
	c.turn = &server.turn;
	count = sim_run(&c, results);
	for (size_t i = 0; i < count; i++) {
		FUZZ_CHECK(results[i].ended && results[i].open_at_end == 0);
		FUZZ_CHECK(results[i].elapsed_us <= TIME_MAX_US);
		check_verdict(&results[i].verdict);
	}
	sim_turn_stop(&server);
	return 0;
}
