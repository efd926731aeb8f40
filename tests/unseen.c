#include "unseen.h"

#include <stdio.h>

static bool happens(struct rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

static uint8_t any_rule(struct rng *r)
{
	return (uint8_t)(NAT_EI + rng_below(r, 4));
}

#define PICK(r, list) (list)[rng_below(r, ARRAY_LEN(list))]

/* ---- the truth ---- */

/* Removes the line of a property. */
static void forget(struct unseen *u, const char *property)
{
	size_t len = strlen(property);
	char *line = u->truth;

	while (*line != '\0') {
		char *end = strchr(line, '\n') + 1;

		if (strncmp(line, property, len) == 0 && line[len] == ' ')
			memmove(line, end, strlen(end) + 1);
		else
			line = end;
	}
}

static void expect(struct unseen *u, const char *property, const char *rest)
{
	size_t len;

	forget(u, property);
	len = strlen(u->truth);
	(void)snprintf(u->truth + len, sizeof(u->truth) - len, "%s %s\n", property, rest);
}

/* The boxes are as they shall be: what is true of them. */
static void tell(struct unseen *u)
{
	if (!nat_truth(&u->profile, u->truth))
		(void)snprintf(u->truth, sizeof(u->truth), "nat = yes\n");
}

/* ---- boxes ---- */

static struct nat_config *box(struct unseen *u)
{
	return &u->profile.layers[0];
}

static void start(struct unseen *u)
{
	u->profile.layer_count = 1;
	*box(u) = (struct nat_config){ .mapping = NAT_EI,
				       .filtering = NAT_APD,
				       .externals = { addr_ipv4(21, 0, 0, 2, 0) },
				       .external_count = 1,
				       .gateway = addr_ipv4(192, 168, 1, 1, 0) };
}

static void any_box(struct unseen *u, struct rng *r)
{
	start(u);
	box(u)->mapping = any_rule(r);
	box(u)->filtering = any_rule(r);
	box(u)->hairpin = (uint8_t)rng_below(r, 3);
	box(u)->pcp = happens(r, 30);
	box(u)->nat_pmp = happens(r, 30);
	box(u)->gateway_rejects = happens(r, 50);
}

static void any_ports(struct nat_config *n, struct rng *r)
{
	static const uint8_t allocations[] = { NAT_PRESERVING, NAT_OFFSET,        NAT_SEQUENTIAL,
					       NAT_DEPENDENT,  NAT_PARITY_RANDOM, NAT_CONTIGUOUS,
					       NAT_RANDOM,     NAT_LINUX };

	n->allocation = PICK(r, allocations);
	n->step = happens(r, 50) ? 1 : -1;
	n->offset = 1 + (int32_t)rng_below(r, 2000);
}

static void any_nat(struct unseen *u, struct rng *r)
{
	any_box(u, r);
	any_ports(box(u), r);
}

/* ---- classes: ports ---- */

static void preserving(struct unseen *u, struct rng *r)
{
	any_box(u, r);
	if (happens(r, 30))
		box(u)->allocation = NAT_LINUX;
	tell(u);
}

static void overload(struct unseen *u, struct rng *r)
{
	static const double shares[] = { 0.05, 0.2, 0.5, 0.8 };

	any_box(u, r);
	box(u)->overload = PICK(r, shares);
	tell(u);
	if (box(u)->overload < 0.3)
		forget(u, "parity"); /* so few are not kept that they may be somebody else's */
}

static void overload_most(struct unseen *u, struct rng *r)
{
	any_box(u, r);
	box(u)->overload = 0.95;
	tell(u);
	expect(u, "delta.type", "in equal,random");
	forget(u, "contiguity");
	forget(u, "delta.preserved");
}

static void sequential(struct unseen *u, struct rng *r)
{
	static const int32_t steps[] = { 1, -1, 2, -2, 3, 4, 7, 10, 64, 100, -5 };

	any_box(u, r);
	box(u)->allocation = NAT_SEQUENTIAL;
	box(u)->step = PICK(r, steps);
	tell(u);
}

static void sequential_busy(struct unseen *u, struct rng *r)
{
	static const double rates[] = { 1, 5, 20, 50 };

	sequential(u, r);
	box(u)->background_per_s = PICK(r, rates);
}

static void sequential_narrow(struct unseen *u, struct rng *r)
{
	sequential(u, r);
	if (happens(r, 50)) {
		box(u)->port_low = 1024;
		box(u)->port_high = 5000;
	} else {
		box(u)->port_low = 32768;
	}
}

static void block_sequential(struct unseen *u, struct rng *r)
{
	static const uint32_t widths[] = { 512, 1008, 2048, 4096 };
	static const int32_t steps[] = { 1, -1, 2, -2, 3 };

	any_box(u, r);
	box(u)->allocation = NAT_SEQUENTIAL;
	box(u)->step = PICK(r, steps);
	box(u)->block_width = PICK(r, widths);
	tell(u);
}

static void block_random(struct unseen *u, struct rng *r)
{
	static const uint32_t widths[] = { 64, 128, 512, 1008, 2048, 4096 };

	any_box(u, r);
	box(u)->allocation = happens(r, 50) ? NAT_RANDOM : NAT_PRESERVING;
	box(u)->block_width = PICK(r, widths);
	tell(u);
	if (box(u)->allocation == NAT_PRESERVING) { /* the block may hold some of our ports */
		expect(u, "delta.type", "in equal,random");
		forget(u, "contiguity");
	}
}

static void range_random(struct unseen *u, struct rng *r)
{
	any_box(u, r);
	box(u)->allocation = NAT_RANDOM;
	if (happens(r, 33)) {
		box(u)->port_low = 1024;
		box(u)->port_high = 5000;
	} else if (happens(r, 50)) {
		box(u)->port_low = 32768;
	}
	tell(u);
}

static void range_preserving(struct unseen *u, struct rng *r)
{
	any_box(u, r);
	box(u)->port_low = 1024;
	box(u)->port_high = 5000;
	box(u)->allocation = NAT_RANDOM; /* nothing of ours is in that range */
	tell(u);
	box(u)->allocation = NAT_PRESERVING;
}

static void offsets(struct unseen *u, struct rng *r)
{
	static const int32_t values[] = { 1, 2, 7, 100, 4096, -1, -2, -1000, -30000, 3001, 20000 };

	any_box(u, r);
	box(u)->allocation = NAT_OFFSET;
	box(u)->offset = PICK(r, values);
	tell(u);
	if (box(u)->offset > 4000) { /* some leave the range, which has no even number of ports */
		expect(u, "contiguity", "= yes");
		forget(u, "parity");
	}
}

static void dependent(struct unseen *u, struct rng *r)
{
	static const int32_t steps[] = { 1, -1, 2, -2, 3, 10 };

	any_box(u, r);
	box(u)->allocation = happens(r, 30) ? NAT_CONTIGUOUS : NAT_DEPENDENT;
	box(u)->step = PICK(r, steps);
	tell(u);
}

static void parity_rules(struct unseen *u, struct rng *r)
{
	any_box(u, r);
	box(u)->allocation = happens(r, 50) ? NAT_PARITY_RANDOM : NAT_PARITY_SEQUENTIAL;
	box(u)->step = 2;
	tell(u);
}

static void two_addresses(struct unseen *u, struct rng *r)
{
	start(u);
	box(u)->filtering = any_rule(r);
	any_ports(box(u), r);
	box(u)->externals[1] = addr_ipv4(23, 0, 0, 2, 0);
	box(u)->external_count = 2;
	box(u)->pooling = (uint8_t)rng_below(r, 3);
	if (box(u)->pooling == NAT_POOL_PAIRED)
		box(u)->mapping = any_rule(r);
	tell(u);
}

/* ---- classes: layers ---- */

static void second_box(struct unseen *u, struct rng *r, unsigned layer)
{
	static const uint8_t nets[] = { 100, 10, 192 };
	struct nat_config *outer = &u->profile.layers[layer - 1], *n = &u->profile.layers[layer];
	struct addr wan;

	outer->gateway = layer == 1 ? addr_ipv4(100, 64, 0, 1, 0) : addr_ipv4(10, 0, 0, 1, 0);
	wan = outer->gateway;
	wan.ip[3] = 2;
	*n = (struct nat_config){ .mapping = any_rule(r),
				  .filtering = any_rule(r),
				  .allocation = happens(r, 50) ? NAT_PRESERVING : NAT_LINUX,
				  .externals = { wan },
				  .external_count = 1,
				  .gateway = addr_ipv4(nets[layer], layer == 1 ? 0 : 168, 1, 1, 0),
				  .pcp = happens(r, 30),
				  .nat_pmp = happens(r, 30) };
	u->profile.layer_count = (uint8_t)(layer + 1);
}

static void layers(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	box(u)->pcp = box(u)->nat_pmp = false;
	second_box(u, r, 1);
	if (happens(r, 40))
		second_box(u, r, 2);
	tell(u);
	/* A box that hands a datagram on as its own, or hides whose it was. */
	forget(u, "hairpin");
}

/* A firewall outside of a NAT, or inside of it. */
static void firewalled(struct unseen *u, struct rng *r)
{
	bool outside = happens(r, 50);
	struct nat_config nat, wall = { .filtering = any_rule(r) };

	any_nat(u, r);
	nat = *box(u);
	nat.pcp = nat.nat_pmp = false;
	if (outside) {
		wall.gateway = addr_ipv4(21, 0, 0, 1, 0);
		u->profile.layers[0] = wall;
		u->profile.layers[1] = nat;
	} else {
		nat.gateway = addr_ipv4(192, 168, 2, 1, 0);
		wall.gateway = addr_ipv4(192, 168, 1, 1, 0);
		u->profile.layers[0] = nat;
		u->profile.layers[1] = wall;
	}
	u->profile.layer_count = 2;
	tell(u);
	forget(u, "hairpin"); /* a packet that turns round inside of the wall does not meet it */
}

/* ---- classes: families ---- */

static void ipv6(struct unseen *u, struct rng *r)
{
	struct addr host = { .family = ADDR_IPV6, .ip = { 0x2a, 0x10, 0, 0x22, [15] = 1 } };
	struct addr inside = { .family = ADDR_IPV6, .ip = { 0xfd, 0, 0, 1, [15] = 1 } };

	u->profile.family = ADDR_IPV6;
	if (happens(r, 50)) {
		u->profile.layer_count = 1;
		*box(u) = (struct nat_config){ .filtering = happens(r, 20) ? NAT_NONE : any_rule(r),
					       .gateway = host };
	} else {
		any_nat(u, r);
		box(u)->gateway = inside;
		box(u)->externals[0] = (struct addr){ .family = ADDR_IPV6,
						      .ip = { 0x2a, 0x10, 0, 0x21, [15] = 2 } };
		box(u)->pcp = box(u)->nat_pmp = false;
	}
	tell(u);
}

static void nat64(struct unseen *u, struct rng *r)
{
	static const uint8_t lens[] = { 32, 40, 48, 56, 64, 96 };

	any_nat(u, r);
	u->profile.family = ADDR_IPV6;
	box(u)->gateway =
		(struct addr){ .family = ADDR_IPV6, .ip = { 0x2a, 0x10, 0, 0x22, [15] = 1 } };
	box(u)->nat64_prefix_len = PICK(r, lens);
	box(u)->nat64_prefix =
		(struct addr){ .family = ADDR_IPV6, .ip = { 0x2a, 0x10, 0x64, 0x64 } };
	box(u)->pcp = box(u)->nat_pmp = false;
	tell(u);
	forget(u, "hairpin");
}

static void bare_host(struct unseen *u, struct rng *r)
{
	if (happens(r, 50)) {
		u->profile.layer_count = 1;
		*box(u) = (struct nat_config){ .filtering = (uint8_t)rng_below(r, 5),
					       .gateway = addr_ipv4(22, 0, 0, 1, 0) };
	}
	tell(u);
}

/* ---- classes: odd boxes ---- */

static void linux_box(struct unseen *u, struct rng *r)
{
	static const uint8_t reactions[] = { NAT_DROP, NAT_ICMP, NAT_RST, NAT_ACCEPT };

	start(u);
	box(u)->allocation = NAT_LINUX;
	box(u)->mapping = NAT_EI;
	box(u)->filtering = happens(r, 70) ? NAT_APD : any_rule(r);
	box(u)->hairpin = (uint8_t)rng_below(r, 3);
	box(u)->unsolicited = PICK(r, reactions);
	box(u)->unsolicited_syn = PICK(r, reactions);
	tell(u);
	if (box(u)->unsolicited == NAT_ACCEPT)
		forget(u, "hairpin"); /* the box may have taken the tuple before */
}

static void tcp_differs(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	box(u)->has_tcp_rules = true;
	box(u)->tcp_mapping = any_rule(r);
	box(u)->tcp_filtering = any_rule(r);
	tell(u);
}

static void tcp_blocked(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	box(u)->tcp_blocked = true;
	tell(u);
	expect(u, "mapping.tcp", "= unknown");
}

static void udp_blocked(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	if (happens(r, 50)) {
		box(u)->udp_blocked = true;
	} else {
		box(u)->udp_ports_allowed[0] = 53;
		box(u)->udp_ports_allowed[1] = 443;
	}
	tell(u);
}

static void reacts(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	box(u)->unsolicited = NAT_ICMP;
	box(u)->unsolicited_syn = NAT_RST;
	box(u)->alg = happens(r, 30);
	box(u)->icmp_blocked = happens(r, 30);
	tell(u);
}

static void fragile(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	box(u)->filtering = happens(r, 70) ? NAT_APD : NAT_AD;
	box(u)->dies_on_unexpected = true;
	tell(u);
	forget(u, "hairpin");
	if (box(u)->mapping == NAT_EI)
		expect(u, "mapping", "in endpoint-independent,mixed");
}

static void limited_mappings(struct unseen *u, struct rng *r)
{
	static const uint32_t limits[] = { 8, 12, 16, 24, 30, 40 };

	any_nat(u, r);
	box(u)->subscriber_limit = PICK(r, limits);
	tell(u);
	forget(u, "hairpin");
	forget(u, "rate-limit");
}

static void rate_limited(struct unseen *u, struct rng *r)
{
	static const uint32_t rates[] = { 5, 10, 20, 40, 60, 90 };
	static const uint32_t bursts[] = { 1, 5, 10, 30, 50 };

	any_nat(u, r);
	box(u)->rate_per_s = PICK(r, rates);
	box(u)->rate_burst = PICK(r, bursts);
	tell(u);
	forget(u, "rate-limit");
	expect(u, "udp-blocked", "= no");
}

static void short_lived(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	box(u)->lifetime_s = 1 + rng_below(r, 5);
	box(u)->refresh = (uint8_t)rng_below(r, 3);
	if (box(u)->refresh == NAT_REFRESH_IN)
		box(u)->refresh = NAT_REFRESH_BOTH;
	tell(u);
}

static const char *const rule_words[] = {
	[NAT_EI] = "endpoint-independent",
	[NAT_AD] = "address-dependent",
	[NAT_APD] = "address-and-port-dependent",
	[NAT_PD] = "port-dependent",
};

/* What it was, what it becomes, or that it changes: all may be told. */
static void changes_under_load(struct unseen *u, struct rng *r)
{
	static const uint32_t limits[] = { 5, 10, 20, 30 };
	char words[128];

	any_nat(u, r);
	box(u)->allocation = NAT_RANDOM;
	box(u)->load_limit = PICK(r, limits);
	do {
		box(u)->loaded_mapping = any_rule(r);
	} while (box(u)->loaded_mapping == box(u)->mapping);
	tell(u);
	(void)snprintf(words, sizeof(words), "in %s,mixed", rule_words[box(u)->mapping]);
	expect(u, "mapping", words);
	expect(u, "mapping.tcp", words);
	forget(u, "hairpin");
}

/* ---- classes: links ---- */

static void jitter(struct unseen *u, struct rng *r)
{
	static const uint32_t jitters[] = { 5000, 20000, 100000, 300000 };

	any_nat(u, r);
	u->net.access.jitter_us = PICK(r, jitters);
	u->net.access.jitter_reorders = happens(r, 50);
	u->delays = true;
	tell(u);
}

static void duplication(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->net.access.duplicate = (1 + rng_below(r, 20)) / 100.0;
	tell(u);
}

static void reordering(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->net.access.reorder = (1 + rng_below(r, 20)) / 100.0;
	tell(u);
}

static void lossy_inside(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->net.loses_inside = true;
	tell(u);
}

static void distances(struct unseen *u, struct rng *r)
{
	static const uint32_t rtts[] = { 1000, 5000, 20000, 150000, 400000, 700000, 1500000 };

	any_nat(u, r);
	u->net.rtt_us = PICK(r, rtts);
	tell(u);
}

static void wakes_late(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->net.wakes_after_us = 50000 * (1 + rng_below(r, 10));
	u->delays = true;
	tell(u);
}

static void one_way_loss(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->net.loss_out_only = happens(r, 50);
	u->net.loss_in_only = !u->net.loss_out_only;
	u->loses = true;
	tell(u);
}

static void bursty(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->net.access.burst = 2 + rng_below(r, 4);
	tell(u);
}

static void deaf_at_first(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->net.loses_until_us = 50000 * (1 + rng_below(r, 8));
	u->loses = true;
	tell(u);
}

/* ---- classes: what happens meanwhile ---- */

static void unsettle(struct unseen *u)
{
	static const char *const hairpins[] = { "= no", "= external-source", "= internal-source" };
	char words[200];

	(void)snprintf(words, sizeof(words), "in %s,mixed", rule_words[box(u)->mapping]);
	if (box(u)->mapping == NAT_EI || box(u)->allocation != NAT_LINUX)
		expect(u, "mapping", words);
	expect(u, "mapping.tcp", words);
	if (box(u)->allocation == NAT_LINUX) {
		expect(u, "mapping", "in endpoint-independent,mixed");
		expect(u, "mapping.tcp", "in endpoint-independent,mixed");
	}
	u->loses = true; /* what was under way to a mapping */
	forget(u, "cgn");
	expect(u, "hairpin", hairpins[box(u)->hairpin]); /* what was open, may be seen */
}

static void reboots(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->net.flush_at_us = SIM_START_US + 20000 * (1 + rng_below(r, 50));
	tell(u);
	unsettle(u);
}

static void moves(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->net.address_changes_at_us = SIM_START_US + 20000 * (1 + rng_below(r, 50));
	tell(u);
	unsettle(u);
	expect(u, "pooling", "in paired,arbitrary");
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
		forget(u, "udp-blocked");
		forget(u, "firewall");
		break;
	case SIM_DROPS_CHANGE: /* with a mapping for each endpoint, a filter looks the same */
	case SIM_SLOW_CHANGE:
		if (box(u)->mapping == NAT_APD)
			forget(u, "filtering");
		break;
	default:
		break;
	}
}

static void one_misdeed(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->net.servers[0].misdeed = any_misdeed(u, r);
	tell(u);
	forget_hidden(u, u->net.servers[0].misdeed);
}

static void one_of_three(struct unseen *u, struct rng *r)
{
	uint8_t misdeed;

	any_nat(u, r);
	misdeed = any_misdeed(u, r);
	u->net.server_count = 3;
	u->net.servers[rng_below(r, 3)].misdeed = misdeed;
	tell(u);
	if (misdeed == SIM_DROPS_CHANGE || misdeed == SIM_SLOW_CHANGE)
		forget_hidden(u, misdeed);
}

static void far_servers(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->net.server_count = 2 + rng_below(r, 3);
	for (size_t i = 0; i < u->net.server_count; i++)
		u->net.servers[i].extra_rtt_us = rng_below(r, 8) * 50000;
	u->delays = true;
	if (happens(r, 40))
		u->net.servers[u->net.server_count - 1].misdeed = SIM_DEAD;
	tell(u);
}

static void forgeries(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->net.forges = true;
	tell(u);
}

/* ---- classes: the host ---- */

static void poor_host(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->net.refused_per_mille = rng_below(r, 200);
	u->net.tcp_hides_local = happens(r, 30);
	if (happens(r, 20))
		u->net.open_fails = true;
	if (happens(r, 30))
		u->net.local_port = (uint16_t)(1024 + rng_below(r, 60000));
	tell(u);
	forget(u, "rate-limit");
}

static void hides_source(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->net.hides_own_source = true;
	tell(u);
}

static void two_nics(struct unseen *u, struct rng *r)
{
	any_nat(u, r);
	u->profile.two_nics = true;
	tell(u);
}

const struct unseen_class unseen_classes[] = {
	{ "preserving", preserving },
	{ "overload", overload },
	{ "overload-95", overload_most },
	{ "sequential", sequential },
	{ "sequential-busy", sequential_busy },
	{ "sequential-narrow", sequential_narrow },
	{ "block-sequential", block_sequential },
	{ "block-random", block_random },
	{ "range-random", range_random },
	{ "range-preserving", range_preserving },
	{ "offset", offsets },
	{ "dependent", dependent },
	{ "parity", parity_rules },
	{ "two-addresses", two_addresses },
	{ "layers", layers },
	{ "firewalled", firewalled },
	{ "ipv6", ipv6 },
	{ "nat64", nat64 },
	{ "bare-host", bare_host },
	{ "linux", linux_box },
	{ "tcp-differs", tcp_differs },
	{ "tcp-blocked", tcp_blocked },
	{ "udp-blocked", udp_blocked },
	{ "reacts", reacts },
	{ "fragile", fragile },
	{ "limited-mappings", limited_mappings },
	{ "rate-limited", rate_limited },
	{ "short-lived", short_lived },
	{ "changes-under-load", changes_under_load },
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
};

const size_t unseen_class_count = ARRAY_LEN(unseen_classes);

void unseen_make(const struct unseen_class *c, uint64_t seed, double loss, struct unseen *out)
{
	struct rng r = rng_seed(seed ^ 0x756e7365656eu);

	(void)rng_next(&r);
	*out = (struct unseen){ 0 };
	out->profile = (struct nat_profile){ .id = c->name,
					     .name = c->name,
					     .summary = "made up",
					     .family = ADDR_IPV4,
					     .deep_truth = "",
					     .p2pd_type = "",
					     .p2pd_delta = "",
					     .strategy = "punch" };
	out->net.seed = seed;
	out->net.server_count = 1;
	out->net.access.loss = loss;
	c->make(out, &r);
	out->profile.truth = out->truth;
	out->net.profile = &out->profile;
}
