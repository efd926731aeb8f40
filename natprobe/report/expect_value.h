/* expect_value - the value that an expectation names; shared by expect*.c only. */
#ifndef NATPROBE_EXPECT_VALUE_H
#define NATPROBE_EXPECT_VALUE_H

#include "property.h"

/* One item behind an operator. */
struct expect_value {
	bool is_unknown; /* "unknown" */
	bool is_none;    /* "none", of what may not apply; a word of that name is a word */
	bool is_number;
	double number;      /* in the property's unit */
	uint32_t word;      /* bit i: words[i] */
	struct addr net;    /* PROPERTY_ADDRESS */
	uint8_t prefix_len; /* in bits: of the whole address where it is just one */
};

/*
 * Copies the next item off *at, without blanks around it. is_list: commas separate items.
 * Returns false at the end.
 */
bool expect_item(const char **at, bool is_list, char *item, size_t cap);

/* Returns false where the property cannot have that value. */
bool expect_value_parse(const struct property *p, const char *item, struct expect_value *out);

/* What a value looks like: "a number such as -1, or none, or unknown". */
const char *expect_value_example(const struct property *p);

#endif
