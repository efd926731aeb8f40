/* The part of opt.h that prints a configuration, and compares two. */
#include "opt.h"

#include <stdarg.h>
#include <string.h>

#include "opt_table.h"
#include "opt_value.h"

static void print_list(const struct opt *o, const struct opt_list *list, FILE *out)
{
	size_t size = opt_item_size(o->type);

	for (size_t i = 0; i < list->count; i++) {
		union opt_item item;

		memcpy(&item, (const char *)list->items + i * size, size);
		fputs(i == 0 ? " " : ", ", out);
		opt_item_print(o, &item, out);
	}
}

static void print_row(const struct opt *o, const void *base, FILE *out)
{
	union opt_item item = { 0 };

	if (opt_type_is_list(o->type)) {
		fprintf(out, "%s =", o->name);
		print_list(o, opt_const_field(o, base), out);
		fputc('\n', out);
		return;
	}
	memcpy(&item, opt_const_field(o, base), opt_item_size(o->type));
	if (opt_item_is_unset(o, &item)) {
		/* Without a fallback the line would change nothing: it is shown, not said. */
		fprintf(out, "%s%s =\n", o->fallback == NULL ? "# " : "", o->name);
		return;
	}
	if (o->flags & OPT_SECRET) {
		fprintf(out, "# %s = (set, and not shown)\n", o->name);
		return;
	}
	fprintf(out, "%s = ", o->name);
	opt_item_print(o, &item, out);
	fputc('\n', out);
}

static void print_table(const struct opt *table, const void *base, FILE *out)
{
	for (const struct opt *o = table; !opt_is_end(o); o++) {
		if (!opt_is_heading(o) && !(o->flags & OPT_CLI_ONLY))
			print_row(o, base, out);
	}
}

/* So that whoever reads the print knows what more there is. */
static void print_template(const struct opt_section *s, FILE *out)
{
	fprintf(out, "\n# [%s NAME]\n", s->word);
	for (const struct opt *o = s->table; !opt_is_end(o); o++) {
		if (!opt_is_heading(o))
			fprintf(out, "# %s = %s\n", o->name,
				o->fallback != NULL ? o->fallback : "");
	}
}

void opt_print_config(const struct opt_program *p, const void *conf, FILE *out)
{
	print_table(p->table, conf, out);
	for (const struct opt_section *s = p->sections; s != NULL && s->word != NULL; s++) {
		if (opt_section_count(s, conf) == 0)
			print_template(s, out);
		for (size_t i = 0; i < opt_section_count(s, conf); i++) {
			const void *section = opt_section_const_at(s, conf, i);

			fprintf(out, "\n[%s %s]\n", s->word, opt_section_name(s, section));
			print_table(s->table, section, out);
		}
	}
}

static bool is_list_equal(const struct opt *o, const struct opt_list *a, const struct opt_list *b)
{
	size_t size = opt_item_size(o->type);

	for (size_t i = 0; i < a->count && a->count == b->count; i++) {
		union opt_item x, y;

		memcpy(&x, (const char *)a->items + i * size, size);
		memcpy(&y, (const char *)b->items + i * size, size);
		if (!opt_item_equal(o->type, &x, &y))
			return false;
	}
	return a->count == b->count;
}

static bool is_field_equal(const struct opt *o, const void *a, const void *b)
{
	union opt_item x = { 0 }, y = { 0 };

	if (opt_type_is_list(o->type))
		return is_list_equal(o, opt_const_field(o, a), opt_const_field(o, b));
	memcpy(&x, opt_const_field(o, a), opt_item_size(o->type));
	memcpy(&y, opt_const_field(o, b), opt_item_size(o->type));
	return opt_item_equal(o->type, &x, &y);
}

struct names {
	char *text;
	size_t cap;
	size_t count;
};

__attribute__((format(printf, 2, 3))) static void add_name(struct names *n, const char *format, ...)
{
	size_t len = n->cap > 0 ? strlen(n->text) : 0;
	va_list args;

	if (n->count++ > 0 && n->cap > 0)
		len += (size_t)snprintf(n->text + len, n->cap - len, ", ");
	if (len + 1 >= n->cap)
		return;
	va_start(args, format);
	vsnprintf(n->text + len, n->cap - len, format, args);
	va_end(args);
}

static void compare_tables(const struct opt *table, const struct opt_section *s, const void *before,
			   const void *now, struct names *names)
{
	for (const struct opt *o = table; !opt_is_end(o); o++) {
		if (opt_is_heading(o) || (o->flags & (OPT_RELOADABLE | OPT_CLI_ONLY)) ||
		    is_field_equal(o, before, now))
			continue;
		if (s != NULL)
			add_name(names, "[%s %s] %s", s->word, opt_section_name(s, now), o->name);
		else
			add_name(names, "%s", o->name);
	}
}

static const void *find_section(const struct opt_section *s, const void *conf, const char *name)
{
	for (size_t i = 0; i < opt_section_count(s, conf); i++) {
		const void *section = opt_section_const_at(s, conf, i);

		if (strcmp(opt_section_name(s, section), name) == 0)
			return section;
	}
	return NULL;
}

/* Those of `conf` that `other` lacks. */
static void name_lone_sections(const struct opt_section *s, const void *conf, const void *other,
			       struct names *names)
{
	for (size_t i = 0; i < opt_section_count(s, conf); i++) {
		const char *name = opt_section_name(s, opt_section_const_at(s, conf, i));

		if (find_section(s, other, name) == NULL)
			add_name(names, "[%s %s]", s->word, name);
	}
}

size_t opt_changed_fixed(const struct opt_program *p, const void *before, const void *now,
			 char *names, size_t cap)
{
	struct names n = { .text = names, .cap = cap };

	if (cap > 0)
		names[0] = '\0';
	compare_tables(p->table, NULL, before, now, &n);
	for (const struct opt_section *s = p->sections; s != NULL && s->word != NULL; s++) {
		for (size_t i = 0; i < opt_section_count(s, now); i++) {
			const void *section = opt_section_const_at(s, now, i);
			const void *was = find_section(s, before, opt_section_name(s, section));

			if (was != NULL)
				compare_tables(s->table, s, was, section, &n);
		}
		if (!(s->flags & OPT_RELOADABLE)) {
			name_lone_sections(s, before, now, &n);
			name_lone_sections(s, now, before, &n);
		}
	}
	return n.count;
}
