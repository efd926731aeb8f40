/* report_text_rfc - what the RFCs demand of a NAT, and whether this one does it. */
#ifndef NATPROBE_REPORT_TEXT_RFC_H
#define NATPROBE_REPORT_TEXT_RFC_H

#include "report_text_put.h"

void text_rfc(const struct text *t, const struct verdict *v);

#endif
