#include "tests/bench/accuracy_report.h"

#include <string.h>

#include "wire.h"

#define ALL_CLASSES ((1u << ACCURACY_CLASSES) - 1)

static double ms(uint32_t us)
{
	return us / 1000.0;
}

/* ---- for people ---- */

static void print_row(FILE *out, const struct accuracy_profile *p)
{
	fprintf(out, "%-4s %-28s %6.2f %7.2f %6.2f %7.0f %7.0f %5u %3u  %s%s%s\n", p->profile->id,
		p->profile->name, 100 * accuracy_share(&p->exact, SCORE_RIGHT),
		100 * accuracy_share(&p->exact, SCORE_UNKNOWN),
		100 * accuracy_share(&p->exact, SCORE_WRONG),
		ms(accuracy_quantile(p->times_us, p->runs, 0.5)),
		ms(accuracy_quantile(p->times_us, p->runs, 0.95)), p->datagrams, p->connections,
		p->wrong[0] != '\0' ? "WRONG " : "", p->wrong,
		p->wrong[0] == '\0' ? p->unknown : "");
}

/* Which properties go wrong, over all profiles. */
static void print_properties(FILE *out, const struct accuracy_level *l)
{
	for (size_t i = 0; i < property_count; i++) {
		struct accuracy_count c = { 0 };

		for (size_t p = 0; p < l->profile_count; p++) {
			for (unsigned k = 0; k < l->profiles[p].line_count; k++) {
				const struct accuracy_line *line = &l->profiles[p].lines[k];

				for (int m = 0; m < SCORE_MARKS; m++)
					c.marks[m] += line->property == &property_table[i]
							      ? line->count.marks[m]
							      : 0;
			}
		}
		if (c.marks[SCORE_UNKNOWN] + c.marks[SCORE_WRONG] > 0)
			fprintf(out, "     %-28s %6.2f %7.2f %6.2f\n", property_table[i].name,
				100 * accuracy_share(&c, SCORE_RIGHT),
				100 * accuracy_share(&c, SCORE_UNKNOWN),
				100 * accuracy_share(&c, SCORE_WRONG));
	}
}

static void print_level(FILE *out, const struct accuracy_level *l)
{
	struct accuracy_total t = accuracy_total(l->profiles, l->profile_count, ALL_CLASSES);

	fprintf(out, "loss %.3g %% each way, %u seeds\n", 100 * l->settings.loss,
		l->settings.seeds);
	fprintf(out, "%-4s %-28s %6s %7s %6s %7s %7s %5s %3s\n", "", "profile", "right", "unknown",
		"wrong", "median", "p95", "UDP", "TCP");
	for (size_t i = 0; i < l->profile_count; i++)
		print_row(out, &l->profiles[i]);
	print_properties(out, l);
	fprintf(out,
		"all: right %.3f %%, unknown %.3f %%, wrong %.3f %%; runs with a wrong value "
		"%u of %u (owned to: %.2f); intervals cover %.2f %%\n",
		100 * accuracy_share(&t.exact, SCORE_RIGHT),
		100 * accuracy_share(&t.exact, SCORE_UNKNOWN),
		100 * accuracy_share(&t.exact, SCORE_WRONG), t.wrong_runs, t.runs, t.doubt,
		100 * accuracy_coverage(&t.interval));
	fprintf(out,
		"time: median %.0f ms, p95 %.0f ms, all-positive at most %.0f ms; at most %u "
		"datagrams, %u connections, %u in a burst, %u in a second\n\n",
		ms(t.median_us), ms(t.p95_us), ms(t.all_positive_most_us), t.datagrams,
		t.connections, t.burst, t.per_second);
}

void accuracy_print_table(FILE *out, const struct accuracy_level *levels, size_t count)
{
	for (size_t i = 0; i < count; i++)
		print_level(out, &levels[i]);
}

/* ---- for machines ---- */

static void json_count(FILE *out, const struct accuracy_count *c)
{
	fprintf(out, "\"right\": %u, \"unknown\": %u, \"wrong\": %u", c->marks[SCORE_RIGHT],
		c->marks[SCORE_UNKNOWN], c->marks[SCORE_WRONG]);
}

/* Those that were not always right. */
static void json_properties(FILE *out, const struct accuracy_profile *p)
{
	const char *comma = "";

	fprintf(out, ", \"properties\": {");
	for (unsigned i = 0; i < p->line_count; i++) {
		const struct accuracy_line *line = &p->lines[i];

		if (line->count.marks[SCORE_UNKNOWN] + line->count.marks[SCORE_WRONG] == 0)
			continue;
		fprintf(out, "%s\"%s\": { ", comma, line->property->name);
		json_count(out, &line->count);
		fprintf(out, " }");
		comma = ", ";
	}
	fprintf(out, "}");
}

static void json_profile(FILE *out, const struct accuracy_profile *p)
{
	fprintf(out, "{ \"id\": \"%s\", \"name\": \"%s\", \"runs\": %u, ", p->profile->id,
		p->profile->name, p->runs);
	json_count(out, &p->exact);
	fprintf(out,
		", \"wrong_runs\": %u, \"owned_to\": %.4f, "
		"\"median_ms\": %.1f, \"p95_ms\": %.1f, \"datagrams\": %u, "
		"\"connections\": %u, \"all_positive\": %s",
		p->wrong_runs, p->doubt, ms(accuracy_quantile(p->times_us, p->runs, 0.5)),
		ms(accuracy_quantile(p->times_us, p->runs, 0.95)), p->datagrams, p->connections,
		p->is_all_positive ? "true" : "false");
	json_properties(out, p);
	fprintf(out, " }");
}

static void json_level(FILE *out, const struct accuracy_level *l)
{
	struct accuracy_total t = accuracy_total(l->profiles, l->profile_count, ALL_CLASSES);

	fprintf(out, "  { \"loss\": %g, \"rtt_ms\": %g, \"runs\": %u, ", l->settings.loss,
		ms(l->settings.rtt_us), t.runs);
	json_count(out, &t.exact);
	fprintf(out,
		",\n    \"runs_with_wrong\": %u, \"runs_with_wrong_owned_to\": %.3f, "
		"\"interval_coverage\": %.4f,\n",
		t.wrong_runs, t.doubt, accuracy_coverage(&t.interval));
	fprintf(out, "    \"median_ms\": %.1f, \"p95_ms\": %.1f, \"all_positive_most_ms\": %.1f,\n",
		ms(t.median_us), ms(t.p95_us), ms(t.all_positive_most_us));
	fprintf(out,
		"    \"datagrams\": %u, \"connections\": %u, \"burst\": %u, "
		"\"per_second\": %u,\n    \"profiles\": [\n",
		t.datagrams, t.connections, t.burst, t.per_second);
	for (size_t i = 0; i < l->profile_count; i++) {
		fprintf(out, "      ");
		json_profile(out, &l->profiles[i]);
		fprintf(out, "%s\n", i + 1 < l->profile_count ? "," : "");
	}
	fprintf(out, "    ] }");
}

void accuracy_print_json(FILE *out, const struct accuracy_level *levels, size_t count)
{
	fprintf(out, "{ \"bench\": \"accuracy\", \"seeds\": %u, \"levels\": [\n",
		count > 0 ? levels[0].settings.seeds : 0);
	for (size_t i = 0; i < count; i++) {
		json_level(out, &levels[i]);
		fprintf(out, "%s\n", i + 1 < count ? "," : "");
	}
	fprintf(out, "] }\n");
}

/* ---- the bounds ---- */

struct bounds {
	FILE *out;
	double loss; /* of the level at hand */
	unsigned missed;
};

static void bound(struct bounds *b, const char *what, double is, double most)
{
	if (is <= most)
		return;
	fprintf(b->out, "missed at %.3g %% loss: %s is %.4g, at most %.4g\n", 100 * b->loss, what,
		is, most);
	b->missed++;
}

static struct accuracy_total total_of(const struct accuracy_level *l, unsigned classes)
{
	return accuracy_total(l->profiles, l->profile_count, classes);
}

static void assert_values(struct bounds *b, const struct accuracy_level *l)
{
	struct accuracy_total clean = total_of(l, 1u << ACCURACY_CLEAN);
	struct accuracy_total lossy = total_of(l, 1u << ACCURACY_LOSSY);
	struct accuracy_total bad = total_of(l, 1u << ACCURACY_BAD);
	struct accuracy_total all = total_of(l, ALL_CLASSES);

	bound(b, "wrong values without loss", clean.exact.marks[SCORE_WRONG], 0);
	bound(b, "unknown values without loss", clean.exact.marks[SCORE_UNKNOWN], 0);
	bound(b, "wrong values up to 5 % loss", lossy.exact.marks[SCORE_WRONG], 0);
	bound(b, "share unknown up to 5 % loss", accuracy_share(&lossy.exact, SCORE_UNKNOWN), 0.01);
	if (bad.runs > 0)
		bound(b, "share of wrong runs up to 10 % loss", (double)bad.wrong_runs / bad.runs,
		      0.001);
	bound(b, "share of intervals that miss the truth", 1 - accuracy_coverage(&all.interval),
	      0.01);
	bound(b, "odds against so many errors, claimed so few",
	      1 - accuracy_surprise(all.wrong_runs, all.doubt), 0.999);
}

static void assert_budget(struct bounds *b, const struct accuracy_level *l)
{
	struct accuracy_total all = total_of(l, ALL_CLASSES);

	bound(b, "datagrams", all.datagrams, ACCURACY_BUDGET);
	bound(b, "connections", all.connections, ACCURACY_TCP_BUDGET);
	bound(b, "datagrams in a burst", all.burst, ACCURACY_BURST);
	bound(b, "datagrams in a second", all.per_second, ACCURACY_PER_SECOND);
	for (size_t i = 0; i < l->profile_count; i++) {
		bound(b, "runs without an end", l->profiles[i].unended, 0);
		bound(b, "sockets left open", l->profiles[i].open_at_end, 0);
	}
}

/* At 50 ms, without loss. */
static void assert_times(struct bounds *b, const struct accuracy_level *l)
{
	struct accuracy_total clean = total_of(l, 1u << ACCURACY_CLEAN);

	if (l->settings.loss > 0 || l->settings.rtt_us > 50000)
		return;
	bound(b, "median time in ms", ms(clean.median_us), 800);
	bound(b, "95th percentile of the time in ms", ms(clean.p95_us), 1300);
	bound(b, "time in ms where all is positive", ms(clean.all_positive_most_us), 400);
}

unsigned accuracy_assert(FILE *out, const struct accuracy_level *levels, size_t count)
{
	struct bounds b = { .out = out };

	for (size_t i = 0; i < count; i++) {
		b.loss = levels[i].settings.loss;
		assert_values(&b, &levels[i]);
		assert_budget(&b, &levels[i]);
		assert_times(&b, &levels[i]);
	}
	return b.missed;
}
