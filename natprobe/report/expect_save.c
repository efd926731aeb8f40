/* An expectation file from what was found. */
#include "expect.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* A text that grows like snprintf's: `len` counts on when there is no more room. */
struct text {
	char *buf;
	size_t cap, len;
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *format, ...)
{
	bool fits = t->len < t->cap;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(fits ? t->buf + t->len : NULL, fits ? t->cap - t->len : 0, format, args);
	va_end(args);
	if (n > 0)
		t->len += (size_t)n;
}

/* The next whole number, so that a bound never gets tighter by printing it. */
static unsigned above(double value)
{
	return (unsigned)value + 1;
}

/*
 * Three times what was seen, and at least 10 %: two samples of the same path differ by less.
 * Few datagrams leave an interval so wide that no bound says anything.
 */
static void put_loss(struct text *t, const struct property_value *got)
{
	unsigned bound = above(3 * got->high);

	if (bound < 100)
		put(t, "loss < %u%%\n", bound < 10 ? 10 : bound);
}

static void put_rtt(struct text *t, const struct property_value *got)
{
	put(t, "rtt < %ums\n", above(2 * got->high + 20));
}

/*
 * Wide enough that the interval of the next run, which is about as wide as this one, lies within.
 * Without overload all sockets keep their port, and there is no upper bound.
 */
static void put_preserved(struct text *t, const struct property_value *got)
{
	unsigned low = (unsigned)(got->low / 4);
	unsigned high = above(100 - (100 - got->high) / 8);

	if (low > 0)
		put(t, "delta.preserved > %u%%\n", low);
	if (high < 100)
		put(t, "delta.preserved < %u%%\n", high);
}

/*
 * Lifetimes and sizes: the next interval is as wide as this one, and has something in common with
 * it. Which ports were seen, and what others did, is another day's.
 */
#define DEEP_MARGIN 1.25
#define BOUND_MAX   1e9 /* beyond, it says nothing */

/* A packet's size is known to some bytes, whatever it is. */
#define SIZE_MARGIN 4

static void put_size(struct text *t, const struct property *p, const struct property_value *got)
{
	double margin = got->high - got->low + SIZE_MARGIN;

	if (got->low > margin && got->low < BOUND_MAX)
		put(t, "%s > %.0f\n", p->name, floor(got->low - margin));
	if (got->high < BOUND_MAX)
		put(t, "%s < %.0f\n", p->name, floor(got->high + margin) + 1);
}

static void put_deep(struct text *t, const struct property *p, const struct property_value *got)
{
	double low = p->kind == PROPERTY_MEASURE ? got->low : (double)got->integer;
	double high = p->kind == PROPERTY_MEASURE ? got->high : (double)got->integer;

	if (low >= DEEP_MARGIN && low < BOUND_MAX)
		put(t, "%s > %.0f\n", p->name, floor(low / DEEP_MARGIN));
	if (high < BOUND_MAX)
		put(t, "%s < %.0f\n", p->name, floor(high * DEEP_MARGIN) + 1);
}

/* Bounds do, and an exact number would not last. */
static bool is_bounded(const struct property *p)
{
	return p->is_deep && (strcmp(p->unit, "s") == 0 || strcmp(p->name, "keepalive") == 0);
}

static void put_measure(struct text *t, const struct property *p, const struct verdict *v,
			const struct property_value *got)
{
	if (strcmp(p->name, "rtt") == 0)
		put_rtt(t, got);
	else if (strcmp(p->name, "loss") == 0)
		put_loss(t, got);
	else if (p->is_deep && strcmp(p->unit, "bytes") == 0)
		put_size(t, p, got);
	else if (!p->is_deep && v->ports.delta == DELTA_EQUAL)
		put_preserved(t, got);
}

static void put_property(struct text *t, const struct property *p, const struct verdict *v)
{
	struct property_value got;

	if (p->is_passing)
		return;
	property_get(p, v, &got);
	if (!got.known || (p->kind == PROPERTY_WORD && !got.applies))
		return;
	if (got.applies && is_bounded(p)) {
		put_deep(t, p, &got);
		return;
	}
	if (p->kind == PROPERTY_MEASURE && got.applies)
		put_measure(t, p, v, &got);
	else
		put(t, "%s = %s\n", p->name, got.text);
}

static void put_section(struct text *t, const struct expect_subject *s)
{
	put(t, "\n[%s %s]\n", s->interface, s->family == ADDR_IPV6 ? "ipv6" : "ipv4");
}

size_t expect_save(const struct expect_subject *subjects, size_t count, char *buf, size_t cap)
{
	struct text t = { .buf = buf, .cap = cap };

	if (cap > 0)
		buf[0] = '\0';
	put(&t, "# What natprobe found here; natprobe check --expect FILE compares.\n");
	for (size_t i = 0; i < count; i++) {
		if (count > 1)
			put_section(&t, &subjects[i]);
		for (size_t k = 0; k < property_count; k++)
			put_property(&t, &property_table[k], subjects[i].verdict);
	}
	return t.len;
}
