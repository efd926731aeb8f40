#include <stdlib.h>

#include "sim_deep_parts.h"

#define CLOCK_OFFSET_US 1700000000000000u /* its wall clock */
#define ANSWER_MAX      COOP_SIZE_MAX

void sim_deep_server_start(struct sim_deep *s)
{
	const struct coop_limits limits = { .can_fragment = false, .can_icmp = false };

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

static void send(struct sim_deep *s, const struct addr *from, const struct addr *to,
		 struct bytes msg)
{
	uint8_t buf[SIM_PACKET_LEN];
	size_t len = packet_build_udp(buf, sizeof(buf), from, to, msg);

	if (len > 0)
		sim_path_from_servers(&s->world, bytes_of(buf, len));
}

static uint64_t clock_us(const struct sim_deep *s)
{
	return s->world.now_us + CLOCK_OFFSET_US;
}

static void serve(struct sim_deep *s, uint8_t socket, const struct packet *p)
{
	const struct stun_server_policy policy = { .nat_discovery = true };
	struct addr local = sim_server_addr(&s->world, 0, socket);
	struct stun_query q = { .datagram = p->data, .from = p->source, .local = &local };
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
		send(s, &from, &made.to, made.msg);
}

void sim_deep_server_on_packet(struct sim_world *w, struct bytes packet)
{
	struct sim_deep *s = (struct sim_deep *)w;
	struct packet p;

	if (!packet_parse(packet, &p) || !packet_checksums_ok(packet) || p.kind != PACKET_DATAGRAM)
		return;
	for (uint8_t socket = 0; socket <= SIM_PLAIN_SOCKET; socket++) {
		struct addr e = sim_server_addr(w, 0, socket);

		if (addr_equal(&e, &p.destination))
			serve(s, socket, &p);
	}
}

static void do_action(struct sim_deep *s, const struct coop_action *a)
{
	struct addr from = a->site != NULL ? a->site->seen_as[a->socket] : a->local;

	if (a->kind != COOP_ACT_SEND)
		return;
	if (a->fresh_port)
		from.port = (uint16_t)(40000 + rng_below(&s->world.rng, 20000));
	send(s, &from, &a->to, a->msg);
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
