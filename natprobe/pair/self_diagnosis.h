/*
 * self_diagnosis - who we are, for commands that tell it to a peer: from a diagnosis of all
 * interfaces, or a saved report of one.
 *
 * What is wrong is printed at once; functions return 0 or the exit code that natprobe ends with.
 */
#ifndef NATPROBE_SELF_DIAGNOSIS_H
#define NATPROBE_SELF_DIAGNOSIS_H

#include "natprobe/check/diagnosis.h"
#include "natprobe/report/document.h"
#include "punch_options.h"
#include "punch_self.h"

/* Zero at first. */
struct self_diagnosis {
	const char *command;     /* for messages */
	struct event_base *lent; /* NULL: it makes a base of its own */
	const struct punch_options *options;
	struct check_options check_options;
	struct diagnosis *diagnosis;
	struct report_document *document; /* of --profile */
};

int self_diagnosis_open(struct self_diagnosis *s, const char *command,
			const struct punch_options *options);
struct event_base *self_diagnosis_base(const struct self_diagnosis *s);

/* Runs the base meanwhile. Fails where no interface can be used. */
int self_diagnosis_run(struct self_diagnosis *s, struct punch_self *out);

/* From a signal: the run that is under way ends. */
void self_diagnosis_stop(struct self_diagnosis *s);

void self_diagnosis_clear(struct self_diagnosis *s);

#endif
