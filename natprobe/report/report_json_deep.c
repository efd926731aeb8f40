#include "report_json_deep.h"

#include <math.h>

#include "property.h"

const char *json_ladder_word(enum deep_ladder ladder)
{
	static const char *const words[] = {
		[LADDER_ONE_WAY] = "one-way",
		[LADDER_TWO_WAY] = "two-way",
		[LADDER_LOW_PORT] = "low-port",
		[LADDER_REFRESH_OUT] = "refresh-outbound",
		[LADDER_REFRESH_IN] = "refresh-inbound",
	};

	return (size_t)ladder < ARRAY_LEN(words) ? words[ladder] : NULL;
}

const char *json_deep_state_word(enum deep_state state)
{
	static const char *const words[] = {
		[DEEP_UNKNOWN] = "unknown",
		[DEEP_NONE] = "none",
		[DEEP_WORD] = "word",
		[DEEP_NUMBER] = "number",
	};

	return (size_t)state < ARRAY_LEN(words) ? words[state] : NULL;
}

/* To the millisecond, or to what a step or a share needs. */
static json_t *number(double value)
{
	return isfinite(value) ? json_real(round(value * 1000) / 1000) : json_null();
}

static json_t *value_of(struct json *j, const struct property *p, const struct deep_value *v)
{
	json_t *o = json_object();

	json_put(j, o, "state", json_string(json_deep_state_word((enum deep_state)v->state)));
	if (v->state == DEEP_WORD)
		json_put(j, o, "word", json_string(p->words[v->word]));
	if (v->state == DEEP_NUMBER) {
		json_put(j, o, "low", number(v->low));
		json_put(j, o, "high", number(v->high)); /* null: no end was seen */
	}
	json_put_reason(j, o, v->state == DEEP_UNKNOWN, v->cause);
	json_put(j, o, "error_chance", json_share(v->error));
	json_put(j, o, "sent", json_integer(v->sent));
	json_put(j, o, "answered", json_integer(v->answered));
	return o;
}

static json_t *values(struct json *j, const struct verdict_deep *v)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < DEEP_PROPERTIES; i++) {
		const struct property *p = property_of_deep((enum deep_property)i);

		json_put(j, o, p->name, value_of(j, p, &v->values[i]));
	}
	return o;
}

static json_t *rungs(struct json *j, const struct verdict_deep *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->rung_count; i++) {
		const struct deep_rung *r = &v->rungs[i];
		json_t *o = json_object();

		json_put(j, o, "ladder",
			 json_string(json_ladder_word((enum deep_ladder)r->ladder)));
		json_put(j, o, "waited_s", number(r->waited_s));
		if (r->ladder >= LADDER_REFRESH_OUT)
			json_put(j, o, "refreshed_s", number(r->refreshed_s));
		json_put(j, o, "ended", json_boolean(r->ended));
		json_put(j, o, "alive", json_boolean(r->alive));
		json_add(j, list, o);
	}
	return list;
}

static json_t *hops(struct json *j, const struct verdict_deep *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->hop_count; i++) {
		const struct deep_hop *h = &v->hops[i];
		json_t *o = json_object();

		json_put(j, o, "ttl", json_integer(h->ttl));
		json_put(j, o, "router", json_ip(&h->router));
		json_put(j, o, "inside", json_addr(&h->inside));
		json_put(j, o, "reached", json_boolean(h->reached));
		json_add(j, list, o);
	}
	return list;
}

json_t *json_deep(struct json *j, const struct verdict *verdict)
{
	const struct verdict_deep *v = &verdict->deep;
	json_t *o, *datagrams;

	if (!v->tried)
		return json_null();
	o = json_object();
	datagrams = json_object();
	json_put(j, o, "server", json_addr(&v->server));
	json_put(j, o, "cut_short", json_boolean(v->cut));
	json_put(j, o, "elapsed_ms", json_ms(v->elapsed_us));
	json_put(j, o, "sockets", json_integer(v->mappings));
	json_put(j, datagrams, "sent", json_integer(v->sent));
	json_put(j, datagrams, "answered", json_integer(v->answered));
	json_put(j, o, "datagrams", datagrams);
	json_put(j, o, "values", values(j, v));
	json_put(j, o, "rungs", rungs(j, v));
	json_put(j, o, "hops", hops(j, v));
	json_put(j, o, "opener_ttl", v->opener_ttl > 0 ? json_integer(v->opener_ttl) : json_null());
	json_put(j, o, "nat64_prefix", json_ip(&v->nat64_prefix));
	return o;
}
