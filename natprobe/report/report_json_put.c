#include "report_json_put.h"

#include <stdlib.h>

void json_put(struct json *j, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		j->failed = true;
}

void json_add(struct json *j, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		j->failed = true;
}

/* What is no UTF-8, such as a name that was cut, must not spoil the document. */
static json_t *ascii_text(const char *s)
{
	char buf[REPORT_NAME_MAX];

	return json_string(report_name(s, buf));
}

/* Figures have ten digits at most: what is behind is how binary numbers come out. */
bool json_finish(const struct json *j, json_t *document, enum json_shape shape, FILE *out)
{
	size_t flags =
		(shape == JSON_ONE_LINE ? JSON_COMPACT : JSON_INDENT(2)) | JSON_REAL_PRECISION(10);
	bool ok = !j->failed && json_dumpf(document, out, flags) == 0 && fputc('\n', out) != EOF &&
		  fflush(out) == 0;

	json_decref(document);
	return ok;
}

json_t *json_text(const char *s)
{
	json_t *text;

	if (s == NULL)
		return json_null();
	text = json_string(s);
	return text != NULL ? text : ascii_text(s);
}

json_t *json_addr(const struct addr *a)
{
	char buf[ADDR_TEXT_MAX];

	return a->family != ADDR_NONE ? json_string(addr_print(a, buf)) : json_null();
}

json_t *json_ip(const struct addr *a)
{
	char buf[ADDR_TEXT_MAX];

	return a->family != ADDR_NONE ? json_string(addr_print_ip(a, buf)) : json_null();
}

json_t *json_ms(uint64_t us)
{
	return json_real((double)us / 1000);
}

json_t *json_share(double value)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%.6g", value);
	return json_real(strtod(buf, NULL));
}

json_t *json_interval(struct json *j, const struct verdict_interval *i)
{
	json_t *o;

	if (!i->known)
		return json_null();
	o = json_object();
	json_put(j, o, "low", json_share(i->low));
	json_put(j, o, "high", json_share(i->high));
	return o;
}

void json_put_reason(struct json *j, json_t *o, bool has_one, uint8_t cause)
{
	enum verdict_cause c = (enum verdict_cause)cause;

	if (!has_one) {
		json_put(j, o, "reason", json_null());
		json_put(j, o, "reason_text", json_null());
		return;
	}
	if (c == CAUSE_NONE)
		c = CAUSE_NOT_TRIED; /* nothing unknown stands without its reason */
	json_put(j, o, "reason", json_string(verdict_cause_word(c)));
	json_put(j, o, "reason_text", json_string(verdict_cause_text(c)));
}

json_t *json_yes_no(struct json *j, const struct verdict_yes_no *v)
{
	json_t *o = json_object();

	json_put(j, o, "value", json_string(verdict_answer_word((enum verdict_answer)v->value)));
	json_put_reason(j, o, v->value == VERDICT_UNKNOWN, v->cause);
	return o;
}
