#include "report_text_deep.h"

#include <inttypes.h>

#include "property.h"
#include "report_text_plot.h"
#include "report_text_values.h"

#define NAME_MAX_SHOWN 3 /* of values that are unknown for one reason */

static const struct deep_value *value(const struct verdict *v, enum deep_property which)
{
	return &v->deep.values[which];
}

static bool is_known(const struct verdict *v, enum deep_property which)
{
	return value(v, which)->state == DEEP_WORD || value(v, which)->state == DEEP_NUMBER;
}

static void put(const struct text *t, const struct verdict *v, enum deep_property which)
{
	text_value(t, v, property_of_deep(which)->name);
}

static void print_lifetime(const struct text *t, const struct verdict *v)
{
	if (!is_known(v, DEEP_LIFETIME))
		return;
	text_label(t, "lifetime");
	put(t, v, DEEP_LIFETIME);
	if (is_known(v, DEEP_LIFETIME_ONE_WAY)) {
		fputs(", ", t->out);
		put(t, v, DEEP_LIFETIME_ONE_WAY);
		fputs(" without an answer", t->out);
	}
	if (is_known(v, DEEP_LIFETIME_LOW_PORT)) {
		fputs(", ", t->out);
		put(t, v, DEEP_LIFETIME_LOW_PORT);
		fputs(" towards low ports", t->out);
	}
	fputc('\n', t->out);
}

static void print_refresh(const struct text *t, const struct verdict *v)
{
	bool out = value(v, DEEP_REFRESH_OUTBOUND)->word == DEEP_YES;
	bool in = value(v, DEEP_REFRESH_INBOUND)->word == DEEP_YES;

	if (is_known(v, DEEP_REFRESH_OUTBOUND) && is_known(v, DEEP_REFRESH_INBOUND)) {
		text_label(t, "kept alive");
		fprintf(t->out, "by %s\n",
			out && in ? "what we send and what comes in"
			: out     ? "what we send"
			: in      ? "what comes in, not by what we send"
				  : "nothing");
	}
	if (!is_known(v, DEEP_KEEPALIVE))
		return;
	text_label(t, "keepalive");
	fputs("every ", t->out);
	put(t, v, DEEP_KEEPALIVE);
	fputs(" s\n", t->out);
}

static void print_ports(const struct text *t, const struct verdict *v)
{
	if (is_known(v, DEEP_RANGE_LOW) && is_known(v, DEEP_RANGE_HIGH)) {
		text_label(t, "port range");
		fputs("from ", t->out);
		put(t, v, DEEP_RANGE_LOW);
		fputs(", up to ", t->out);
		put(t, v, DEEP_RANGE_HIGH);
		if (is_known(v, DEEP_BLOCK)) {
			fputs(", a block of ", t->out);
			put(t, v, DEEP_BLOCK);
		}
		fputc('\n', t->out);
	}
}

/* The rest, a line each. */
static void print_others(const struct text *t, const struct verdict *v)
{
	static const struct {
		const char *label;
		enum deep_property which;
	} lines[] = {
		{ "background", DEEP_BACKGROUND },
		{ "overload", DEEP_OVERLOAD },
		{ "port step", DEEP_PER_DESTINATION },
		{ "TCP filter", DEEP_FILTERING_TCP },
		{ "early SYN", DEEP_SYN_REACTION },
		{ "early", DEEP_EARLY_INBOUND },
		{ "unexpected", DEEP_UNEXPECTED },
		{ "ICMP error", DEEP_ICMP_ERROR },
		{ "ICMP passed", DEEP_ICMP_PASSED },
		{ "fragments in", DEEP_FRAGMENTS_IN },
		{ "... out", DEEP_FRAGMENTS_OUT },
		{ "too big", DEEP_DF },
		{ "MTU out", DEEP_MTU_OUT },
		{ "MTU in", DEEP_MTU_IN },
		{ "ALG", DEEP_ALG },
		{ "NATs", DEEP_NATS },
		{ "DS-Lite", DEEP_DS_LITE },
		{ "464XLAT", DEEP_464XLAT },
		{ "NPTv6", DEEP_NPTV6 },
		{ "NAT64 prefix", DEEP_NAT64_PREFIX },
		{ "port clash", DEEP_PORT_CLASH },
		{ "portmap", DEEP_PORTMAP_WORKS },
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		if (!is_known(v, lines[i].which))
			continue;
		text_label(t, lines[i].label);
		put(t, v, lines[i].which);
		fputc('\n', t->out);
	}
}

/* By reason: "unknown  lifetime, keepalive and 20 more (no server that cooperates is known)". */
static void print_unknown(const struct text *t, const struct verdict *v)
{
	for (unsigned cause = CAUSE_NONE; cause < CAUSES; cause++) {
		unsigned count = 0;

		for (unsigned i = 0; i < DEEP_PROPERTIES; i++) {
			if (v->deep.values[i].state != DEEP_UNKNOWN ||
			    v->deep.values[i].cause != cause)
				continue;
			if (count == 0)
				text_label(t, "unknown");
			if (count < NAME_MAX_SHOWN)
				fprintf(t->out, "%s%s", count > 0 ? ", " : "",
					property_of_deep((enum deep_property)i)->name);
			count++;
		}
		if (count > NAME_MAX_SHOWN)
			fprintf(t->out, " and %u more", count - NAME_MAX_SHOWN);
		if (count > 0)
			fprintf(t->out, " (%s)\n", verdict_cause_text((enum verdict_cause)cause));
	}
}

void text_deep(const struct text *t, const struct verdict *v)
{
	if (!v->deep.tried)
		return;
	print_lifetime(t, v);
	print_refresh(t, v);
	print_ports(t, v);
	print_others(t, v);
	print_unknown(t, v);
	if (v->deep.cut) {
		text_label(t, "cut short");
		fprintf(t->out, "after %.0f s: what had not ended by then is a bound\n",
			(double)v->deep.elapsed_us / 1e6);
	}
}

static void print_hops(const struct text *t, const struct verdict_deep *v)
{
	for (size_t i = 0; i < v->hop_count; i++) {
		const struct deep_hop *h = &v->hops[i];
		char router[ADDR_TEXT_MAX], inside[ADDR_TEXT_MAX];

		text_label(t, i == 0 ? "hops" : "");
		fprintf(t->out, "%u: %s", h->ttl,
			h->router.family != ADDR_NONE ? addr_print_ip(&h->router, router)
			: h->reached                  ? "the server"
						      : "nobody");
		if (h->inside.family != ADDR_NONE)
			fprintf(t->out, ", saw us as %s", addr_print(&h->inside, inside));
		fputc('\n', t->out);
	}
}

void text_deep_evidence(const struct text *t, const struct verdict *v)
{
	const struct verdict_deep *deep = &v->deep;
	char server[ADDR_TEXT_MAX];

	if (!deep->tried)
		return;
	text_ladders(t, v);
	print_hops(t, deep);
	text_label(t, "deeper look");
	fprintf(t->out,
		"%" PRIu32 " sent, %" PRIu32 " answered, %u sockets at once, %.0f s, by %s\n",
		deep->sent, deep->answered, deep->mappings, (double)deep->elapsed_us / 1e6,
		deep->server.family != ADDR_NONE ? addr_print(&deep->server, server)
						 : "no server that cooperates");
}
