#include "trial_html.h"

#include <stdlib.h>

#include "natprobe/plan.h"
#include "natprobe/html/html_file.h"
#include "natprobe/html/report_html_parts.h"
#include "natprobe/html/svg.h"
#include "trial_json.h"
#include "trial_stats.h"

#define ROW_HEIGHT  26
#define PICTURE     640.0
#define LABEL_WIDTH 130.0

static void put_networks(FILE *out, const char *whose, const struct trial_networks *n)
{
	for (uint8_t i = 0; i < n->count; i++) {
		const struct trial_network *one = &n->items[i];

		html_put(out,
			 "<div class=\"fact\"><dt>%s, %s</dt><dd><span class=\"value\">%s</span>"
			 "<div class=\"note\">%s</div></dd></div>\n",
			 whose, html_family(one->family),
			 plan_class_word((enum plan_class)one->class),
			 plan_class_text((enum plan_class)one->class));
	}
}

static const char *tone_of(const struct trial_stats *s)
{
	if (s->paths == s->trials && s->relayed == 0)
		return "good";
	return s->paths > 0 ? "fair" : "bad";
}

static void put_headline(FILE *out, const struct trial_run *run, const struct trial_stats *s)
{
	html_put(out, "<header>\n<p class=\"brand\">%s <span>trials of punching%s%s</span></p>\n",
		 run->program, run->time[0] != '\0' ? ", " : "", run->time);
	if (s->trials == 1 && s->paths == 1)
		html_put(out, "<h1>There is a path between the two networks.</h1>\n");
	else if (s->trials == 1)
		html_put(out, "<h1>No path. %s</h1>\n", run->records[0].why);
	else
		html_put(out, "<h1>%u of %u trials made a path.</h1>\n", s->paths, s->trials);
	html_put(out, "</header>\n<section class=\"card\">\n<h2>The two networks ");
	html_put(out, "<span class=\"badge %s\">%u of %u</span></h2>\n<dl class=\"facts\">\n",
		 tone_of(s), s->paths, s->trials);
	put_networks(out, "Ours", &run->ours);
	put_networks(out, "Theirs", &run->theirs);
	html_put(out, "</dl>\n</section>\n");
}

static unsigned count_tried(const struct trial_stats *s)
{
	unsigned count = 0;

	for (unsigned i = PUNCH_NONE + 1; i < PUNCH_STRATEGIES; i++)
		count += s->strategies[i].tries > 0;
	return count;
}

/* Shares of paths and their intervals, a row for each strategy. */
static void put_picture(FILE *out, const struct trial_stats *s)
{
	struct plot_axis axis = plot_axis(0, 100, 5, 1);
	unsigned rows = count_tried(s), row = 0;
	struct svg_area area = { .left = LABEL_WIDTH,
				 .top = 8,
				 .width = PICTURE - LABEL_WIDTH - 20,
				 .height = rows * (double)ROW_HEIGHT };

	if (rows == 0)
		return;
	html_put(out, "<figure>\n");
	svg_begin(out, "strategies", 0, PICTURE, area.top + area.height + 44, "Paths by strategy",
		  "The share of tries that made a path, with 95 % intervals");
	svg_axis_x(out, &area, &axis, "tries that made a path, %");
	for (unsigned i = PUNCH_NONE + 1; i < PUNCH_STRATEGIES; i++) {
		const struct trial_tally *t = &s->strategies[i];
		double y = area.top + (row + 0.5) * ROW_HEIGHT;

		if (t->tries == 0)
			continue;
		row++;
		html_put(out, "<text class=\"end\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
			 LABEL_WIDTH - 8, y + 4, punch_strategy_word((enum punch_strategy)i));
		html_put(out,
			 "<rect class=\"range soft\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			 "height=\"12\"/>\n",
			 svg_x(&area, &axis, 100 * t->interval.low), y - 6,
			 svg_x(&area, &axis, 100 * t->interval.high) -
				 svg_x(&area, &axis, 100 * t->interval.low));
		html_put(out, "<circle class=\"point\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n",
			 svg_x(&area, &axis, 100.0 * t->paths / t->tries), y);
	}
	svg_end(out);
	html_put(out, "<figcaption>Each dot is the share of tries that made a path, each bar "
		      "where that share lies with a chance of 95 %% (Wilson).</figcaption>\n"
		      "</figure>\n");
}

static void put_reasons(FILE *out, const struct trial_tally *t)
{
	bool any = false;

	for (unsigned i = REASON_UNSURE; i < PUNCH_REASONS; i++) {
		if (t->reasons[i] == 0)
			continue;
		html_put(out, "%s%u x %s", any ? "; " : "", t->reasons[i],
			 punch_reason_text((enum punch_reason)i));
		any = true;
	}
}

static void put_strategies(FILE *out, const struct trial_stats *s)
{
	html_put(out, "<section class=\"card\">\n<h2>Strategies</h2>\n");
	put_picture(out, s);
	html_put(out, "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Strategy</th>"
		      "<th scope=\"col\">Paths</th><th scope=\"col\">95 %% interval</th>"
		      "<th scope=\"col\">Time to path</th><th scope=\"col\">Packets</th>"
		      "<th scope=\"col\">Why not</th></tr></thead><tbody>\n");
	for (unsigned i = PUNCH_NONE + 1; i < PUNCH_STRATEGIES; i++) {
		const struct trial_tally *t = &s->strategies[i];

		if (t->tries == 0)
			continue;
		html_put(out,
			 "<tr><th scope=\"row\">%s</th><td>%u of %u</td>"
			 "<td>%.1f to %.1f %%</td><td>",
			 punch_strategy_word((enum punch_strategy)i), t->paths, t->tries,
			 100 * t->interval.low, 100 * t->interval.high);
		if (t->paths > 0)
			html_put(out, "%.1f ms", t->to_path_us / 1e3);
		html_put(out, "</td><td>%u</td><td>", t->packets);
		put_reasons(out, t);
		html_put(out, "</td></tr>\n");
	}
	html_put(out, "</tbody></table></div>\n</section>\n");
}

static void put_steps(FILE *out, const struct trial_record *r)
{
	html_put(out, "<table><thead><tr><th scope=\"col\">Strategy</th>"
		      "<th scope=\"col\">Chance</th><th scope=\"col\">Sent, received here</th>"
		      "<th scope=\"col\">There</th><th scope=\"col\">What came of it</th></tr>"
		      "</thead><tbody>\n");
	for (uint8_t i = 0; i < r->step_count; i++) {
		const struct trial_step *s = &r->steps[i];
		bool made_it = r->path.strategy != PUNCH_NONE && r->step == i;

		html_put(out, "<tr><th scope=\"row\">%s</th><td>%.1f %%</td><td>%u, %u</td>",
			 punch_strategy_word((enum punch_strategy)s->strategy), 100 * s->chance,
			 s->ours.sent, s->ours.received);
		if (s->theirs.strategy != PUNCH_NONE)
			html_put(out, "<td>%u, %u</td>", s->theirs.sent, s->theirs.received);
		else
			html_put(out, "<td></td>");
		html_put(out, "<td>%s</td></tr>\n",
			 made_it             ? "the path"
			 : s->why[0] != '\0' ? s->why
					     : "not tried");
	}
	html_put(out, "</tbody></table>\n");
}

static void put_path(FILE *out, const struct trial_record *r)
{
	const struct punch_quality *q = &r->quality;
	const char *why_port = trial_port_why(r);
	char local[ADDR_TEXT_MAX], outer[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];

	html_put(out,
		 "<p>%s, over %s, after %.1f ms: from <code>%s</code>, seen as "
		 "<code>%s</code>, to <code>%s</code>.",
		 punch_strategy_text((enum punch_strategy)r->path.strategy),
		 r->path.is_tcp ? "TCP" : "UDP", r->to_path_us / 1e3,
		 addr_print(&r->path.local, local), addr_print(&r->path.outer, outer),
		 addr_print(&r->path.remote, remote));
	if (why_port != NULL)
		html_put(out, " It is not from port %u. %s", (unsigned)r->path.wanted, why_port);
	if (q->answered > 0)
		html_put(out, " Round trip %.1f ms, jitter %.1f ms, %u of %u packets lost.",
			 q->rtt_median_us / 1e3, q->jitter_us / 1e3,
			 (unsigned)(q->sent - q->answered), (unsigned)q->sent);
	if (q->held_s > 0 && q->survived != VERDICT_UNKNOWN)
		html_put(out, " It %s %u s without traffic.",
			 q->survived == VERDICT_YES ? "survived" : "did not survive",
			 (unsigned)q->held_s);
	html_put(out, "</p>\n");
}

static void put_title(FILE *out, const struct trial_record *r)
{
	bool has_path = r->path.strategy != PUNCH_NONE;

	html_put(out, "Trial %u <span class=\"badge %s\">%s</span>", (unsigned)r->trial + 1,
		 !has_path            ? "bad"
		 : r->path.is_relayed ? "fair"
				      : "good",
		 has_path ? punch_strategy_word((enum punch_strategy)r->path.strategy) : "no path");
}

static void put_trial(FILE *out, const struct trial_record *r)
{
	if (r->path.strategy != PUNCH_NONE)
		put_path(out, r);
	else
		html_put(out, "<p>No path. %s</p>\n", r->why);
	put_steps(out, r);
}

static void put_trials(FILE *out, const struct trial_run *run)
{
	html_put(out, "<section class=\"card\">\n<h2>%s</h2>\n",
		 run->count == 1 ? "The trial" : "Trials");
	for (size_t i = 0; i < run->count; i++) {
		html_put(out, run->count == 1 ? "<h3>" : "<details><summary>");
		put_title(out, &run->records[i]);
		html_put(out, run->count == 1 ? "</h3>\n" : "</summary>\n");
		put_trial(out, &run->records[i]);
		html_put(out, run->count == 1 ? "" : "</details>\n");
	}
	html_put(out, "</section>\n");
}

static void put_json(FILE *out, const struct trial_run *run)
{
	char *text = NULL;
	size_t len = 0;
	FILE *json = open_memstream(&text, &len);
	bool ok = json != NULL && trial_json(run, json);

	if (json != NULL && fclose(json) != 0)
		ok = false;
	if (ok)
		html_put(out,
			 "<details class=\"raw\"><summary>The same for machines: JSON, as natprobe "
			 "matrix reads it</summary>\n<pre tabindex=\"0\">%s</pre></details>\n",
			 text);
	free(text);
}

bool trial_html(const struct trial_run *run, FILE *out)
{
	struct trial_stats s;

	if (!trial_stats_make(run, &s))
		return false;
	html_head_begin(out, run->program);
	html_put(out, "%u of %u trials made a path: natprobe", s.paths, s.trials);
	html_head_end(out);
	html_put(out, "<main>\n");
	put_headline(out, run, &s);
	put_strategies(out, &s);
	put_trials(out, run);
	put_json(out, run);
	html_put(out, "</main>\n</body>\n</html>\n");
	return fflush(out) == 0 && !ferror(out);
}

static bool put_page(const void *arg, FILE *out)
{
	return trial_html(arg, out);
}

int trial_html_write(const struct trial_run *run, const char *path)
{
	return html_file_put(put_page, run, path);
}
