#include "trial_matrix_print.h"

#include "natprobe/html/report_html_parts.h"

static const char *tone_of(const struct trial_cell *c)
{
	if (c->paths == c->tries)
		return "good";
	return c->paths > 0 || c->relayed > 0 ? "fair" : "bad";
}

static void put_cell(FILE *out, const struct trial_cell *c)
{
	enum punch_strategy best = trial_cell_best(c);

	if (c->tries == 0) {
		html_put(out, "<td><span class=\"plain\">-</span></td>");
		return;
	}
	html_put(out, "<td><span class=\"badge %s\">%u of %u</span><div>%.0f to %.0f %%</div>",
		 tone_of(c), c->paths, c->tries, 100 * c->interval.low, 100 * c->interval.high);
	if (best != PUNCH_NONE)
		html_put(out, "<div>%s</div>", punch_strategy_word(best));
	else
		html_put(out, "<div>%s</div>", punch_reason_text(trial_cell_reason(c)));
	if (c->relayed > 0)
		html_put(out, "<div>%u relayed</div>", c->relayed);
	html_put(out, "</td>");
}

static void put_table(FILE *out, const struct trial_matrix *m)
{
	html_put(out, "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Network</th>");
	for (size_t i = 0; i < m->count; i++)
		html_put(out, "<th scope=\"col\">%s</th>", m->labels[i]);
	html_put(out, "</tr></thead><tbody>\n");
	for (size_t row = 0; row < m->count; row++) {
		html_put(out, "<tr><th scope=\"row\">%s</th>", m->labels[row]);
		for (size_t i = 0; i < m->count; i++)
			put_cell(out, &m->cells[row][i]);
		html_put(out, "</tr>\n");
	}
	html_put(out, "</tbody></table></div>\n");
}

bool trial_matrix_html(const struct trial_matrix *m, const char *program, FILE *out)
{
	html_head_begin(out, program);
	html_put(out, "Paths between networks: natprobe");
	html_head_end(out);
	html_put(out,
		 "<main>\n<header>\n<p class=\"brand\">%s <span>trials of punching, network by "
		 "network</span></p>\n<h1>%u trial%s in %u run%s</h1>\n</header>\n",
		 program, m->trials, m->trials == 1 ? "" : "s", m->runs, m->runs == 1 ? "" : "s");
	html_put(out, "<section class=\"card\">\n<h2>Networks</h2>\n<p class=\"lead\">Each cell: "
		      "paths without a relay of tries, where that share lies with a chance of "
		      "95 %%, and what made most paths, or why there is none.</p>\n");
	put_table(out, m);
	html_put(out, "</section>\n</main>\n</body>\n</html>\n");
	return fflush(out) == 0 && !ferror(out);
}
