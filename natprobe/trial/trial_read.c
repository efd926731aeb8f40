/* A document of trial_json, read back. */
#include "trial_json.h"

#include <string.h>

#include "natprobe/plan.h"
#include "natprobe/report/report_get.h"

/* Below `count`, the one whose word stands there. */
static uint8_t find(struct get *g, const json_t *o, const char *key, unsigned count,
		    const char *(*word)(unsigned value))
{
	const char *want = get_text(g, o, key);

	for (unsigned i = 0; want != NULL && i < count; i++) {
		if (strcmp(word(i), want) == 0)
			return (uint8_t)i;
	}
	if (want == NULL)
		get_fail(g, key, "is missing");
	else
		get_fail(g, key, "is no word that this natprobe knows");
	return 0;
}

static const char *strategy_word(unsigned value)
{
	return punch_strategy_word((enum punch_strategy)value);
}

static const char *reason_word(unsigned value)
{
	return punch_reason_word((enum punch_reason)value);
}

static const char *class_word(unsigned value)
{
	return plan_class_word((enum plan_class)value);
}

static const char *family_word(unsigned value)
{
	static const char *const words[] = { "none", "ipv4", "ipv6" };

	return words[value];
}

static const char *transport_word(unsigned value)
{
	return value == 0 ? "udp" : "tcp";
}

static const char *role_word(unsigned value)
{
	return value == 0 ? "b" : "a";
}

static void copy_text(struct get *g, const json_t *o, const char *key, char *out, size_t cap)
{
	const char *text = get_text(g, o, key);

	(void)snprintf(out, cap, "%s", text != NULL ? text : "");
}

static uint16_t get_u16(struct get *g, const json_t *o, const char *key)
{
	return (uint16_t)get_count(g, o, key, UINT16_MAX);
}

/* Microseconds, of milliseconds that may be less than 0. */
static int32_t get_skew_us(struct get *g, const json_t *o, const char *key)
{
	const json_t *value = get_any(o, key);
	double ms = json_number_value(value);

	if (value == NULL)
		return 0;
	if (json_is_number(value) && ms > -1e6 && ms < 1e6)
		return (int32_t)(ms * 1000 + (ms < 0 ? -0.5 : 0.5));
	get_fail(g, key, "is no number within its range");
	return 0;
}

static uint32_t get_us32(struct get *g, const json_t *o, const char *key)
{
	uint64_t us = get_us(g, o, key);

	return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static void get_networks(struct get *g, const json_t *doc, const char *key,
			 struct trial_networks *out)
{
	const json_t *list = get_array(g, doc, key, PEER_PATHS_MAX);
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
		out->items[out->count++] = (struct trial_network){
			.family = find(g, o, "family", 3, family_word),
			.class = find(g, o, "class", PLAN_CLASSES, class_word),
			.mapping = get_word(g, o, "mapping", GET_BEHAVIOUR),
			.filtering = get_word(g, o, "filtering", GET_BEHAVIOUR),
			.delta = get_word(g, o, "delta", GET_DELTA),
			.nats = (uint8_t)get_count(g, o, "nats", UINT8_MAX),
		};
}

/* A side as it stands there, to A and B. */
static uint8_t get_side(struct get *g, const json_t *o, bool is_a)
{
	const char *word = get_text(g, o, "side");

	for (uint8_t i = 0; word != NULL && i <= PUNCH_SIDE_BOTH; i++) {
		if (strcmp(trial_side_word(is_a, i), word) == 0)
			return i;
	}
	get_fail(g, "side", "is no word that this natprobe knows");
	return PUNCH_SIDE_NONE;
}

static struct punch_verdict get_verdict_of(struct get *g, const json_t *o, bool is_a,
					   char why[static TRIAL_WHY_MAX])
{
	copy_text(g, o, "why", why, TRIAL_WHY_MAX);
	return (struct punch_verdict){
		.reason = find(g, o, "reason", PUNCH_REASONS, reason_word),
		.side = get_side(g, o, is_a),
		.detail = (int32_t)get_integer(g, o, "detail", INT32_MIN, INT32_MAX),
	};
}

static void get_tcp(struct get *g, const json_t *evidence, struct punch_evidence *e)
{
	const json_t *o = get_object(g, evidence, "tcp");

	e->tcp_connects = get_u16(g, o, "connects");
	e->tcp_refused = get_u16(g, o, "refused");
	e->tcp_icmp = get_u16(g, o, "icmp");
	e->tcp_timeouts = get_u16(g, o, "timeouts");
	e->tcp_accepted = get_u16(g, o, "accepted");
	e->tcp_connected = get_u16(g, o, "connected");
}

static void get_icmp(struct get *g, const json_t *evidence, struct punch_evidence *e)
{
	const json_t *o = get_object(g, evidence, "icmp");

	e->icmp[PUNCH_ICMP_TTL] = get_u16(g, o, "ttl");
	e->icmp[PUNCH_ICMP_PORT] = get_u16(g, o, "port");
	e->icmp[PUNCH_ICMP_UNREACHABLE] = get_u16(g, o, "unreachable");
}

static struct punch_evidence get_evidence(struct get *g, const json_t *step, const char *key,
					  uint8_t strategy)
{
	const json_t *o = get_object(g, step, key);
	struct punch_evidence e = { 0 };

	if (o == NULL)
		return e;
	e.strategy = strategy;
	e.began_us = get_skew_us(g, o, "began_ms");
	e.sockets = get_u16(g, o, "sockets");
	e.open_failed = get_u16(g, o, "open_failed");
	e.sent = get_u16(g, o, "sent");
	e.send_errors = get_u16(g, o, "send_errors");
	e.received = get_u16(g, o, "received");
	e.answers = get_u16(g, o, "answers");
	e.stray = get_u16(g, o, "stray");
	get_icmp(g, o, &e);
	e.local = get_addr(g, o, "local");
	e.announced = get_addr(g, o, "announced");
	e.seen = get_addr(g, o, "seen");
	e.mapped_after = get_addr(g, o, "mapped_after");
	e.alive_asked = get_u16(g, o, "alive_asked");
	e.alive_answered = get_u16(g, o, "alive_answered");
	e.tried_low = get_u16(g, o, "tried_low");
	e.tried_high = get_u16(g, o, "tried_high");
	e.next_port = get_u16(g, o, "next_port");
	get_tcp(g, o, &e);
	e.has_portmap = get_bool(g, o, "port_mapping");
	e.has_relay = get_bool(g, o, "relay");
	e.relay_code = get_u16(g, o, "relay_code");
	return e;
}

static void get_steps(struct get *g, const json_t *trial, struct trial_record *r)
{
	const json_t *list = get_array(g, trial, "steps", PUNCH_STEPS_MAX);
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o) {
		struct trial_step *s = &r->steps[r->step_count++];

		s->strategy = find(g, o, "strategy", PUNCH_STRATEGIES, strategy_word);
		s->family = find(g, o, "family", 3, family_word);
		s->is_tcp = find(g, o, "transport", 2, transport_word) != 0;
		s->chance = get_share(g, o, "chance");
		s->verdict = get_verdict_of(g, o, r->is_a, s->why);
		s->ours = get_evidence(g, o, "ours", s->strategy);
		s->theirs = get_evidence(g, o, "theirs", s->strategy);
	}
}

static void get_path(struct get *g, const json_t *trial, struct trial_record *r)
{
	const json_t *o = get_object(g, trial, "path");

	if (o == NULL)
		return;
	r->path.strategy = find(g, trial, "strategy", PUNCH_STRATEGIES, strategy_word);
	r->step = (uint8_t)get_count(g, o, "step", PUNCH_STEPS_MAX - 1);
	r->path.is_tcp = find(g, o, "transport", 2, transport_word) != 0;
	r->path.is_relayed = get_bool(g, o, "relayed");
	r->path.local = get_addr(g, o, "local");
	r->path.outer = get_addr(g, o, "outer");
	r->path.remote = get_addr(g, o, "remote");
	if (get_any(o, "local_port") != NULL)
		r->path.wanted = get_u16(g, o, "local_port");
}

static void get_quality(struct get *g, const json_t *trial, struct punch_quality *q)
{
	const json_t *o = get_object(g, trial, "quality");

	q->sent = get_u16(g, o, "sent");
	q->answered = get_u16(g, o, "answered");
	q->rtt_min_us = get_us32(g, o, "rtt_min_ms");
	q->rtt_median_us = get_us32(g, o, "rtt_median_ms");
	q->rtt_max_us = get_us32(g, o, "rtt_max_ms");
	q->jitter_us = get_us32(g, o, "jitter_ms");
	q->held_s = (uint32_t)get_count(g, o, "held_s", UINT32_MAX);
	if (get_any(o, "survived") != NULL)
		q->survived = get_bool(g, o, "survived") ? VERDICT_YES : VERDICT_NO;
}

static void get_record(struct get *g, const json_t *o, bool is_a, struct trial_record *r)
{
	*r = (struct trial_record){ .is_a = is_a };
	r->trial = (uint32_t)get_count(g, o, "trial", UINT32_MAX);
	r->chance = get_share(g, o, "chance");
	r->chance_relay = get_share(g, o, "chance_with_relay");
	r->to_path_us = get_us32(g, o, "to_path_ms");
	r->elapsed_us = get_us32(g, o, "elapsed_ms");
	r->skew_us = get_skew_us(g, o, "skew_ms");
	r->skew_error_us = get_us32(g, o, "skew_error_ms");
	r->sent = (uint32_t)get_count(g, o, "sent", UINT32_MAX);
	r->received = (uint32_t)get_count(g, o, "received", UINT32_MAX);
	r->has_theirs = get_bool(g, o, "their_evidence");
	r->overall = get_verdict_of(g, get_object(g, o, "overall"), is_a, r->why);
	get_path(g, o, r);
	get_quality(g, o, &r->quality);
	get_steps(g, o, r);
	/* A path is that of one of its steps. */
	if (r->path.strategy != PUNCH_NONE && r->step >= r->step_count)
		get_fail(g, "step", "is none of the steps");
}

static void get_allowed(struct get *g, const json_t *doc, struct trial_run *run)
{
	const json_t *list = get_array(g, doc, "allowed", PUNCH_STRATEGIES);
	uint32_t all = 0;
	const json_t *word;
	size_t i;

	json_array_foreach(list, i, word) {
		enum punch_strategy s =
			punch_strategy_find(json_is_string(word) ? json_string_value(word) : "");

		if (s == PUNCH_NONE)
			get_fail(g, "allowed", "has a word that this natprobe does not know");
		run->only |= PUNCH_BIT(s);
	}
	for (unsigned s = PUNCH_NONE + 1; s < PUNCH_STRATEGIES; s++)
		all |= PUNCH_BIT(s);
	run->only = run->only == all ? 0 : run->only;
}

static void get_head(struct get *g, const json_t *doc, struct trial_run *run)
{
	const char *command = get_text(g, doc, "command");

	if (command == NULL || strcmp(command, "punch") != 0)
		get_fail(g, "command", "is not punch: this is none of its documents");
	else if (get_integer(g, doc, "version", 0, INT32_MAX) != TRIAL_JSON_VERSION)
		get_fail(g, "version", "is another one than this natprobe reads");
	copy_text(g, doc, "program", run->program, sizeof(run->program));
	copy_text(g, doc, "time", run->time, sizeof(run->time));
	copy_text(g, doc, "run", run->id, sizeof(run->id));
	copy_text(g, doc, "carrier", run->carrier, sizeof(run->carrier));
	run->is_a = find(g, doc, "role", 2, role_word) != 0;
	get_allowed(g, doc, run);
	get_networks(g, doc, "ours", &run->ours);
	get_networks(g, doc, "theirs", &run->theirs);
}

static void get_all(struct get *g, const json_t *doc, struct trial_run *run)
{
	const json_t *list, *o;
	struct trial_record record;
	size_t i;

	get_head(g, doc, run);
	list = get_array(g, doc, "trials", TRIAL_READ_MAX);
	json_array_foreach(list, i, o) {
		if (g->failed)
			return;
		get_record(g, o, run->is_a, &record);
		if (!trial_run_add(run, &record))
			get_fail(g, "trials", "do not fit into memory");
	}
}

bool trial_read(struct bytes json, struct trial_run *out, struct report_read_error *error)
{
	struct get g = { .error = error };
	json_error_t why;
	json_t *root = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, &why);

	*out = (struct trial_run){ 0 };
	if (root == NULL) {
		get_say_syntax(&why, error);
		return false;
	}
	get_make_safe(root);
	get_all(&g, root, out);
	json_decref(root);
	if (g.failed)
		trial_run_clear(out);
	return !g.failed;
}
