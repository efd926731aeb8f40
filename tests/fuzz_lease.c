/*
 * A gateway that answers requests for a mapping with anything. Each step is a byte that says what
 * happens, and what belongs to it. Nothing of it may make a lease out of nothing, ask in a loop, or
 * keep what was given back.
 */
#include "natprobe/map/lease.h"
#include "fuzz_check.h"

#define STEPS_MAX   256
#define ACTIONS_MAX 64

static void check(const struct lease *l)
{
	if (l->state == LEASE_HELD) {
		FUZZ_CHECK(l->grant.by < LEASE_NOBODY);
		FUZZ_CHECK(l->grant.by == LEASE_UPNP || l->grant.external.port != 0);
		FUZZ_CHECK(l->grant.by == LEASE_UPNP || l->grant.lifetime_s > 0);
	}
	for (int by = 0; by < LEASE_BYS; by++)
		FUZZ_CHECK(l->replies[by].answer < LEASE_ANSWERS);
}

/* Carries out what is due; returns whether UPnP was asked. */
static bool act(struct lease *l, uint64_t now_us)
{
	struct lease_action a;
	bool asked = false;

	for (unsigned i = 0;; i++) {
		enum lease_kind kind = lease_next(l, now_us, &a);

		FUZZ_CHECK(i < ACTIONS_MAX);
		if (kind == LEASE_WAIT)
			break;
		if (kind == LEASE_SEND)
			FUZZ_CHECK(a.len > 0 && a.len <= sizeof(a.data));
		FUZZ_CHECK(kind != LEASE_DO_UPNP || !asked);
		asked = asked || kind == LEASE_DO_UPNP;
	}
	FUZZ_CHECK(lease_deadline_us(l) > now_us);
	return asked;
}

static void hear(struct lease *l, struct wire *in, uint64_t now_us)
{
	const struct addr gateway = addr_ipv4(192, 168, 1, 1, PORTMAP_PORT);
	size_t len = wire_get_u8(in);

	lease_on_datagram(l, &gateway, wire_get_bytes(in, len < in->left ? len : in->left), now_us);
}

static void answer_upnp(struct lease *l, struct wire *in, uint64_t now_us)
{
	struct lease_upnp_result r = { .answer = wire_get_u8(in) % LEASE_ANSWERS };

	r.code = wire_get_u16(in);
	r.grant = (struct lease_grant){ .by = LEASE_UPNP,
					.external = addr_ipv4(1, 2, 3, 4, wire_get_u16(in)),
					.lifetime_s = wire_get_u16(in) };
	lease_on_upnp(l, &r, now_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire in = wire_read(bytes_of(data, len));
	uint8_t flags = wire_get_u8(&in);
	const struct lease_config config = {
		.transport = (flags & 1) != 0 ? PORTMAP_TCP : PORTMAP_UDP,
		.internal = addr_ipv4(192, 168, 1, 2, 4900),
		.gateway = addr_ipv4(192, 168, 1, 1, 0),
		.external_port = 4900,
		.external_only = (flags & 2) != 0,
		.keep = (flags & 4) != 0,
		.has_upnp = (flags & 8) != 0,
		.lifetime_s = 600,
		.seed = 1,
	};
	uint64_t now_us = 1000000;
	bool upnp_runs = false;
	struct lease l;

	lease_start(&l, &config, now_us);
	for (unsigned i = 0; i < STEPS_MAX && in.left > 0; i++) {
		uint8_t what = wire_get_u8(&in);

		upnp_runs = act(&l, now_us) || upnp_runs;
		now_us += (uint64_t)(what >> 3) * (what >> 3) * 100000;
		switch (what & 7) {
		case 0:
			lease_on_refused(&l, (what & 8) != 0, now_us);
			break;
		case 1:
			if (upnp_runs)
				answer_upnp(&l, &in, now_us);
			upnp_runs = false;
			break;
		case 2:
			lease_remove(&l, now_us);
			break;
		default:
			hear(&l, &in, now_us);
			break;
		}
		check(&l);
	}
	lease_remove(&l, now_us);
	for (unsigned i = 0; i < 8 && l.state != LEASE_ENDED; i++) {
		struct lease_upnp_result gone = { .answer = LEASE_GRANTED };

		if (act(&l, now_us) || upnp_runs)
			lease_on_upnp(&l, &gone, now_us);
		upnp_runs = false;
		now_us += 1000000;
	}
	(void)act(&l, now_us);
	FUZZ_CHECK(l.state == LEASE_ENDED && lease_deadline_us(&l) == UINT64_MAX);
	return 0;
}
