#include "report_text_plot.h"

#include <math.h>

#include "plot.h"
#include "wire.h"

#define COLUMNS 40
#define ROWS    10
#define TICKS   6
#define DOTS_X  2 /* of a letter of Braille */
#define DOTS_Y  4

/* Dots of a letter of Braille, of which each is a bit; without UTF-8 any of them is a star. */
struct canvas {
	uint8_t cells[ROWS][COLUMNS];
};

static void put_dot(struct canvas *c, double x, double y)
{
	static const uint8_t bits[DOTS_Y][DOTS_X] = {
		{ 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 }
	};
	unsigned column = (unsigned)fmin(x * COLUMNS * DOTS_X, COLUMNS * DOTS_X - 1);
	unsigned row = (unsigned)fmin((1 - y) * ROWS * DOTS_Y, ROWS * DOTS_Y - 1);

	c->cells[row / DOTS_Y][column / DOTS_X] |= bits[row % DOTS_Y][column % DOTS_X];
}

static struct canvas draw(const struct verdict *v, const struct plot_ports *p)
{
	struct canvas c = { 0 };

	for (size_t i = 0; i < v->sample_count; i++) {
		const struct verdict_sample *s = &v->samples[i];

		if (s->mapped.family != ADDR_NONE)
			put_dot(&c, plot_share(&p->local, s->local_port),
				plot_share(&p->mapped, s->mapped.port));
	}
	return c;
}

static void print_cell(const struct text *t, uint8_t cell)
{
	if (cell == 0)
		fputc(' ', t->out);
	else if (t->style->utf8) /* U+2800 and up */
		fprintf(t->out, "\xe2%c%c", 0xa0 + (cell >> 6), 0x80 + (cell & 0x3f));
	else
		fputc('*', t->out);
}

static void print_row(const struct text *t, const struct canvas *c, unsigned row)
{
	unsigned width = COLUMNS;

	while (width > 0 && c->cells[row][width - 1] == 0)
		width--;
	fputs(t->style->utf8 ? "\u2502" : "|", t->out);
	for (unsigned i = 0; i < width; i++)
		print_cell(t, c->cells[row][i]);
	fputc('\n', t->out);
}

static void print_floor(const struct text *t)
{
	text_label(t, "");
	fputs(t->style->utf8 ? "      \u2514" : "      +", t->out);
	for (unsigned i = 0; i < COLUMNS; i++)
		fputs(t->style->utf8 ? "\u2500" : "-", t->out);
	fputc('\n', t->out);
}

void text_port_plot(const struct text *t, const struct verdict *v)
{
	struct plot_ports p;
	struct canvas c;

	if (!plot_ports(v, TICKS, &p))
		return;
	c = draw(v, &p);
	text_label(t, "port plot");
	fprintf(t->out, "mapped port by local port, %u sockets, %u without an answer\n",
		p.answered + p.lost, p.lost);
	for (unsigned row = 0; row < ROWS; row++) {
		text_label(t, "");
		if (row == 0)
			fprintf(t->out, "%5.0f ", p.mapped.high);
		else if (row == ROWS - 1)
			fprintf(t->out, "%5.0f ", p.mapped.low);
		else
			fputs("      ", t->out);
		print_row(t, &c, row);
	}
	print_floor(t);
	text_label(t, "");
	fprintf(t->out, "       %-*.0f%5.0f\n", COLUMNS - 5, p.local.low, p.local.high);
}

static void print_rung(const struct text *t, const struct deep_rung *rung)
{
	static const char *const plain[] = { "o", "+", "x" };
	static const char *const wide[] = { "\u25cb", "\u25cf", "\u2715" };
	unsigned which = !rung->ended ? 0 : rung->alive ? 1 : 2;

	if (!t->style->utf8)
		fputs(plain[which], t->out);
	else if (which == 0)
		fputs(wide[which], t->out);
	else
		text_coloured(t, which == 1 ? TEXT_GREEN : TEXT_RED, wide[which]);
}

/* The one that waited the least of those that come behind `last`; NULL: none. */
static const struct deep_rung *rung_after(const struct verdict_deep *d, uint8_t ladder,
					  const struct deep_rung *last)
{
	const struct deep_rung *best = NULL;

	for (size_t i = 0; i < d->rung_count; i++) {
		const struct deep_rung *r = &d->rungs[i];

		if (r->ladder != ladder)
			continue;
		if (last != NULL &&
		    (r->waited_s < last->waited_s || (r->waited_s == last->waited_s && r <= last)))
			continue;
		if (best == NULL || r->waited_s < best->waited_s)
			best = r;
	}
	return best;
}

/* The longest wait that a mapping outlived, and the shortest that it did not. */
static void print_edges(const struct text *t, const struct verdict_deep *d, uint8_t ladder)
{
	double alive = -1, gone = INFINITY;

	for (size_t i = 0; i < d->rung_count; i++) {
		const struct deep_rung *r = &d->rungs[i];

		if (r->ladder != ladder || !r->ended)
			continue;
		if (r->alive)
			alive = fmax(alive, r->waited_s);
		else
			gone = fmin(gone, r->waited_s);
	}
	if (alive >= 0)
		fprintf(t->out, ", %.1f s alive", alive);
	if (gone < INFINITY)
		fprintf(t->out, ", %.1f s gone", gone);
}

static void print_ladder(const struct text *t, const struct verdict_deep *d, uint8_t ladder,
			 const char *name)
{
	const struct deep_rung *first = rung_after(d, ladder, NULL);
	const struct deep_rung *last = first, *r = first;

	if (first == NULL)
		return;
	text_label(t, name);
	fprintf(t->out, "%.1f s ", first->waited_s);
	for (size_t i = 0; i < d->rung_count && r != NULL; i++) {
		print_rung(t, r);
		last = r;
		r = rung_after(d, ladder, r);
	}
	fprintf(t->out, " %.1f s", last->waited_s);
	print_edges(t, d, ladder);
	fputc('\n', t->out);
}

void text_ladders(const struct text *t, const struct verdict *v)
{
	static const char *const names[] = {
		[LADDER_ONE_WAY] = "one way",       [LADDER_TWO_WAY] = "both ways",
		[LADDER_LOW_PORT] = "low port",     [LADDER_REFRESH_OUT] = "by sending",
		[LADDER_REFRESH_IN] = "by hearing",
	};

	for (uint8_t i = 0; i < ARRAY_LEN(names); i++)
		print_ladder(t, &v->deep, i, names[i]);
}
