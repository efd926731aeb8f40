#include "tests/nat_state.h"

#define BOX_LIFETIME_S 30
#define BOX_CLOSED_S   10 /* a TCP connection that was refused */

static struct nat_delayed *free_slot(struct nat *n)
{
	for (size_t i = 0; i < NAT_DELAYED_MAX; i++) {
		if (n->delayed[i].due_us == 0)
			return &n->delayed[i];
	}
	return NULL;
}

static void send_or_keep(struct nat *n, const struct packet *p, size_t len, uint32_t delay_ms,
			 uint64_t now_us)
{
	struct nat_delayed *d;

	if (len == 0)
		return;
	if (delay_ms == 0) {
		nat_emit(n, NAT_OUTSIDE, bytes_of(n->reply, len));
		return;
	}
	d = free_slot(n);
	if (d == NULL || len > sizeof(d->packet))
		return;
	d->due_us = now_us + (uint64_t)delay_ms * 1000;
	d->seen = (struct nat_tuple){ p->protocol, p->destination, p->source };
	d->len = (uint16_t)len;
	memcpy(d->packet, n->reply, len);
}

size_t nat_build_reset(struct nat *n, const struct packet *p)
{
	struct packet_tcp tcp = { .seq = p->tcp_ack, .flags = PACKET_RST };

	if ((p->tcp_flags & PACKET_ACK) == 0) {
		uint32_t len = (uint32_t)p->data.len;

		len += (p->tcp_flags & PACKET_SYN) != 0;
		len += (p->tcp_flags & PACKET_FIN) != 0;
		tcp = (struct packet_tcp){ .ack = p->tcp_seq + len,
					   .flags = PACKET_RST | PACKET_ACK };
	}
	return packet_build_tcp(n->reply, sizeof(n->reply), &p->destination, &p->source, &tcp,
				(struct bytes){ 0 });
}

size_t nat_build_unreachable(struct nat *n, const struct packet *p, bool filtered)
{
	bool ipv4 = p->source.family == ADDR_IPV4;
	uint8_t type = ipv4 ? ICMP4_UNREACHABLE : ICMP6_UNREACHABLE;
	uint8_t code = filtered ? (ipv4 ? 13 : 1) : (ipv4 ? 3 : 4);
	struct bytes about = p->whole;

	if (about.len > 128)
		about.len = 128; /* it may have to wait, and the ports are in there */
	return packet_build_error(n->reply, sizeof(n->reply), &p->destination, &p->source, type,
				  code, 0, about);
}

size_t nat_build_echo_reply(struct nat *n, const struct packet *p)
{
	uint8_t type = p->source.family == ADDR_IPV4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY;

	return packet_build_icmp(n->reply, sizeof(n->reply), &p->destination, &p->source, type, 0,
				 p->icmp_rest, p->data);
}

/* The box's input chain accepts: it holds the tuple, and answers as a host without listeners. */
static size_t accept(struct nat *n, const struct packet *p, uint64_t now_us)
{
	struct nat_tuple t = { p->protocol, p->destination, p->source };
	uint64_t s = p->kind == PACKET_SEGMENT ? BOX_CLOSED_S : BOX_LIFETIME_S;
	struct nat_flow *f = nat_flow_find_external(n, t.protocol, &t.internal, &t.remote, now_us);

	if (f == NULL)
		f = nat_flow_add(n, NULL, &t, now_us);
	if (f != NULL && f->mapping == NULL)
		nat_flow_lives_until(n, f, now_us + s * NAT_S);
	if (p->kind == PACKET_SEGMENT)
		return nat_build_reset(n, p);
	if (p->kind == PACKET_ECHO_REQUEST)
		return nat_build_echo_reply(n, p);
	return nat_build_unreachable(n, p, false);
}

static bool may_react(const struct packet *p)
{
	switch (p->kind) {
	case PACKET_DATAGRAM:
	case PACKET_ECHO_REQUEST:
		return true;
	case PACKET_SEGMENT:
		return (p->tcp_flags & PACKET_RST) == 0;
	default:
		return false; /* never about an error (RFC 1122, section 3.2.2) */
	}
}

void nat_react(struct nat *n, const struct packet *p, const char *why, uint64_t now_us)
{
	const struct nat_config *c = &n->config;
	bool syn = p->kind == PACKET_SEGMENT && (p->tcp_flags & PACKET_SYN) != 0 &&
		   (p->tcp_flags & PACKET_ACK) == 0;
	uint32_t delay_ms = syn ? c->syn_delay_ms : 0;

	if (!may_react(p))
		return;
	switch (syn ? c->unsolicited_syn : c->unsolicited) {
	case NAT_ICMP:
		send_or_keep(n, p, nat_build_unreachable(n, p, strcmp(why, "filtered") == 0),
			     delay_ms, now_us);
		break;
	case NAT_RST:
		if (p->kind == PACKET_SEGMENT)
			send_or_keep(n, p, nat_build_reset(n, p), delay_ms, now_us);
		break;
	case NAT_ACCEPT:
		send_or_keep(n, p, accept(n, p, now_us), delay_ms, now_us);
		break;
	default:
		break;
	}
}

/* Meanwhile our side may have opened that very connection (RFC 5382, REQ-4). */
static bool is_wanted_now(struct nat *n, const struct nat_delayed *d, uint64_t now_us)
{
	const struct nat_flow *f = nat_flow_find_external(n, d->seen.protocol, &d->seen.internal,
							  &d->seen.remote, now_us);

	return f != NULL && f->mapping != NULL && f->sent;
}

uint64_t nat_react_tick(struct nat *n, uint64_t now_us)
{
	uint64_t next_us = UINT64_MAX;

	for (size_t i = 0; i < NAT_DELAYED_MAX; i++) {
		struct nat_delayed *d = &n->delayed[i];

		if (d->due_us == 0)
			continue;
		if (d->due_us > now_us) {
			next_us = d->due_us < next_us ? d->due_us : next_us;
			continue;
		}
		d->due_us = 0;
		if (!is_wanted_now(n, d, now_us))
			nat_emit(n, NAT_OUTSIDE, bytes_of(d->packet, d->len));
	}
	return next_us;
}

void nat_send_error(struct nat *n, enum nat_side to_side, const struct packet *p,
		    const struct addr *from, uint8_t type, uint8_t code, uint32_t rest)
{
	if (from == NULL || from->family != p->source.family)
		from = &p->destination;
	size_t len = packet_build_error(n->reply, sizeof(n->reply), from, &p->source, type, code,
					rest, p->whole);
	if (len > 0)
		nat_emit(n, to_side, bytes_of(n->reply, len));
}
