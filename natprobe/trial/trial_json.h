/*
 * trial_json - a run of trials for machines, and back; doc/natprobe-punch.schema.json describes it.
 */
#ifndef NATPROBE_TRIAL_JSON_H
#define NATPROBE_TRIAL_JSON_H

#include <stdio.h>

#include "natprobe/report/report_read.h"
#include "trial_record.h"

#define TRIAL_JSON_VERSION   1    /* grows when a reader of the old would misread the new */
#define TRIAL_READ_MAX       1000 /* trials of one run */
#define TRIAL_READ_BYTES_MAX (64u << 20)

/*
 * EXIT_REACHED where a trial made a path; else EXIT_INCONCLUSIVE where it is not known of any why
 * not, EXIT_FAILED where it is.
 */
enum report_exit trial_exit(const struct trial_run *run);

/* All of the run as one document. False where it cannot be written. */
bool trial_json(const struct trial_run *run, FILE *out);

/*
 * Anything may stand in the bytes: members that are not known are skipped, a word or number that
 * makes no sense is an error. False, and *error; *out is then empty.
 */
bool trial_read(struct bytes json, struct trial_run *out, struct report_read_error *error);

#endif
