#include "trial_text.h"

#include <stdlib.h>

#include "natprobe/report/report_text_put.h"
#include "trial_stats.h"
#include "trial_text_steps.h"

#define COLUMN TRIAL_TEXT_COLUMN

static void print_ms(FILE *out, uint32_t us)
{
	if (us < 10000)
		fprintf(out, "%.1f ms", us / 1e3);
	else if (us < 1000000)
		fprintf(out, "%.0f ms", us / 1e3);
	else
		fprintf(out, "%.2f s", us / 1e6);
}

static const char *strategy_of(uint8_t s)
{
	return punch_strategy_word((enum punch_strategy)s);
}

static void print_path(const struct text *t, const struct trial_record *r)
{
	const struct punch_path *p = &r->path;
	const char *why_port = trial_port_why(r);
	char at[ADDR_TEXT_MAX];

	text_coloured(t, p->is_relayed ? TEXT_YELLOW : TEXT_GREEN, "path");
	fprintf(t->out, " over %s by %s after ", p->is_tcp ? "TCP" : "UDP",
		strategy_of(p->strategy));
	print_ms(t->out, r->to_path_us);
	if (t->style->quiet) {
		fprintf(t->out, ", from %s", addr_print(&p->local, at));
		fprintf(t->out, " to %s\n", addr_print(&p->remote, at));
		return;
	}
	fputc('\n', t->out);
	text_label(t, "from");
	fputs(addr_print(&p->local, at), t->out);
	if (p->outer.family != ADDR_NONE && !addr_equal(&p->local, &p->outer))
		fprintf(t->out, ", seen as %s", addr_print(&p->outer, at));
	fputc('\n', t->out);
	if (why_port != NULL) {
		text_label(t, "port");
		fprintf(t->out, "not %u. %s\n", (unsigned int)p->wanted, why_port);
	}
	text_label(t, "to");
	fprintf(t->out, "%s%s\n", addr_print(&p->remote, at), p->is_relayed ? ", relayed" : "");
}

static void print_quality(const struct text *t, const struct punch_quality *q)
{
	if (q->sent == 0)
		return;
	text_label(t, "round trip");
	if (q->answered > 0) {
		print_ms(t->out, q->rtt_median_us);
		fputs(", jitter ", t->out);
		print_ms(t->out, q->jitter_us);
		fputs(", ", t->out);
	}
	fprintf(t->out, "%u of %u lost\n", (unsigned)(q->sent - q->answered), q->sent);
	if (q->held_s == 0 || q->survived == VERDICT_UNKNOWN)
		return;
	text_label(t, "idle");
	fprintf(t->out, "%s %u s without traffic\n",
		q->survived == VERDICT_YES ? "it survived" : "it did not survive", q->held_s);
}

void trial_text_one(const struct trial_record *r, const struct report_style *style, FILE *out)
{
	struct text t = { .out = out, .style = style };
	bool has_path = r->path.strategy != PUNCH_NONE;

	fprintf(out, "trial %u: ", r->trial + 1);
	if (has_path) {
		print_path(&t, r);
		if (!style->quiet)
			print_quality(&t, &r->quality);
	} else {
		text_coloured(&t, TEXT_RED, "no path");
		fprintf(out, ". %s\n", r->why);
	}
	if (style->verbose || (!has_path && !style->quiet))
		trial_text_steps(r, style->verbose, out);
}

static void print_interval(FILE *out, const struct trial_interval *i)
{
	fprintf(out, "%5.1f to %5.1f %%", 100 * i->low, 100 * i->high);
}

static void print_tally(FILE *out, unsigned strategy, const struct trial_tally *t)
{
	fprintf(out, "  %-*s %5u of %-5u  ", COLUMN,
		punch_strategy_word((enum punch_strategy)strategy), t->paths, t->tries);
	print_interval(out, &t->interval);
	fprintf(out, "  %7u  ", t->packets);
	if (t->paths > 0)
		print_ms(out, t->to_path_us);
	else
		fputc('-', out);
	fputc('\n', out);
}

static void print_table(FILE *out, const struct trial_stats *s)
{
	fprintf(out, "\n  %-*s %-14s  %-16s  %-7s  %s\n", COLUMN, "strategy", "paths of tries",
		"95 % interval", "packets", "time to path");
	for (unsigned i = PUNCH_NONE + 1; i < PUNCH_STRATEGIES; i++) {
		if (s->strategies[i].tries > 0)
			print_tally(out, i, &s->strategies[i]);
	}
}

static bool has_reasons(const struct trial_tally *t)
{
	for (unsigned i = REASON_UNSURE; i < PUNCH_REASONS; i++) {
		if (t->reasons[i] > 0)
			return true;
	}
	return false;
}

static void print_reasons(FILE *out, const struct trial_stats *s)
{
	bool begun = false;

	for (unsigned i = PUNCH_NONE + 1; i < PUNCH_STRATEGIES; i++) {
		const struct trial_tally *t = &s->strategies[i];

		if (!has_reasons(t))
			continue;
		fputs(begun ? "" : "\nWhy strategies made no path:\n", out);
		begun = true;
		for (unsigned k = REASON_UNSURE; k < PUNCH_REASONS; k++) {
			if (t->reasons[k] > 0)
				fprintf(out, "  %-*s %5u x  %s\n", COLUMN,
					punch_strategy_word((enum punch_strategy)i), t->reasons[k],
					punch_reason_text((enum punch_reason)k));
		}
	}
}

static void print_all_quality(FILE *out, const struct trial_stats *s)
{
	if (s->pings == 0)
		return;
	if (s->pongs > 0) {
		fputs("Round trip ", out);
		print_ms(out, s->rtt_us);
		fputs(", jitter ", out);
		print_ms(out, s->jitter_us);
		fputs(" (medians); ", out);
	}
	fprintf(out, "%u of %u packets lost on paths", s->pings - s->pongs, s->pings);
	if (s->held > 0)
		fprintf(out, "; %u of %u paths survived without traffic", s->survived, s->held);
	fputs(".\n", out);
}

void trial_text_summary(const struct trial_run *run, const struct report_style *style, FILE *out)
{
	struct text t = { .out = out, .style = style };
	struct trial_stats s;

	if (run->count < 2 || !trial_stats_make(run, &s))
		return;
	fputc('\n', out);
	text_coloured(&t, TEXT_BOLD, "All trials");
	fprintf(out, ": %u of %u made a path (%.1f to %.1f %%)", s.paths, s.trials,
		100 * s.interval.low, 100 * s.interval.high);
	if (s.relayed > 0)
		fprintf(out, ", %u of them through the relay", s.relayed);
	fputs(".\n", out);
	print_all_quality(out, &s);
	print_table(out, &s);
	if (!style->quiet)
		print_reasons(out, &s);
}
