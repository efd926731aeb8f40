/*
 * property - every property of a verdict by name: one table that reports, expectations, diffs
 * and doc/properties.md share.
 *
 * A property has a word ("endpoint-independent", "yes"), a whole number (a signed port step),
 * a measure that is known within an interval (a rate, a time), or an address; or it is unknown,
 * with a cause. Pure.
 */
#ifndef NATPROBE_PROPERTY_H
#define NATPROBE_PROPERTY_H

#include "verdict.h"

enum property_kind {
	PROPERTY_WORD,    /* one of a closed set */
	PROPERTY_INTEGER, /* exact; "none" where it does not apply */
	PROPERTY_MEASURE, /* an interval, in `unit` */
	PROPERTY_ADDRESS, /* without port */
	PROPERTY_TEXT,    /* country, AS */
};

struct property {
	const char *name;         /* "mapping", "delta.type", "rtt" */
	uint8_t kind;             /* enum property_kind */
	const char *unit;         /* "ms", "%", or "" */
	const char *const *words; /* of PROPERTY_WORD, NULL at the end; all but "unknown" */
	const char *title;        /* for people: "mapping over TCP" */
	bool is_core;             /* unknown makes the whole run inconclusive: nat, mapping,
				     filtering */
};

extern const struct property property_table[];
extern const size_t property_count;

/* NULL where there is none of that name. */
const struct property *property_find(const char *name);

struct property_value {
	bool known;
	char text[64];   /* as printed: the word, "-1", "47.1 to 52.3 ms"; "unknown" */
	int64_t integer; /* PROPERTY_INTEGER; `text` is "none" where it does not apply */
	bool applies;
	double low, high;         /* PROPERTY_MEASURE */
	enum verdict_cause cause; /* where not known */
};

void property_get(const struct property *p, const struct verdict *v, struct property_value *out);

#endif
