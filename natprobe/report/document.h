/* document - a file of natprobe check --json, for the commands that read one. */
#ifndef NATPROBE_DOCUMENT_H
#define NATPROBE_DOCUMENT_H

#include "report_read.h"

/* Reads it; "-" is standard input. NULL, after saying what is wrong. */
struct report_document *document_read(const char *path);

#endif
