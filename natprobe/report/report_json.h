/* report_json - the report for machines; doc/natprobe.schema.json describes it. */
#ifndef NATPROBE_REPORT_JSON_H
#define NATPROBE_REPORT_JSON_H

#include "report.h"

/* One JSON document with a final newline. False when memory or `out` fails. */
bool report_json(const struct report *r, FILE *out);

/* The same on one line, for files that grow. */
bool report_json_line(const struct report *r, FILE *out);

#endif
