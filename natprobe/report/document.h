/* document - a file of natprobe check --json, for the commands that read one. */
#ifndef NATPROBE_DOCUMENT_H
#define NATPROBE_DOCUMENT_H

#include "report_read.h"

/* Reads it; "-" is standard input. NULL, after saying what is wrong. */
struct report_document *document_read(const char *path);

/* NULL, or why these operands cannot be the two documents of a command. */
const char *document_pair_fault(char *const *paths, size_t count);

/* Reads both, which are to be cleared in any case; false, after saying what is wrong. */
bool document_pair_read(char *const paths[2], struct report_document *pair[2]);
void document_pair_clear(struct report_document *pair[2]);

#endif
