/* report_read_deep - the deeper look of a report, read back; trusts nothing in it. */
#ifndef NATPROBE_REPORT_READ_DEEP_H
#define NATPROBE_REPORT_READ_DEEP_H

#include "report_get.h"

void get_deep(struct get *g, const json_t *interface, struct verdict *v);

#endif
