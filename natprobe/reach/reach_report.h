/* reach_report - what natprobe reach found, for people and for machines. */
#ifndef NATPROBE_REACH_REPORT_H
#define NATPROBE_REACH_REPORT_H

#include "reach_trial.h"
#include "natprobe/report/report.h"

#define REACH_JSON_VERSION 1
#define REACH_TEXT_MAX     384

struct reach_report {
	const char *program;
	struct reach_facts facts;
	struct reach_verdict verdict;
	const char *server; /* as the user wrote it; NULL: none could be asked */
	struct addr to;
	uint16_t port;  /* outside, that was tried */
	bool is_mapped; /* natprobe map opened it */
	int tap_error;  /* why nobody watches; 0: somebody does */
	uint64_t elapsed_ms;
};

/*
 * EXIT_REACHED where it is open; EXIT_NO_SERVER where no server answered; EXIT_INCONCLUSIVE where the
 * cause remains unknown; else EXIT_FAILED.
 */
enum report_exit reach_report_exit(const struct reach_report *r);

/* Sentences; remedy may be "". */
const char *reach_text_of(const struct reach_report *r, char buf[static REACH_TEXT_MAX]);
const char *reach_remedy_of(const struct reach_report *r, char buf[static REACH_TEXT_MAX]);

void reach_text(const struct reach_report *r, const struct report_style *style, FILE *out);
bool reach_json(const struct reach_report *r, FILE *out);

#endif
