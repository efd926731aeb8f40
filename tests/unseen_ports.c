/* How boxes pick ports. */
#include "unseen_kit.h"

static void preserving(struct unseen *u, struct rng *r)
{
	unseen_any_box(u, r);
	if (happens(r, 30))
		unseen_box(u)->allocation = NAT_LINUX;
	unseen_tell(u);
}

static void overload(struct unseen *u, struct rng *r)
{
	static const double shares[] = { 0.05, 0.2, 0.5, 0.8 };

	unseen_any_box(u, r);
	unseen_box(u)->overload = PICK(r, shares);
	unseen_tell(u);
	if (unseen_box(u)->overload < 0.3)
		unseen_forget(u,
			      "parity"); /* so few are not kept that they may be somebody else's */
}

static void overload_most(struct unseen *u, struct rng *r)
{
	unseen_any_box(u, r);
	unseen_box(u)->overload = 0.95;
	unseen_tell(u);
	unseen_expect(u, "delta.type", "in equal,random");
	unseen_forget(u, "contiguity");
	unseen_forget(u, "delta.preserved");
}

static void sequential(struct unseen *u, struct rng *r)
{
	static const int32_t steps[] = { 1, -1, 2, -2, 3, 4, 7, 10, 64, 100, -5 };

	unseen_any_box(u, r);
	unseen_box(u)->allocation = NAT_SEQUENTIAL;
	unseen_box(u)->step = PICK(r, steps);
	unseen_tell(u);
}

static void sequential_busy(struct unseen *u, struct rng *r)
{
	static const double rates[] = { 1, 5, 20, 50 };

	sequential(u, r);
	unseen_box(u)->background_per_s = PICK(r, rates);
}

static void sequential_narrow(struct unseen *u, struct rng *r)
{
	sequential(u, r);
	if (happens(r, 50)) {
		unseen_box(u)->port_low = 1024;
		unseen_box(u)->port_high = 5000;
	} else {
		unseen_box(u)->port_low = 32768;
	}
}

static void block_sequential(struct unseen *u, struct rng *r)
{
	static const uint32_t widths[] = { 512, 1008, 2048, 4096 };
	static const int32_t steps[] = { 1, -1, 2, -2, 3 };

	unseen_any_box(u, r);
	unseen_box(u)->allocation = NAT_SEQUENTIAL;
	unseen_box(u)->step = PICK(r, steps);
	unseen_box(u)->block_width = PICK(r, widths);
	unseen_tell(u);
}

static void block_random(struct unseen *u, struct rng *r)
{
	static const uint32_t widths[] = { 64, 128, 512, 1008, 2048, 4096 };

	unseen_any_box(u, r);
	unseen_box(u)->allocation = happens(r, 50) ? NAT_RANDOM : NAT_PRESERVING;
	unseen_box(u)->block_width = PICK(r, widths);
	unseen_tell(u);
	if (unseen_box(u)->allocation ==
	    NAT_PRESERVING) { /* the block may hold some of our ports */
		unseen_expect(u, "delta.type", "in equal,random");
		unseen_forget(u, "contiguity");
	}
}

static void range_random(struct unseen *u, struct rng *r)
{
	unseen_any_box(u, r);
	unseen_box(u)->allocation = NAT_RANDOM;
	if (happens(r, 33)) {
		unseen_box(u)->port_low = 1024;
		unseen_box(u)->port_high = 5000;
	} else if (happens(r, 50)) {
		unseen_box(u)->port_low = 32768;
	}
	unseen_tell(u);
}

static void range_preserving(struct unseen *u, struct rng *r)
{
	unseen_any_box(u, r);
	unseen_box(u)->port_low = 1024;
	unseen_box(u)->port_high = 5000;
	unseen_box(u)->allocation = NAT_RANDOM; /* nothing of ours is in that range */
	unseen_tell(u);
	unseen_box(u)->allocation = NAT_PRESERVING;
}

static void offsets(struct unseen *u, struct rng *r)
{
	static const int32_t values[] = { 1, 2, 7, 100, 4096, -1, -2, -1000, -30000, 3001, 20000 };

	unseen_any_box(u, r);
	unseen_box(u)->allocation = NAT_OFFSET;
	unseen_box(u)->offset = PICK(r, values);
	unseen_tell(u);
	if (unseen_box(u)->offset >
	    4000) { /* some leave the range, which has no even number of ports */
		unseen_expect(u, "contiguity", "= yes");
		unseen_forget(u, "parity");
	}
}

static void dependent(struct unseen *u, struct rng *r)
{
	static const int32_t steps[] = { 1, -1, 2, -2, 3, 10 };

	unseen_any_box(u, r);
	unseen_box(u)->allocation = happens(r, 30) ? NAT_CONTIGUOUS : NAT_DEPENDENT;
	unseen_box(u)->step = PICK(r, steps);
	unseen_tell(u);
}

static void parity_rules(struct unseen *u, struct rng *r)
{
	unseen_any_box(u, r);
	unseen_box(u)->allocation = happens(r, 50) ? NAT_PARITY_RANDOM : NAT_PARITY_SEQUENTIAL;
	unseen_box(u)->step = 2;
	unseen_tell(u);
}

static void two_addresses(struct unseen *u, struct rng *r)
{
	unseen_start(u);
	unseen_box(u)->filtering = any_rule(r);
	unseen_any_ports(unseen_box(u), r);
	unseen_box(u)->externals[1] = addr_ipv4(23, 0, 0, 2, 0);
	unseen_box(u)->external_count = 2;
	unseen_box(u)->pooling = (uint8_t)rng_below(r, 3);
	if (unseen_box(u)->pooling == NAT_POOL_PAIRED)
		unseen_box(u)->mapping = any_rule(r);
	unseen_tell(u);
}

const struct unseen_class unseen_ports[] = {
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
	{ 0 },
};
