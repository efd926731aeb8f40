/* The part of opt.h that prints --help. */
#include "opt.h"

#include <string.h>

#include "opt_table.h"
#include "opt_value.h"

#define LINE_MAX_COLUMNS 80
#define TEXT_COLUMN_MAX  32 /* a longer option has its text on the next line */
#define LABEL_MAX        128

static const char *placeholder(const struct opt *o)
{
	if (o->value != NULL)
		return o->value;
	switch (o->type) {
	case OPT_FLAG:
		return "";
	case OPT_INT:
		return "N";
	case OPT_MS:
		return "TIME";
	case OPT_BYTES:
		return "SIZE";
	case OPT_FILE:
		return "FILE";
	case OPT_ENUM:
		return o->choices;
	case OPT_ADDR:
	case OPT_ADDR_LIST:
		return o->default_port != 0 ? "ADDR[:PORT]" : "ADDR:PORT";
	case OPT_CIDR:
	case OPT_CIDR_LIST:
		return "ADDR/LEN";
	default:
		return "TEXT";
	}
}

static bool is_on(const struct opt *o)
{
	return o->type == OPT_FLAG && o->fallback != NULL && strcmp(o->fallback, "off") != 0 &&
	       strcmp(o->fallback, "no") != 0 && strcmp(o->fallback, "false") != 0;
}

/* "  -l, --listen=ADDR" on the command line, "  listen = ADDR" in a section. */
static void make_label(const struct opt *o, bool in_section, char label[static LABEL_MAX])
{
	const char *value = placeholder(o);
	char letter[8] = "    ";

	if (in_section) {
		snprintf(label, LABEL_MAX, "  %s = %s", o->name,
			 o->type == OPT_FLAG && *value == '\0' ? "on|off" : value);
		return;
	}
	if (o->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(label, LABEL_MAX, "  %s--%s%s%s%s", letter, is_on(o) ? "[no-]" : "", o->name,
		 *value != '\0' && o->type != OPT_FLAG ? "=" : "",
		 o->type == OPT_FLAG ? "" : value);
}

static size_t text_column(const struct opt *table, bool in_section)
{
	size_t column = 0;
	char label[LABEL_MAX];

	for (const struct opt *o = table; !opt_is_end(o); o++) {
		if (opt_is_heading(o))
			continue;
		make_label(o, in_section, label);
		size_t want = strlen(label) + 2;
		if (want > column && want <= TEXT_COLUMN_MAX)
			column = want;
	}
	return column != 0 ? column : TEXT_COLUMN_MAX;
}

/* Words of text from column `indent` on; the cursor stands at column `at`. */
static void print_wrapped(const char *text, size_t indent, size_t at, FILE *out)
{
	bool line_is_empty = true;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (!line_is_empty && at + 1 + len > LINE_MAX_COLUMNS) {
			fputc('\n', out);
			at = 0;
			line_is_empty = true;
		}
		if (line_is_empty)
			at += (size_t)fprintf(out, "%*s", (int)(at < indent ? indent - at : 0), "");
		else
			at += (size_t)fprintf(out, " ");
		at += (size_t)fprintf(out, "%.*s", (int)len, text);
		line_is_empty = false;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void print_row(const struct opt *o, bool in_section, size_t column, FILE *out)
{
	char label[LABEL_MAX], text[512];
	bool show_default =
		o->fallback != NULL && o->fallback[0] != '\0' && (o->type != OPT_FLAG || is_on(o));

	make_label(o, in_section, label);
	fputs(label, out);
	size_t at = strlen(label);
	if (at + 2 > column) {
		fputc('\n', out);
		at = 0;
	}
	snprintf(text, sizeof(text), "%s%s%s%s", o->help != NULL ? o->help : "",
		 show_default ? " (default: " : "", show_default ? o->fallback : "",
		 show_default ? ")" : "");
	print_wrapped(text, column, at, out);
}

static void print_table(const struct opt *table, bool in_section, FILE *out)
{
	size_t column = text_column(table, in_section);

	for (const struct opt *o = table; !opt_is_end(o); o++) {
		if (opt_is_heading(o))
			fprintf(out, "%s%s\n", o == table ? "" : "\n", o->help);
		else
			print_row(o, in_section, column, out);
	}
}

void opt_print_help(const struct opt_program *p, FILE *out)
{
	fprintf(out, "Usage: %s %s\n", p->name, p->synopsis);
	print_wrapped(p->summary, 0, 0, out);
	fputc('\n', out);
	print_table(p->table, false, out);
	for (const struct opt_section *s = p->sections; s != NULL && s->word != NULL; s++) {
		fprintf(out, "\nIn the file, below a line [%s NAME]:\n", s->word);
		print_table(s->table, true, out);
	}
}
