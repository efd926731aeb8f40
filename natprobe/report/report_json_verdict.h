/* report_json_verdict - what was found out from one local address, for machines. */
#ifndef NATPROBE_REPORT_JSON_VERDICT_H
#define NATPROBE_REPORT_JSON_VERDICT_H

#include "report_json_put.h"

/* All members that an interface has where it was probed. */
void json_put_verdict(struct json *j, json_t *o, const struct verdict *v);

#endif
