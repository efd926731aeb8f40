/* report_text_evidence - what the values were concluded from. */
#ifndef NATPROBE_REPORT_TEXT_EVIDENCE_H
#define NATPROBE_REPORT_TEXT_EVIDENCE_H

#include "report_text_put.h"

/* The evidence, of --verbose. */
void text_evidence(const struct text *t, const struct report_probe *p);

#endif
