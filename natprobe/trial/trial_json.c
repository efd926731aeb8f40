#include "trial_json.h"

#include "natprobe/plan.h"
#include "natprobe/report/report_json_put.h"
#include "trial_stats.h"

static const char *family_word(uint8_t family)
{
	return family == ADDR_IPV6 ? "ipv6" : "ipv4";
}

static json_t *text_or_null(const char *s)
{
	return json_text(s[0] != '\0' ? s : NULL);
}

static bool is_unclear(const struct trial_record *r)
{
	return r->overall.reason == REASON_UNSURE || r->overall.reason == REASON_PEER_SILENT ||
	       r->overall.reason == REASON_LATE || r->overall.reason == REASON_NOT_TRIED;
}

enum report_exit trial_exit(const struct trial_run *run)
{
	bool all_unclear = true;

	for (size_t i = 0; i < run->count; i++) {
		if (run->records[i].path.strategy != PUNCH_NONE)
			return EXIT_REACHED;
		all_unclear = all_unclear && is_unclear(&run->records[i]);
	}
	return all_unclear ? EXIT_INCONCLUSIVE : EXIT_FAILED;
}

static json_t *networks(struct json *j, const struct trial_networks *n)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < n->count; i++) {
		const struct trial_network *one = &n->items[i];
		json_t *o = json_object();

		json_put(j, o, "family", json_string(family_word(one->family)));
		json_put(j, o, "class", json_string(plan_class_word(one->class)));
		json_put(j, o, "mapping", json_string(verdict_behaviour_word(one->mapping)));
		json_put(j, o, "filtering", json_string(verdict_behaviour_word(one->filtering)));
		json_put(j, o, "delta", json_string(verdict_delta_word(one->delta)));
		json_put(j, o, "nats", one->nats > 0 ? json_integer(one->nats) : json_null());
		json_add(j, list, o);
	}
	return list;
}

static void put_verdict(struct json *j, json_t *o, bool is_a, const struct punch_verdict *v,
			const char *why)
{
	json_put(j, o, "reason", json_string(punch_reason_word((enum punch_reason)v->reason)));
	json_put(j, o, "side", json_string(trial_side_word(is_a, v->side)));
	json_put(j, o, "detail", json_integer(v->detail));
	json_put(j, o, "why", text_or_null(why));
}

static json_t *path(struct json *j, const struct trial_record *r)
{
	const struct punch_path *p = &r->path;
	json_t *o;

	if (p->strategy == PUNCH_NONE)
		return json_null();
	o = json_object();
	json_put(j, o, "step", json_integer(r->step));
	json_put(j, o, "transport", json_string(p->is_tcp ? "tcp" : "udp"));
	json_put(j, o, "relayed", json_boolean(p->is_relayed));
	json_put(j, o, "local", json_addr(&p->local));
	json_put(j, o, "outer", json_addr(&p->outer));
	json_put(j, o, "remote", json_addr(&p->remote));
	json_put(j, o, "local_port", p->wanted != 0 ? json_integer(p->wanted) : json_null());
	json_put(j, o, "local_port_why", json_text(trial_port_why(r)));
	return o;
}

/* What a busy host takes to wake a process, and to say what time it is. */
#define TIMER_US 50000
/* After a loss the next check may take so long (shots). */
#define AGAIN_US 300000

/* Ten round trips on either side: their medians lie within what was seen. */
static uint32_t rtt_error_us(const struct punch_quality *q)
{
	return (q->rtt_max_us - q->rtt_min_us) / 2 + q->jitter_us + 2500;
}

/*
 * How far the other side's time to the path may be from ours. Each has it when a check of its own is
 * answered, which may be a round trip later there, and counts from its own start.
 */
static json_t *to_path_error(const struct trial_record *r)
{
	const struct punch_quality *q = &r->quality;
	uint64_t us = 2 * (uint64_t)r->skew_error_us + q->rtt_max_us + TIMER_US;

	if (r->path.strategy == PUNCH_NONE || q->answered == 0)
		return json_null();
	return json_ms(us + (q->answered < q->sent ? AGAIN_US : 0));
}

static json_t *quality(struct json *j, const struct punch_quality *q)
{
	bool any = q->answered > 0;
	json_t *o = json_object();

	json_put(j, o, "sent", json_integer(q->sent));
	json_put(j, o, "answered", json_integer(q->answered));
	json_put(j, o, "rtt_min_ms", any ? json_ms(q->rtt_min_us) : json_null());
	json_put(j, o, "rtt_median_ms", any ? json_ms(q->rtt_median_us) : json_null());
	json_put(j, o, "rtt_max_ms", any ? json_ms(q->rtt_max_us) : json_null());
	json_put(j, o, "rtt_error_ms", any ? json_ms(rtt_error_us(q)) : json_null());
	json_put(j, o, "jitter_ms", any ? json_ms(q->jitter_us) : json_null());
	json_put(j, o, "held_s", json_integer(q->held_s));
	json_put(j, o, "survived",
		 q->held_s > 0 && q->survived != VERDICT_UNKNOWN
			 ? json_boolean(q->survived == VERDICT_YES)
			 : json_null());
	return o;
}

static json_t *icmp(struct json *j, const struct punch_evidence *e)
{
	json_t *o = json_object();

	json_put(j, o, "ttl", json_integer(e->icmp[PUNCH_ICMP_TTL]));
	json_put(j, o, "port", json_integer(e->icmp[PUNCH_ICMP_PORT]));
	json_put(j, o, "unreachable", json_integer(e->icmp[PUNCH_ICMP_UNREACHABLE]));
	return o;
}

static json_t *tcp(struct json *j, const struct punch_evidence *e)
{
	json_t *o = json_object();

	json_put(j, o, "connects", json_integer(e->tcp_connects));
	json_put(j, o, "refused", json_integer(e->tcp_refused));
	json_put(j, o, "icmp", json_integer(e->tcp_icmp));
	json_put(j, o, "timeouts", json_integer(e->tcp_timeouts));
	json_put(j, o, "accepted", json_integer(e->tcp_accepted));
	json_put(j, o, "connected", json_integer(e->tcp_connected));
	return o;
}

static json_t *evidence(struct json *j, const struct punch_evidence *e)
{
	json_t *o;

	if (e->strategy == PUNCH_NONE)
		return json_null();
	o = json_object();
	json_put(j, o, "began_ms", json_real((double)e->began_us / 1000));
	json_put(j, o, "sockets", json_integer(e->sockets));
	json_put(j, o, "open_failed", json_integer(e->open_failed));
	json_put(j, o, "sent", json_integer(e->sent));
	json_put(j, o, "send_errors", json_integer(e->send_errors));
	json_put(j, o, "received", json_integer(e->received));
	json_put(j, o, "answers", json_integer(e->answers));
	json_put(j, o, "stray", json_integer(e->stray));
	json_put(j, o, "icmp", icmp(j, e));
	json_put(j, o, "local", json_addr(&e->local));
	json_put(j, o, "announced", json_addr(&e->announced));
	json_put(j, o, "seen", json_addr(&e->seen));
	json_put(j, o, "mapped_after", json_addr(&e->mapped_after));
	json_put(j, o, "alive_asked", json_integer(e->alive_asked));
	json_put(j, o, "alive_answered", json_integer(e->alive_answered));
	json_put(j, o, "tried_low", json_integer(e->tried_low));
	json_put(j, o, "tried_high", json_integer(e->tried_high));
	json_put(j, o, "next_port", json_integer(e->next_port));
	json_put(j, o, "tcp", tcp(j, e));
	json_put(j, o, "port_mapping", json_boolean(e->has_portmap));
	json_put(j, o, "relay", json_boolean(e->has_relay));
	json_put(j, o, "relay_code", json_integer(e->relay_code));
	return o;
}

static json_t *steps(struct json *j, const struct trial_record *r)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < r->step_count; i++) {
		const struct trial_step *s = &r->steps[i];
		json_t *o = json_object();

		json_put(j, o, "strategy",
			 json_string(punch_strategy_word((enum punch_strategy)s->strategy)));
		json_put(j, o, "family", json_string(family_word(s->family)));
		json_put(j, o, "transport", json_string(s->is_tcp ? "tcp" : "udp"));
		json_put(j, o, "chance", json_share(s->chance));
		put_verdict(j, o, r->is_a, &s->verdict, s->why);
		json_put(j, o, "ours", evidence(j, &s->ours));
		json_put(j, o, "theirs", evidence(j, &s->theirs));
		json_add(j, list, o);
	}
	return list;
}

static json_t *record(struct json *j, const struct trial_record *r)
{
	bool has_path = r->path.strategy != PUNCH_NONE;
	json_t *o = json_object(), *overall = json_object();

	json_put(j, o, "trial", json_integer(r->trial));
	json_put(j, o, "strategy",
		 json_string(punch_strategy_word((enum punch_strategy)r->path.strategy)));
	json_put(j, o, "path", path(j, r));
	json_put(j, o, "to_path_ms", has_path ? json_ms(r->to_path_us) : json_null());
	json_put(j, o, "to_path_error_ms", to_path_error(r));
	json_put(j, o, "elapsed_ms", json_ms(r->elapsed_us));
	json_put(j, o, "skew_ms", json_real((double)r->skew_us / 1000));
	json_put(j, o, "skew_error_ms", json_ms(r->skew_error_us));
	json_put(j, o, "sent", json_integer(r->sent));
	json_put(j, o, "received", json_integer(r->received));
	json_put(j, o, "chance", json_share(r->chance));
	json_put(j, o, "chance_with_relay", json_share(r->chance_relay));
	json_put(j, o, "quality", has_path ? quality(j, &r->quality) : json_null());
	put_verdict(j, overall, r->is_a, &r->overall, r->why);
	json_put(j, o, "overall", overall);
	json_put(j, o, "their_evidence", json_boolean(r->has_theirs));
	json_put(j, o, "steps", steps(j, r));
	return o;
}

static json_t *interval(struct json *j, const struct trial_interval *i)
{
	json_t *o = json_object();

	json_put(j, o, "low", json_share(i->low));
	json_put(j, o, "high", json_share(i->high));
	return o;
}

static json_t *reasons(struct json *j, const unsigned counts[static PUNCH_REASONS])
{
	json_t *o = json_object();

	for (unsigned i = REASON_UNSURE; i < PUNCH_REASONS; i++) {
		if (counts[i] > 0)
			json_put(j, o, punch_reason_word((enum punch_reason)i),
				 json_integer(counts[i]));
	}
	return o;
}

static json_t *tally(struct json *j, unsigned strategy, const struct trial_tally *t)
{
	json_t *o = json_object();

	json_put(j, o, "strategy", json_string(punch_strategy_word((enum punch_strategy)strategy)));
	json_put(j, o, "tries", json_integer(t->tries));
	json_put(j, o, "paths", json_integer(t->paths));
	json_put(j, o, "interval", interval(j, &t->interval));
	json_put(j, o, "to_path_ms", t->paths > 0 ? json_ms(t->to_path_us) : json_null());
	json_put(j, o, "packets", json_integer(t->packets));
	json_put(j, o, "reasons", reasons(j, t->reasons));
	return o;
}

static json_t *summary(struct json *j, const struct trial_stats *s)
{
	json_t *o = json_object(), *list = json_array();

	json_put(j, o, "trials", json_integer(s->trials));
	json_put(j, o, "paths", json_integer(s->paths));
	json_put(j, o, "relayed", json_integer(s->relayed));
	json_put(j, o, "interval", interval(j, &s->interval));
	json_put(j, o, "direct_interval", interval(j, &s->direct_interval));
	json_put(j, o, "to_path_ms", s->paths > 0 ? json_ms(s->to_path_us) : json_null());
	json_put(j, o, "rtt_ms", s->pongs > 0 ? json_ms(s->rtt_us) : json_null());
	json_put(j, o, "jitter_ms", s->pongs > 0 ? json_ms(s->jitter_us) : json_null());
	json_put(j, o, "loss",
		 s->pings > 0 ? json_share(1 - (double)s->pongs / s->pings) : json_null());
	json_put(j, o, "packets", json_integer(s->packets));
	json_put(j, o, "reasons", reasons(j, s->reasons));
	for (unsigned i = PUNCH_NONE + 1; i < PUNCH_STRATEGIES; i++) {
		if (s->strategies[i].tries > 0)
			json_add(j, list, tally(j, i, &s->strategies[i]));
	}
	json_put(j, o, "strategies", list);
	return o;
}

static json_t *allowed(struct json *j, uint32_t only)
{
	json_t *list = json_array();

	for (unsigned i = PUNCH_NONE + 1; i < PUNCH_STRATEGIES; i++) {
		if (only == 0 || (only & PUNCH_BIT(i)) != 0)
			json_add(j, list, json_string(punch_strategy_word((enum punch_strategy)i)));
	}
	return list;
}

static void put_head(struct json *j, json_t *doc, const struct trial_run *run)
{
	static const char *const outcomes[] = {
		[EXIT_REACHED] = "path",
		[EXIT_FAILED] = "no-path",
		[EXIT_INCONCLUSIVE] = "unclear",
	};
	enum report_exit code = trial_exit(run);

	json_put(j, doc, "version", json_integer(TRIAL_JSON_VERSION));
	json_put(j, doc, "program", json_text(run->program));
	json_put(j, doc, "command", json_string("punch"));
	json_put(j, doc, "outcome", json_string(outcomes[code]));
	json_put(j, doc, "exit_code", json_integer((json_int_t)code));
	json_put(j, doc, "time", text_or_null(run->time));
	json_put(j, doc, "run", text_or_null(run->id));
	json_put(j, doc, "carrier", text_or_null(run->carrier));
	json_put(j, doc, "role", json_string(run->is_a ? "a" : "b"));
	json_put(j, doc, "allowed", allowed(j, run->only));
	json_put(j, doc, "ours", networks(j, &run->ours));
	json_put(j, doc, "theirs", networks(j, &run->theirs));
}

bool trial_json(const struct trial_run *run, FILE *out)
{
	struct json j = { 0 };
	struct trial_stats stats;
	json_t *doc = json_object(), *list = json_array();

	j.failed = !trial_stats_make(run, &stats);
	put_head(&j, doc, run);
	json_put(&j, doc, "summary", summary(&j, &stats));
	for (size_t i = 0; i < run->count; i++)
		json_add(&j, list, record(&j, &run->records[i]));
	json_put(&j, doc, "trials", list);
	return json_finish(&j, doc, JSON_MANY_LINES, out);
}
