#include "sim_pair_parts.h"
#include "stun_server.h"

#define SERVER_SOCKETS 4

struct addr sim_pair_server(uint8_t family, unsigned which)
{
	struct addr a = nat_plan_server(family, which >> 1);

	a.port = (which & 1) != 0 ? 3479 : 3478;
	return a;
}

bool sim_pair_is_server(const struct addr *a)
{
	for (unsigned i = 0; i < 2; i++) {
		struct addr server = nat_plan_server(a->family, i);

		if (addr_equal_ip(&server, a))
			return true;
	}
	return false;
}

struct bytes sim_pair_server_answer(const struct addr *from, const struct addr *at,
				    struct bytes request, bool is_tcp, uint8_t *buf, size_t cap,
				    struct addr *source)
{
	const struct stun_server_policy policy = { .nat_discovery = true };
	struct stun_site site = { 0 };
	struct stun_query q = { .datagram = request,
				.from = *from,
				.transport = is_tcp ? STUN_TCP : STUN_UDP,
				.site = &site,
				.socket = SERVER_SOCKETS };
	struct stun_reply reply;

	for (uint8_t i = 0; i < SERVER_SOCKETS; i++) {
		site.seen_as[i] = sim_pair_server(at->family, i);
		site.has[i] = true;
		if (addr_equal(&site.seen_as[i], at))
			q.socket = i;
	}
	if (q.socket == SERVER_SOCKETS ||
	    stun_server_answer(&policy, &q, buf, cap, &reply) > STUN_REPLY_ERROR)
		return (struct bytes){ 0 };
	*source = site.seen_as[reply.socket];
	return reply.msg;
}

void sim_pair_server_on_packet(struct sim_pair_world *w, struct bytes packet)
{
	uint8_t answer[600], buf[SIM_PACKET_LEN];
	struct addr source;
	struct bytes msg;
	struct packet p;
	size_t len;

	if (!packet_parse(packet, &p) || !packet_checksums_ok(packet))
		return;
	if (p.kind == PACKET_SEGMENT) {
		sim_pair_tcp_on_segment(&w->servers, &p);
		return;
	}
	if (p.kind != PACKET_DATAGRAM)
		return;
	msg = sim_pair_server_answer(&p.source, &p.destination, p.data, false, answer,
				     sizeof(answer), &source);
	if (msg.len == 0)
		return;
	len = packet_build_udp(buf, sizeof(buf), &source, &p.source, msg);
	sim_pair_from_core(w, bytes_of(buf, len));
}
