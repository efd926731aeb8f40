/* What was seen that made a value, in a line. */
#include "report_tests.h"

#include <stdarg.h>
#include <string.h>

#define SHOWN_MAX 6 /* of a list */

/* A list that grows in a buffer; what does not fit is left out. */
struct list {
	char *buf;
	size_t len;
	unsigned count;
};

static void add(struct list *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct list *l, const char *format, ...)
{
	char item[160];
	va_list args;
	int n;

	if (l->count++ >= SHOWN_MAX)
		return;
	va_start(args, format);
	n = vsnprintf(item, sizeof(item), format, args);
	va_end(args);
	if (n <= 0 || l->len + strlen(item) + 3 > REPORT_TEST_TEXT_MAX)
		return;
	l->len += (size_t)snprintf(l->buf + l->len, REPORT_TEST_TEXT_MAX - l->len, "%s%s",
				   l->len > 0 ? ", " : "", item);
}

static void add_sightings(struct list *l, const struct verdict *v)
{
	for (size_t i = 0; i < v->sighting_count; i++) {
		const struct verdict_sighting *s = &v->sightings[i];
		char mapped[ADDR_TEXT_MAX], endpoint[ADDR_TEXT_MAX];

		add(l, "%s by %s",
		    s->mapped.family != ADDR_NONE ? addr_print(&s->mapped, mapped) : "nothing",
		    addr_print(&s->endpoint, endpoint));
	}
}

static void add_filter_probes(struct list *l, const struct verdict *v)
{
	for (size_t k = 0; k < FILTER_KINDS; k++) {
		const struct verdict_filter_probe *p = &v->filter[k];

		if (p->sent > 0)
			add(l, "%s %u of %u", verdict_filter_word((enum verdict_filter_kind)k),
			    p->answered, p->sent);
	}
}

static void add_samples(struct list *l, const struct verdict *v)
{
	for (size_t i = 0; i < v->sample_count; i++) {
		const struct verdict_sample *s = &v->samples[i];

		if (s->mapped.family != ADDR_NONE)
			add(l, "%u to %u", s->local_port, s->mapped.port);
		else
			add(l, "%u lost", s->local_port);
	}
}

static void add_addr(struct list *l, const char *name, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	if (a->family != ADDR_NONE)
		add(l, "%s %s", name, addr_print(a, text));
}

static void add_ends(struct list *l, const struct verdict *v)
{
	add_addr(l, "local", &v->local);
	add_addr(l, "mapped", &v->mapped);
	add_addr(l, "local over TCP", &v->local_tcp);
	add_addr(l, "mapped over TCP", &v->mapped_tcp);
}

static void add_externals(struct list *l, const struct verdict *v)
{
	for (size_t i = 0; i < v->pooling.external_count; i++) {
		char text[ADDR_TEXT_MAX];

		add(l, "%s", addr_print_ip(&v->pooling.externals[i], text));
	}
}

static void add_hairpin(struct list *l, const struct verdict *v)
{
	if (v->hairpin.sent > 0)
		add(l, "%u of %u came through", v->hairpin.answered, v->hairpin.sent);
	add_addr(l, "from", &v->hairpin.source);
}

static void add_cgn(struct list *l, const struct verdict *v)
{
	for (unsigned hint = CGN_LOCAL_SHARED; hint <= CGN_LOCAL_DS_LITE; hint <<= 1) {
		if ((v->cgn_hints & hint) != 0)
			add(l, "%s", verdict_cgn_word((enum verdict_cgn_hint)hint));
	}
}

static void add_counts(struct list *l, const struct verdict *v)
{
	add(l, "%u of %u datagrams answered", v->answered, v->sent);
}

static void add_rate(struct list *l, const struct verdict *v)
{
	if (v->rate_limit_per_s > 0)
		add(l, "about %u datagrams a second", v->rate_limit_per_s);
}

const char *report_evidence(const struct property *p, const struct verdict *v,
			    char buf[static REPORT_TEST_TEXT_MAX])
{
	static const struct {
		const char *name; /* or what it begins with */
		void (*add)(struct list *l, const struct verdict *v);
	} table[] = {
		{ "mapping.tcp", NULL },
		{ "mapping", add_sightings },
		{ "mapped", add_ends },
		{ "nat64", NULL },
		{ "nat-pmp", NULL },
		{ "nat", add_ends },
		{ "filtering", add_filter_probes },
		{ "firewall", add_filter_probes },
		{ "delta.", add_samples },
		{ "parity", add_samples },
		{ "contiguity", add_samples },
		{ "ports.", add_samples },
		{ "pooling", add_externals },
		{ "hairpin", add_hairpin },
		{ "cgn", add_cgn },
		{ "loss", add_counts },
		{ "udp-blocked", add_counts },
		{ "rate-limit", add_rate },
	};
	struct list l = { .buf = buf };

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (strncmp(p->name, table[i].name, strlen(table[i].name)) != 0)
			continue;
		if (table[i].add != NULL)
			table[i].add(&l, v);
		break;
	}
	return buf;
}
