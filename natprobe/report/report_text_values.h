/* report_text_values - the lines of a block: a property or two each. */
#ifndef NATPROBE_REPORT_TEXT_VALUES_H
#define NATPROBE_REPORT_TEXT_VALUES_H

#include "report_text_put.h"

/* The value of a property by its name, and the cause where it is unknown. */
void text_value(const struct text *t, const struct verdict *v, const char *property);

/* All lines of one interface and family. */
void text_values(const struct text *t, const struct report_probe *p);

#endif
