/*
 * Mapping, where the discovery had too few endpoints to compare: the relayed addresses, and the
 * STUN server, all see one more fresh socket.
 */
#include "natprobe/discover/probe_log.h"
#include "vantage_state.h"

#define ROUNDS_MAX 8
#define MARK       0x4d /* tells these requests from those of the rounds */

bool vt_mapping_begin(struct vantage *v, uint64_t now_us)
{
	struct vt_mapping *m = &v->mapping;

	if (!m->is_wanted || v->opener.family == ADDR_NONE || v->near.answered == 0 ||
	    v->ends[0].is_failed)
		return false;
	m->slot = vt_take_slot(v);
	if (m->slot == VT_NO_SLOT)
		return false;
	m->looks[0].endpoint = vt_reachable(v, &v->relayed[0]);
	m->looks[1].endpoint = vt_reachable(v, &v->relayed[1]);
	m->looks[2].endpoint = v->opener;
	m->round_us = now_us;
	for (size_t i = 0; i < VT_LOOKS; i++)
		m->looks[i].is_due = m->looks[i].endpoint.family != ADDR_NONE;
	m->rounds = 1;
	return true;
}

/* It answers, or has not been asked often enough. */
static bool is_missing(const struct vt_look *l)
{
	return l->endpoint.family != ADDR_NONE && l->mapped.family == ADDR_NONE;
}

bool vt_mapping_is_over(const struct vantage *v, uint64_t now_us)
{
	const struct vt_mapping *m = &v->mapping;
	bool is_whole = true;

	for (size_t i = 0; i < VT_LOOKS; i++)
		is_whole = is_whole && !is_missing(&m->looks[i]);
	return is_whole || v->slots[m->slot] == VT_FAILED || v->ends[0].is_failed ||
	       (m->rounds == ROUNDS_MAX && now_us >= m->round_us + vt_tail_us(v));
}

static struct stun_tid make_tid(const struct vantage *v)
{
	uint8_t bytes[12] = { 0 };

	memcpy(bytes, v->run_id, sizeof(v->run_id));
	bytes[sizeof(bytes) - 1] = MARK;
	return stun_tid_make(bytes);
}

static struct bytes make_request(struct vantage *v)
{
	struct stun_tid tid = make_tid(v);
	struct stun_builder b =
		stun_build(v->packet, sizeof(v->packet), STUN_BINDING, STUN_REQUEST, &tid);
	struct bytes out = { 0 };

	(void)stun_build_finish(&b, &out);
	return out;
}

static bool look_next(struct vantage *v, uint8_t number, uint64_t now_us,
		      struct vantage_action *out)
{
	struct vt_look *l = &v->mapping.looks[number];

	if (!l->is_due || v->slots[v->mapping.slot] != VT_OPEN)
		return false;
	l->is_due = false;
	l->sent++;
	*out = (struct vantage_action){ .kind = VANTAGE_SEND,
					.slot = v->mapping.slot,
					.to = l->endpoint };
	out->data =
		number < VT_UDP_ENDS ? vt_packet_make(v, VT_LOOK, number, now_us) : make_request(v);
	return true;
}

static void next_round(struct vantage *v, uint64_t now_us)
{
	struct vt_mapping *m = &v->mapping;

	m->rounds++;
	m->round_us = now_us;
	for (size_t i = 0; i < VT_LOOKS; i++)
		m->looks[i].is_due = is_missing(&m->looks[i]);
}

bool vt_mapping_next(struct vantage *v, uint64_t now_us, struct vantage_action *out,
		     uint64_t *deadline_us)
{
	struct vt_mapping *m = &v->mapping;
	uint64_t ready_us = pace_ready_us(&v->pace, &v->timing);

	if (m->rounds < ROUNDS_MAX && now_us >= m->round_us + timing_overdue_us(v->rtt_us))
		next_round(v, now_us);
	for (uint8_t i = 0; i < VT_LOOKS && now_us >= ready_us; i++) {
		if (look_next(v, i, now_us, out)) {
			pace_take(&v->pace, &v->timing, now_us);
			return true;
		}
	}
	timing_sooner(deadline_us, ready_us, now_us);
	timing_sooner(deadline_us, m->round_us + timing_overdue_us(v->rtt_us), now_us);
	timing_sooner(deadline_us, m->round_us + vt_tail_us(v), now_us);
	return false;
}

static void note(struct vt_look *l, const struct addr *mapped)
{
	if (l->answered == l->sent)
		return;
	l->answered++;
	if (l->mapped.family == ADDR_NONE)
		l->mapped = *mapped;
	else if (!addr_equal(&l->mapped, mapped))
		l->is_unstable = true;
}

void vt_mapping_on_relayed(struct vantage *v, uint8_t end, const struct addr *from, struct bytes in)
{
	struct vt_packet p;

	if (end < VT_UDP_ENDS && vt_packet_read(v, in, &p) && p.kind == VT_LOOK && p.number == end)
		note(&v->mapping.looks[end], from);
}

void vt_mapping_on_datagram(struct vantage *v, uint8_t slot, const struct addr *from,
			    struct bytes in)
{
	struct stun_tid tid = make_tid(v);
	struct probe_answer answer = { .from = *from };
	struct stun_msg msg;

	if (slot != v->mapping.slot || stun_msg_parse(in, &msg) != STUN_OK ||
	    msg.method != STUN_BINDING || msg.class != STUN_SUCCESS ||
	    !stun_tid_equal(&msg.tid, &tid) || !classify_same_endpoint(from, &v->opener))
		return;
	probe_read_answer(&msg, &answer);
	if (answer.mapped.family == v->family && answer.mapped.port != 0)
		note(&v->mapping.looks[VT_LOOKS - 1], &answer.mapped);
}

/* Which of the verdict's servers has that endpoint; else the TURN server. */
static uint8_t server_at(const struct verdict *v, const struct addr *endpoint)
{
	for (uint8_t i = 0; i < v->server_count; i++) {
		if (addr_equal(&v->servers[i].addr, endpoint))
			return i;
	}
	return v->turn.server;
}

static bool add_sightings(const struct vantage *v, struct verdict *out)
{
	const struct vt_mapping *m = &v->mapping;
	unsigned answered = 0;

	for (size_t i = 0; i < VT_LOOKS; i++) {
		const struct vt_look *l = &m->looks[i];

		if (l->sent == 0 || out->sighting_count == VERDICT_SIGHTINGS_MAX)
			continue;
		answered += l->answered > 0;
		out->sightings[out->sighting_count++] = (struct verdict_sighting){
			.endpoint = l->endpoint,
			.local = v->locals[m->slot],
			.mapped = l->mapped,
			.server = server_at(out, &l->endpoint),
			.slot = (uint8_t)(VT_FIRST_SLOT + m->slot),
			.sent = l->sent,
			.answered = l->answered,
			.unstable = l->is_unstable,
		};
	}
	return answered >= 2;
}

void vt_mapping_conclude(const struct vantage *v, struct verdict *out)
{
	struct verdict_property p;

	if (!v->mapping.is_wanted || !add_sightings(v, out))
		return;
	p = classify_mapping(out->sightings, out->sighting_count);
	p.server = out->turn.server;
	out->mapping = p;
}
