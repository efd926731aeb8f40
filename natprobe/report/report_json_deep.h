/* report_json_deep - what a deeper look found, with the evidence, for machines. */
#ifndef NATPROBE_REPORT_JSON_DEEP_H
#define NATPROBE_REPORT_JSON_DEEP_H

#include "report_json_put.h"

/* null where nobody looked. */
json_t *json_deep(struct json *j, const struct verdict *v);

/* "one-way", "two-way", "low-port", "refresh-outbound", "refresh-inbound". */
const char *json_ladder_word(enum deep_ladder ladder);

/* "unknown", "none", "word", "number". */
const char *json_deep_state_word(enum deep_state state);

#endif
