/*
 * A gateway that answers anything. Each datagram is a byte of length and what follows; nothing
 * of it may make a question stay open beyond its time, or an address out of nothing.
 */
#include "natprobe/map/portmap.h"
#include "fuzz_check.h"

#define STEP_US 20000

static void send_due(struct portmap *p, uint64_t now_us)
{
	uint8_t request[PORTMAP_LEN];
	size_t len;

	while ((len = portmap_next(p, now_us, request)) > 0)
		FUZZ_CHECK(len == 2 || len == 24);
	FUZZ_CHECK(portmap_is_over(p, now_us) || portmap_deadline_us(p) > now_us);
}

static void check_end(const struct portmap *p, uint64_t now_us)
{
	struct verdict v = { 0 };

	portmap_end(p, CAUSE_TIMEOUT, &v, now_us);
	FUZZ_CHECK(v.pcp.present.value != VERDICT_UNKNOWN);
	FUZZ_CHECK(v.nat_pmp.present.value != VERDICT_UNKNOWN);
	FUZZ_CHECK(v.pcp.external.family == ADDR_NONE);
	if (v.nat_pmp.external.family != ADDR_NONE) {
		FUZZ_CHECK(v.nat_pmp.present.value == VERDICT_YES);
		FUZZ_CHECK(v.nat_pmp.external.family == ADDR_IPV4);
	}
	v.local = p->local;
	portmap_judge_cgn(&v);
	FUZZ_CHECK((v.cgn.value == VERDICT_YES) == (v.cgn_hints != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct addr local = addr_ipv4(192, 168, 1, 2, 0);
	const struct addr gateway = addr_ipv4(192, 168, 1, 1, PORTMAP_PORT);
	struct wire in = wire_read(bytes_of(data, len));
	struct portmap p;
	uint64_t now_us = 1000;

	portmap_start(&p, &local, &gateway, now_us);
	for (unsigned i = 0; i < 64; i++, now_us += STEP_US) {
		send_due(&p, now_us);
		if (in.left == 0)
			continue;
		size_t n = wire_get_u8(&in);
		struct bytes answer = wire_get_bytes(&in, n < in.left ? n : in.left);

		portmap_on_datagram(&p, &gateway, answer);
	}
	FUZZ_CHECK(portmap_is_over(&p, now_us));
	check_end(&p, now_us);
	return 0;
}
