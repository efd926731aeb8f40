/*
 * relay_report - what a run of natprobe relay found, for people (relay_text.c) and for machines
 * (relay_json.c). Prints one struct, asks nobody.
 */
#ifndef NATPROBE_RELAY_REPORT_H
#define NATPROBE_RELAY_REPORT_H

#include "relay_result.h"
#include "natprobe/report/report.h"

#define RELAY_JSON_VERSION 1 /* grows when a reader of the old would misread the new */

/* One trial: a transport and an address. */
struct relay_row {
	struct relay_result result;
	char certificate[112]; /* what is wrong with it, and was let pass; may be empty */
};

struct relay_report {
	const char *program; /* "natprobe 0.1.0" */
	const char *uri;
	const struct relay_row *rows;
	size_t count;
	const char *why; /* there is nowhere to try; NULL otherwise */
	uint64_t elapsed_ms;
};

/* The exit code of the whole: EXIT_REACHED where all that could be tried works. */
enum report_exit relay_report_exit(const struct relay_report *r);

/* Bits a second that arrived at the other client, without headers. */
double relay_report_rate(const struct relay_result *r, const struct relay_loop *loop);

void relay_text(const struct relay_report *r, const struct report_style *style, FILE *out);

/* Prints one document. False when memory runs out. */
bool relay_json(const struct relay_report *r, FILE *out);

#endif
