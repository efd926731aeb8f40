#include "trial_record.h"

#include <stdio.h>
#include <stdlib.h>

#include "natprobe/plan.h"
#include "wire.h"

static uint8_t class_of(const struct peer_path *p)
{
	struct verdict v = {
		.udp_blocked.value = p->udp_blocked,
		.mapping.value = p->mapping,
		.filtering.value = p->filtering,
		.ports.delta = p->delta,
		.prediction = { .count = p->delta > DELTA_NOT_APPLICABLE && p->delta < DELTA_RANDOM,
				.chance = p->chance,
				.low = p->port_low,
				.high = p->port_high },
	};

	return (uint8_t)plan_class(&v);
}

void trial_networks_make(const struct peer_profile *p, struct trial_networks *out)
{
	*out = (struct trial_networks){ 0 };
	for (uint8_t i = 0; i < p->path_count; i++) {
		const struct peer_path *path = &p->paths[i];

		out->items[out->count++] = (struct trial_network){
			.family = path->family,
			.class = class_of(path),
			.mapping = path->mapping,
			.filtering = path->filtering,
			.delta = path->delta,
			.nats = path->nats,
		};
	}
}

/* All that a sentence is made of; offers are not kept, since evidence has their ports. */
static void set_case(const struct punch_result *r, const struct peer_profile *ours,
		     const struct peer_profile *theirs, uint8_t step, struct reason_case *out)
{
	static const struct peer_offer none;
	const struct punch_evidence *mine = &r->ours[step];
	const struct punch_evidence *other = r->has_theirs ? &r->theirs[step] : NULL;

	*out = (struct reason_case){
		.a = r->is_a ? ours : theirs,
		.b = r->is_a ? theirs : ours,
		.offer_a = &none,
		.offer_b = &none,
		.step = &r->plan.steps[step],
		.seen_a = r->is_a ? mine : other,
		.seen_b = r->is_a ? other : mine,
	};
}

static void add_step(const struct punch_result *r, const struct reason_case *c, uint8_t i,
		     struct trial_record *out)
{
	const struct punch_step *planned = &r->plan.steps[i];
	struct trial_step *s = &out->steps[out->step_count++];

	*s = (struct trial_step){ .strategy = planned->strategy,
				  .family = planned->family,
				  .is_tcp = planned->is_tcp,
				  .chance = planned->chance,
				  .verdict = r->verdicts[i],
				  .ours = r->ours[i] };
	if (r->has_theirs)
		s->theirs = r->theirs[i];
	if (s->verdict.reason != REASON_NONE && s->verdict.reason != REASON_NOT_TRIED)
		reason_print(c, &s->verdict, r->is_a, s->why, sizeof(s->why));
}

static bool is_same(const struct punch_verdict *a, const struct punch_verdict *b)
{
	return a->reason == b->reason && a->side == b->side && a->detail == b->detail;
}

/* The plan was empty, for a reason that profiles tell. */
static bool is_foreseen(const struct trial_record *r)
{
	switch (r->overall.reason) {
	case REASON_UNSURE:
	case REASON_NOT_TRIED:
	case REASON_PEER_SILENT:
	case REASON_LATE:
	case REASON_LOCAL_ERROR:
		return false;
	default:
		return r->step_count == 0;
	}
}

/* That of the step which the whole was judged by. */
static void explain(const struct punch_result *r, struct trial_record *out)
{
	size_t len = 0;

	if (out->path.strategy != PUNCH_NONE)
		return;
	for (uint8_t i = 0; i < out->step_count; i++) {
		const struct trial_step *s = &out->steps[i];

		if (!is_same(&s->verdict, &out->overall) || s->why[0] == '\0')
			continue;
		memcpy(out->why, s->why, sizeof(out->why));
		return;
	}
	if (out->overall.reason == REASON_NOT_TRIED && r->plan.count == 0) {
		reason_print_unsuitable(&r->plan, out->is_a, out->why, sizeof(out->why));
		return;
	}
	if (is_foreseen(out))
		len = (size_t)snprintf(out->why, sizeof(out->why), "%s",
				       "No strategy but a relay has a chance here. ");
	reason_print(NULL, &out->overall, out->is_a, out->why + len, sizeof(out->why) - len);
}

void trial_record_make(const struct punch_result *r, const struct peer_profile *ours,
		       const struct peer_profile *theirs, struct trial_record *out)
{
	*out = (struct trial_record){
		.trial = r->trial,
		.is_a = r->is_a,
		.chance = r->plan.chance,
		.chance_relay = r->plan.chance_relay,
		.path = r->path,
		.step = r->step,
		.to_path_us = r->to_path_us,
		.elapsed_us = r->elapsed_us,
		.skew_us = r->skew_us,
		.skew_error_us = r->skew_error_us,
		.sent = r->sent,
		.received = r->received,
		.quality = r->quality,
		.overall = r->overall,
		.has_theirs = r->has_theirs,
	};
	out->path.slot = 0;
	for (uint8_t i = 0; i < r->plan.count && i < PUNCH_STEPS_MAX; i++) {
		struct reason_case c;

		set_case(r, ours, theirs, i, &c);
		add_step(r, &c, i, out);
	}
	explain(r, out);
}

bool trial_run_add(struct trial_run *run, const struct trial_record *record)
{
	size_t room = run->room > 0 ? 2 * run->room : 4;
	struct trial_record *grown;

	if (run->count == run->room) {
		grown = realloc(run->records, room * sizeof(*grown));
		if (grown == NULL)
			return false;
		run->records = grown;
		run->room = room;
	}
	run->records[run->count++] = *record;
	return true;
}

void trial_run_clear(struct trial_run *run)
{
	free(run->records);
	*run = (struct trial_run){ 0 };
}

const char *trial_side_word(bool is_a, uint8_t side)
{
	if (side == PUNCH_SIDE_BOTH)
		return "both";
	if (side == PUNCH_SIDE_NONE)
		return "none";
	return (side == PUNCH_SIDE_A) == is_a ? "ours" : "theirs";
}

bool trial_step_counts(const struct trial_record *r, uint8_t step)
{
	const struct trial_step *s = &r->steps[step];

	if (r->path.strategy != PUNCH_NONE && r->step == step)
		return true;
	/* Another one made the path while this one was under way: it might have made it too. */
	return s->verdict.reason != REASON_NOT_TRIED && s->verdict.reason != REASON_NONE;
}

const char *trial_port_why(const struct trial_record *r)
{
	const struct punch_path *p = &r->path;

	if (p->strategy == PUNCH_NONE || p->wanted == 0 || p->local.port == p->wanted)
		return NULL;
	if (p->is_relayed)
		return "The path is by a relay, whose port no application of this host has.";
	switch (p->strategy) {
	case PUNCH_PREDICTION:
	case PUNCH_BIRTHDAY:
	case PUNCH_MIXED:
		return "Ports were foretold or searched, which takes more sockets than the one "
		       "that can have it.";
	case PUNCH_TCP:
	case PUNCH_TCP_LOW_TTL:
		return "Of TCP, the first attempt alone is from that port.";
	default:
		return "Strategies have sockets of their own where one may spoil another one's "
		       "mapping, and the one with that port was later, or could not be opened.";
	}
}
