/* report_text_explain - what it means: for peers, and for the user. */
#ifndef NATPROBE_REPORT_TEXT_EXPLAIN_H
#define NATPROBE_REPORT_TEXT_EXPLAIN_H

#include "report_text_put.h"

/* What to expect with which peer; and each property in a sentence, of --explain. */
void text_meaning(const struct text *t, const struct verdict *v);
void text_explain(const struct text *t, const struct verdict *v);

/* One line with all that matters and no address in it, to be pasted somewhere. */
void text_line(const struct text *t, const struct report_probe *p);

#endif
