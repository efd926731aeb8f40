/* Links, what happens meanwhile, servers, and the host itself. */
#include "unseen_kit.h"

#include <stdio.h>

/* ---- classes: links ---- */

static void jitter(struct unseen *u, struct rng *r)
{
	static const uint32_t jitters[] = { 5000, 20000, 100000, 300000 };

	unseen_any_nat(u, r);
	u->net.access.jitter_us = PICK(r, jitters);
	u->net.access.jitter_reorders = happens(r, 50);
	u->delays = true;
	unseen_tell(u);
}

static void duplication(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->net.access.duplicate = (1 + rng_below(r, 20)) / 100.0;
	unseen_tell(u);
}

static void reordering(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->net.access.reorder = (1 + rng_below(r, 20)) / 100.0;
	unseen_tell(u);
}

static void lossy_inside(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->net.loses_inside = true;
	unseen_tell(u);
}

static void distances(struct unseen *u, struct rng *r)
{
	static const uint32_t rtts[] = { 1000, 5000, 20000, 150000, 400000, 700000, 1500000 };

	unseen_any_nat(u, r);
	u->net.rtt_us = PICK(r, rtts);
	unseen_tell(u);
}

static void wakes_late(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->net.wakes_after_us = 50000 * (1 + rng_below(r, 10));
	u->delays = true;
	unseen_tell(u);
}

static void one_way_loss(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->net.loss_out_only = happens(r, 50);
	u->net.loss_in_only = !u->net.loss_out_only;
	u->loses = true;
	unseen_tell(u);
}

static void bursty(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->net.access.burst = 2 + rng_below(r, 4);
	unseen_tell(u);
}

static void deaf_at_first(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->net.loses_until_us = 50000 * (1 + rng_below(r, 8));
	u->loses = true;
	unseen_tell(u);
}

/* ---- classes: what happens meanwhile ---- */

static void unsettle(struct unseen *u)
{
	static const char *const hairpins[] = { "= no", "= external-source", "= internal-source" };
	char words[200];

	(void)snprintf(words, sizeof(words), "in %s,mixed",
		       unseen_rule_words[unseen_box(u)->mapping]);
	if (unseen_box(u)->mapping == NAT_EI || unseen_box(u)->allocation != NAT_LINUX)
		unseen_expect(u, "mapping", words);
	unseen_expect(u, "mapping.tcp", words);
	if (unseen_box(u)->allocation == NAT_LINUX) {
		unseen_expect(u, "mapping", "in endpoint-independent,mixed");
		unseen_expect(u, "mapping.tcp", "in endpoint-independent,mixed");
	}
	u->loses = true; /* what was under way to a mapping */
	unseen_forget(u, "cgn");
	unseen_expect(u, "hairpin",
		      hairpins[unseen_box(u)->hairpin]); /* what was open, may be seen */
}

static void reboots(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->net.flush_at_us = SIM_START_US + 20000 * (1 + rng_below(r, 50));
	unseen_tell(u);
	unsettle(u);
}

static void moves(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->net.address_changes_at_us = SIM_START_US + 20000 * (1 + rng_below(r, 50));
	unseen_tell(u);
	unsettle(u);
	unseen_expect(u, "pooling", "in paired,arbitrary");
}

/* ---- classes: servers ---- */

/* Where loss takes the first answer, nothing tells that the second one is a lie. */
static uint8_t any_misdeed(const struct unseen *u, struct rng *r)
{
	uint8_t misdeed;

	do {
		misdeed = (uint8_t)(1 + rng_below(r, SIM_MISDEEDS - 1));
	} while (misdeed == SIM_ECHOES && u->net.access.loss > 0);
	return misdeed;
}

/* What no host can tell. */
static void forget_hidden(struct unseen *u, uint8_t misdeed)
{
	switch (misdeed) {
	case SIM_DEAD:
	case SIM_TCP_ONLY:
	case SIM_WRONG_PLAIN: /* which a filter drops */
		unseen_forget(u, "udp-blocked");
		unseen_forget(u, "firewall");
		break;
	case SIM_DROPS_CHANGE: /* with a mapping for each endpoint, a filter looks the same */
	case SIM_SLOW_CHANGE:
		if (unseen_box(u)->mapping == NAT_APD)
			unseen_forget(u, "filtering");
		break;
	default:
		break;
	}
}

static void one_misdeed(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->net.servers[0].misdeed = any_misdeed(u, r);
	unseen_tell(u);
	forget_hidden(u, u->net.servers[0].misdeed);
}

static void one_of_three(struct unseen *u, struct rng *r)
{
	uint8_t misdeed;

	unseen_any_nat(u, r);
	misdeed = any_misdeed(u, r);
	u->net.server_count = 3;
	u->net.servers[rng_below(r, 3)].misdeed = misdeed;
	unseen_tell(u);
	if (misdeed == SIM_DROPS_CHANGE || misdeed == SIM_SLOW_CHANGE)
		forget_hidden(u, misdeed);
}

static void far_servers(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->net.server_count = 2 + rng_below(r, 3);
	for (size_t i = 0; i < u->net.server_count; i++)
		u->net.servers[i].extra_rtt_us = rng_below(r, 8) * 50000;
	u->delays = true;
	if (happens(r, 40))
		u->net.servers[u->net.server_count - 1].misdeed = SIM_DEAD;
	unseen_tell(u);
}

static void forgeries(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->net.forges = true;
	unseen_tell(u);
}

/* ---- classes: the host ---- */

static void poor_host(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->net.refused_per_mille = rng_below(r, 200);
	u->net.tcp_hides_local = happens(r, 30);
	if (happens(r, 20))
		u->net.open_fails = true;
	if (happens(r, 30))
		u->net.local_port = (uint16_t)(1024 + rng_below(r, 60000));
	unseen_tell(u);
	unseen_forget(u, "rate-limit");
}

static void hides_source(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->net.hides_own_source = true;
	unseen_tell(u);
}

static void two_nics(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	u->profile.two_nics = true;
	unseen_tell(u);
}

const struct unseen_class unseen_paths[] = {
	{ "jitter", jitter },
	{ "duplication", duplication },
	{ "reordering", reordering },
	{ "lossy-inside", lossy_inside },
	{ "distances", distances },
	{ "wakes-late", wakes_late },
	{ "one-way-loss", one_way_loss },
	{ "bursty", bursty },
	{ "deaf-at-first", deaf_at_first },
	{ "reboots", reboots },
	{ "moves", moves },
	{ "one-misdeed", one_misdeed },
	{ "one-of-three", one_of_three },
	{ "far-servers", far_servers },
	{ "forgeries", forgeries },
	{ "poor-host", poor_host },
	{ "hides-source", hides_source },
	{ "two-nics", two_nics },
	{ 0 },
};
