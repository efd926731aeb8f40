#include "tests/bench/accuracy_sum.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_most(unsigned *most, unsigned value)
{
	if (value > *most)
		*most = value;
}

static void keep_first(char note[static 100], const char *text)
{
	if (note[0] == '\0')
		snprintf(note, 100, "%s", text);
}

void accuracy_add(struct accuracy_profile *p, const struct expect *truth, const struct score *s)
{
	p->line_count = (unsigned)truth->count;
	for (size_t i = 0; i < truth->count; i++) {
		const struct expect_line *line = &truth->lines[i];
		enum score_mark mark = (enum score_mark)s->marks[i];

		p->lines[i].property = line->property;
		p->lines[i].count.marks[mark]++;
		(score_is_interval(line) ? &p->interval : &p->exact)->marks[mark]++;
	}
	p->times_us[p->runs++] = s->elapsed_us;
	p->wrong_runs += s->is_wrong;
	p->unended += !s->ended;
	p->doubt += 1 - s->confidence;
	keep_most(&p->datagrams, s->datagrams);
	keep_most(&p->connections, s->connections);
	keep_most(&p->burst, s->burst);
	keep_most(&p->per_second, s->per_second);
	keep_most(&p->open_at_end, s->open_at_end);
	keep_first(p->wrong, s->wrong);
	keep_first(p->unknown, s->unknown);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void accuracy_close(struct accuracy_profile *p)
{
	qsort(p->times_us, p->runs, sizeof(*p->times_us), by_value);
}

uint32_t accuracy_quantile(const uint32_t *sorted, unsigned count, double q)
{
	if (count == 0)
		return 0;
	return sorted[(unsigned)(q * (count - 1) + 0.5)];
}

static void add_count(struct accuracy_count *to, const struct accuracy_count *c)
{
	for (int i = 0; i < SCORE_MARKS; i++)
		to->marks[i] += c->marks[i];
}

static void add_times(uint32_t *all, unsigned *count, const struct accuracy_profile *p)
{
	if (p->is_delayed)
		return;
	memcpy(all + *count, p->times_us, p->runs * sizeof(*all));
	*count += p->runs;
}

static void add_profile(struct accuracy_total *t, const struct accuracy_profile *p)
{
	add_count(&t->exact, &p->exact);
	add_count(&t->interval, &p->interval);
	t->runs += p->runs;
	t->wrong_runs += p->wrong_runs;
	t->doubt += p->doubt;
	if (p->is_all_positive && p->runs > 0 && p->times_us[p->runs - 1] > t->all_positive_most_us)
		t->all_positive_most_us = p->times_us[p->runs - 1];
	keep_most(&t->datagrams, p->datagrams);
	keep_most(&t->connections, p->connections);
	keep_most(&t->burst, p->burst);
	keep_most(&t->per_second, p->per_second);
}

struct accuracy_total accuracy_total(const struct accuracy_profile *profiles, size_t count,
				     unsigned classes)
{
	struct accuracy_total t = { 0 };
	unsigned runs = 0, timed = 0;
	uint32_t *times;

	for (size_t i = 0; i < count; i++)
		runs += profiles[i].runs;
	times = calloc(runs + 1u, sizeof(*times));
	if (times == NULL)
		abort();
	for (size_t i = 0; i < count; i++) {
		if ((classes & 1u << profiles[i].class) == 0)
			continue;
		add_profile(&t, &profiles[i]);
		add_times(times, &timed, &profiles[i]);
	}
	qsort(times, timed, sizeof(*times), by_value);
	t.median_us = accuracy_quantile(times, timed, 0.5);
	t.p95_us = accuracy_quantile(times, timed, 0.95);
	free(times);
	return t;
}

/* One minus the Poisson distribution below `seen`. */
double accuracy_surprise(unsigned seen, double doubt)
{
	double term = exp(-doubt), below = 0;

	for (unsigned i = 0; i < seen; i++) {
		below += term;
		term *= doubt / (i + 1);
	}
	return below < 1 ? 1 - below : 0;
}

double accuracy_share(const struct accuracy_count *c, enum score_mark mark)
{
	unsigned all = c->marks[SCORE_RIGHT] + c->marks[SCORE_UNKNOWN] + c->marks[SCORE_WRONG];

	return all > 0 ? (double)c->marks[mark] / all : 0;
}

double accuracy_coverage(const struct accuracy_count *c)
{
	unsigned told = c->marks[SCORE_RIGHT] + c->marks[SCORE_WRONG];

	return told > 0 ? (double)c->marks[SCORE_RIGHT] / told : 1;
}
