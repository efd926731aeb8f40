#include "report_prom.h"

#include <math.h>
#include <string.h>

#include "property.h"

static const char *family_word(uint8_t family)
{
	return family == ADDR_IPV6 ? "ipv6" : "ipv4";
}

/* A sample of each interface and family, by `put`. */
static void each(const struct report *r, struct metrics *m,
		 void (*put)(const struct report_probe *p, const char *name, struct metrics *m))
{
	for (size_t i = 0; i < r->probe_count; i++) {
		char name[REPORT_NAME_MAX];

		put(&r->probes[i], report_name(r->probes[i].interface, name), m);
	}
}

static void put_outcome(const struct report_probe *p, const char *name, struct metrics *m)
{
	metrics_gauge(m,
		      METRICS_LABELS("interface", name, "family", family_word(p->family), "outcome",
				     report_outcome_word(report_outcome(p))),
		      1);
}

/* Words only: closed sets, so that there are no more time series than a network has behaviours. */
static void put_words(const struct report_probe *p, const char *name, struct metrics *m)
{
	for (size_t i = 0; p->verdict != NULL && i < property_count; i++) {
		const struct property *property = &property_table[i];
		struct property_value got;

		if (property->kind != PROPERTY_WORD || !property_is_asked(property, p->verdict))
			continue;
		property_get(property, p->verdict, &got);
		metrics_gauge(m,
			      METRICS_LABELS("interface", name, "family", family_word(p->family),
					     "property", property->name, "value", got.text),
			      1);
	}
}

/* Base units: seconds, and shares of one. */
static double scale_of(const struct property *p)
{
	if (strcmp(p->unit, "ms") == 0)
		return 1e-3;
	return strcmp(p->unit, "%") == 0 ? 1e-2 : 1;
}

static void put_bound(const struct report_probe *p, const char *name,
		      const struct property *property, const char *bound, double value,
		      struct metrics *m)
{
	if (isfinite(value))
		metrics_gauge(m,
			      METRICS_LABELS("interface", name, "family", family_word(p->family),
					     "property", property->name, "bound", bound),
			      value * scale_of(property));
}

static void put_numbers(const struct report_probe *p, const char *name, struct metrics *m)
{
	for (size_t i = 0; p->verdict != NULL && i < property_count; i++) {
		const struct property *property = &property_table[i];
		struct property_value got;

		if (property->kind != PROPERTY_MEASURE || !property_is_asked(property, p->verdict))
			continue;
		property_get(property, p->verdict, &got);
		if (!got.known || !got.applies)
			continue;
		put_bound(p, name, property, "low", got.low, m);
		put_bound(p, name, property, "high", got.high, m);
	}
}

void report_prom(const struct report *r, const struct report_prom_totals *totals, struct metrics *m)
{
	metrics_family(m, "natprobe_outcome", METRICS_GAUGE,
		       "How the last run ended, 1 for the outcome that it had.");
	each(r, m, put_outcome);
	metrics_family(m, "natprobe_property", METRICS_GAUGE,
		       "What the last run found, 1 for the value that a property has.");
	each(r, m, put_words);
	metrics_family(m, "natprobe_measure", METRICS_GAUGE,
		       "Bounds of what the last run measured, in seconds, shares of one, bytes.");
	each(r, m, put_numbers);
	metrics_family(m, "natprobe_runs_total", METRICS_COUNTER, "Runs since natprobe started.");
	metrics_count(m, METRICS_LABELS(NULL), totals->runs);
	metrics_family(m, "natprobe_changes_total", METRICS_COUNTER,
		       "Runs that found something else than the one before.");
	metrics_count(m, METRICS_LABELS(NULL), totals->changes);
	metrics_family(m, "natprobe_last_run_timestamp_seconds", METRICS_GAUGE,
		       "When the last run ended.");
	metrics_gauge(m, METRICS_LABELS(NULL), (double)totals->ended_s);
	metrics_family(m, "natprobe_last_run_duration_seconds", METRICS_GAUGE,
		       "How long the last run took.");
	metrics_gauge(m, METRICS_LABELS(NULL), (double)r->elapsed_ms / 1000);
}
