#include "deep_score.h"

#include <math.h>
#include <stdlib.h>

#include "natprobe/report/expect.h"

#define WIDTH_MAX 1.1
#define SHARE_MAX 1.3
#define GRACE_S   20

struct judged {
	const struct nat_profile *profile;
	uint64_t seed;
	double loss;
	FILE *says;
	const struct sim_deep_result *result;
	struct deep_score *score;
};

static void say(const struct judged *j, const char *what, const char *wanted, const char *got)
{
	if (j->says != NULL)
		fprintf(j->says, "%s (%s) seed %u, %g %% loss: %s is %s, not %s\n", j->profile->id,
			j->profile->name, (unsigned)j->seed, 100 * j->loss, what, got, wanted);
}

static void judge_line(const struct judged *j, const struct expect_line *line)
{
	char got[PROPERTY_LONG_MAX];
	struct property_value value;

	j->score->lines++;
	if (expect_judge(line, &j->result->verdict, &value) == EXPECT_MET) {
		j->score->exact++;
		return;
	}
	j->score->wrong += value.known;
	say(j, line->property->name, line->wanted, property_print(line->property, &value, got));
}

static void judge_width(const struct judged *j)
{
	for (unsigned i = DEEP_LIFETIME_ONE_WAY; i <= DEEP_LIFETIME_LOW_PORT; i++) {
		const struct deep_value *v = &j->result->verdict.deep.values[i];
		char got[48];

		if (v->state != DEEP_NUMBER || isinf(v->high) || v->high <= v->low * WIDTH_MAX)
			continue;
		snprintf(got, sizeof(got), "%.2f to %.2f s", v->low, v->high);
		j->score->wide++;
		say(j, property_of_deep((enum deep_property)i)->name, "within 10 %", got);
	}
}

static void judge_time(const struct judged *j, const struct nat_deep_truth *truth)
{
	double s = (double)(j->result->discovery_us + j->result->elapsed_us) / 1e6;
	char text[48];

	if (s <= truth->lifetime_s * SHARE_MAX + GRACE_S)
		return;
	j->score->late++;
	snprintf(text, sizeof(text), "%.1f s", s);
	say(j, "the time", "within 1.3 times the longest lifetime and 20 s", text);
}

static void judge(const struct judged *j)
{
	struct expect_error error;
	struct nat_deep_truth truth;
	struct expect lines = { 0 };

	j->score->runs++;
	if (!j->result->ended || j->result->open_at_end > 0) {
		j->score->broken++;
		say(j, "the run", "ended", "open");
	}
	if (!nat_truth_deep(j->profile, &truth)) {
		if (j->result->verdict.deep.values[DEEP_LIFETIME].state != DEEP_UNKNOWN)
			say(j, "lifetime", "unknown", "known");
		judge_time(j, &truth);
		return;
	}
	if (!expect_parse(bytes_of_str(truth.lines), &lines, &error)) {
		fprintf(stderr, "%s: %s\n", j->profile->id, error.text);
		abort();
	}
	for (size_t i = 0; i < lines.count; i++)
		judge_line(j, &lines.lines[i]);
	expect_free(&lines);
	judge_width(j);
	judge_time(j, &truth);
}

void deep_score_run_config(const struct sim_deep_config *c, FILE *says, struct deep_score *score)
{
	static struct sim_deep_result result; /* too large for a stack */
	struct judged j = {
		c->net.profile, c->net.seed, c->net.access.loss, says, &result, score,
	};

	sim_deep_run(c, &result);
	judge(&j);
}

void deep_score_run(const struct nat_profile *p, uint64_t seed, double loss, FILE *says,
		    struct deep_score *score)
{
	struct sim_deep_config c = {
		.net = { .profile = p, .seed = seed, .access = { .loss = loss }, .server_count = 1 }
	};

	deep_score_run_config(&c, says, score);
}
