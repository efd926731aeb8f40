#include "self_diagnosis.h"

#include <stdio.h>
#include <string.h>

static int failure(const struct self_diagnosis *s, int rc, const char *what, const char *why)
{
	fprintf(stderr, "natprobe: %s: %s: %s\n", s->command, what, why);
	return rc;
}

int self_diagnosis_open(struct self_diagnosis *s, const char *command,
			const struct punch_options *options)
{
	s->command = command;
	s->options = options;
	punch_options_check(options, false, &s->check_options);
	s->diagnosis = diagnosis_new(&s->check_options);
	if (s->diagnosis == NULL)
		return failure(s, EXIT_FAILED, "diagnosis", "out of memory");
	diagnosis_lend_base(s->diagnosis, s->lent);
	return diagnosis_prepare(s->diagnosis);
}

struct event_base *self_diagnosis_base(const struct self_diagnosis *s)
{
	return diagnosis_base(s->diagnosis);
}

/* Of this run, or a saved one. */
static int find_report(struct self_diagnosis *s, struct report *out)
{
	if (s->options->profile == NULL)
		return diagnosis_run(s->diagnosis, out);
	s->document = document_read(s->options->profile);
	if (s->document == NULL)
		return EXIT_USAGE;
	*out = *report_document_report(s->document);
	return 0;
}

int self_diagnosis_run(struct self_diagnosis *s, struct punch_self *out)
{
	struct report report;
	int rc = find_report(s, &report);

	if (rc != 0)
		return rc;
	if (diagnosis_was_interrupted(s->diagnosis))
		return EXIT_INCONCLUSIVE;
	rc = punch_self_make(&report, out);
	if (rc != 0)
		return failure(s, EXIT_FAILED, "interfaces", strerror(-rc));
	if (out->profile.path_count > 0)
		return 0;
	return s->options->profile != NULL
		       ? failure(s, EXIT_USAGE, s->options->profile,
				 "this host has none of the addresses that it tells of; probe anew")
		       : failure(s, EXIT_NO_SERVER, "interfaces",
				 "none is up with an address to make a path from; see `ip "
				 "address`");
}

void self_diagnosis_stop(struct self_diagnosis *s)
{
	if (s->diagnosis != NULL)
		diagnosis_stop(s->diagnosis);
}

void self_diagnosis_clear(struct self_diagnosis *s)
{
	report_document_free(s->document);
	diagnosis_free(s->diagnosis);
}
