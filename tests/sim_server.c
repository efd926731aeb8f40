#include "sim_parts.h"

#include <stdlib.h>

#include "stun_attr.h"
#include "stun_server.h"

#define ANSWER_MAX      1400
#define SLOW_CHANGE_US  1000000
#define SLOW_US         300000
#define LOSSY_PER_MILLE 300
#define PLAIN_PORT      443

/* A request, and who was asked. */
struct served {
	size_t server;
	uint8_t socket;
	struct addr from;
	struct stun_msg asked;
	struct stun_change change;
};

/* What leaves, from where, and how late. */
struct answer {
	struct bytes msg; /* empty: nothing does */
	uint8_t socket;
	uint64_t extra_us;
};

/* The box that translates to IPv4; NULL: there is none. */
static const struct nat_config *nat64_of(const struct nat_profile *p)
{
	for (size_t i = 0; i < p->layer_count; i++) {
		if (p->layers[i].nat64_prefix.family == ADDR_IPV6)
			return &p->layers[i];
	}
	return NULL;
}

static struct addr endpoint(const struct nat_profile *p, size_t server, uint8_t socket)
{
	uint8_t family = nat64_of(p) != NULL ? ADDR_IPV4 : p->family;
	struct addr a = nat_plan_server(family, socket == 2 || socket == 3);

	/* The further ones are neighbours, each in a network of its own. */
	a.ip[a.family == ADDR_IPV4 ? 2 : 5] ^= (uint8_t)server;
	if (socket == SIM_PLAIN_SOCKET)
		a.port = PLAIN_PORT;
	else
		a.port = (socket & 1) != 0 ? 3479 : 3478;
	return a;
}

struct addr sim_server_addr(const struct sim_world *w, size_t server, uint8_t socket)
{
	return endpoint(w->profile, server, socket);
}

/* RFC 6052, section 2.2: bits 64 to 71 stay zero. */
static struct addr synthesise(const struct nat_config *box, const struct addr *a)
{
	struct addr out = { .family = ADDR_IPV6, .port = a->port };
	size_t at = box->nat64_prefix_len / 8u;

	memcpy(out.ip, box->nat64_prefix.ip, at);
	for (size_t i = 0; i < 4; i++) {
		if (at == 8)
			at++;
		out.ip[at++] = a->ip[i];
	}
	return out;
}

struct addr sim_endpoint(const struct sim_config *config, size_t server, uint8_t socket)
{
	struct addr a = endpoint(config->profile, server, socket);

	return sim_reach(config, &a);
}

struct addr sim_reach(const struct sim_config *config, const struct addr *a)
{
	if (a->family != config->profile->family)
		return synthesise(nat64_of(config->profile), a);
	return *a;
}

uint32_t sim_server_extra_us(const struct sim_world *w, size_t server)
{
	const struct sim_server *s = &w->config->servers[server];

	if (server == SIM_TURN_SERVER)
		return 0;
	if (s->misdeed == SIM_SLOW && s->extra_rtt_us == 0)
		return SLOW_US;
	return s->extra_rtt_us;
}

static struct stun_site site_of(const struct sim_world *w, size_t server)
{
	struct stun_site site = { 0 };

	for (uint8_t i = 0; i < STUN_SITE_SOCKETS; i++) {
		site.seen_as[i] = sim_server_addr(w, server, i);
		site.has[i] = i == 0 || w->config->servers[server].misdeed != SIM_ONE_ADDRESS;
	}
	return site;
}

/* An answer that no stun_server would give. */
static struct bytes build_answer(const struct stun_msg *asked, const struct addr *from,
				 const struct addr *other, uint8_t *buf, size_t cap)
{
	struct stun_builder b = stun_build(buf, cap, STUN_BINDING, STUN_SUCCESS, &asked->tid);
	struct bytes out = { 0 };

	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, from);
	if (other != NULL)
		(void)stun_attr_put_addr(&b, STUN_ATTR_OTHER_ADDRESS, other);
	(void)stun_build_finish(&b, &out);
	return out;
}

static struct bytes build_error(const struct stun_msg *asked, uint16_t code, uint8_t *buf,
				size_t cap)
{
	struct stun_builder b = stun_build(buf, cap, STUN_BINDING, STUN_ERROR, &asked->tid);
	struct bytes out = { 0 };

	(void)stun_attr_put_error(&b, code, bytes_of_str(""));
	(void)stun_build_finish(&b, &out);
	return out;
}

/* As a server of RFC 3489 has it. */
static struct bytes build_old(const struct stun_msg *asked, const struct addr *from,
			      const struct addr *source, const struct addr *changed, uint8_t *buf,
			      size_t cap)
{
	struct stun_builder b = stun_build(buf, cap, STUN_BINDING, STUN_SUCCESS, &asked->tid);
	struct bytes out = { 0 };

	(void)stun_attr_put_addr(&b, STUN_ATTR_MAPPED_ADDRESS, from);
	(void)stun_attr_put_addr(&b, STUN_ATTR_SOURCE_ADDRESS, source);
	(void)stun_attr_put_addr(&b, STUN_ATTR_CHANGED_ADDRESS, changed);
	(void)stun_build_finish(&b, &out);
	return out;
}

/* As many bytes as fit into one datagram, most of them of no use. */
static struct bytes build_verbose(const struct stun_msg *asked, const struct addr *from,
				  const struct addr *other, uint8_t *buf, size_t cap)
{
	static const uint8_t padding[1100];
	struct stun_builder b = stun_build(buf, cap, STUN_BINDING, STUN_SUCCESS, &asked->tid);
	struct bytes out = { 0 };

	(void)stun_attr_put_bytes(&b, 0x8abc, bytes_of(padding, sizeof(padding)));
	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, from);
	(void)stun_attr_put_addr(&b, STUN_ATTR_OTHER_ADDRESS, other);
	(void)stun_build_finish(&b, &out);
	return out;
}

/* What a server that lies in OTHER-ADDRESS says there; family ADDR_NONE: it does not. */
static struct addr lie_of(const struct sim_world *w, size_t server)
{
	switch (w->config->servers[server].misdeed) {
	case SIM_SAME_ADDRESS:
		return sim_server_addr(w, server, 1);
	case SIM_SAME_PORT:
		return sim_server_addr(w, server, 2);
	case SIM_PRIVATE_ALTERNATE:
		return addr_ipv4(10, 0, 0, 1, 3479);
	default:
		return (struct addr){ 0 };
	}
}

/* Bends where an answer comes from, whether it comes, and when. */
static void bend_source(const struct served *s, uint8_t misdeed, struct answer *a)
{
	bool changes = s->change.address || s->change.port;

	switch (misdeed) {
	case SIM_IGNORES_CHANGE:
		a->socket = s->socket;
		break;
	case SIM_IGNORES_ADDRESS:
		a->socket = (uint8_t)((a->socket & 1) | (s->socket & 2));
		break;
	case SIM_DROPS_CHANGE:
		if (changes)
			a->msg.len = 0;
		break;
	case SIM_WRONG_SOURCE:
		if (s->change.address && s->change.port)
			a->socket = 2;
		break;
	case SIM_WRONG_PLAIN:
		a->socket = s->socket ^ 1;
		break;
	case SIM_ONE_VOICE:
		a->socket = 0;
		break;
	case SIM_DEAD_ALTERNATE:
		if ((s->socket & 2) != 0 || (a->socket & 2) != 0)
			a->msg.len = 0;
		break;
	case SIM_SLOW_CHANGE:
		a->extra_us += changes ? SLOW_CHANGE_US : 0;
		break;
	default:
		break;
	}
}

/* What an honest server does, bent. buf is where another message may be built. */
static void bend(struct sim_world *w, const struct served *s, struct answer *a, uint8_t *buf,
		 size_t cap)
{
	uint8_t misdeed = w->config->servers[s->server].misdeed;
	bool changes = s->change.address || s->change.port;
	struct addr lie = lie_of(w, s->server);
	struct addr source = sim_server_addr(w, s->server, a->socket);
	struct addr other = sim_server_addr(w, s->server, (s->socket & 3) ^ 3);

	if (misdeed == SIM_OLD) {
		a->msg = build_old(&s->asked, &s->from, &source, &other, buf, cap);
	} else if (misdeed == SIM_VERBOSE) {
		a->msg = build_verbose(&s->asked, &s->from, &other, buf, cap);
	} else if (misdeed == SIM_REFUSES_BINDING) {
		a->msg = build_error(&s->asked, 400, buf, cap);
	} else if (misdeed == SIM_REFUSES_CHANGE && changes) {
		a->msg = build_error(&s->asked, 420, buf, cap);
		a->socket = s->socket;
	} else if (misdeed == SIM_LOSSY && sim_happens(w, LOSSY_PER_MILLE)) {
		a->msg.len = 0;
	} else if (s->socket != SIM_PLAIN_SOCKET) {
		if (lie.family != ADDR_NONE)
			a->msg = build_answer(&s->asked, &s->from, &lie, buf, cap);
		bend_source(s, misdeed, a);
	}
}

static void reply(struct sim_world *w, const struct served *s, const struct answer *a)
{
	struct addr source = sim_server_addr(w, s->server, a->socket);
	uint8_t buf[SIM_PACKET_LEN];
	size_t len = packet_build_udp(buf, sizeof(buf), &source, &s->from, a->msg);
	struct bytes packet = bytes_of(buf, len);

	if (a->extra_us > 0)
		sim_put(w, SIM_REPLY, 0, w->now_us + a->extra_us, packet);
	else
		sim_path_from_servers(w, packet);
}

/* One more answer beside the honest one. */
static void talk_too_much(struct sim_world *w, const struct served *s, const struct answer *a)
{
	uint8_t misdeed = w->config->servers[s->server].misdeed;
	struct addr seen = addr_with_port(&s->from, (uint16_t)(s->from.port ^ 0x155));
	struct answer more = *a;
	struct served of = *s;
	uint8_t buf[ANSWER_MAX];

	if (misdeed != SIM_ECHOES && misdeed != SIM_GARBLES)
		return;
	if (misdeed == SIM_GARBLES)
		of.asked.tid.bytes[5] ^= 0x40;
	more.msg = build_answer(&of.asked, &seen, NULL, buf, sizeof(buf));
	more.extra_us = misdeed == SIM_ECHOES ? a->extra_us + 1000 : 0;
	reply(w, s, &more);
}

static void serve_udp(struct sim_world *w, size_t server, uint8_t socket, const struct packet *p)
{
	const struct stun_server_policy policy = { .nat_discovery = true };
	struct stun_site site = site_of(w, server);
	struct served s = { .server = server, .socket = socket, .from = p->source };
	struct stun_query q = { .datagram = p->data, .from = p->source };
	uint8_t honest[ANSWER_MAX], bent[ANSWER_MAX];
	struct stun_reply made;
	struct answer a;
	struct bytes value;

	if (socket != SIM_PLAIN_SOCKET) {
		if (!site.has[socket])
			return;
		q.site = &site;
		q.socket = socket;
	}
	if (stun_msg_parse(q.datagram, &s.asked) != STUN_OK ||
	    stun_server_answer(&policy, &q, honest, sizeof(honest), &made) > STUN_REPLY_ERROR)
		return;
	if (stun_msg_find(&s.asked, STUN_ATTR_CHANGE_REQUEST, &value))
		(void)stun_attr_get_change(value, &s.change);
	a = (struct answer){ .msg = made.msg,
			     .socket = socket == SIM_PLAIN_SOCKET ? socket : made.socket,
			     .extra_us = sim_server_extra_us(w, server) };
	bend(w, &s, &a, bent, sizeof(bent));
	if (a.msg.len == 0)
		return;
	talk_too_much(w, &s, &a);
	reply(w, &s, &a);
}

/* As asked for in sim_config.servers[].tcp_answer; empty: the honest way. */
static struct bytes odd_tcp_answer(enum sim_tcp_answer how, const struct stun_msg *asked,
				   const struct addr *mapped, uint8_t *buf, size_t cap)
{
	struct addr other_family = mapped->family == ADDR_IPV6
					   ? addr_ipv4(192, 0, 2, 1, 1)
					   : (struct addr){ .family = ADDR_IPV6, .port = 1 };
	struct bytes out = { 0 };
	struct stun_builder b;

	if (how == SIM_TCP_ERROR)
		return build_error(asked, 400, buf, cap);
	if (how == SIM_TCP_FAMILY)
		return build_answer(asked, &other_family, NULL, buf, cap);
	b = stun_build(buf, cap, STUN_BINDING, STUN_SUCCESS, &asked->tid);
	if (how == SIM_TCP_MAPPED)
		(void)stun_attr_put_addr(&b, STUN_ATTR_MAPPED_ADDRESS, mapped);
	(void)stun_build_finish(&b, &out);
	return out;
}

struct bytes sim_server_answer_tcp(struct sim_world *w, const struct sim_tcp *t,
				   struct bytes request, uint8_t *buf, size_t cap)
{
	const struct stun_server_policy policy = { .nat_discovery = true };
	const struct sim_server honest = { 0 };
	bool is_turn = t->server == SIM_TURN_SERVER;
	const struct sim_server *how = is_turn ? &honest : &w->config->servers[t->server];
	struct stun_site site = site_of(w, is_turn ? 0 : t->server);
	struct stun_query q = { .datagram = request,
				.from = t->remote,
				.transport = STUN_TCP,
				.site = is_turn ? NULL : &site,
				.socket = t->socket };
	struct addr lie = is_turn ? (struct addr){ 0 } : lie_of(w, t->server);
	struct stun_reply made;
	struct stun_msg asked;

	if (stun_msg_parse(request, &asked) != STUN_OK ||
	    stun_server_answer(&policy, &q, buf, cap, &made) > STUN_REPLY_ERROR)
		return (struct bytes){ 0 };
	if (how->tcp_answer != SIM_TCP_HONEST)
		return odd_tcp_answer((enum sim_tcp_answer)how->tcp_answer, &asked, &t->remote, buf,
				      cap);
	if (how->misdeed == SIM_REFUSES_BINDING)
		return build_error(&asked, 400, buf, cap);
	if (lie.family != ADDR_NONE)
		return build_answer(&asked, &t->remote, &lie, buf, cap);
	return made.msg;
}

static void at_socket(struct sim_world *w, size_t server, uint8_t socket, const struct packet *p)
{
	uint8_t misdeed = w->config->servers[server].misdeed;

	if (misdeed == SIM_DEAD)
		return;
	if (p->kind == PACKET_DATAGRAM && misdeed != SIM_TCP_ONLY)
		serve_udp(w, server, socket, p);
	if (p->kind != PACKET_SEGMENT || socket == SIM_PLAIN_SOCKET)
		return;
	if ((misdeed == SIM_ONE_ADDRESS && socket != 0) ||
	    (misdeed == SIM_DEAD_ALTERNATE && (socket & 2) != 0))
		return;
	sim_tcp_at_server(w, server, socket, misdeed == SIM_NO_TCP, p);
}

void sim_server_on_packet(struct sim_world *w, struct bytes packet)
{
	struct packet p;

	if (!packet_parse(packet, &p) || !packet_checksums_ok(packet))
		return;
	for (size_t i = 0; i < w->server_count; i++) {
		for (uint8_t socket = 0; socket <= SIM_PLAIN_SOCKET; socket++) {
			struct addr e = sim_server_addr(w, i, socket);

			if (addr_equal(&e, &p.destination)) {
				at_socket(w, i, socket, &p);
				return;
			}
		}
	}
	sim_turn_on_packet(w, &p);
}
