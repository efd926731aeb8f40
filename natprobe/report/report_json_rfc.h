/* report_json_rfc - what the RFCs demand of a NAT, and whether this one does it, as JSON. */
#ifndef NATPROBE_REPORT_JSON_RFC_H
#define NATPROBE_REPORT_JSON_RFC_H

#include "report_json_put.h"

/* An array with an object for each requirement. */
json_t *json_rfc(struct json *j, const struct verdict *v);

#endif
