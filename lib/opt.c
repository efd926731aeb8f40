#include "opt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "opt_table.h"
#include "opt_value.h"

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

static bool is_key(const char *name)
{
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0' &&
	       name[0] != '-' && name[0] != '\0';
}

/* One row against the rows before it: what a table must not say. */
static bool check_row(const struct opt *table, const struct opt *o, struct opt_error *err)
{
	if (opt_is_heading(o))
		return true;
	if (!is_key(o->name))
		return opt_fail(err, "a name of lower case, digits and - is wanted");
	if (opt_table_find(table, o->name) != o)
		return opt_fail(err, "is in the table twice");
	for (const struct opt *other = table; other != o; other++) {
		if (o->letter != 0 && other->letter == o->letter)
			return opt_fail(err, "-%c is taken by --%s", o->letter, other->name);
	}
	if ((o->flags & OPT_SECRET_FILE) && (o->type != OPT_FILE || !ends_with(o->name, "-file")))
		return opt_fail(err, "a secret stands in a file: OPT_FILE, and named KEY-file");
	if ((o->flags & OPT_SECRET) && o->type != OPT_STR)
		return opt_fail(err, "a secret that stands in the file is an OPT_STR");
	if ((o->flags & OPT_OPTIONAL) &&
	    (o->fallback != NULL ||
	     (o->type != OPT_INT && o->type != OPT_MS && o->type != OPT_BYTES)))
		return opt_fail(err, "only a number without fallback is optional");
	if (o->type == OPT_ENUM && o->choices == NULL)
		return opt_fail(err, "an OPT_ENUM needs choices");
	return true;
}

static bool check_table(const struct opt *table, struct opt_error *err)
{
	for (const struct opt *o = table; !opt_is_end(o); o++) {
		if (!check_row(table, o, err))
			return opt_fail_in(err, "table: %s", o->name);
	}
	return true;
}

static bool check_sections(const struct opt_section *sections, struct opt_error *err)
{
	struct opt_error why;

	for (const struct opt_section *s = sections; s != NULL && s->word != NULL; s++) {
		void *trial = calloc(1, s->size);
		bool ok = trial != NULL ? check_table(s->table, &why) &&
						  opt_table_defaults(s->table, trial, &why)
					: opt_fail(&why, "out of memory");

		if (trial != NULL)
			opt_table_clear(s->table, trial);
		free(trial);
		if (!ok) {
			*err = why;
			return opt_fail_in(err, "[%s]", s->word);
		}
	}
	return true;
}

bool opt_defaults(const struct opt_program *p, void *conf, struct opt_error *err)
{
	memset(conf, 0, p->size);
	return check_table(p->table, err) && opt_table_defaults(p->table, conf, err) &&
	       check_sections(p->sections, err);
}

static void clear_sections(const struct opt_section *s, void *conf)
{
	for (size_t i = 0; i < opt_section_count(s, conf); i++) {
		void *section = opt_section_at(s, conf, i);

		opt_table_clear(s->table, section);
		free(*(char **)((char *)section + s->name_offset));
	}
	free(((struct opt_list *)((char *)conf + s->list_offset))->items);
}

void opt_clear(const struct opt_program *p, void *conf)
{
	opt_table_clear(p->table, conf);
	for (const struct opt_section *s = p->sections; s != NULL && s->word != NULL; s++)
		clear_sections(s, conf);
	memset(conf, 0, p->size);
}

/* Opened, since access(2) would answer for another user than the one we are. */
static bool check_file(const char *path, struct opt_error *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return opt_fail(err, "cannot read %s: %s", opt_show(path).text, strerror(errno));
	bool is_dir = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	close(fd);
	if (is_dir)
		return opt_fail(err, "%s is a folder; name a file", opt_show(path).text);
	return true;
}

static bool check_table_files(const struct opt *table, const void *base, struct opt_error *err)
{
	for (const struct opt *o = table; !opt_is_end(o); o++) {
		if (opt_is_heading(o) || o->type != OPT_FILE)
			continue;
		const char *path = *(char *const *)opt_const_field(o, base);
		if (path != NULL && !check_file(path, err))
			return opt_fail_in(err, "%s", o->name);
	}
	return true;
}

bool opt_check_files(const struct opt_program *p, const void *conf, struct opt_error *err)
{
	if (!check_table_files(p->table, conf, err))
		return false;
	for (const struct opt_section *s = p->sections; s != NULL && s->word != NULL; s++) {
		for (size_t i = 0; i < opt_section_count(s, conf); i++) {
			const void *section = opt_section_const_at(s, conf, i);

			if (!check_table_files(s->table, section, err))
				return opt_fail_in(err, "[%s %s]", s->word,
						   opt_section_name(s, section));
		}
	}
	return true;
}
