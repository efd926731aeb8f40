/* The part of opt.h that reads a configuration file. */
#include "opt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "opt_table.h"
#include "opt_value.h"

/* Where the reader stands: one scope at a time, the main table or one section. */
struct reader {
	const struct opt_program *p;
	void *conf;
	struct opt_error *err;
	size_t line;
	const struct opt_section *section; /* NULL before the first */
	const struct opt *table;
	void *base;
	size_t *seen; /* line that set each row of the table, 0 for none */
};

static bool enter_scope(struct reader *r, const struct opt_section *section, void *base)
{
	free(r->seen);
	r->section = section;
	r->table = section != NULL ? section->table : r->p->table;
	r->base = base;
	r->seen = calloc(opt_table_len(r->table) + 1, sizeof(*r->seen));
	return r->seen != NULL || opt_fail(r->err, "out of memory");
}

static char *skip_blanks(char *s)
{
	while (opt_is_blank(*s))
		s++;
	return s;
}

static bool is_rest_empty(const char *s)
{
	while (opt_is_blank(*s))
		s++;
	return *s == '\0' || *s == '#';
}

/* Cuts blanks off the end of what lies before `end`. */
static void trim(const char *start, char *end)
{
	while (end > start && opt_is_blank(end[-1]))
		end--;
	*end = '\0';
}

static bool fail_section_kind(const struct reader *r, const char *word)
{
	const struct opt_section *nearest = NULL;

	for (const struct opt_section *s = r->p->sections; s != NULL && s->word != NULL; s++) {
		if (opt_text_distance(s->word, word) < 3)
			nearest = s;
	}
	if (nearest != NULL)
		return opt_fail(r->err, "unknown section [%s]; did you mean [%s NAME]?",
				opt_show(word).text, nearest->word);
	if (r->p->sections == NULL)
		return opt_fail(r->err, "unknown section [%s]; %s has none", opt_show(word).text,
				r->p->name);
	return opt_fail(r->err, "unknown section [%s]; %s --help lists them", opt_show(word).text,
			r->p->name);
}

static bool is_section_name(const char *name)
{
	for (const char *s = name; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f || *s == '[')
			return false;
	}
	return true;
}

/* "[word NAME]", then nothing or a comment. */
static bool read_header(struct reader *r, char *line)
{
	char *end = strchr(line, ']');
	char *word = skip_blanks(line + 1);

	if (end == NULL)
		return opt_fail(r->err, "the ] of a section is missing");
	if (!is_rest_empty(end + 1))
		return opt_fail(r->err, "text behind the ] of a section");
	trim(word, end);
	char *name = word + strcspn(word, " \t");
	if (*name != '\0') {
		*name++ = '\0';
		name = skip_blanks(name);
	}
	const struct opt_section *s = opt_section_find(r->p->sections, word);
	if (s == NULL)
		return fail_section_kind(r, word);
	if (*name == '\0')
		return opt_fail(r->err, "[%s] needs a name; write it like [%s example]", word,
				word);
	if (!is_section_name(name))
		return opt_fail(r->err, "[%s %s]: a bad name", word, opt_show(name).text);
	void *base = opt_section_add(s, r->conf, name, r->err);
	if (base == NULL)
		return opt_fail_in(r->err, "[%s %s]", word, opt_show(name).text);
	return enter_scope(r, s, base);
}

static const struct opt_section *section_that_has(const struct opt_program *p, const char *key)
{
	for (const struct opt_section *s = p->sections; s != NULL && s->word != NULL; s++) {
		if (opt_table_find(s->table, key) != NULL)
			return s;
	}
	return NULL;
}

static bool fail_key(const struct reader *r, const char *key)
{
	struct opt_shown shown = opt_show(key);
	const struct opt *plain = opt_table_find(r->p->table, key);
	const struct opt_section *s = section_that_has(r->p, key);
	const struct opt *o = opt_table_find_secret(r->table, key);

	if (plain != NULL && (plain->flags & OPT_CLI_ONLY))
		return opt_fail(r->err, "`%s` is for the command line only: --%s", key, key);
	if (plain != NULL)
		return opt_fail(r->err, "`%s` stands above the first [section]", key);
	if (s != NULL)
		return opt_fail(r->err, "`%s` stands in a section [%s NAME]", key, s->word);
	if (o != NULL)
		return opt_fail(r->err,
				"`%s` is a secret; put it into a file of its own and name "
				"that with `%s = PATH`",
				shown.text, o->name);
	o = opt_table_nearest(r->table, key, OPT_CLI_ONLY);
	if (o != NULL)
		return opt_fail(r->err, "unknown key `%s`; did you mean `%s`?", shown.text,
				o->name);
	return opt_fail(r->err, "unknown key `%s`; %s --help lists them", shown.text, r->p->name);
}

/* "key = value" */
static bool read_pair(struct reader *r, char *line)
{
	char *equals = line + strcspn(line, "=#");
	const char *value = equals + 1;

	if (*equals != '=') {
		line[strcspn(line, " \t#")] = '\0'; /* what stands behind may be a secret */
		return opt_fail(r->err, "`%s` has no =; write it like key = value",
				opt_show(line).text);
	}
	trim(line, equals);
	const struct opt *o = opt_table_find(r->table, line);
	if (o == NULL || (o->flags & OPT_CLI_ONLY))
		return fail_key(r, line);
	size_t *seen = &r->seen[o - r->table];
	if (*seen != 0 && !opt_type_is_list(o->type))
		return opt_fail(r->err, "%s: line %zu set it already; drop one of them", o->name,
				*seen);
	if (!opt_set(o, r->base, value, OPT_IN_FILE, *seen != 0, r->err))
		return opt_fail_in(r->err, "%s", o->name);
	*seen = r->line;
	return true;
}

/* line is a copy without its end that may be written to. */
static bool read_line(struct reader *r, char *line)
{
	line = skip_blanks(line);
	if (is_rest_empty(line))
		return true;
	return *line == '[' ? read_header(r, line) : read_pair(r, line);
}

/* text is a copy that ends with NUL. */
static bool read_lines(struct reader *r, char *text, size_t len)
{
	char *end = text + len;

	for (r->line = 1; text < end; r->line++) {
		char *eol = memchr(text, '\n', (size_t)(end - text));
		char *next = eol != NULL ? eol + 1 : end;

		if (eol == NULL)
			eol = end;
		*eol = '\0';
		if (strlen(text) != (size_t)(eol - text))
			return opt_fail(r->err, "a NUL byte; this is no text");
		if (eol > text && eol[-1] == '\r')
			eol[-1] = '\0';
		if (!read_line(r, text))
			return false;
		text = next;
	}
	return true;
}

#define MARK_LEN 3

/* Some editors put a byte order mark before the text. */
static bool has_mark(const char *text)
{
	return strncmp(text, "\xef\xbb\xbf", MARK_LEN) == 0;
}

bool opt_read_text(const struct opt_program *p, const char *path, const char *text, size_t len,
		   void *conf, struct opt_error *err)
{
	struct reader r = { .p = p, .conf = conf, .err = err };
	char *copy = malloc(len + 1);
	bool ok;

	if (copy == NULL)
		return opt_fail(err, "%s: out of memory", path);
	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = '\0';
	size_t skip = has_mark(copy) ? MARK_LEN : 0;
	ok = enter_scope(&r, NULL, conf) && read_lines(&r, copy + skip, len - skip);
	free(r.seen);
	free(copy);
	return ok || opt_fail_in(err, "%s:%zu", path, r.line);
}

static bool read_stream(const struct opt_program *p, const char *path, FILE *in, void *conf,
			struct opt_error *err)
{
	char *text = malloc(OPT_FILE_MAX + 1);

	if (text == NULL)
		return opt_fail(err, "%s: out of memory", path);
	size_t len = fread(text, 1, OPT_FILE_MAX + 1, in);
	bool ok;
	if (ferror(in))
		ok = opt_fail(err, "%s: cannot read: %s", path, strerror(errno));
	else if (len > OPT_FILE_MAX)
		ok = opt_fail(err, "%s: longer than %d bytes; is it a configuration?", path,
			      OPT_FILE_MAX);
	else
		ok = opt_read_text(p, path, text, len, conf, err);
	free(text);
	return ok;
}

bool opt_read_file(const struct opt_program *p, const char *path, void *conf, struct opt_error *err)
{
	FILE *in = fopen(path, "re");

	if (in == NULL)
		return opt_fail(err, "%s: cannot open: %s", path, strerror(errno));
	bool ok = read_stream(p, path, in, conf, err);
	fclose(in);
	return ok;
}

/* Whether a line begins with "key =". */
static bool sets(const char *line, const char *key, size_t len)
{
	if (strncmp(line, key, len) != 0)
		return false;
	line += len;
	while (opt_is_blank(*line))
		line++;
	return *line == '=';
}

/* Whether a line is the header of that section: blanks may differ. */
static bool is_header(const char *line, const char *section, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		while (opt_is_blank(line[0]) && opt_is_blank(line[1]))
			line++;
		if (*line++ != section[i])
			return false;
	}
	return true;
}

/* section  as in "[realm NAME]", of `section_len` bytes; 0: what stands above all of them */
static size_t find_line(FILE *in, const char *section, size_t section_len, const char *key,
			size_t key_len)
{
	char *text = NULL;
	size_t cap = 0, line = 0, header = 0;
	bool inside = section_len == 0, found = false;

	while (!found && getline(&text, &cap, in) > 0) {
		char *start = skip_blanks(has_mark(text) && line == 0 ? text + MARK_LEN : text);

		line++;
		if (*start == '[' && inside)
			break;
		if (*start == '[' && is_header(start, section, section_len)) {
			inside = true;
			header = line;
		}
		found = inside && sets(start, key, key_len);
	}
	free(text);
	return found ? line : header;
}

/* text  "KEY", "KEY: more", "[SECTION NAME] KEY", "[SECTION NAME]: more" */
static size_t line_of(const char *path, const char *text)
{
	const char *section_end = text[0] == '[' ? strchr(text, ']') : NULL;
	size_t section_len = section_end != NULL ? (size_t)(section_end + 1 - text) : 0;
	const char *key = text + section_len + strspn(text + section_len, " ");
	FILE *in = fopen(path, "re");
	size_t line;

	if (in == NULL)
		return 0;
	line = find_line(in, text, section_len, key, strcspn(key, ": "));
	fclose(in);
	return line;
}

void opt_locate(const char *path, struct opt_error *err)
{
	size_t line = path != NULL ? line_of(path, err->text) : 0;

	if (line > 0)
		opt_fail_in(err, "%.200s:%zu", path, line);
	else if (path != NULL)
		opt_fail_in(err, "%.200s", path);
}
