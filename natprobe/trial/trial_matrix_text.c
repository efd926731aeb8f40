#include "trial_matrix_print.h"

#include <string.h>

#include "natprobe/report/report_text_put.h"

#define LINES    3
#define CELL_MAX 32
#define COLUMN   18

static const char *colour_of(const struct trial_cell *c)
{
	if (c->paths == c->tries)
		return TEXT_GREEN;
	return c->paths > 0 || c->relayed > 0 ? TEXT_YELLOW : TEXT_RED;
}

/* Paths of tries, the interval, and what made most of them or why there is none. */
static void cell_line(const struct trial_cell *c, unsigned line, char buf[static CELL_MAX])
{
	enum punch_strategy best = trial_cell_best(c);
	const char *what = best != PUNCH_NONE ? punch_strategy_word(best)
					      : punch_reason_word(trial_cell_reason(c));

	buf[0] = '\0';
	if (c->tries == 0)
		(void)snprintf(buf, CELL_MAX, "%s", line == 0 ? "-" : "");
	else if (line == 0 && c->relayed > 0)
		(void)snprintf(buf, CELL_MAX, "%u/%u, relay %u", c->paths, c->tries, c->relayed);
	else if (line == 0)
		(void)snprintf(buf, CELL_MAX, "%u/%u", c->paths, c->tries);
	else if (line == 1)
		(void)snprintf(buf, CELL_MAX, "%.0f to %.0f %%", 100 * c->interval.low,
			       100 * c->interval.high);
	else
		(void)snprintf(buf, CELL_MAX, "%s", what);
}

/* gap: before it; returns that before the next one, so that no line ends with blanks. */
static int print_cell(const struct text *t, const struct trial_cell *c, unsigned line, int gap)
{
	char buf[CELL_MAX];
	int len;

	cell_line(c, line, buf);
	len = (int)strlen(buf);
	if (len == 0)
		return gap + COLUMN;
	fprintf(t->out, "%*s", gap, "");
	if (line == 0 && c->tries > 0)
		text_coloured(t, colour_of(c), buf);
	else
		fputs(buf, t->out);
	return len < COLUMN ? COLUMN - len : 1;
}

static void print_row(const struct text *t, const struct trial_matrix *m, size_t row)
{
	for (unsigned line = 0; line < LINES; line++) {
		int gap = line == 0 ? 2 : 5;

		if (line == 0)
			fprintf(t->out, "%3zu", row + 1);
		for (size_t i = 0; i < m->count; i++)
			gap = print_cell(t, &m->cells[row][i], line, gap);
		fputc('\n', t->out);
	}
}

static void print_legend(const struct text *t, const struct trial_matrix *m)
{
	for (size_t i = 0; i < m->count; i++)
		fprintf(t->out, "%3zu  %s\n", i + 1, m->labels[i]);
}

void trial_matrix_text(const struct trial_matrix *m, const struct report_style *style, FILE *out)
{
	struct text t = { .out = out, .style = style };

	text_coloured(&t, TEXT_BOLD, "Networks");
	fputs("\n", out);
	print_legend(&t, m);
	fprintf(out, "\n%u trial%s in %u run%s", m->trials, m->trials == 1 ? "" : "s", m->runs,
		m->runs == 1 ? "" : "s");
	if (m->repeated > 0)
		fprintf(out, "; %u more were told twice", m->repeated);
	fputs(". Each cell: paths without a relay of tries, where that share lies\n"
	      "with a chance of 95 %, and what made most paths, or why there is none.\n\n",
	      out);
	for (size_t i = 0; i < m->count; i++)
		fprintf(out, "%*zu", i == 0 ? 6 : COLUMN, i + 1);
	fputc('\n', out);
	for (size_t i = 0; i < m->count; i++)
		print_row(&t, m, i);
}
