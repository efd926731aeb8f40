/*
 * The file of a laboratory, and packets into what it describes. Input: the text up to a NUL, then
 * steps: a byte that says where the packet comes from (bit 7: time passes first, too), a byte of
 * its length, and the packet.
 */
#include "fuzz_check.h"

#include "tests/natlab/fabric.h"
#include "tests/natlab/hop.h"
#include "tests/natlab/topology.h"

#define STEP_US   40000
#define STEPS_MAX 200
#define CALLS_MAX 100000

static void check(struct bytes packet)
{
	struct hop_ends ends;

	FUZZ_CHECK(hop_ends(packet, &ends));
}

static void to_host(void *arg, size_t host, size_t nic, struct bytes packet)
{
	const struct lab_plan *plan = arg;

	FUZZ_CHECK(host < plan->host_count && nic < plan->hosts[host].nic_count);
	check(packet);
}

static void to_servers(void *arg, struct bytes packet)
{
	check(packet);
}

static void to_kernel(void *arg, size_t box, enum nat_side side, struct bytes packet)
{
	const struct lab_plan *plan = arg;

	FUZZ_CHECK(box < plan->box_count && plan->boxes[box].nft != NULL);
	check(packet);
}

/* False: there is no more. */
static bool step(struct fabric *f, const struct lab_plan *plan, struct wire *in, uint64_t *now_us)
{
	uint8_t from = wire_get_u8(in);
	struct bytes packet = wire_get_bytes(in, wire_get_u8(in));
	size_t host = from & 15;
	unsigned calls = 0;

	if (in->failed)
		return false;
	if (from & 128)
		*now_us += STEP_US;
	if (host < plan->host_count && plan->hosts[host].nic_count > 0)
		fabric_from_host(f, host, 0, packet, *now_us);
	else if (host == 15 && plan->boxes[0].nft != NULL)
		fabric_from_kernel(f, 0, from & 64 ? NAT_INSIDE : NAT_OUTSIDE, packet, *now_us);
	else
		fabric_from_servers(f, packet, *now_us);
	/* Whatever comes in, it ends. */
	while (fabric_run(f, *now_us) <= *now_us)
		FUZZ_CHECK(++calls < CALLS_MAX);
	return true;
}

static void move_packets(struct lab_plan *plan, struct wire *in)
{
	struct fabric_io io = {
		.to_host = to_host, .to_servers = to_servers, .to_kernel = to_kernel, .arg = plan
	};
	uint64_t now_us = 1000000;
	struct fabric *f = fabric_new(plan, &io);

	if (f == NULL)
		return;
	for (int i = 0; i < STEPS_MAX && step(f, plan, in, &now_us); i++)
		;
	fabric_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *nul = len > 0 ? memchr(data, '\0', len) : NULL;
	size_t text_len = nul != NULL ? (size_t)(nul - data) : len;
	static struct lab_plan plan;
	struct topology t;
	struct opt_error why;
	struct lab_error err;

	FUZZ_CHECK(opt_defaults(topology_program(), &t, &why));
	if (opt_read_text(topology_program(), "fuzz", (const char *)data, text_len, &t, &why) &&
	    topology_plan(&t, &plan, &err)) {
		size_t behind = text_len + (nul != NULL ? 1 : 0);
		struct wire in = wire_read(bytes_of(data + behind, len - behind));

		plan.seed = 1;
		move_packets(&plan, &in);
	}
	opt_clear(topology_program(), &t);
	return 0;
}
