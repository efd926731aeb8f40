/* The rounds: what is sent from our sockets and by way of the relay, and what arrives. */
#include "natprobe/discover/probe_log.h"
#include "vantage_state.h"

#define MAGIC         0x6e6b7674 /* "nkvt" */
#define UNSEEN_ROUNDS 3          /* after which another socket tries to be seen */
#define SLOW_US       300000     /* round trip from which on a round is worth more datagrams */
#define SILENT_ASKS   5          /* after which another STUN server is asked */
#define LOSS_SAMPLE   6          /* controls that show how much is lost */
#define SLOW_RATE     15         /* datagrams a second; some paths take 40, those of TURN as well */

_Static_assert(VT_ROUNDS_MAX *VT_COPIES_SLOW <= VT_SENT_MAX, "each has a number");

bool vt_is_far(const struct addr *a, const struct addr *b)
{
	return !addr_equal_ip(a, b) && a->port != b->port;
}

/* The relay shall ask it as well: a silence of the relay itself is no filter. */
static void verify_with(struct vantage *v, const struct addr *opener, uint64_t now_us)
{
	for (size_t e = 0; e < VT_UDP_ENDS; e++)
		v->verify[e] = (struct vt_verify){
			.peer = turn_end_peer(&v->ends[e], opener, now_us),
		};
}

/* The next STUN server that R1 is another address and port to; false: there is none any more. */
static bool find_opener(struct vantage *v, uint64_t now_us)
{
	while (v->opener_next < v->opener_count) {
		const struct addr *found = &v->openers[v->opener_next++];
		struct addr a = vt_beyond(v, found);

		if (a.family == v->family && vt_is_far(&a, &v->relayed[0])) {
			v->opener = *found;
			verify_with(v, &a, now_us);
			return true;
		}
	}
	return false;
}

static void take_socket(struct vantage *v, struct vt_socket *s)
{
	*s = (struct vt_socket){ .slot = vt_take_slot(v),
				 .peers = { TURN_END_NO_PEER, TURN_END_NO_PEER } };
}

static uint64_t last_sent_us(const struct vantage *v)
{
	uint64_t last_us = v->round_us;

	for (size_t k = 0; k < VT_PACKETS; k++)
		last_us = v->counts[k].last_us > last_us ? v->counts[k].last_us : last_us;
	return last_us;
}

/* So much is lost that it may be our pace: what was silent so far counts no more. */
static void slow_down(struct vantage *v, uint64_t now_us)
{
	const struct vt_count *control = &v->counts[VT_CONTROL];

	if (v->is_slow || control->sent < LOSS_SAMPLE ||
	    control->arrived * 4 >= control->sent * 3 ||
	    now_us < last_sent_us(v) + timing_overdue_us(v->rtt_us))
		return;
	v->is_slow = true;
	v->timing.rate_per_s = SLOW_RATE;
	v->timing.burst = 1;
	for (size_t k = 0; k < VT_PACKETS; k++) {
		if (v->counts[k].arrived == 0 || k == VT_CONTROL || k == VT_OUT)
			v->counts[k] = (struct vt_count){ 0 };
	}
	v->rounds = 0;
	v->random(v->random_arg, v->run_id, sizeof(v->run_id));
}

static void begin_round(struct vantage *v, uint64_t now_us)
{
	uint8_t copies = v->rtt_us >= SLOW_US ? VT_COPIES_SLOW : VT_COPIES;

	slow_down(v, now_us);
	v->round_us = now_us;
	v->rounds++;
	if (v->rounds > 1 && !v->near.is_answered && v->near.answered == 0 &&
	    ++v->unseen_rounds % UNSEEN_ROUNDS == 0 && v->unseen_rounds <= 2 * UNSEEN_ROUNDS)
		take_socket(v, &v->near);
	if (v->far.slot != VT_NO_SLOT && v->far.answered == 0 && v->far.asked == SILENT_ASKS &&
	    find_opener(v, now_us))
		take_socket(v, &v->far);
	v->near.is_due = true;
	v->far.is_due = v->far.slot != VT_NO_SLOT && v->counts[VT_BOTH].arrived == 0;
	v->near.is_answered = v->far.is_answered = false;
	for (size_t e = 0; e < VT_UDP_ENDS; e++)
		v->verify[e].is_due =
			v->verify[e].peer != TURN_END_NO_PEER && !v->verify[e].is_answered;
	v->counts[VT_CONTROL].left = copies;
	v->counts[VT_PORT].left = v->counts[VT_PORT].arrived == 0 ? copies : 0;
	v->counts[VT_BOTH].left = v->far.is_due ? copies : 0;
}

void vt_rounds_begin(struct vantage *v, uint64_t now_us)
{
	take_socket(v, &v->near);
	verify_with(v, &(struct addr){ 0 }, now_us);
	if (find_opener(v, now_us))
		take_socket(v, &v->far);
	begin_round(v, now_us);
}

struct bytes vt_packet_make(struct vantage *v, uint8_t kind, uint8_t number, uint64_t now_us)
{
	struct wire_out out = wire_write(v->packet, sizeof(v->packet));

	wire_put_u32(&out, MAGIC);
	wire_put_mem(&out, v->run_id, sizeof(v->run_id));
	wire_put_u8(&out, kind);
	wire_put_u8(&out, v->rounds);
	wire_put_u8(&out, number);
	wire_put_u64(&out, now_us);
	wire_put_zeros(&out, sizeof(v->packet) - out.len);
	return wire_written(&out);
}

bool vt_packet_read(const struct vantage *v, struct bytes in, struct vt_packet *out)
{
	struct wire w = wire_read(in);
	bool is_ours =
		wire_get_u32(&w) == MAGIC && bytes_equal(wire_get_bytes(&w, sizeof(v->run_id)),
							 bytes_of(v->run_id, sizeof(v->run_id)));

	out->kind = wire_get_u8(&w);
	out->round = wire_get_u8(&w);
	out->number = wire_get_u8(&w);
	out->sent_us = wire_get_u64(&w);
	return is_ours && !w.failed && in.len == VT_PACKET_LEN && out->kind < VT_KINDS;
}

static struct bytes make_packet(struct vantage *v, uint8_t kind, uint64_t now_us)
{
	return vt_packet_make(v, kind, (uint8_t)v->counts[kind].sent, now_us);
}

/* The round is in it: an answer tells which request it belongs to. */
static struct stun_tid make_tid(const struct vantage *v, uint8_t round)
{
	uint8_t bytes[12] = { 0 };

	memcpy(bytes, v->run_id, sizeof(v->run_id));
	bytes[sizeof(bytes) - 1] = round;
	return stun_tid_make(bytes);
}

static bool ask_next(struct vantage *v, struct vantage_action *out)
{
	struct stun_tid tid = make_tid(v, v->rounds);
	struct stun_builder b;

	if (!v->far.is_due || v->slots[v->far.slot] != VT_OPEN)
		return false;
	v->far.is_due = false;
	v->far.asked++;
	b = stun_build(v->packet, sizeof(v->packet), STUN_BINDING, STUN_REQUEST, &tid);
	*out = (struct vantage_action){ .kind = VANTAGE_SEND,
					.slot = v->far.slot,
					.to = v->opener };
	return stun_build_finish(&b, &out->data) == STUN_OK;
}

static bool speak_next(struct vantage *v, uint64_t now_us, struct vantage_action *out)
{
	if (!v->near.is_due || v->near.slot == VT_NO_SLOT || v->slots[v->near.slot] != VT_OPEN)
		return false;
	v->near.is_due = false;
	v->near.asked++;
	*out = (struct vantage_action){ .kind = VANTAGE_SEND,
					.slot = v->near.slot,
					.to = vt_reachable(v, &v->relayed[0]),
					.data = make_packet(v, VT_OUT, now_us) };
	v->counts[VT_OUT].sent++;
	return true;
}

static uint8_t end_of(uint8_t kind)
{
	return kind == VT_PORT ? 1 : 0;
}

/* Who gets packets of this kind. */
static const struct vt_socket *goal_of(const struct vantage *v, uint8_t kind)
{
	return kind == VT_BOTH ? &v->far : &v->near;
}

/* Nothing more of this kind will leave in this round. */
static bool is_out(const struct vantage *v, uint8_t kind)
{
	const struct turn_end *e = &v->ends[end_of(kind)];
	const struct vt_socket *to = goal_of(v, kind);
	int peer = to->peers[end_of(kind)];

	return v->counts[kind].left == 0 || to->slot == VT_NO_SLOT || e->is_failed ||
	       !e->is_allocated ||
	       (to->is_answered &&
		(peer == TURN_END_NO_PEER || e->peers[peer].permission == TURN_END_DENIED));
}

/* Something waits for no more than a permission. */
static bool is_waiting(const struct vantage *v, uint8_t kind)
{
	return !is_out(v, kind) && goal_of(v, kind)->is_answered;
}

static bool relay_next(struct vantage *v, uint8_t kind, uint64_t now_us, struct vantage_action *out)
{
	struct turn_end *e = &v->ends[end_of(kind)];
	struct vt_count *c = &v->counts[kind];
	int peer = goal_of(v, kind)->peers[end_of(kind)];
	struct bytes framed;

	if (!is_waiting(v, kind) || e->peers[peer].permission != TURN_END_PERMITTED ||
	    turn_client_send(e->client, peer, make_packet(v, kind, now_us), false, now_us,
			     v->framed, sizeof(v->framed), &framed) != TURN_CLIENT_FRAMED)
		return false;
	c->left--;
	c->sent++;
	c->last_us = now_us;
	*out = (struct vantage_action){ .kind = VANTAGE_SAY, .end = end_of(kind), .data = framed };
	return true;
}

static struct stun_tid verify_tid(const struct vantage *v, uint8_t end)
{
	uint8_t bytes[12] = { 0 };

	memcpy(bytes, v->run_id, sizeof(v->run_id));
	bytes[sizeof(v->run_id)] = (uint8_t)(1 + end);
	return stun_tid_make(bytes);
}

static bool verify_next(struct vantage *v, uint8_t end, uint64_t now_us, struct vantage_action *out)
{
	struct vt_verify *c = &v->verify[end];
	struct turn_end *e = &v->ends[end];
	struct stun_tid tid = verify_tid(v, end);
	struct stun_builder b;
	struct bytes request, framed;

	if (!c->is_due || e->is_failed || e->peers[c->peer].permission != TURN_END_PERMITTED)
		return false;
	b = stun_build(v->packet, sizeof(v->packet), STUN_BINDING, STUN_REQUEST, &tid);
	if (stun_build_finish(&b, &request) != STUN_OK ||
	    turn_client_send(e->client, c->peer, request, false, now_us, v->framed,
			     sizeof(v->framed), &framed) != TURN_CLIENT_FRAMED)
		return false;
	c->is_due = false;
	c->sent++;
	*out = (struct vantage_action){ .kind = VANTAGE_SAY, .end = end, .data = framed };
	return true;
}

/* Controls first, since some NATs forget a mapping that an unexpected datagram meets. */
static bool due_next(struct vantage *v, uint64_t now_us, struct vantage_action *out)
{
	return ask_next(v, out) || speak_next(v, now_us, out) || verify_next(v, 0, now_us, out) ||
	       verify_next(v, 1, now_us, out) || relay_next(v, VT_CONTROL, now_us, out) ||
	       relay_next(v, VT_PORT, now_us, out) || relay_next(v, VT_BOTH, now_us, out);
}

/*
 * When the next round may begin: once all of this one has arrived, or what is missing is overdue.
 * A permission that is being asked for is waited for.
 */
static uint64_t next_round_us(const struct vantage *v, enum vt_want want)
{
	bool is_whole = true, waits = false;

	for (uint8_t kind = VT_CONTROL; kind < VT_PACKETS; kind++) {
		is_whole = is_whole && is_out(v, kind);
		waits = waits || is_waiting(v, kind);
	}
	if (want == VT_NO_ROUND)
		return UINT64_MAX;
	if (waits)
		return v->round_us + TIMING_RTT_MAX_US;
	if (is_whole && want == VT_SOON)
		return last_sent_us(v) + timing_round_gap_us(&v->timing, v->rtt_us);
	return last_sent_us(v) + timing_overdue_us(v->rtt_us);
}

bool vt_rounds_next(struct vantage *v, uint64_t now_us, struct vantage_action *out,
		    uint64_t *deadline_us)
{
	uint64_t ready_us = pace_ready_us(&v->pace, &v->timing);

	if (now_us >= next_round_us(v, vt_wants_round(v, now_us)))
		begin_round(v, now_us);
	if (now_us >= ready_us && due_next(v, now_us, out)) {
		pace_take(&v->pace, &v->timing, now_us);
		return true;
	}
	timing_sooner(deadline_us, ready_us, now_us);
	timing_sooner(deadline_us, next_round_us(v, vt_wants_round(v, now_us)), now_us);
	timing_sooner(deadline_us, last_sent_us(v) + vt_tail_us(v), now_us);
	return false;
}

static void note_rtt(struct vantage *v, uint64_t rtt_us)
{
	if (rtt_us > v->rtt_us && rtt_us <= TIMING_RTT_MAX_US)
		v->rtt_us = rtt_us;
}

/* This is where a socket of ours is seen now; it becomes a peer of both ends. */
static void is_seen(struct vantage *v, struct vt_socket *s, const struct addr *mapped,
		    uint64_t now_us)
{
	s->answered++;
	s->is_answered = true;
	if (addr_equal(&s->mapped, mapped))
		return;
	s->mapped = *mapped;
	for (size_t e = 0; e < VT_UDP_ENDS; e++)
		s->peers[e] = turn_end_peer(&v->ends[e], mapped, now_us);
}

static bool is_verified(const struct vantage *v, uint8_t end, const struct addr *from,
			struct bytes in)
{
	struct addr opener = vt_beyond(v, &v->opener);
	struct stun_tid tid = verify_tid(v, end);
	struct stun_msg msg;

	return classify_same_endpoint(from, &opener) && stun_msg_parse(in, &msg) == STUN_OK &&
	       msg.method == STUN_BINDING && stun_tid_equal(&msg.tid, &tid);
}

void vt_rounds_on_relayed(struct vantage *v, uint8_t end, const struct addr *from, struct bytes in,
			  uint64_t now_us)
{
	struct vt_packet p;

	if (end < VT_UDP_ENDS && is_verified(v, end, from, in)) {
		v->verify[end].is_answered = true;
		return;
	}
	if (end != 0 || !vt_packet_read(v, in, &p) || p.kind != VT_OUT || p.round != v->rounds ||
	    v->near.is_answered)
		return;
	v->counts[VT_OUT].arrived++;
	note_rtt(v, now_us - p.sent_us);
	is_seen(v, &v->near, from, now_us);
}

static void on_binding(struct vantage *v, const struct addr *from, const struct stun_msg *msg,
		       uint64_t now_us)
{
	struct stun_tid tid = make_tid(v, v->rounds);
	struct probe_answer answer = { .from = *from };

	if (msg->method != STUN_BINDING || msg->class != STUN_SUCCESS ||
	    !stun_tid_equal(&msg->tid, &tid) || v->far.is_answered ||
	    !classify_same_endpoint(from, &v->opener))
		return;
	probe_read_answer(msg, &answer);
	if (answer.mapped.family == v->family && answer.mapped.port != 0)
		is_seen(v, &v->far, &answer.mapped, now_us);
}

/* One that was sent, and did not arrive before; it is noted. */
static bool is_new(struct vt_count *c, uint8_t number)
{
	uint64_t bit = UINT64_C(1) << number % 64;

	if (number >= c->sent || number >= VT_SENT_MAX || (c->seen[number / 64] & bit) != 0)
		return false;
	c->seen[number / 64] |= bit;
	return true;
}

static void on_packet(struct vantage *v, uint8_t slot, const struct addr *from,
		      const struct vt_packet *p, uint64_t now_us)
{
	struct addr source = vt_beyond(v, from);
	struct vt_count *c = &v->counts[p->kind];

	if (p->kind == VT_OUT || slot != goal_of(v, p->kind)->slot || !is_new(c, p->number))
		return;
	if (!classify_same_endpoint(&source, &v->relayed[end_of(p->kind)])) {
		v->odd_source = *from;
		return;
	}
	c->arrived++;
	note_rtt(v, now_us - p->sent_us);
}

void vt_rounds_on_datagram(struct vantage *v, uint8_t slot, const struct addr *from,
			   struct bytes in, uint64_t now_us)
{
	struct stun_msg msg;
	struct vt_packet p;

	if (vt_packet_read(v, in, &p) && p.kind < VT_PACKETS)
		on_packet(v, slot, from, &p, now_us);
	else if (slot == v->far.slot && stun_msg_parse(in, &msg) == STUN_OK)
		on_binding(v, from, &msg, now_us);
}
