/*
 * deep_accuracy - the deeper look over all profiles: how many values are exact or inside their
 * interval, how wide lifetimes are, and how long it takes.
 *
 *	deep_accuracy [SEEDS [PROFILE ...]]
 */
#include <stdlib.h>
#include <string.h>

#include "tests/deep_score.h"

#define SHARE_MIN 0.99

static bool is_chosen(const struct nat_profile *p, int argc, char **argv)
{
	if (argc < 3)
		return true;
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], p->id) == 0 || strcmp(argv[i], p->name) == 0)
			return true;
	}
	return false;
}

static struct deep_score run(double loss, unsigned seeds, int argc, char **argv)
{
	struct deep_score score = { 0 };

	for (size_t i = 0; i < nat_profile_count; i++) {
		for (unsigned seed = 1; seed <= seeds; seed++) {
			if (is_chosen(&nat_profiles[i], argc, argv))
				deep_score_run(&nat_profiles[i], seed, loss, stdout, &score);
		}
	}
	printf("%g %% loss: %u runs, %u of %u values exact (%.2f %%), %u lifetimes too wide, "
	       "%u runs too long, %u broken\n",
	       100 * loss, score.runs, score.exact, score.lines,
	       score.lines > 0 ? 100.0 * score.exact / score.lines : 0, score.wide, score.late,
	       score.broken);
	return score;
}

int main(int argc, char **argv)
{
	unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
	static const double losses[] = { 0, 0.02 };
	int rc = EXIT_SUCCESS;

	for (size_t i = 0; i < ARRAY_LEN(losses); i++) {
		struct deep_score s = run(losses[i], seeds, argc, argv);

		if (s.exact < SHARE_MIN * s.lines || s.late > 0 || s.broken > 0)
			rc = EXIT_FAILURE;
	}
	return rc;
}
