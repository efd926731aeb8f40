#include "report_get.h"

#include <stdlib.h>
#include <string.h>

void get_fail(struct get *g, const char *key, const char *what)
{
	if (g->failed)
		return;
	g->failed = true;
	if (g->in_interfaces)
		snprintf(g->error->text, sizeof(g->error->text), "interfaces[%zu]: \"%.60s\" %s",
			 g->interface, key, what);
	else
		snprintf(g->error->text, sizeof(g->error->text), "\"%.60s\" %s", key, what);
}

/* Control characters would reach a terminal. UTF-8 is checked by the parser. */
static void make_safe(json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	bool is_safe = true;
	char *copy;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		bool is_c1 = c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0;

		is_safe = is_safe && c >= ' ' && c != 0x7f && !is_c1;
	}
	if (is_safe)
		return;
	copy = calloc(1, len + 1);
	for (size_t i = 0; copy != NULL && i < len; i++)
		copy[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
	json_string_set(value, copy != NULL ? copy : "?");
	free(copy);
}

void get_make_safe(json_t *value)
{
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_string(value))
		make_safe(value);
	json_array_foreach(value, i, child)
		get_make_safe(child);
	json_object_foreach(value, key, child)
		get_make_safe(child);
}

void get_say_syntax(const json_error_t *why, struct report_read_error *error)
{
	snprintf(error->text, sizeof(error->text), "line %d: %.160s", why->line, why->text);
	for (char *p = error->text; *p != '\0'; p++) {
		if (*p < ' ' || *p >= 0x7f)
			*p = '?';
	}
}

const json_t *get_any(const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);

	return json_is_null(value) ? NULL : value;
}

const json_t *get_object(struct get *g, const json_t *o, const char *key)
{
	const json_t *value = get_any(o, key);

	if (value == NULL || json_is_object(value))
		return value;
	get_fail(g, key, "is no object");
	return NULL;
}

const json_t *get_array(struct get *g, const json_t *o, const char *key, size_t max)
{
	const json_t *value = get_any(o, key);

	if (value == NULL)
		return NULL;
	if (!json_is_array(value))
		get_fail(g, key, "is no array");
	else if (json_array_size(value) > max)
		get_fail(g, key, "has too many elements");
	else
		return value;
	return NULL;
}

int64_t get_integer(struct get *g, const json_t *o, const char *key, int64_t min, int64_t max)
{
	const json_t *value = get_any(o, key);

	if (value == NULL)
		return 0;
	if (json_is_integer(value) && json_integer_value(value) >= min &&
	    json_integer_value(value) <= max)
		return json_integer_value(value);
	get_fail(g, key, "is no whole number within its range");
	return 0;
}

uint64_t get_count(struct get *g, const json_t *o, const char *key, uint64_t max)
{
	return (uint64_t)get_integer(g, o, key, 0, (int64_t)max);
}

/* NaN and infinity are no JSON; what is compared here is a number. */
static double get_number(struct get *g, const json_t *o, const char *key, double max)
{
	const json_t *value = get_any(o, key);
	double number;

	if (value == NULL)
		return 0;
	number = json_number_value(value);
	if (json_is_number(value) && number >= 0 && number <= max)
		return number;
	get_fail(g, key, "is no number within its range");
	return 0;
}

double get_share(struct get *g, const json_t *o, const char *key)
{
	return get_number(g, o, key, 1);
}

uint64_t get_us(struct get *g, const json_t *o, const char *key)
{
	return (uint64_t)(get_number(g, o, key, 1e9) * 1000 + 0.5);
}

bool get_bool(struct get *g, const json_t *o, const char *key)
{
	const json_t *value = get_any(o, key);

	if (value != NULL && !json_is_boolean(value))
		get_fail(g, key, "is neither true nor false");
	return json_is_true(value);
}

const char *get_text(struct get *g, const json_t *o, const char *key)
{
	const json_t *value = get_any(o, key);

	if (value != NULL && !json_is_string(value))
		get_fail(g, key, "is no text");
	return json_string_value(value);
}

struct addr get_addr(struct get *g, const json_t *o, const char *key)
{
	const char *text = get_text(g, o, key);
	struct addr a = { 0 };

	if (text != NULL && !addr_parse(text, 0, &a))
		get_fail(g, key, "is no address with a port");
	return a;
}

struct addr get_ip_of(struct get *g, const json_t *text, const char *key)
{
	struct addr a = { 0 };

	if (!json_is_string(text) || !addr_parse_ip(json_string_value(text), 0, &a))
		get_fail(g, key, "is no address");
	return a;
}

struct addr get_ip(struct get *g, const json_t *o, const char *key)
{
	const json_t *value = get_any(o, key);

	return value != NULL ? get_ip_of(g, value, key) : (struct addr){ 0 };
}

/* The word of one value; NULL behind the last one. */
static const char *word_of(enum get_set set, unsigned value)
{
	static const unsigned ends[] = {
		[GET_ANSWER] = VERDICT_MIXED + 1,
		[GET_BEHAVIOUR] = BEHAVIOURS,
		[GET_CAUSE] = CAUSES,
		[GET_DELTA] = DELTAS,
		[GET_POOLING] = POOLINGS,
		[GET_HAIRPIN] = HAIRPINS,
		[GET_LEGACY] = LEGACIES,
		[GET_FILTER] = FILTER_KINDS,
		[GET_CGN] = 5,
	};

	if (value >= ends[set])
		return NULL;
	switch (set) {
	case GET_ANSWER:
		return verdict_answer_word((enum verdict_answer)value);
	case GET_BEHAVIOUR:
		return verdict_behaviour_word((enum verdict_behaviour)value);
	case GET_CAUSE:
		return verdict_cause_word((enum verdict_cause)value);
	case GET_DELTA:
		return verdict_delta_word((enum verdict_delta)value);
	case GET_POOLING:
		return verdict_pooling_word((enum verdict_pooling)value);
	case GET_HAIRPIN:
		return verdict_hairpin_word((enum verdict_hairpin)value);
	case GET_LEGACY:
		return verdict_legacy_word((enum verdict_legacy)value);
	case GET_FILTER:
		return verdict_filter_word((enum verdict_filter_kind)value);
	default:
		return verdict_cgn_word((enum verdict_cgn_hint)(1u << value));
	}
}

static uint8_t find_word(struct get *g, const json_t *text, const char *key, enum get_set set)
{
	const char *want = json_string_value(text);
	const char *word;

	for (unsigned i = 0; want != NULL && (word = word_of(set, i)) != NULL; i++) {
		if (strcmp(word, want) == 0)
			return (uint8_t)i;
	}
	get_fail(g, key, "is no word that this natprobe knows");
	return 0;
}

uint8_t get_word(struct get *g, const json_t *o, const char *key, enum get_set set)
{
	const json_t *value = get_any(o, key);

	return value != NULL ? find_word(g, value, key, set) : 0;
}

uint32_t get_bits(struct get *g, const json_t *o, const char *key, enum get_set set)
{
	const json_t *list = get_array(g, o, key, 32);
	uint32_t bits = 0;
	const json_t *text;
	size_t i;

	json_array_foreach(list, i, text)
		bits |= 1u << find_word(g, text, key, set);
	return bits;
}

uint8_t get_cause(struct get *g, const json_t *o, uint8_t value)
{
	uint8_t cause = get_word(g, o, "reason", GET_CAUSE);

	return value == 0 && cause == CAUSE_NONE ? CAUSE_NOT_TRIED : cause;
}

uint8_t get_cause_of_unknown(struct get *g, const json_t *o, uint8_t value)
{
	uint8_t cause = get_cause(g, o, value);

	return value == 0 ? cause : CAUSE_NONE;
}

struct verdict_yes_no get_yes_no(struct get *g, const json_t *o, const char *key)
{
	const json_t *answer = get_object(g, o, key);
	uint8_t value = get_word(g, answer, "value", GET_ANSWER);

	return (struct verdict_yes_no){ .value = value,
					.cause = get_cause_of_unknown(g, answer, value) };
}

struct verdict_interval get_interval(struct get *g, const json_t *o, const char *key)
{
	const json_t *value = get_object(g, o, key);
	struct verdict_interval out = { .low = get_share(g, value, "low"),
					.high = get_share(g, value, "high"),
					.known = value != NULL };

	if (out.low > out.high)
		get_fail(g, key, "ends before it begins");
	return out;
}
