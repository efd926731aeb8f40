#include "opt_table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "opt_value.h"

/* More of them are a mistake, or somebody trying. */
#define SECTIONS_MAX 10000

bool opt_is_end(const struct opt *o)
{
	return o->name == NULL && o->help == NULL;
}

bool opt_is_heading(const struct opt *o)
{
	return o->name == NULL && o->help != NULL;
}

size_t opt_table_len(const struct opt *table)
{
	size_t len = 0;

	while (table != NULL && !opt_is_end(&table[len]))
		len++;
	return len;
}

const struct opt *opt_table_find(const struct opt *table, const char *name)
{
	for (const struct opt *o = table; !opt_is_end(o); o++) {
		if (o->name != NULL && strcmp(o->name, name) == 0)
			return o;
	}
	return NULL;
}

const struct opt *opt_table_find_secret(const struct opt *table, const char *name)
{
	size_t len = strlen(name);

	for (const struct opt *o = table; !opt_is_end(o); o++) {
		if (o->name != NULL && (o->flags & OPT_SECRET_FILE) &&
		    strncmp(o->name, name, len) == 0 && strcmp(o->name + len, "-file") == 0)
			return o;
	}
	return NULL;
}

/* Some programs take that for the whole. */
static bool is_start_of(const char *name, const char *whole)
{
	size_t len = strlen(name);

	return len > 2 && strncmp(name, whole, len) == 0;
}

const struct opt *opt_table_nearest(const struct opt *table, const char *name, int without_flags)
{
	const struct opt *nearest = NULL;
	size_t least = strlen(name) / 3 + 2; /* farther off is another word */

	for (const struct opt *o = table; !opt_is_end(o); o++) {
		if (o->name == NULL || (o->flags & without_flags))
			continue;
		size_t distance = is_start_of(name, o->name) ? 1 : opt_text_distance(o->name, name);
		if (distance < least) {
			least = distance;
			nearest = o;
		}
	}
	return nearest;
}

static void clear_list(enum opt_type type, struct opt_list *list)
{
	if (opt_type_is_str(type)) {
		for (size_t i = 0; i < list->count; i++)
			free(((char **)list->items)[i]);
	}
	free(list->items);
	*list = (struct opt_list){ 0 };
}

static void clear_field(const struct opt *o, void *field)
{
	if (opt_type_is_list(o->type)) {
		clear_list(o->type, field);
		return;
	}
	if (opt_type_is_str(o->type))
		free(*(char **)field);
	memset(field, 0, opt_item_size(o->type));
}

static void unset_field(const struct opt *o, void *field)
{
	if (o->type == OPT_INT)
		*(int64_t *)field = OPT_UNSET_INT;
	else
		*(uint64_t *)field = OPT_UNSET_AMOUNT;
}

void opt_table_clear(const struct opt *table, void *base)
{
	for (const struct opt *o = table; !opt_is_end(o); o++) {
		if (!opt_is_heading(o))
			clear_field(o, opt_field(o, base));
	}
}

bool opt_table_defaults(const struct opt *table, void *base, struct opt_error *err)
{
	for (const struct opt *o = table; !opt_is_end(o); o++) {
		if (!opt_is_heading(o) && (o->flags & OPT_OPTIONAL))
			unset_field(o, opt_field(o, base));
		if (opt_is_heading(o) || o->fallback == NULL)
			continue;
		if (!opt_set(o, base, o->fallback, OPT_IN_ARGS, false, err))
			return opt_fail_in(err, "table: %s: fallback", o->name);
	}
	return true;
}

/* Room for one more struct of `size` bytes, zeroed; NULL when memory runs out. */
static void *list_grow(struct opt_list *list, size_t size)
{
	char *items = realloc(list->items, (list->count + 1) * size);

	if (items == NULL)
		return NULL;
	list->items = items;
	return memset(items + list->count++ * size, 0, size);
}

static bool list_append(const struct opt *o, struct opt_list *list, const char *text,
			struct opt_error *err)
{
	union opt_item item;
	size_t size = opt_item_size(o->type);

	if (!opt_item_parse(o, text, &item, err))
		return false;
	void *place = list_grow(list, size);
	if (place == NULL) {
		if (opt_type_is_str(o->type))
			free(item.str);
		return opt_fail(err, "out of memory");
	}
	memcpy(place, &item, size);
	return true;
}

/* room: as many bytes as text. */
static bool set_list(const struct opt *o, struct opt_list *list, const char *text, char *room,
		     enum opt_dialect dialect, struct opt_error *err)
{
	bool quoted, more, first = true;

	do {
		if (!opt_take_item(&text, dialect, true, room, &quoted, &more, err))
			return false;
		if (room[0] == '\0' && !quoted) {
			if (!first || more)
				return opt_fail(err, "an empty item; drop the comma too many");
			clear_list(o->type, list);
			return true;
		}
		if (!list_append(o, list, room, err))
			return false;
		first = false;
	} while (more);
	return true;
}

static bool may_be_empty(enum opt_type type)
{
	return opt_type_is_str(type) || type == OPT_ADDR || type == OPT_CIDR;
}

static bool set_scalar(const struct opt *o, void *field, const char *text, struct opt_error *err)
{
	union opt_item item;

	if (text[0] == '\0' && may_be_empty(o->type)) {
		clear_field(o, field);
		return true;
	}
	if (text[0] == '\0' && (o->flags & OPT_OPTIONAL)) {
		unset_field(o, field);
		return true;
	}
	if (text[0] == '\0')
		return opt_fail(err, "a value is missing");
	if (!opt_item_parse(o, text, &item, err))
		return false;
	clear_field(o, field);
	memcpy(field, &item, opt_item_size(o->type));
	return true;
}

bool opt_set(const struct opt *o, void *base, const char *text, enum opt_dialect dialect,
	     bool append, struct opt_error *err)
{
	void *field = opt_field(o, base);
	bool quoted, more, ok;

	if (!opt_type_is_list(o->type) && dialect == OPT_IN_ARGS)
		return set_scalar(o, field, text, err);

	char *room = malloc(strlen(text) + 1);
	if (room == NULL)
		return opt_fail(err, "out of memory");
	if (opt_type_is_list(o->type)) {
		if (!append)
			clear_list(o->type, field);
		ok = set_list(o, field, text, room, dialect, err);
	} else {
		ok = opt_take_item(&text, dialect, false, room, &quoted, &more, err) &&
		     set_scalar(o, field, room, err);
	}
	free(room);
	return ok;
}

static const struct opt_list *section_list(const struct opt_section *s, const void *conf)
{
	return (const void *)((const char *)conf + s->list_offset);
}

size_t opt_section_count(const struct opt_section *s, const void *conf)
{
	return section_list(s, conf)->count;
}

void *opt_section_at(const struct opt_section *s, void *conf, size_t i)
{
	return (char *)section_list(s, conf)->items + i * s->size;
}

const void *opt_section_const_at(const struct opt_section *s, const void *conf, size_t i)
{
	return (const char *)section_list(s, conf)->items + i * s->size;
}

const char *opt_section_name(const struct opt_section *s, const void *section)
{
	return *(char *const *)(const void *)((const char *)section + s->name_offset);
}

const struct opt_section *opt_section_find(const struct opt_section *sections, const char *word)
{
	for (const struct opt_section *s = sections; s != NULL && s->word != NULL; s++) {
		if (strcmp(s->word, word) == 0)
			return s;
	}
	return NULL;
}

void *opt_section_add(const struct opt_section *s, void *conf, const char *name,
		      struct opt_error *err)
{
	struct opt_list *list = (void *)((char *)conf + s->list_offset);
	char *own_name;
	char *section;

	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(opt_section_name(s, opt_section_at(s, conf, i)), name) == 0) {
			opt_fail(err, "a second section of that name; give each its own");
			return NULL;
		}
	}
	if (list->count >= SECTIONS_MAX) {
		opt_fail(err, "more than %d sections of that kind", SECTIONS_MAX);
		return NULL;
	}
	own_name = strdup(name);
	section = own_name != NULL ? list_grow(list, s->size) : NULL;
	if (section == NULL) {
		free(own_name);
		opt_fail(err, "out of memory");
		return NULL;
	}
	*(char **)(void *)(section + s->name_offset) = own_name;
	return opt_table_defaults(s->table, section, err) ? section : NULL;
}
