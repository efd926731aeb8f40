/* The part of opt.h that reads a command line. */
#include "opt.h"

#include <stdlib.h>
#include <string.h>

#include "opt_table.h"
#include "opt_value.h"

struct args {
	const struct opt_program *p;
	void *conf;
	struct opt_error *err;
	char **argv;
	int argc;
	int at;     /* the next one to read */
	bool *seen; /* per row: a list was given before */
};

/* name is as it was written: "--listen", "-l" */
static bool set(struct args *a, const struct opt *o, const char *name, const char *text)
{
	bool *seen = &a->seen[o - a->p->table];

	/* Nothing unsets what only the command line can set: it is a shell variable gone wrong. */
	if (text[0] == '\0' && (o->flags & OPT_CLI_ONLY) != 0)
		return opt_fail(a->err, "%s: the value is empty", name);
	if (!opt_set(o, a->conf, text, OPT_IN_ARGS, *seen, a->err))
		return opt_fail_in(a->err, "%s", name);
	*seen = true;
	return true;
}

static bool set_next(struct args *a, const struct opt *o, const char *name)
{
	if (a->at >= a->argc)
		return opt_fail(a->err, "%s: a value is missing behind it", name);
	return set(a, o, name, a->argv[a->at++]);
}

/* The synopsis of a command begins with its name, of a whole program with something in brackets. */
static int command_len(const struct opt_program *p)
{
	size_t len = p->synopsis != NULL ? strspn(p->synopsis, "abcdefghijklmnopqrstuvwxyz") : 0;

	return len > 0 && p->synopsis[len] == ' ' ? (int)len : 0;
}

/* option  as it was written, hyphens and all */
static bool fail_not_there(struct args *a, const char *hyphens, struct opt_shown option)
{
	int len = command_len(a->p);

	return opt_fail(a->err, "unknown option %s%s; %s%s%.*s --help lists them", hyphens,
			option.text, a->p->name, len > 0 ? " " : "", len, a->p->synopsis);
}

static bool fail_unknown(struct args *a, const char *name)
{
	struct opt_shown shown = opt_show(name);
	const struct opt *o = opt_table_find_secret(a->p->table, name);

	if (o != NULL)
		return opt_fail(a->err,
				"--%s is a secret; put it into a file and name that with "
				"--%s=PATH",
				shown.text, o->name);
	o = opt_table_nearest(a->p->table, name, 0);
	if (o != NULL)
		return opt_fail(a->err, "unknown option --%s; did you mean --%s?", shown.text,
				o->name);
	return fail_not_there(a, "--", shown);
}

/* The flag `key` for "no-key", or NULL. */
static const struct opt *find_negated(const struct opt *table, const char *name)
{
	const struct opt *o = strncmp(name, "no-", 3) == 0 ? opt_table_find(table, name + 3) : NULL;

	return o != NULL && o->type == OPT_FLAG ? o : NULL;
}

/* name is a copy without dashes and "=VALUE"; value is NULL where no = stands. */
static bool read_long(struct args *a, const char *name, const char *written, const char *value)
{
	const struct opt *o = opt_table_find(a->p->table, name);
	const struct opt *negated = o == NULL ? find_negated(a->p->table, name) : NULL;

	if (negated != NULL && value != NULL)
		return opt_fail(a->err, "--%s takes no value", name);
	if (negated != NULL)
		return set(a, negated, written, "off");
	if (o == NULL)
		return fail_unknown(a, name);
	if (value != NULL)
		return set(a, o, written, value);
	return o->type == OPT_FLAG ? set(a, o, written, "on") : set_next(a, o, written);
}

static bool split_long(struct args *a, const char *arg)
{
	size_t len = strcspn(arg, "=");
	char *written = strndup(arg, len);

	if (written == NULL)
		return opt_fail(a->err, "out of memory");
	bool ok = read_long(a, written + 2, written, arg[len] == '=' ? arg + len + 1 : NULL);
	free(written);
	return ok;
}

static const struct opt *find_letter(const struct opt *table, char letter)
{
	for (const struct opt *o = table; !opt_is_end(o); o++) {
		if (o->name != NULL && o->letter == letter)
			return o;
	}
	return NULL;
}

/* "-v", "-vq", "-lVALUE", "-l" VALUE */
static bool read_letters(struct args *a, const char *arg)
{
	for (const char *s = arg + 1; *s != '\0'; s++) {
		const char written[] = { '-', *s, '\0' };
		const struct opt *o = find_letter(a->p->table, *s);

		if (o == NULL)
			return fail_not_there(a, "", opt_show(written));
		if (o->type != OPT_FLAG)
			return s[1] != '\0' ? set(a, o, written, s + 1) : set_next(a, o, written);
		if (!set(a, o, written, "on"))
			return false;
	}
	return true;
}

static bool is_option(const char *arg)
{
	return arg[0] == '-' && arg[1] != '\0';
}

static bool read_all(struct args *a)
{
	while (a->at < a->argc && is_option(a->argv[a->at])) {
		const char *arg = a->argv[a->at++];

		if (strcmp(arg, "--") == 0)
			return true;
		if (!(arg[1] == '-' ? split_long(a, arg) : read_letters(a, arg)))
			return false;
	}
	return true;
}

bool opt_read_args(const struct opt_program *p, int argc, char **argv, void *conf, int *first,
		   struct opt_error *err)
{
	struct args a = { .p = p, .conf = conf, .err = err, .argv = argv, .argc = argc, .at = 1 };

	a.seen = calloc(opt_table_len(p->table) + 1, sizeof(*a.seen));
	if (a.seen == NULL)
		return opt_fail(err, "out of memory");
	bool ok = read_all(&a);
	free(a.seen);
	*first = a.at;
	return ok;
}

static bool read_alone(const struct opt_program *p, int argc, char **argv, void *conf,
		       struct opt_error *err)
{
	int first;

	if (!opt_read_args(p, argc, argv, conf, &first, err))
		return false;
	if (first < argc)
		return opt_fail(err, "%s: %s takes no arguments, only options; see --help",
				argv[first], p->name);
	return true;
}

bool opt_read_command(const struct opt_program *p, int argc, char **argv, void *conf,
		      struct opt_error *err)
{
	return opt_defaults(p, conf, err) && read_alone(p, argc, argv, conf, err);
}

bool opt_read_below(const struct opt_program *p, const char *path, int argc, char **argv,
		    void *conf, struct opt_error *err)
{
	char *own = strdup(path);
	bool ok;

	if (own == NULL)
		return opt_fail(err, "out of memory");
	opt_clear(p, conf);
	ok = opt_defaults(p, conf, err) && opt_read_file(p, own, conf, err) &&
	     read_alone(p, argc, argv, conf, err);
	free(own);
	return ok;
}
