#include "report_read_deep.h"

#include <math.h>
#include <string.h>

#include "property.h"
#include "report_json_deep.h"

#define NUMBER_MAX 1e9

static double get_number(struct get *g, const json_t *o, const char *key, double min)
{
	const json_t *value = get_any(o, key);
	double number = json_number_value(value);

	if (json_is_number(value) && number >= min && number <= NUMBER_MAX)
		return number;
	get_fail(g, key, "is no number within its range");
	return 0;
}

static uint8_t get_state(struct get *g, const json_t *o)
{
	const char *word = get_text(g, o, "state");

	for (unsigned i = DEEP_UNKNOWN; word != NULL && i <= DEEP_NUMBER; i++) {
		if (strcmp(json_deep_state_word((enum deep_state)i), word) == 0)
			return (uint8_t)i;
	}
	get_fail(g, "state", "is none of unknown, none, word and number");
	return DEEP_UNKNOWN;
}

static uint8_t get_own_word(struct get *g, const json_t *o, const struct property *p)
{
	const char *word = get_text(g, o, "word");

	for (uint8_t i = 0; word != NULL && p->words != NULL && p->words[i] != NULL; i++) {
		if (strcmp(p->words[i], word) == 0)
			return i;
	}
	get_fail(g, p->name, "has a word that this natprobe does not know");
	return 0;
}

static void get_interval_of(struct get *g, const json_t *o, const struct property *p,
			    struct deep_value *v)
{
	v->low = get_number(g, o, "low", -NUMBER_MAX);
	v->high = INFINITY;
	if (get_any(o, "high") != NULL)
		v->high = get_number(g, o, "high", -NUMBER_MAX);
	if (p->kind == PROPERTY_WORD || v->low > v->high ||
	    (p->kind == PROPERTY_INTEGER && v->low < v->high))
		get_fail(g, p->name, "is no such number");
}

/* A value that an older natprobe did not know of stays unknown. */
static void get_value(struct get *g, const json_t *values, enum deep_property which,
		      struct verdict_deep *out)
{
	const struct property *p = property_of_deep(which);
	const json_t *o = get_object(g, values, p->name);
	struct deep_value v = { .cause = CAUSE_NOT_TRIED };

	if (o != NULL) {
		v.state = get_state(g, o);
		v.cause = get_cause_of_unknown(g, o, v.state != DEEP_UNKNOWN);
		v.error = get_share(g, o, "error_chance");
		v.sent = (uint16_t)get_count(g, o, "sent", UINT16_MAX);
		v.answered = (uint16_t)get_count(g, o, "answered", UINT16_MAX);
	}
	if (v.state == DEEP_WORD)
		v.word = get_own_word(g, o, p);
	else if (v.state == DEEP_NUMBER)
		get_interval_of(g, o, p, &v);
	out->values[which] = v;
}

static uint8_t get_ladder(struct get *g, const json_t *o)
{
	const char *word = get_text(g, o, "ladder");

	for (unsigned i = LADDER_ONE_WAY; word != NULL && i <= LADDER_REFRESH_IN; i++) {
		if (strcmp(json_ladder_word((enum deep_ladder)i), word) == 0)
			return (uint8_t)i;
	}
	get_fail(g, "ladder", "is none that this natprobe knows");
	return 0;
}

static void get_rungs(struct get *g, const json_t *deep, struct verdict_deep *v)
{
	const json_t *list = get_array(g, deep, "rungs", DEEP_RUNGS_MAX);
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o) {
		struct deep_rung r = { .ladder = get_ladder(g, o),
				       .ended = get_bool(g, o, "ended"),
				       .alive = get_bool(g, o, "alive"),
				       .waited_s = get_number(g, o, "waited_s", 0) };

		if (get_any(o, "refreshed_s") != NULL)
			r.refreshed_s = get_number(g, o, "refreshed_s", 0);
		v->rungs[v->rung_count++] = r;
	}
}

static void get_hops(struct get *g, const json_t *deep, struct verdict_deep *v)
{
	const json_t *list = get_array(g, deep, "hops", DEEP_HOPS_MAX);
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
		v->hops[v->hop_count++] = (struct deep_hop){
			.ttl = (uint8_t)get_count(g, o, "ttl", UINT8_MAX),
			.router = get_ip(g, o, "router"),
			.inside = get_addr(g, o, "inside"),
			.reached = get_bool(g, o, "reached"),
		};
}

void get_deep(struct get *g, const json_t *interface, struct verdict *verdict)
{
	const json_t *deep = get_object(g, interface, "deep");
	struct verdict_deep *v = &verdict->deep;
	const json_t *values, *datagrams;

	if (deep == NULL)
		return;
	values = get_object(g, deep, "values");
	datagrams = get_object(g, deep, "datagrams");
	*v = (struct verdict_deep){ .tried = true, .cut = get_bool(g, deep, "cut_short") };
	v->server = get_addr(g, deep, "server");
	v->elapsed_us = get_us(g, deep, "elapsed_ms");
	v->mappings = (uint16_t)get_count(g, deep, "sockets", UINT16_MAX);
	v->sent = (uint32_t)get_count(g, datagrams, "sent", UINT32_MAX);
	v->answered = (uint32_t)get_count(g, datagrams, "answered", UINT32_MAX);
	v->nat64_prefix = get_ip(g, deep, "nat64_prefix");
	v->opener_ttl = (uint8_t)get_count(g, deep, "opener_ttl", UINT8_MAX);
	for (unsigned i = 0; i < DEEP_PROPERTIES; i++)
		get_value(g, values, (enum deep_property)i, v);
	get_rungs(g, deep, v);
	get_hops(g, deep, v);
}
