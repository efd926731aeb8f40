#include "score.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double score_loss(const struct sim_config *c)
{
	return 1 - (1 - c->access.loss) * (1 - c->profile->access.loss);
}

static double rtt_ms(const struct sim_config *c)
{
	uint32_t base_us = c->rtt_us != 0 ? c->rtt_us : 50000;

	return (base_us + 2.0 * c->profile->access.delay_us) / 1000;
}

/* What takes datagrams away without being a lossy link has no loss and no round trip to tell. */
static bool links_decide(const struct nat_profile *p)
{
	for (unsigned i = 0; i < p->layer_count; i++) {
		const struct nat_config *n = &p->layers[i];

		if (n->udp_blocked || n->udp_ports_allowed[0] != 0 || n->rate_per_s != 0 ||
		    n->subscriber_limit != 0)
			return false;
	}
	return true;
}

struct expect score_truth(const struct sim_config *c)
{
	double arrives = (1 - score_loss(c)) * (1 - score_loss(c));
	struct expect_error error;
	struct expect truth;
	char text[4096];
	int n = snprintf(text, sizeof(text), "%s", c->profile->truth);

	if (links_decide(c->profile))
		n += snprintf(text + n, sizeof(text) - (size_t)n, "rtt = %gms\nloss = %g%%\n",
			      rtt_ms(c), 100 * (1 - arrives));
	if (!expect_parse((struct bytes){ (const uint8_t *)text, (size_t)n }, &truth, &error)) {
		fprintf(stderr, "%s: truth, line %u: %s\n", c->profile->name, error.line,
			error.text);
		abort();
	}
	if (truth.count > SCORE_LINES_MAX)
		abort();
	return truth;
}

bool score_is_interval(const struct expect_line *line)
{
	return line->property->kind == PROPERTY_MEASURE;
}

static void note_first(char note[static 100], const char *name, const char *detail)
{
	if (note[0] == '\0')
		snprintf(note, 100, "%s: %s", name, detail);
}

static enum score_mark mark_of(const struct expect_line *line, const struct verdict *v,
			       struct score *out)
{
	struct property_value got;
	enum expect_result result = expect_judge(line, v, &got);

	if (result == EXPECT_MET)
		return SCORE_RIGHT;
	if (result == EXPECT_OPEN) {
		note_first(out->unknown, line->property->name, verdict_cause_word(got.cause));
		return SCORE_UNKNOWN;
	}
	if (!score_is_interval(line)) {
		note_first(out->wrong, line->property->name, got.text);
		out->is_wrong = true;
	}
	return SCORE_WRONG;
}

void score_judge(const struct expect *truth, const struct sim_result *r, struct score *out)
{
	*out = (struct score){
		.ended = r->ended,
		.confidence = r->verdict.confidence,
		.elapsed_us = (uint32_t)r->elapsed_us,
		.datagrams = (uint16_t)r->datagrams,
		.connections = (uint16_t)r->connections,
		.burst = (uint16_t)r->burst,
		.per_second = (uint16_t)r->per_second,
		.open_at_end = (uint16_t)r->open_at_end,
	};
	for (size_t i = 0; i < truth->count; i++)
		out->marks[i] = (uint8_t)mark_of(&truth->lines[i], &r->verdict, out);
}
