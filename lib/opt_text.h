/*
 * opt_text - the text side of options, shared by opt*.c only: messages, quotes, items of a
 * list, and the key that somebody probably meant.
 */
#ifndef NATKIT_OPT_TEXT_H
#define NATKIT_OPT_TEXT_H

#include "opt.h"

/* Sets the message. Returns false, so that a caller can return it. */
bool opt_fail(struct opt_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts the place, and ": ", before the message that is there. Returns false. */
bool opt_fail_in(struct opt_error *err, const char *place_format, ...)
	__attribute__((format(printf, 2, 3)));

/* What somebody wrote, short and free of control characters, for a message. */
struct opt_shown {
	char text[72];
};

struct opt_shown opt_show(const char *text);

static inline bool opt_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Where text comes from decides what is special in it. */
enum opt_dialect {
	OPT_IN_FILE, /* # starts a comment, "..." quotes, no control characters */
	OPT_IN_ARGS, /* the shell did the quoting; only items of a list may be in "..." */
};

/*
 * Takes one item off *at: quotes are undone, blanks around it dropped.
 * is_list   a comma ends the item
 * item      where it goes: strlen(*at) + 1 bytes
 * *quoted   it stood in quotes, so an empty one was meant
 * *more     a comma follows, and *at stands behind it
 */
bool opt_take_item(const char **at, enum opt_dialect dialect, bool is_list, char *item,
		   bool *quoted, bool *more, struct opt_error *err);

/* Prints a string so that opt_take_item reads the same: in quotes where it needs them. */
void opt_print_quoted(const char *text, FILE *out);

/* How many letters must be changed, added, dropped or swapped to get from a to b. */
size_t opt_text_distance(const char *a, const char *b);

#endif
