/*
 * twin_report - a report of natprobe, and the one of its interfaces that a twin is made of. Pure:
 * bytes in, a verdict out.
 */
#ifndef NATLAB_TWIN_REPORT_H
#define NATLAB_TWIN_REPORT_H

#include "natprobe/report/report_read.h"
#include "plan.h"

#define TWIN_BYTES_MAX (64u << 20) /* of a log of natprobe watch */

/* Which interface is wanted. */
struct twin_choice {
	const char *interface; /* NULL: any */
	uint8_t family;        /* ADDR_NONE: any */
	int64_t line;          /* of a log, from 1 on; 0: the last one */
};

/*
 * A report of natprobe check --json, or one line of a log that natprobe watch wrote. NULL, and
 * *err.
 */
struct report_document *twin_report_read(struct bytes text, int64_t line, struct lab_error *err);

/*
 * The first interface of the choice that reached a verdict, or else the first that left something
 * open. NULL, and *err: why there is none, and what to do. Borrowed of the report.
 */
const struct report_probe *twin_report_pick(const struct report *r,
					    const struct twin_choice *choice,
					    struct lab_error *err);

#endif
