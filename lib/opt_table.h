/*
 * opt_table - rows of a table and the fields they stand for, shared by opt*.c only.
 */
#ifndef NATKIT_OPT_TABLE_H
#define NATKIT_OPT_TABLE_H

#include "opt_text.h"

/* A row, a heading in --help, or the end of a table. */
bool opt_is_end(const struct opt *o);
bool opt_is_heading(const struct opt *o);

/* Rows without the end; table may be NULL. */
size_t opt_table_len(const struct opt *table);

/* The row of that name, or NULL. */
const struct opt *opt_table_find(const struct opt *table, const char *name);

/* The row KEY-file that keeps a secret, for somebody who wrote KEY; or NULL. */
const struct opt *opt_table_find_secret(const struct opt *table, const char *name);

/* The row whose name is nearest, if it is near enough to have been meant; or NULL. */
const struct opt *opt_table_nearest(const struct opt *table, const char *name, int without_flags);

/* Sets all fields of a zeroed struct to their fallbacks. */
bool opt_table_defaults(const struct opt *table, void *base, struct opt_error *err);

/* Frees what the fields own and zeroes them. */
void opt_table_clear(const struct opt *table, void *base);

/*
 * Sets a field from text.
 * at      what stands behind the =; it moves behind what was read
 * append  items of a list are added; otherwise they replace what is there
 * On failure the field is as it was, or for a list holds the items before the bad one.
 */
bool opt_set(const struct opt *o, void *base, const char *text, enum opt_dialect dialect,
	     bool append, struct opt_error *err);

/* The field of a row, and the list of a section kind. */
static inline void *opt_field(const struct opt *o, void *base)
{
	return (char *)base + o->offset;
}

static inline const void *opt_const_field(const struct opt *o, const void *base)
{
	return (const char *)base + o->offset;
}

/* Struct number `i` of a kind of section, and its NAME. */
void *opt_section_at(const struct opt_section *s, void *conf, size_t i);
const void *opt_section_const_at(const struct opt_section *s, const void *conf, size_t i);
const char *opt_section_name(const struct opt_section *s, const void *section);
size_t opt_section_count(const struct opt_section *s, const void *conf);

/* The kind of section of that word, or NULL. sections may be NULL. */
const struct opt_section *opt_section_find(const struct opt_section *sections, const char *word);

/*
 * Adds one more struct, with fallbacks, for [word NAME].
 * Returns it (good until the next one is added), or NULL with the reason in err.
 */
void *opt_section_add(const struct opt_section *s, void *conf, const char *name,
		      struct opt_error *err);

#endif
