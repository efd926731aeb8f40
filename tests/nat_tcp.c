#include "tests/nat_state.h"

#define TRANSITORY_S  240
#define ESTABLISHED_S 7440
#define CLOSED_S      10

static bool is_over(uint8_t state)
{
	return state == NAT_TCP_NEW || state == NAT_TCP_CLOSING || state == NAT_TCP_CLOSED;
}

static uint8_t after_syn(uint8_t state, bool out)
{
	if (is_over(state))
		return out ? NAT_TCP_SYN_OUT : NAT_TCP_SYN_IN;
	if (state == (out ? NAT_TCP_SYN_IN : NAT_TCP_SYN_OUT))
		return NAT_TCP_SIMULTANEOUS;
	return state;
}

static uint8_t after_syn_ack(uint8_t state, bool out)
{
	bool answers = state == (out ? NAT_TCP_SYN_IN : NAT_TCP_SYN_OUT);

	return answers || state == NAT_TCP_SIMULTANEOUS ? NAT_TCP_ESTABLISHED : state;
}

static uint8_t after_fin(uint8_t state, bool out)
{
	if (state == (out ? NAT_TCP_FIN_IN : NAT_TCP_FIN_OUT))
		return NAT_TCP_CLOSING;
	if (is_over(state))
		return NAT_TCP_CLOSING;
	return out ? NAT_TCP_FIN_OUT : NAT_TCP_FIN_IN;
}

static uint8_t after(uint8_t state, uint8_t flags, bool out)
{
	if ((flags & PACKET_RST) != 0)
		return NAT_TCP_CLOSED;
	if ((flags & PACKET_SYN) != 0)
		return (flags & PACKET_ACK) != 0 ? after_syn_ack(state, out)
						 : after_syn(state, out);
	if ((flags & PACKET_FIN) != 0)
		return after_fin(state, out);
	/* Seen in the middle, after a reboot: as Linux does, it is taken as it is. */
	return state == NAT_TCP_NEW ? NAT_TCP_ESTABLISHED : state;
}

void nat_tcp_follow(struct nat_flow *f, const struct packet *p, bool out)
{
	f->tcp = after(f->tcp, p->tcp_flags, out);
}

uint64_t nat_tcp_lifetime_s(const struct nat *n, const struct nat_flow *f)
{
	const struct nat_config *c = &n->config;

	switch (f->tcp) {
	case NAT_TCP_ESTABLISHED:
		return c->tcp_established_s != 0 ? c->tcp_established_s : ESTABLISHED_S;
	case NAT_TCP_CLOSED:
		return CLOSED_S;
	default:
		return c->tcp_transitory_s != 0 ? c->tcp_transitory_s : TRANSITORY_S;
	}
}

bool nat_tcp_is_syn(const struct packet *p)
{
	return p->kind == PACKET_SEGMENT &&
	       (p->tcp_flags & (PACKET_SYN | PACKET_ACK | PACKET_RST)) == PACKET_SYN;
}

const char *nat_tcp_objects(const struct nat *n, const struct nat_flow *f, const struct packet *p)
{
	if (p->kind != PACKET_SEGMENT)
		return NULL;
	if (!nat_tcp_is_syn(p))
		return f == NULL ? "no-flow" : NULL;
	if (n->config.no_simultaneous_open && f != NULL && f->tcp == NAT_TCP_SYN_OUT)
		return "simultaneous-open";
	return NULL;
}
