#include "probe_log.h"

#include "classify.h"
#include "nat64.h"
#include "natprobe/lead.h"

static uint64_t expected_us(const struct probe_rtt *rtt)
{
	return rtt->awake_us != 0 ? rtt->awake_us : rtt->min_us;
}

uint64_t probe_view_rtt_us(const struct probe_view *view, uint8_t server)
{
	uint64_t own_us = expected_us(&view->log->rtt[server]);
	uint64_t any_us = 0;

	for (size_t i = 0; i < VERDICT_SERVERS_MAX; i++) {
		uint64_t rtt_us = expected_us(&view->log->rtt[i]);

		if (rtt_us > any_us)
			any_us = rtt_us;
	}
	if (own_us != 0)
		return own_us;
	return any_us != 0 ? any_us : view->stream_rtt_us;
}

struct probe_loss probe_view_loss(const struct probe_view *view)
{
	struct probe_loss all = { 0 };

	for (size_t i = 0; i < VERDICT_SERVERS_MAX; i++) {
		all.answered += view->loss[i].answered;
		all.lost += view->loss[i].lost;
	}
	return all;
}

double probe_view_silence(const struct probe_view *view, uint8_t server, unsigned copies)
{
	return classify_silence_by_loss(view->loss[server].answered, view->loss[server].lost,
					copies);
}

double probe_view_any_silence(const struct probe_view *view, unsigned copies)
{
	struct probe_loss all = probe_view_loss(view);

	return classify_silence_by_loss(all.answered, all.lost, copies);
}

static struct bytes build_request(const struct probe_want *want, const struct stun_tid *tid,
				  uint8_t buf[static PROBE_LEN])
{
	struct stun_builder b = stun_build(buf, PROBE_LEN, STUN_BINDING, STUN_REQUEST, tid);
	struct bytes out = { 0 };

	if (want->change.address || want->change.port)
		(void)stun_attr_put_change(&b, want->change);
	(void)stun_build_finish(&b, &out); /* PROBE_LEN is enough */
	return out;
}

struct bytes probe_log_add(struct probe_log *log, const struct probe_want *want,
			   const uint8_t random[static 12], uint64_t now_us,
			   uint8_t buf[static PROBE_LEN])
{
	struct probe *p = &log->probes[log->count++];

	*p = (struct probe){
		.want = *want,
		.tid = stun_tid_make(random),
		.sent_us = now_us,
	};
	log->sent++;
	log->server_sent[want->server]++;
	return build_request(want, &p->tid, buf);
}

const struct probe *probe_log_withdraw(struct probe_log *log, uint8_t slot)
{
	for (size_t i = log->count; i-- > 0;) {
		struct probe *p = &log->probes[i];

		if (p->want.slot != slot)
			continue;
		if (p->withdrawn || p->answered)
			return NULL;
		p->withdrawn = true;
		log->sent--;
		log->send_errors++;
		log->server_sent[p->want.server]--;
		return p;
	}
	return NULL;
}

/* All samples ask the same endpoint the same. */
static unsigned kind_bit(const struct probe_want *want)
{
	if (want->test == PROBE_SAMPLE || want->item >= FILTER_KINDS)
		return 1;
	return 1u << want->item;
}

static bool kind_is_answered(const struct probe_log *log, const struct probe_want *want)
{
	return (log->kinds[want->test][want->index] & kind_bit(want)) != 0;
}

static void note_answered(struct probe_log *log, struct probe *p)
{
	p->answered = true;
	log->kinds[p->want.test][p->want.index] |= (uint8_t)kind_bit(&p->want);
}

static struct probe *find_probe(struct probe_log *log, uint8_t slot, const struct stun_tid *tid)
{
	for (size_t i = log->count; i-- > 0;) {
		struct probe *p = &log->probes[i];

		if (p->want.slot == slot && stun_tid_equal(&p->tid, tid))
			return p;
	}
	return NULL;
}

static bool is_response(const struct stun_msg *msg)
{
	return msg->method == STUN_BINDING &&
	       (msg->class == STUN_SUCCESS || msg->class == STUN_ERROR);
}

static bool find_addr(const struct stun_msg *msg, uint16_t type, struct addr *out)
{
	struct bytes value;

	return stun_msg_find(msg, type, &value) && stun_attr_get_addr(value, out) == STUN_OK;
}

bool probe_answer_fits(const struct probe_answer *answer, const struct addr *asked)
{
	if (answer->mapped.family == ADDR_NONE)
		return false;
	if (answer->mapped.port == 0 || addr_is_any(&answer->mapped))
		return false;
	return answer->mapped.family == asked->family || answer->nat64_len != 0;
}

/* An OTHER-ADDRESS that may not be sent to stays as it is, and is found unusable. */
static void see_through_nat64(struct probe_answer *a)
{
	struct addr server; /* as the translator sees it */

	if (a->from.family != ADDR_IPV6 || a->mapped.family != ADDR_IPV4)
		return;
	a->nat64_len = nat64_find_length(&a->from, &a->origin);
	if (a->origin.family == ADDR_NONE && nat64_is_well_known(&a->from))
		a->nat64_len = 96;
	if (nat64_extract(&a->from, a->nat64_len, &server) && lead_allows(&server, &a->other))
		(void)nat64_embed(&a->from, a->nat64_len, &a->other, &a->other);
}

void probe_read_answer(const struct stun_msg *msg, struct probe_answer *out)
{
	struct bytes value;

	if (!stun_msg_find(msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value) ||
	    stun_attr_get_xor_addr(value, &msg->tid, &out->mapped) != STUN_OK)
		(void)find_addr(msg, STUN_ATTR_MAPPED_ADDRESS, &out->mapped);
	if (!find_addr(msg, STUN_ATTR_OTHER_ADDRESS, &out->other))
		(void)find_addr(msg, STUN_ATTR_CHANGED_ADDRESS, &out->other);
	if (!find_addr(msg, STUN_ATTR_RESPONSE_ORIGIN, &out->origin))
		(void)find_addr(msg, STUN_ATTR_SOURCE_ADDRESS, &out->origin);
	see_through_nat64(out);
}

static void note_rtt(struct probe_log *log, const struct probe *p, uint64_t now_us)
{
	struct probe_rtt *rtt = &log->rtt[p->want.server];
	uint64_t took = now_us > p->sent_us ? now_us - p->sent_us : 1;

	if (rtt->min_us == 0 || took < rtt->min_us)
		rtt->min_us = took;
	if (took > rtt->max_us)
		rtt->max_us = took;
	if (log->awake_at_us == 0)
		log->awake_at_us = now_us;
	else if (p->sent_us >= log->awake_at_us && took > rtt->awake_us)
		rtt->awake_us = took;
}

/* A datagram with the id of a probe: what is it worth? */
static enum probe_match judge(struct probe *p, const struct addr *from, const struct stun_msg *msg,
			      struct probe_answer *out)
{
	if (msg->class == STUN_ERROR)
		return classify_same_endpoint(from, &p->want.to) ? PROBE_REFUSED
								 : PROBE_FROM_ANOTHER;
	if (!classify_same_endpoint(from, &p->want.source))
		return classify_same_endpoint(from, &p->want.to) ? PROBE_FROM_ASKED
								 : PROBE_FROM_ANOTHER;
	probe_read_answer(msg, out);
	return probe_answer_fits(out, &p->want.to) ? PROBE_ANSWER : PROBE_NO_ADDRESS;
}

enum probe_match probe_log_match(struct probe_log *log, uint8_t slot, const struct addr *from,
				 struct bytes data, uint64_t now_us, struct probe_answer *out)
{
	struct stun_msg msg;
	struct probe *p = NULL;
	enum probe_match match;

	*out = (struct probe_answer){ .from = *from };
	if (stun_msg_parse(data, &msg) == STUN_OK && is_response(&msg))
		p = find_probe(log, slot, &msg.tid);
	if (p == NULL) {
		log->stray++;
		return PROBE_STRAY;
	}
	out->probe = p;
	match = judge(p, from, &msg, out);
	if (match != PROBE_ANSWER && match != PROBE_NO_ADDRESS)
		return match;
	if (p->answered) {
		log->duplicates++;
		return PROBE_DUPLICATE;
	}
	note_answered(log, p);
	log->answered++;
	log->server_answered[p->want.server]++;
	note_rtt(log, p, now_us);
	return match;
}

const struct probe *probe_log_match_own(struct probe_log *log, struct bytes data)
{
	struct stun_msg msg;

	if (stun_msg_parse(data, &msg) != STUN_OK || msg.class != STUN_REQUEST)
		return NULL;
	for (size_t i = log->count; i-- > 0;) {
		struct probe *p = &log->probes[i];

		if (p->want.test != PROBE_HAIRPIN || !stun_tid_equal(&p->tid, &msg.tid))
			continue;
		note_answered(log, p);
		return p;
	}
	return NULL;
}

static enum probe_fate fate_of(const struct probe_log *log, const struct probe *p, uint64_t now_us)
{
	if (p->withdrawn || p->want.test == PROBE_HAIRPIN)
		return PROBE_FATE_OPEN;
	if (p->answered)
		return PROBE_FATE_ANSWERED;
	if (!kind_is_answered(log, &p->want) ||
	    now_us < p->sent_us + timing_overdue_us(expected_us(&log->rtt[p->want.server])))
		return PROBE_FATE_OPEN;
	return PROBE_FATE_LOST;
}

void probe_log_fates(const struct probe_log *log, uint64_t now_us, uint8_t *fates)
{
	for (size_t i = 0; i < log->count; i++)
		fates[i] = (uint8_t)fate_of(log, &log->probes[i], now_us);
}

static void count_fate(struct probe_loss *loss, enum probe_fate fate)
{
	loss->answered += fate == PROBE_FATE_ANSWERED;
	loss->lost += fate == PROBE_FATE_LOST;
}

void probe_log_loss(const struct probe_log *log, uint64_t since_us, uint64_t now_us,
		    struct probe_loss out[static VERDICT_SERVERS_MAX])
{
	memset(out, 0, VERDICT_SERVERS_MAX * sizeof(*out));
	for (size_t i = log->count; i-- > 0 && log->probes[i].sent_us >= since_us;) {
		const struct probe *p = &log->probes[i];

		count_fate(&out[p->want.server], fate_of(log, p, now_us));
	}
}

struct probe_loss probe_log_link_loss(const struct probe_log *log, uint64_t since_us,
				      uint64_t now_us)
{
	struct probe_loss loss = { 0 };

	for (size_t i = log->count; i-- > 0 && log->probes[i].sent_us >= since_us;) {
		const struct probe *p = &log->probes[i];

		if (!p->want.exposed)
			count_fate(&loss, fate_of(log, p, now_us));
	}
	return loss;
}
