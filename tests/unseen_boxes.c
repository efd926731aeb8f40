/* Layers of boxes, families of addresses, and boxes that are odd. */
#include "unseen_kit.h"

#include <stdio.h>

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
	unseen_any_nat(u, r);
	unseen_box(u)->pcp = unseen_box(u)->nat_pmp = false;
	second_box(u, r, 1);
	if (happens(r, 40))
		second_box(u, r, 2);
	unseen_tell(u);
	/* A box that hands a datagram on as its own, or hides whose it was. */
	unseen_forget(u, "hairpin");
}

/* A firewall outside of a NAT, or inside of it. */
static void firewalled(struct unseen *u, struct rng *r)
{
	bool outside = happens(r, 50);
	struct nat_config nat, wall = { .filtering = any_rule(r) };

	unseen_any_nat(u, r);
	nat = *unseen_box(u);
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
	unseen_tell(u);
	unseen_forget(
		u, "hairpin"); /* a packet that turns round inside of the wall does not meet it */
}

/* ---- classes: families ---- */

static void ipv6(struct unseen *u, struct rng *r)
{
	struct addr host = { .family = ADDR_IPV6, .ip = { 0x2a, 0x10, 0, 0x22, [15] = 1 } };
	struct addr inside = { .family = ADDR_IPV6, .ip = { 0xfd, 0, 0, 1, [15] = 1 } };

	u->profile.family = ADDR_IPV6;
	if (happens(r, 50)) {
		u->profile.layer_count = 1;
		*unseen_box(u) =
			(struct nat_config){ .filtering = happens(r, 20) ? NAT_NONE : any_rule(r),
					     .gateway = host };
	} else {
		unseen_any_nat(u, r);
		unseen_box(u)->gateway = inside;
		unseen_box(u)->externals[0] =
			(struct addr){ .family = ADDR_IPV6,
				       .ip = { 0x2a, 0x10, 0, 0x21, [15] = 2 } };
		unseen_box(u)->pcp = unseen_box(u)->nat_pmp = false;
	}
	unseen_tell(u);
}

static void nat64(struct unseen *u, struct rng *r)
{
	static const uint8_t lens[] = { 32, 40, 48, 56, 64, 96 };

	unseen_any_nat(u, r);
	u->profile.family = ADDR_IPV6;
	unseen_box(u)->gateway =
		(struct addr){ .family = ADDR_IPV6, .ip = { 0x2a, 0x10, 0, 0x22, [15] = 1 } };
	unseen_box(u)->nat64_prefix_len = PICK(r, lens);
	unseen_box(u)->nat64_prefix =
		(struct addr){ .family = ADDR_IPV6, .ip = { 0x2a, 0x10, 0x64, 0x64 } };
	unseen_box(u)->pcp = unseen_box(u)->nat_pmp = false;
	unseen_tell(u);
	unseen_forget(u, "hairpin");
}

static void bare_host(struct unseen *u, struct rng *r)
{
	if (happens(r, 50)) {
		u->profile.layer_count = 1;
		*unseen_box(u) = (struct nat_config){ .filtering = (uint8_t)rng_below(r, 5),
						      .gateway = addr_ipv4(22, 0, 0, 1, 0) };
	}
	unseen_tell(u);
}

/* ---- classes: odd boxes ---- */

static void linux_box(struct unseen *u, struct rng *r)
{
	static const uint8_t reactions[] = { NAT_DROP, NAT_ICMP, NAT_RST, NAT_ACCEPT };

	unseen_start(u);
	unseen_box(u)->allocation = NAT_LINUX;
	unseen_box(u)->mapping = NAT_EI;
	unseen_box(u)->filtering = happens(r, 70) ? NAT_APD : any_rule(r);
	unseen_box(u)->hairpin = (uint8_t)rng_below(r, 3);
	unseen_box(u)->unsolicited = PICK(r, reactions);
	unseen_box(u)->unsolicited_syn = PICK(r, reactions);
	unseen_tell(u);
	if (unseen_box(u)->unsolicited == NAT_ACCEPT)
		unseen_forget(u, "hairpin"); /* the box may have taken the tuple before */
}

static void tcp_differs(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	unseen_box(u)->has_tcp_rules = true;
	unseen_box(u)->tcp_mapping = any_rule(r);
	unseen_box(u)->tcp_filtering = any_rule(r);
	unseen_tell(u);
}

static void tcp_blocked(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	unseen_box(u)->tcp_blocked = true;
	unseen_tell(u);
	unseen_expect(u, "mapping.tcp", "= unknown");
}

static void udp_blocked(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	if (happens(r, 50)) {
		unseen_box(u)->udp_blocked = true;
	} else {
		unseen_box(u)->udp_ports_allowed[0] = 53;
		unseen_box(u)->udp_ports_allowed[1] = 443;
	}
	unseen_tell(u);
}

static void reacts(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	unseen_box(u)->unsolicited = NAT_ICMP;
	unseen_box(u)->unsolicited_syn = NAT_RST;
	unseen_box(u)->alg = happens(r, 30);
	unseen_box(u)->icmp_blocked = happens(r, 30);
	unseen_tell(u);
}

static void fragile(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	unseen_box(u)->filtering = happens(r, 70) ? NAT_APD : NAT_AD;
	unseen_box(u)->dies_on_unexpected = true;
	unseen_tell(u);
	unseen_forget(u, "hairpin");
	if (unseen_box(u)->mapping == NAT_EI)
		unseen_expect(u, "mapping", "in endpoint-independent,mixed");
}

static void limited_mappings(struct unseen *u, struct rng *r)
{
	static const uint32_t limits[] = { 8, 12, 16, 24, 30, 40 };

	unseen_any_nat(u, r);
	unseen_box(u)->subscriber_limit = PICK(r, limits);
	unseen_tell(u);
	unseen_forget(u, "hairpin");
	unseen_forget(u, "rate-limit");
}

static void rate_limited(struct unseen *u, struct rng *r)
{
	static const uint32_t rates[] = { 5, 10, 20, 40, 60, 90 };
	static const uint32_t bursts[] = { 1, 5, 10, 30, 50 };

	unseen_any_nat(u, r);
	unseen_box(u)->rate_per_s = PICK(r, rates);
	unseen_box(u)->rate_burst = PICK(r, bursts);
	unseen_tell(u);
	unseen_forget(u, "rate-limit");
	unseen_expect(u, "udp-blocked", "= no");
}

static void short_lived(struct unseen *u, struct rng *r)
{
	unseen_any_nat(u, r);
	unseen_box(u)->lifetime_s = 1 + rng_below(r, 5);
	unseen_box(u)->refresh = (uint8_t)rng_below(r, 3);
	if (unseen_box(u)->refresh == NAT_REFRESH_IN)
		unseen_box(u)->refresh = NAT_REFRESH_BOTH;
	unseen_tell(u);
}

/* What it was, what it becomes, or that it changes: all may be told. */
static void changes_under_load(struct unseen *u, struct rng *r)
{
	static const uint32_t limits[] = { 5, 10, 20, 30 };
	char words[128];

	unseen_any_nat(u, r);
	unseen_box(u)->allocation = NAT_RANDOM;
	unseen_box(u)->load_limit = PICK(r, limits);
	do {
		unseen_box(u)->loaded_mapping = any_rule(r);
	} while (unseen_box(u)->loaded_mapping == unseen_box(u)->mapping);
	unseen_tell(u);
	(void)snprintf(words, sizeof(words), "in %s,mixed",
		       unseen_rule_words[unseen_box(u)->mapping]);
	unseen_expect(u, "mapping", words);
	unseen_expect(u, "mapping.tcp", words);
	unseen_forget(u, "hairpin");
}

const struct unseen_class unseen_boxes[] = {
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
	{ 0 },
};
