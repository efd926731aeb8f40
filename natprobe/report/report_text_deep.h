/* report_text_deep - what a deeper look found, for people. */
#ifndef NATPROBE_REPORT_TEXT_DEEP_H
#define NATPROBE_REPORT_TEXT_DEEP_H

#include "report_text_put.h"

/* A line for each value that is known, and one that says why others are not. */
void text_deep(const struct text *t, const struct verdict *v);

/* Which sockets found their mappings alive, and the routers on the way. */
void text_deep_evidence(const struct text *t, const struct verdict *v);

#endif
