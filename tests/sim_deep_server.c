#include <stdlib.h>

#include "sim_deep_parts.h"

#define CLOCK_OFFSET_US 1700000000000000u /* its wall clock */
#define ANSWER_MAX      COOP_SIZE_MAX

void sim_deep_server_start(struct sim_deep *s)
{
	bool raw = !s->config->server_has_no_raw_sockets;
	const struct coop_limits limits = { .can_fragment = raw, .can_icmp = raw };

	memset(s->key.bytes, 7, sizeof(s->key.bytes));
	for (uint8_t i = 0; i < STUN_SITE_SOCKETS; i++) {
		s->site.seen_as[i] = sim_server_addr(&s->world, 0, i);
		s->site.has[i] = true;
	}
	s->plain = sim_server_addr(&s->world, 0, SIM_PLAIN_SOCKET);
	s->coop = coop_new(&limits, &s->key);
	if (s->coop == NULL)
		abort();
	s->world.at_servers = sim_deep_server_on_packet;
}

void sim_deep_server_end(struct sim_deep *s)
{
	coop_free(s->coop);
}

void sim_deep_from_server(struct sim_deep *s, struct bytes packet)
{
	sim_path_from_servers(&s->world, packet);
}

/* False: it does not fit into a packet. */
static bool send(struct sim_deep *s, const struct addr *from, const struct addr *to,
		 struct bytes msg)
{
	uint8_t buf[SIM_PACKET_LEN];
	size_t len = packet_build_udp(buf, sizeof(buf), from, to, msg);

	if (len == 0 || len > SIM_DEEP_MTU)
		return false;
	sim_deep_from_server(s, bytes_of(buf, len));
	return true;
}

static uint64_t clock_us(const struct sim_deep *s)
{
	return s->world.now_us + CLOCK_OFFSET_US;
}

static void serve(struct sim_deep *s, uint8_t socket, const struct addr *source, struct bytes data)
{
	const struct stun_server_policy policy = { .nat_discovery = true };
	struct addr local = sim_server_addr(&s->world, 0, socket);
	struct stun_query q = { .datagram = data, .from = *source, .local = &local };
	struct stun_reply made = { 0 };
	uint8_t buf[ANSWER_MAX];
	struct addr from;

	if (socket != SIM_PLAIN_SOCKET) {
		q.site = &s->site;
		q.socket = socket;
	}
	if (s->config->no_cooperation ||
	    !coop_on_request(s->coop, &q, s->world.now_us, clock_us(s), buf, sizeof(buf), &made)) {
		if (stun_server_answer(&policy, &q, buf, sizeof(buf), &made) > STUN_REPLY_ERROR)
			return;
	}
	from = q.site == NULL ? local : s->site.seen_as[made.socket];
	if (made.msg.len > 0)
		(void)send(s, &from, &made.to, made.msg);
}

static void on_udp(struct sim_deep *s, const struct addr *from, const struct addr *to,
		   struct bytes data)
{
	for (uint8_t socket = 0; socket <= SIM_PLAIN_SOCKET; socket++) {
		struct addr e = sim_server_addr(&s->world, 0, socket);

		if (addr_equal(&e, to))
			serve(s, socket, from, data);
	}
}

void sim_deep_server_on_packet(struct sim_world *w, struct bytes packet)
{
	struct sim_deep *s = (struct sim_deep *)w;
	struct sim_deep_whole whole;
	struct packet p, about;

	if (!packet_parse(packet, &p) || !packet_checksums_ok(packet))
		return;
	if (packet_is_fragment(&p)) {
		if (sim_deep_piece(s, &p, &whole))
			on_udp(s, &whole.source, &whole.destination, whole.data);
	} else if (p.kind == PACKET_DATAGRAM) {
		on_udp(s, &p.source, &p.destination, p.data);
	} else if (p.kind == PACKET_SEGMENT) {
		sim_deep_tcp_at_server(s, &p);
	} else if (p.kind == PACKET_ERROR && packet_parse_quoted(p.data, &about)) {
		sim_deep_tcp_on_error(s, &p, &about);
	}
}

struct bytes sim_deep_server_answer_tcp(struct sim_deep *s, const struct addr *from,
					const struct addr *local, struct bytes request,
					uint8_t *buf, size_t cap)
{
	const struct stun_server_policy policy = { .nat_discovery = true };
	struct stun_query q = { .datagram = request, .from = *from, .local = local };
	struct stun_reply made = { 0 };

	q.transport = STUN_TCP;
	if (stun_server_answer(&policy, &q, buf, cap, &made) > STUN_REPLY_ERROR)
		return (struct bytes){ 0 };
	return made.msg;
}

void sim_deep_server_on_outcome(struct sim_deep *s, uint32_t handle,
				const struct coop_report *outcome)
{
	coop_on_outcome(s->coop, handle, outcome, s->world.now_us);
	sim_deep_server_run(s);
}

static void send_answer(struct sim_deep *s, const struct coop_action *a, const struct addr *from)
{
	if ((a->flags & COOP_FRAGMENTS) != 0)
		sim_deep_fragments(s, from, &a->to, a->msg, (a->flags & COOP_REVERSED) != 0,
				   sim_deep_from_server);
	else if (!send(s, from, &a->to, a->msg))
		coop_on_failed(s->coop, a->handle, s->world.now_us);
}

static void send_error(struct sim_deep *s, const struct coop_action *a, const struct addr *from)
{
	static struct coop_udp udp;
	uint8_t buf[COOP_PACKET_MAX];

	if (coop_udp_make(&udp, &a->to, from, a->msg))
		sim_deep_from_server(s, coop_icmp(&udp, buf));
}

static void do_action(struct sim_deep *s, const struct coop_action *a)
{
	struct addr from = a->site != NULL ? a->site->seen_as[a->socket] : a->local;

	if (a->fresh_port)
		from.port = (uint16_t)(40000 + rng_below(&s->world.rng, 20000));
	if (a->kind == COOP_ACT_SEND)
		send_answer(s, a, &from);
	else if (a->kind == COOP_ACT_CONNECT)
		sim_deep_tcp_order(s, &from, &a->to, a->handle, a->wait_ms);
	else if (a->kind == COOP_ACT_ICMP)
		send_error(s, a, &from);
}

void sim_deep_server_run(struct sim_deep *s)
{
	uint8_t buf[COOP_SIZE_MAX];
	struct coop_action a;

	while (coop_next(s->coop, s->world.now_us, clock_us(s), buf, sizeof(buf), &a) !=
	       COOP_ACT_NONE)
		do_action(s, &a);
}

uint64_t sim_deep_server_deadline_us(const struct sim_deep *s)
{
	return coop_deadline_us(s->coop);
}
