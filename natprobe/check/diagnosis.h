/*
 * diagnosis - what natprobe check does between its options and its report: servers are chosen and
 * resolved, interfaces chosen and probed. Any number of times: natprobe watch repeats it.
 *
 * What is wrong is printed at once; functions return 0 or the exit code that natprobe ends with.
 */
#ifndef NATPROBE_DIAGNOSIS_H
#define NATPROBE_DIAGNOSIS_H

#include <event2/event.h>

#include "check_options.h"
#include "natprobe/report/report.h"

struct diagnosis;

/* NULL when memory runs out. options: borrowed until diagnosis_free. */
struct diagnosis *diagnosis_new(const struct check_options *options);
void diagnosis_free(struct diagnosis *d); /* NULL is fine */

/* Runs on that base, which stays its lender's, and makes none; before diagnosis_prepare. */
void diagnosis_lend_base(struct diagnosis *d, struct event_base *base);

/* Before the first run: are the interfaces there, do the databases open? */
int diagnosis_prepare(struct diagnosis *d);

/* Runs it once. *out is borrowed until the next run, or diagnosis_free. */
int diagnosis_run(struct diagnosis *d, struct report *out);

/* Ends a run that is under way: what SIGINT does to its probes, for a caller that has signals of its own. */
void diagnosis_stop(struct diagnosis *d);

/* SIGINT, or diagnosis_stop, ended the last run. */
bool diagnosis_was_interrupted(const struct diagnosis *d);

/* Its event loop, for who waits between two runs. */
struct event_base *diagnosis_base(const struct diagnosis *d);

#endif
