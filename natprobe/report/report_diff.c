#include "report_diff.h"

#include <stdlib.h>
#include <string.h>

static bool has_answer(const struct report_probe *p)
{
	return p->verdict != NULL && report_outcome(p) != VERDICT_NO_SERVER;
}

static const struct report_probe *find(const struct report *r, const struct report_probe *like)
{
	for (size_t i = 0; i < r->probe_count; i++) {
		const struct report_probe *p = &r->probes[i];
		char a[REPORT_NAME_MAX], b[REPORT_NAME_MAX];

		if (p->family == like->family &&
		    strcmp(report_name(p->interface, a), report_name(like->interface, b)) == 0)
			return p;
	}
	return NULL;
}

static void add(struct report_diff *d, const struct report_change *change)
{
	d->items[d->count++] = *change;
	d->differs = d->differs || change->kind != CHANGE_UNKNOWN;
}

static bool is_possible(const struct property *p, const struct property_value *unknown,
			const struct property_value *known)
{
	for (unsigned i = 0; unknown->possible != 0 && p->words[i] != NULL; i++) {
		if (strcmp(p->words[i], known->text) == 0)
			return (unknown->possible & 1u << i) != 0;
	}
	return true;
}

/* One of them is unknown. */
static bool is_excluded(const struct property *p, const struct property_value *a,
			const struct property_value *b)
{
	if (p->kind != PROPERTY_WORD)
		return false;
	if (!a->known && !b->known)
		return a->possible != 0 && b->possible != 0 && (a->possible & b->possible) == 0;
	return a->known ? !is_possible(p, b, a) : !is_possible(p, a, b);
}

/*
 * Times of one run tell nothing about the load in the next one: the same margin as for saved
 * expectations.
 */
static double with_margin(const struct property *p, double high)
{
	return strcmp(p->unit, "ms") == 0 ? 2 * high + 20 : high;
}

static bool is_equal(const struct property *p, const struct property_value *a,
		     const struct property_value *b)
{
	if (p->kind == PROPERTY_MEASURE && a->applies && b->applies)
		return a->low <= with_margin(p, b->high) && b->low <= with_margin(p, a->high);
	return strcmp(a->text, b->text) == 0;
}

static void compare_property(struct report_diff *d, struct report_change *change)
{
	const struct property *p = change->property;
	const struct property_value *a = &change->before;
	const struct property_value *b = &change->after;

	d->compared++;
	if (a->known && b->known) {
		change->kind = CHANGE_VALUE;
		if (!is_equal(p, a, b))
			add(d, change);
		return;
	}
	change->kind = is_excluded(p, a, b) ? CHANGE_VALUE : CHANGE_UNKNOWN;
	if (a->known != b->known || change->kind == CHANGE_VALUE)
		add(d, change);
}

static void compare(struct report_diff *d, const struct report_probe *a,
		    const struct report_probe *b)
{
	for (size_t i = 0; i < property_count; i++) {
		struct report_change change = { .probe = a, .property = &property_table[i] };

		if (change.property->is_sample || !property_is_asked(change.property, a->verdict) ||
		    !property_is_asked(change.property, b->verdict))
			continue;
		property_get(change.property, a->verdict, &change.before);
		property_get(change.property, b->verdict, &change.after);
		compare_property(d, &change);
	}
}

/* a and b are of one interface and family; NULL: not in that report. */
static bool compare_probes(struct report_diff *d, const struct report_probe *a,
			   const struct report_probe *b)
{
	struct report_change change = { .probe = a != NULL ? a : b };
	struct report_change *bigger =
		realloc(d->items, (d->count + property_count + 1) * sizeof(*bigger));
	bool in_a = a != NULL && has_answer(a);
	bool in_b = b != NULL && has_answer(b);

	if (bigger == NULL)
		return false;
	d->items = bigger;
	if (in_a && in_b)
		compare(d, a, b);
	if (in_a == in_b)
		return true;
	change.kind = in_a ? CHANGE_REMOVED : CHANGE_ADDED;
	add(d, &change);
	return true;
}

bool report_diff_make(const struct report *before, const struct report *after,
		      struct report_diff *out)
{
	*out = (struct report_diff){ 0 };
	for (size_t i = 0; i < before->probe_count; i++) {
		const struct report_probe *a = &before->probes[i];

		if (!compare_probes(out, a, find(after, a)))
			return false;
	}
	for (size_t i = 0; i < after->probe_count; i++) {
		const struct report_probe *b = &after->probes[i];

		if (find(before, b) == NULL && !compare_probes(out, NULL, b))
			return false;
	}
	return true;
}

void report_diff_clear(struct report_diff *d)
{
	free(d->items);
	*d = (struct report_diff){ 0 };
}

const char *report_change_word(enum report_change_kind kind)
{
	static const char *const words[] = {
		[CHANGE_VALUE] = "changed",
		[CHANGE_UNKNOWN] = "unknown",
		[CHANGE_ADDED] = "added",
		[CHANGE_REMOVED] = "removed",
	};

	return words[kind];
}

static void print_change(const struct report_change *c, FILE *out)
{
	char before[PROPERTY_LONG_MAX];
	char after[PROPERTY_LONG_MAX];
	char name[REPORT_NAME_MAX];

	fprintf(out, "%s %s: ", report_name(c->probe->interface, name),
		c->probe->family == ADDR_IPV6 ? "ipv6" : "ipv4");
	switch (c->kind) {
	case CHANGE_ADDED:
		fputs("has an answer in the second report only\n", out);
		return;
	case CHANGE_REMOVED:
		fputs("has an answer in the first report only\n", out);
		return;
	default:
		fprintf(out, "%s: %s -> %s%s\n", c->property->name,
			property_print(c->property, &c->before, before),
			property_print(c->property, &c->after, after),
			c->kind == CHANGE_UNKNOWN ? ", not counted as a difference" : "");
		return;
	}
}

void report_diff_text(const struct report_diff *d, FILE *out)
{
	for (size_t i = 0; i < d->count; i++)
		print_change(&d->items[i], out);
	if (!d->differs)
		fprintf(out, "no difference among %zu values\n", d->compared);
}
