#include "trial_text_steps.h"

#define SIDE 10

struct count {
	uint16_t n;
	const char *of;
};

/* ", 3 refused", for those that are not 0. */
static void print_counts(FILE *out, const struct count *counts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (counts[i].n > 0)
			fprintf(out, ", %u %s", counts[i].n, counts[i].of);
	}
}

static void print_udp(FILE *out, const struct punch_evidence *e)
{
	const struct count counts[] = {
		{ e->open_failed, "not opened" },
		{ e->send_errors, "not sent" },
		{ e->stray, "of strangers" },
		{ e->icmp[PUNCH_ICMP_TTL], "ended on the way" },
		{ e->icmp[PUNCH_ICMP_PORT], "refused" },
		{ e->icmp[PUNCH_ICMP_UNREACHABLE], "unreachable" },
	};

	fprintf(out, "%u socket%s, %u checks sent, %u received, %u answered", e->sockets,
		e->sockets == 1 ? "" : "s", e->sent, e->received, e->answers);
	print_counts(out, counts, ARRAY_LEN(counts));
}

static void print_tcp(FILE *out, const struct punch_evidence *e)
{
	const struct count counts[] = {
		{ e->tcp_refused, "refused" },   { e->tcp_icmp, "ended on the way" },
		{ e->tcp_timeouts, "silent" },   { e->tcp_connected, "connected" },
		{ e->tcp_accepted, "accepted" },
	};

	fprintf(out, "%u connections tried", e->tcp_connects);
	print_counts(out, counts, ARRAY_LEN(counts));
}

static void print_address(FILE *out, const char *what, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	if (a->family != ADDR_NONE)
		fprintf(out, ", %s %s", what, addr_print(a, text));
}

static void print_side(FILE *out, const char *who, const struct trial_step *s,
		       const struct punch_evidence *e)
{
	if (e->strategy == PUNCH_NONE)
		return;
	fprintf(out, "    %-*s ", SIDE, who);
	if (s->is_tcp)
		print_tcp(out, e);
	else
		print_udp(out, e);
	print_address(out, "told", &e->announced);
	print_address(out, "heard from", &e->seen);
	print_address(out, "afterwards", &e->mapped_after);
	fputc('\n', out);
}

static const char *word_of(const struct trial_record *r, uint8_t step)
{
	const struct trial_step *s = &r->steps[step];

	if (s->why[0] != '\0')
		return s->why;
	if (r->path.strategy != PUNCH_NONE && r->step == step)
		return "It made the path.";
	return s->ours.strategy != PUNCH_NONE ? "It was under way." : "It was not tried.";
}

void trial_text_steps(const struct trial_record *r, bool verbose, FILE *out)
{
	for (uint8_t i = 0; i < r->step_count; i++) {
		const struct trial_step *s = &r->steps[i];

		if (s->why[0] == '\0' && !verbose)
			continue;
		fprintf(out, "  %-*s %s\n", TRIAL_TEXT_COLUMN,
			punch_strategy_word((enum punch_strategy)s->strategy), word_of(r, i));
		if (!verbose)
			continue;
		print_side(out, "we", s, &s->ours);
		print_side(out, "they", s, &s->theirs);
	}
}
