/*
 * behaviour - every knob of a box and of a line as text: one table for the command line, the file
 * of a topology, and `natlab show`. Pure.
 */
#ifndef NATLAB_BEHAVIOUR_H
#define NATLAB_BEHAVIOUR_H

#include <stdio.h>

#include "opt.h"
#include "plan.h"

#define BEHAVIOURS_MAX 64

struct behaviour_kind;

struct behaviour {
	const char *name; /* of the option and the key */
	const struct behaviour_kind *kind;
	bool of_line;  /* of struct nat_link_config, else of struct nat_config */
	size_t offset; /* of its field */
	const char *help;
};

extern const struct behaviour behaviours[];
extern const size_t behaviour_count;

/* What was said about each, NULL: nothing. Owned by whoever reads options. */
struct behaviour_values {
	char *text[BEHAVIOURS_MAX];
};

/*
 * Rows for a table of options, one for each behaviour; `offset` is that of a struct
 * behaviour_values. Fills behaviour_count rows.
 */
void behaviour_rows(struct opt *rows, size_t offset, int flags);

/*
 * Changes a box and its line by what was said. A word that only makes sense with another one
 * brings that along: --step makes ports sequential, where they did not step before.
 */
bool behaviours_apply(const struct behaviour_values *v, struct nat_config *config,
		      struct nat_link_config *line, struct lab_error *err);

/* Something was said about the box, or about the line. */
bool behaviours_name(const struct behaviour_values *v, bool of_line);

/* Prints `key = value` lines that give this box; without `all` those that differ from a plain
 * router on a plain line. */
void behaviours_print(const struct nat_config *config, const struct nat_link_config *line, bool all,
		      FILE *out);

/* The same, one by one. */
void behaviours_each(const struct nat_config *config, const struct nat_link_config *line, bool all,
		     void (*print)(void *arg, const char *name, const char *value), void *arg);

#endif
