/* report_json_put - what report_json*.c share: putting values into the document. */
#ifndef NATPROBE_REPORT_JSON_PUT_H
#define NATPROBE_REPORT_JSON_PUT_H

#include "report.h"

#include <jansson.h>

/*
 * The document is built whole and printed once, so that a reader never sees half of it. A
 * failed allocation anywhere leaves `failed` behind.
 */
struct json {
	bool failed;
};

void json_put(struct json *j, json_t *object, const char *key, json_t *value);
void json_add(struct json *j, json_t *array, json_t *value);

enum json_shape {
	JSON_MANY_LINES, /* indented, for people as well */
	JSON_ONE_LINE,
};

/* Prints the document, and lets go of it. False where it is not whole, or was not written. */
bool json_finish(const struct json *j, json_t *document, enum json_shape shape, FILE *out);

/* null for NULL. */
json_t *json_text(const char *s);

/* null for no address. */
json_t *json_addr(const struct addr *a);

/* The same without a port. */
json_t *json_ip(const struct addr *a);

/* Microseconds, as milliseconds. */
json_t *json_ms(uint64_t us);

/* A chance or a share, to six digits. */
json_t *json_share(double value);

/* null where it is not known. */
json_t *json_interval(struct json *j, const struct verdict_interval *i);

/* "reason" and "reason_text" stand beside every value; null where nothing is open. */
void json_put_reason(struct json *j, json_t *o, bool has_one, uint8_t cause);
json_t *json_yes_no(struct json *j, const struct verdict_yes_no *v);

#endif
