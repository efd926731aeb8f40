#include "tests/nat_state.h"

#define PORTMAP_PORT 5351

static void send_udp(struct nat *n, const struct packet *p, struct bytes data)
{
	size_t len =
		packet_build_udp(n->reply, sizeof(n->reply), &p->destination, &p->source, data);

	if (len > 0)
		nat_emit(n, NAT_INSIDE, bytes_of(n->reply, len));
}

static void reject(struct nat *n, const struct packet *p)
{
	size_t len = 0;

	if (p->kind == PACKET_SEGMENT)
		len = nat_build_reset(n, p);
	else if (p->kind == PACKET_DATAGRAM)
		len = nat_build_unreachable(n, p, false);
	if (len > 0)
		nat_emit(n, NAT_INSIDE, bytes_of(n->reply, len));
}

bool nat_box_input(struct nat *n, struct packet *p, uint64_t now_us)
{
	const struct nat_config *c = &n->config;
	uint8_t answer[NAT_PORTMAP_MAX];

	if (c->gateway.family == ADDR_NONE || !addr_equal_ip(&c->gateway, &p->destination))
		return false;
	if (p->kind == PACKET_ECHO_REQUEST && !packet_is_fragment(p)) {
		size_t len = nat_build_echo_reply(n, p);

		if (len > 0)
			nat_emit(n, NAT_INSIDE, bytes_of(n->reply, len));
		return true;
	}
	bool portmap = p->kind == PACKET_DATAGRAM && p->destination.port == PORTMAP_PORT &&
		       (c->pcp || c->nat_pmp) && !packet_is_fragment(p);
	if (!portmap) {
		nat_drop(n, NAT_INSIDE, p, "box", now_us);
		if (c->gateway_rejects && !packet_is_fragment(p))
			reject(n, p);
		return true;
	}
	struct bytes said = nat_portmap(n, &p->source, p->data, answer, now_us);
	if (said.len > 0)
		send_udp(n, p, said);
	return true;
}
