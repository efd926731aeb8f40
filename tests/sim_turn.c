#include "sim_turn.h"

#include <errno.h>

#include "fuzz_check.h"
#include "packet.h"
#include "turnd/tcp_peer.h"

#define SYNS_MAX  4
#define COPY_MAX  1500
#define SECOND_US UINT64_C(1000000)

static const struct addr at_ipv4 = { .family = ADDR_IPV4, .port = 3478, .ip = { 20, 50, 3, 20 } };
static const struct addr at_ipv6 = {
	.family = ADDR_IPV6,
	.port = 3478,
	.ip = { 0x2a, 0x10, 0x50, 0x20, 0, 3, [15] = 0x20 },
};

static struct sim_turn_out *add_out(struct sim_turn_server *s)
{
	FUZZ_CHECK(s->out_count < SIM_TURN_OUT_MAX);
	return &s->out[s->out_count++];
}

/* What is sent is a copy, that may be changed. */
static struct bytes copy(struct sim_turn_server *s, struct bytes data, uint8_t buf[COPY_MAX])
{
	size_t len = data.len;

	FUZZ_CHECK(data.len <= COPY_MAX);
	if (len > 0)
		memcpy(buf, data.data, len);
	if (s->change != NULL)
		s->change(s->change_arg, buf, &len);
	return bytes_of(buf, len);
}

static void put_datagram(struct sim_turn_server *s, const struct addr *from, const struct addr *to,
			 struct bytes data)
{
	struct sim_turn_out *o = add_out(s);
	uint8_t buf[COPY_MAX];

	data = copy(s, data, buf);
	o->is_frame = false;
	o->len = packet_build_udp(o->data, sizeof(o->data), from, to, data);
}

static void put_frame(struct sim_turn_server *s, uint8_t line, struct bytes data)
{
	struct sim_turn_out *o = add_out(s);

	o->is_frame = true;
	o->line = line;
	o->len = copy(s, data, o->data).len;
}

static void put_segment(struct sim_turn_server *s, const struct sim_turn_peer *p, uint8_t flags,
			uint32_t ack)
{
	struct packet_tcp header = { .flags = flags, .ack = ack };
	struct sim_turn_out *o;

	if (s->makes_no_connections)
		return;
	header.seq = (flags & PACKET_SYN) != 0 ? p->first : p->first + 1;
	o = add_out(s);
	o->is_frame = false;
	o->len = packet_build_tcp(o->data, sizeof(o->data), &p->local, &p->remote, &header,
				  (struct bytes){ 0 });
}

static int line_of_link(const struct sim_turn_server *s, const void *link)
{
	for (int i = 0; i < SIM_TURN_LINES; i++) {
		if (link == &s->lines[i])
			return i;
	}
	return -1;
}

static bool has_heard(const struct sim_turn_server *s, uint16_t port, const struct addr *peer)
{
	for (size_t i = 0; i < s->heard_count; i++) {
		if (s->heard[i].port == port && addr_equal(&s->heard[i].peer, peer))
			return true;
	}
	return false;
}

static void hear(struct sim_turn_server *s, uint16_t port, const struct addr *peer)
{
	if (!has_heard(s, port, peer) && s->heard_count < SIM_TURN_HEARD_MAX)
		s->heard[s->heard_count++] = (struct sim_turn_heard){ *peer, port };
}

static void carry_out(struct sim_turn_server *s, enum turnd_step step)
{
	const struct turnd_out *out = &s->rig.out;
	int line = line_of_link(s, out->link);
	struct addr from;

	if (step == TURND_TO_CLIENT && line >= 0) {
		put_frame(s, (uint8_t)line, out->data);
	} else if (step == TURND_TO_CLIENT) {
		put_datagram(s, &s->turn.addr, &out->tuple.client, out->data);
	} else if (step == TURND_TO_PEER) {
		from = out->end->relayed;
		if (s->leaves_as.family != ADDR_NONE)
			from = addr_with_port(&s->leaves_as, from.port);
		if (!s->only_answers || has_heard(s, from.port, &out->peer))
			put_datagram(s, &from, &out->peer, out->data);
	}
}

/* Of the rig that a worker's calls come from. */
static struct sim_turn_server *server_of(void *arg)
{
	return (struct sim_turn_server *)((struct rig_worker *)arg)->rig; /* its first member */
}

static void send_syn(struct sim_turn_server *s, struct sim_turn_peer *p)
{
	put_segment(s, p, PACKET_SYN, 0);
	p->next_us = s->rig.now.us + (SECOND_US << p->syns);
	p->syns++;
}

static int connect_peer(void *arg, struct tcp_peer *peer)
{
	struct sim_turn_server *s = server_of(arg);

	for (size_t i = 0; i < SIM_TURN_PEERS_MAX; i++) {
		struct sim_turn_peer *p = &s->peers[i];

		if (p->peer != NULL)
			continue;
		*p = (struct sim_turn_peer){ .peer = peer,
					     .local = peer->end->relayed,
					     .remote = peer->dial,
					     .first = (uint32_t)rng_next(&s->rig.rng) };
		send_syn(s, p);
		return 0;
	}
	return -EMFILE;
}

static void close_peer(void *arg, struct tcp_peer *peer)
{
	struct sim_turn_server *s = server_of(arg);

	for (size_t i = 0; i < SIM_TURN_PEERS_MAX; i++) {
		if (s->peers[i].peer == peer)
			s->peers[i].peer = NULL;
	}
}

static void to_client(void *arg, const struct five_tuple *tuple, void *link, struct bytes data)
{
	struct sim_turn_server *s = server_of(arg);
	int line = line_of_link(s, link);

	if (line >= 0)
		put_frame(s, (uint8_t)line, data);
}

static void set_clock(struct sim_turn_server *s, uint64_t now_us)
{
	struct turnd_now *now = &s->rig.now;

	if (now_us <= now->us)
		return;
	now->wall_s += now_us / 1000000 - now->us / 1000000;
	now->us = now_us;
	(void)turnd_on_time(s->rig.worker[0].turnd, now);
}

static void on_segment(struct sim_turn_server *s, const struct packet *in)
{
	struct tcp_peer *peer;

	for (size_t i = 0; i < SIM_TURN_PEERS_MAX; i++) {
		struct sim_turn_peer *p = &s->peers[i];
		bool is_syn_ack = (in->tcp_flags & PACKET_SYN) != 0 && in->tcp_ack == p->first + 1;
		bool is_reset = (in->tcp_flags & PACKET_RST) != 0;

		if (p->peer == NULL || p->syns == 0 || !addr_equal(&p->local, &in->destination) ||
		    !addr_equal(&p->remote, &in->source) || (!is_syn_ack && !is_reset))
			continue;
		if (is_syn_ack)
			put_segment(s, p, PACKET_ACK, in->tcp_seq + 1);
		peer = p->peer;
		p->syns = 0; /* it stands */
		if (is_reset)
			p->peer = NULL;
		turnd_connected(s->rig.worker[0].turnd, peer, is_reset ? ECONNREFUSED : 0,
				&s->rig.now);
		return;
	}
}

static void on_packet(void *arg, const struct packet *p, uint64_t now_us)
{
	struct sim_turn_server *s = arg;
	struct relay_end *end;

	set_clock(s, now_us);
	if (p->kind == PACKET_SEGMENT)
		on_segment(s, p);
	if (p->kind != PACKET_DATAGRAM)
		return;
	if (addr_equal(&p->destination, &s->turn.addr)) {
		s->client.tuple.client = p->source;
		s->client.tuple.server = p->destination;
		carry_out(s, rig_give(&s->client, p->data));
		return;
	}
	hear(s, p->destination.port, &p->source);
	end = rig_end_of(&s->rig, &p->destination);
	if (end != NULL)
		carry_out(s, rig_from_peer(&s->rig, end, &p->source, p->data));
}

static void on_frame(void *arg, uint8_t line, struct bytes frame, uint64_t now_us)
{
	struct sim_turn_server *s = arg;

	FUZZ_CHECK(line < SIM_TURN_LINES);
	set_clock(s, now_us);
	carry_out(s, rig_give(&s->lines[line], frame));
}

static void on_line_closed(void *arg, uint8_t line, uint64_t now_us)
{
	struct sim_turn_server *s = arg;

	set_clock(s, now_us);
	turnd_link_ended(s->rig.worker[0].turnd, &s->lines[line].tuple, &s->lines[line],
			 &s->rig.now);
}

static uint64_t on_time(void *arg, uint64_t now_us)
{
	struct sim_turn_server *s = arg;
	uint64_t due_us = UINT64_MAX;

	set_clock(s, now_us);
	for (size_t i = 0; i < SIM_TURN_PEERS_MAX; i++) {
		struct sim_turn_peer *p = &s->peers[i];

		if (p->peer == NULL || p->syns == 0 || p->syns == SYNS_MAX)
			continue;
		if (p->next_us <= now_us)
			send_syn(s, p);
		if (p->next_us < due_us && p->syns < SYNS_MAX)
			due_us = p->next_us;
	}
	return due_us;
}

static bool next(void *arg, struct sim_turn_item *out)
{
	struct sim_turn_server *s = arg;
	const struct sim_turn_out *o = &s->out[s->out_next];

	if (s->out_next == s->out_count) {
		s->out_next = s->out_count = 0;
		return false;
	}
	s->out_next++;
	*out = (struct sim_turn_item){ .is_frame = o->is_frame,
				       .line = o->line,
				       .data = bytes_of(o->data, o->len) };
	return true;
}

void sim_turn_init(struct sim_turn_server *s, const struct nat_profile *p)
{
	bool is_ipv6 = p->family == ADDR_IPV6 && p->layers[0].nat64_prefix.family == ADDR_NONE;

	*s = (struct sim_turn_server){ 0 };
	rig_init(&s->rig);
	s->rig.now.us = SIM_START_US;
	s->rig.snapshot.tcp_relay = true;
	s->turn = (struct sim_turn){
		.addr = is_ipv6 ? at_ipv6 : at_ipv4,
		.credentials = { .username = BYTES("alice"), .password = BYTES("open sesame") },
		.has_lines = true,
		.arg = s,
		.on_packet = on_packet,
		.on_frame = on_frame,
		.on_line_closed = on_line_closed,
		.on_time = on_time,
		.next = next,
	};
	for (size_t i = 0; i < RIG_RELAYS; i++)
		s->rig.relays[i].seen_as = addr_with_port(i == 0 ? &at_ipv4 : &at_ipv6, 0);
}

void sim_turn_start(struct sim_turn_server *s)
{
	struct turnd_io *io;

	rig_start(&s->rig);
	io = &s->rig.worker[0].io;
	io->connect_peer = connect_peer;
	io->close_peer = close_peer;
	io->to_client = to_client;
	rig_client(&s->client, &s->rig, 1);
	for (uint16_t i = 0; i < SIM_TURN_LINES; i++) {
		rig_client(&s->lines[i], &s->rig, (uint16_t)(40000 + i));
		s->lines[i].tuple.transport = STUN_TCP;
		s->lines[i].link = &s->lines[i];
	}
}

void sim_turn_stop(struct sim_turn_server *s)
{
	rig_stop(&s->rig);
}
