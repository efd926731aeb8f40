/* report_read_verdict - what was found out from one local address, read back. */
#ifndef NATPROBE_REPORT_READ_VERDICT_H
#define NATPROBE_REPORT_READ_VERDICT_H

#include "report_get.h"

/* All of a probed interface; names are borrowed from the document. */
void get_verdict(struct get *g, const json_t *o, struct verdict *v);

#endif
