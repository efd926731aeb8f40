/*
 * report_diff - what differs between two reports, by interface, family and property. Pure.
 *
 * Measures differ where their intervals do not overlap, and times are allowed twice as much and
 * 20 ms on top. A value that one report does not know is
 * told, but is no difference, unless what remained possible excludes the other one.
 */
#ifndef NATPROBE_REPORT_DIFF_H
#define NATPROBE_REPORT_DIFF_H

#include "property.h"
#include "report.h"

enum report_change_kind {
	CHANGE_VALUE,   /* another value */
	CHANGE_UNKNOWN, /* one of the two is not known; no difference */
	CHANGE_ADDED, /* the interface is in the second report only, or has an answer there only */
	CHANGE_REMOVED, /* the other way round */
};

struct report_change {
	const struct report_probe *probe; /* of the first report that has it */
	const struct property *property;  /* of a value */
	uint8_t kind;                     /* enum report_change_kind */
	struct property_value before, after;
};

struct report_diff {
	struct report_change *items;
	size_t count;
	size_t compared; /* values, in both reports */
	bool differs;
};

/* Returns false when memory runs out. The reports must outlive *out. */
bool report_diff_make(const struct report *before, const struct report *after,
		      struct report_diff *out);
void report_diff_clear(struct report_diff *d); /* zeroed is fine */

/* "changed", "unknown", "added", "removed". */
const char *report_change_word(enum report_change_kind kind);

void report_diff_text(const struct report_diff *d, FILE *out);

/* One JSON document; before and after name the files. False when memory or `out` fails. */
bool report_diff_json(const struct report_diff *d, const char *before, const char *after,
		      FILE *out);

#endif
