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

#include "natprobe/verdict.h"

#define PROPERTY_NAME_MAX 24
#define PROPERTY_TEXT_MAX 64

enum property_kind {
	PROPERTY_WORD,    /* one of a closed set */
	PROPERTY_INTEGER, /* exact; "none" where it does not apply */
	PROPERTY_MEASURE, /* an interval, in `unit`; "none" where it does not apply */
	PROPERTY_ADDRESS, /* without port; "none" where it is known that there is none */
	PROPERTY_TEXT,    /* a country */
};

struct property {
	const char *name;         /* "mapping", "delta.type", "rtt" */
	uint8_t kind;             /* enum property_kind */
	const char *unit;         /* "ms", "%", or "" */
	const char *const *words; /* of PROPERTY_WORD, NULL at the end; all but "unknown" */
	const char *title;        /* for people: "mapping over TCP" */
	bool is_core;             /* unknown makes the whole run inconclusive: nat, mapping,
				     filtering */
	bool is_sample;           /* differs from run to run on one and the same path */
	bool is_deep;             /* only a deeper look tells (verdict_deep.h) */
	bool is_passing;          /* a sample, or what a network may change without behaving
				     otherwise: an address, a country */
};

extern const struct property property_table[];
extern const size_t property_count;

/* The row of a value of the deeper look. */
const struct property *property_of_deep(enum deep_property which);

/* False: this run was not asked to look that deep. */
bool property_is_asked(const struct property *p, const struct verdict *v);

/* NULL where there is none of that name. */
const struct property *property_find(const char *name);

/* The property whose name looks most like that one. Never NULL. */
const struct property *property_nearest(const char *name);

struct property_value {
	bool known;
	char text[PROPERTY_TEXT_MAX]; /* as printed: the word, "-1", "47.1 to 52.3 ms"; "none"
					 where it does not apply; "unknown" */
	int64_t integer;              /* PROPERTY_INTEGER */
	bool applies;                 /* false: `text` is "none" */
	double low, high;             /* PROPERTY_MEASURE */
	struct addr addr;             /* PROPERTY_ADDRESS */
	uint32_t possible;            /* PROPERTY_WORD that is not known: bit i where words[i] was
					 not excluded; 0: nothing was */
	enum verdict_cause cause;     /* where not known */
};

void property_get(const struct property *p, const struct verdict *v, struct property_value *out);

/*
 * Prints a value for people, with what remained possible and why where it is unknown:
 * "unknown (no or internal-source: this host drops packets ...)". Returns buf.
 */
#define PROPERTY_LONG_MAX 256
const char *property_print(const struct property *p, const struct property_value *value,
			   char buf[static PROPERTY_LONG_MAX]);

#endif
