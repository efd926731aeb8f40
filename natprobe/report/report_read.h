/*
 * report_read - a document of report_json, read back into a report. Pure: bytes in, a report out.
 *
 * Anything may stand in the file. Members that an older natprobe did not write are as if nothing
 * had been measured; members that are not known are skipped; a word or number that makes no
 * sense is an error. Text is made safe to print.
 */
#ifndef NATPROBE_REPORT_READ_H
#define NATPROBE_REPORT_READ_H

#include "report.h"
#include "wire.h"

#define REPORT_READ_BYTES_MAX  (4u << 20)
#define REPORT_READ_PROBES_MAX 256 /* interfaces, and servers */

struct report_read_error {
	char text[240]; /* where, and what is wrong */
};

struct report_document;

/* NULL, and *error, where it is no such document. */
struct report_document *report_read(struct bytes json, struct report_read_error *error);
void report_document_free(struct report_document *d); /* NULL is fine */

/* Borrowed until report_document_free. */
const struct report *report_document_report(const struct report_document *d);

#endif
