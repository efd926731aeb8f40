#include "probe_log.h"

#include "classify.h"

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
	return own_us != 0 ? own_us : any_us;
}

bool probe_log_is_full(const struct probe_log *log)
{
	return log->count >= PROBE_LOG_MAX;
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

void probe_read_answer(const struct stun_msg *msg, struct probe_answer *out)
{
	struct bytes value;

	if (!stun_msg_find(msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value) ||
	    stun_attr_get_xor_addr(value, &msg->tid, &out->mapped) != STUN_OK)
		(void)find_addr(msg, STUN_ATTR_MAPPED_ADDRESS, &out->mapped);
	if (!find_addr(msg, STUN_ATTR_OTHER_ADDRESS, &out->other))
		(void)find_addr(msg, STUN_ATTR_CHANGED_ADDRESS, &out->other);
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
	return out->mapped.family == p->want.to.family ? PROBE_ANSWER : PROBE_NO_ADDRESS;
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
	p->answered = true;
	log->answered++;
	log->server_answered[p->want.server]++;
	note_rtt(log, p, now_us);
	return match;
}

/* Of which endpoints, and kinds of probe, something was answered. */
struct answered_groups {
	bool any[PROBE_TESTS][VERDICT_SIGHTINGS_MAX][FILTER_KINDS];
};

static bool *group_of(struct answered_groups *groups, const struct probe_want *want)
{
	return &groups->any[want->test][want->index][want->item];
}

struct probe_loss probe_log_loss(const struct probe_log *log, uint8_t server, uint64_t tail_us,
				 uint64_t now_us)
{
	struct answered_groups groups = { 0 };
	struct probe_loss loss = { 0 };

	for (size_t i = 0; i < log->count; i++) {
		if (log->probes[i].answered)
			*group_of(&groups, &log->probes[i].want) = true;
	}
	for (size_t i = 0; i < log->count; i++) {
		const struct probe *p = &log->probes[i];

		if (p->want.server != server || p->withdrawn)
			continue;
		if (p->answered)
			loss.answered++;
		else if (now_us >= p->sent_us + tail_us && *group_of(&groups, &p->want))
			loss.lost++;
	}
	return loss;
}
