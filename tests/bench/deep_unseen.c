/*
 * deep_unseen - the deeper look at networks that nobody drew up: boxes of tests/nat_random.c with
 * lifetimes, sizes and habits by lot, near and far servers, lossy and unsteady links.
 *
 *	deep_unseen [SEEDS [FIRST [LINK]]]
 */
#include <stdlib.h>
#include <string.h>

#include "tests/deep_score.h"
#include "tests/nat_truth.h"
#include "tests/rng.h"

#define SHARE_MIN 0.99

static const struct kind_of_link {
	const char *name;
	struct nat_link_config access;
	uint32_t rtt_us;
} links[] = {
	{ .name = "clean" },
	{ .name = "near", .rtt_us = 5000 },
	{ .name = "far", .rtt_us = 700000 },
	{ .name = "loss-2", .access = { .loss = 0.02 } },
	{ .name = "loss-5", .access = { .loss = 0.05 } },
	{ .name = "far-loss-2", .access = { .loss = 0.02 }, .rtt_us = 300000 },
	{ .name = "bursts", .access = { .loss = 0.02, .burst = 4 } },
	{ .name = "jitter", .access = { .jitter_us = 80000 } },
	{ .name = "reorder",
	  .access = { .jitter_us = 60000, .jitter_reorders = 1, .reorder = 0.02 } },
	{ .name = "twice", .access = { .duplicate = 0.05, .jitter_us = 20000 } },
};

static bool happens(struct rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

static void choose_times(struct nat_config *n, struct rng *r)
{
	/* RFC 4787 wants 120 s at least; homes have 30 to 180, carriers 20 to 60. */
	n->lifetime_s = 8 + rng_below(r, happens(r, 70) ? 120 : 420);
	if (happens(r, 40))
		n->lifetime_one_way_s = 6 + rng_below(r, n->lifetime_s);
	if (happens(r, 20))
		n->lifetime_low_port_s = 6 + rng_below(r, n->lifetime_s);
	n->refresh = (uint8_t)rng_below(r, 3);
}

static void choose_sizes(struct nat_config *n, struct rng *r)
{
	static const uint32_t mtus[] = { 1492, 1460, 1400, 1280 };

	n->fragments = happens(r, 40) ? (uint8_t)rng_below(r, 3) : NAT_FRAGMENTS_ANY_ORDER;
	if (happens(r, 30))
		n->mtu = mtus[rng_below(r, ARRAY_LEN(mtus))];
	n->silent_too_big = happens(r, 20);
}

static void choose_habits(struct nat_config *n, struct rng *r)
{
	n->unsolicited_syn = (uint8_t)rng_below(r, 3);
	n->dies_on_unexpected = happens(r, 10);
	n->dies_on_icmp = happens(r, 10);
	n->drops_icmp_errors = happens(r, 10);
}

static void make(uint64_t seed, struct nat_random *out)
{
	struct rng r = rng_seed(seed ^ 0x64656570u);

	nat_random_profile(seed, out);
	for (unsigned i = 0; i < out->profile.layer_count; i++) {
		choose_times(&out->profile.layers[i], &r);
		choose_sizes(&out->profile.layers[i], &r);
		choose_habits(&out->profile.layers[i], &r);
		/* Of two, which one shows depends on the other. */
		out->profile.layers[i].refresh = out->profile.layers[0].refresh;
		out->profile.layers[i].fragments = out->profile.layers[0].fragments;
		out->profile.layers[i].unsolicited_syn = out->profile.layers[0].unsolicited_syn;
	}
}

static void describe(const struct nat_profile *p, struct deep_score before, struct deep_score after)
{
	if (before.exact - before.lines == after.exact - after.lines && before.wide == after.wide &&
	    before.late == after.late)
		return;
	for (unsigned i = 0; i < p->layer_count; i++) {
		const struct nat_config *n = &p->layers[i];

		printf("    mapping %u filtering %u allocation %u step %d block %u background %g "
		       "overload %g pool %u/%u lifetime %u/%u/%u refresh %u fragments %u mtu %u%s "
		       "syn %u unsolicited %u dies %d/%d drops-icmp %d tcp %d %u %u\n",
		       n->mapping, n->filtering, n->allocation, n->step, n->block_width,
		       n->background_per_s, n->overload, n->external_count, n->pooling,
		       n->lifetime_s, n->lifetime_one_way_s, n->lifetime_low_port_s, n->refresh,
		       n->fragments, n->mtu, n->silent_too_big ? " silent" : "", n->unsolicited_syn,
		       n->unsolicited, n->dies_on_unexpected, n->dies_on_icmp, n->drops_icmp_errors,
		       n->has_tcp_rules, n->tcp_mapping, n->tcp_filtering);
	}
}

static struct deep_score run(const struct kind_of_link *link, unsigned first, unsigned seeds)
{
	struct deep_score score = { 0 };

	for (unsigned seed = first; seed < first + seeds; seed++) {
		struct deep_score before = score;
		struct nat_random made;
		struct sim_deep_config c = { .net = { .profile = &made.profile,
						      .seed = seed,
						      .access = link->access,
						      .rtt_us = link->rtt_us,
						      .server_count = 1 } };

		make(seed, &made);
		deep_score_run_config(&c, stdout, &score);
		describe(&made.profile, before, score);
	}
	printf("%s: %u runs, %u of %u values exact (%.2f %%), %u wrong, %u lifetimes too wide, "
	       "%u runs too long, %u broken\n",
	       link->name, score.runs, score.exact, score.lines,
	       score.lines > 0 ? 100.0 * score.exact / score.lines : 0, score.wrong, score.wide,
	       score.late, score.broken);
	return score;
}

int main(int argc, char **argv)
{
	unsigned seeds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10;
	unsigned first = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
	int rc = EXIT_SUCCESS;

	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		struct deep_score s;

		if (argc > 3 && strcmp(argv[3], links[i].name) != 0)
			continue;
		s = run(&links[i], first, seeds);
		if (s.exact < SHARE_MIN * s.lines || s.broken > 0)
			rc = EXIT_FAILURE;
	}
	return rc;
}
