/*
 * opt_value - one value of one type from text and back, shared by opt*.c only.
 *
 * An item is what a field holds, or one element where the field is a list.
 */
#ifndef NATKIT_OPT_VALUE_H
#define NATKIT_OPT_VALUE_H

#include "opt.h"

union opt_item {
	bool flag;
	int64_t number;
	uint64_t amount; /* OPT_MS, OPT_BYTES */
	int choice;
	char *str; /* owned */
	struct addr addr;
	struct opt_cidr cidr;
};

bool opt_type_is_list(enum opt_type type);

/* char *, or a list of them. */
bool opt_type_is_str(enum opt_type type);

/* Bytes that one item takes in a struct or a list. */
size_t opt_item_size(enum opt_type type);

/*
 * Parses text without quotes or blanks around it. *item is set on success only. The message
 * has no place yet. An empty text is a mistake for any type that is not a string.
 */
bool opt_item_parse(const struct opt *o, const char *text, union opt_item *item,
		    struct opt_error *err);

/* Prints what opt_item_parse (and opt_take_item) reads back. */
void opt_item_print(const struct opt *o, const union opt_item *item, FILE *out);

/* The field holds what no text can say: nothing was set, and there is no fallback. */
bool opt_item_is_unset(const struct opt *o, const union opt_item *item);

bool opt_item_equal(enum opt_type type, const union opt_item *a, const union opt_item *b);

#endif
