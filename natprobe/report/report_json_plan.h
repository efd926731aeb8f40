/* report_json_plan - what to expect with which peer, for machines. */
#ifndef NATPROBE_REPORT_JSON_PLAN_H
#define NATPROBE_REPORT_JSON_PLAN_H

#include "report_json_put.h"

/* Which way of connecting works with which kind of peer. */
json_t *json_plan(struct json *j, const struct verdict *v);

#endif
