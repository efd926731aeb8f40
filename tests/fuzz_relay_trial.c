/*
 * A trial between a relay and a network that changes and loses what it likes: it ends in time, its
 * verdict has its reasons, and what it counts adds up.
 */
#include "fuzz_check.h"
#include "relay_net.h"

static struct relay_net n;

/* Now and then a byte becomes another one, or the end is cut off. */
static void change(void *arg, uint8_t *data, size_t *len)
{
	struct wire *in = arg;
	uint8_t what = wire_get_u8(in), where;

	if (what < 128 || *len == 0)
		return;
	where = wire_get_u8(in);
	if (what < 144)
		*len = where % *len;
	else
		data[where % *len] = wire_get_u8(in);
}

static void configure(struct wire *in)
{
	static const uint8_t shares[] = { 0, 0, 0, 10, 50, 100 };
	uint8_t flags = wire_get_u8(in);

	n.config.transport = (flags & 1) != 0 ? TURN_OVER_TCP : TURN_OVER_UDP;
	n.config.count = 1 + wire_get_u8(in) % 40;
	n.config.rate = 1 + wire_get_u8(in) * 3u;
	if ((flags & 2) != 0)
		n.rig.snapshot.relay_count = 1;
	if ((flags & 4) != 0)
		n.rig.realms[0].limits.user_allocations = 1;
	if ((flags & 8) != 0)
		n.config.credentials.password = BYTES("wrong");
	if ((flags & 16) != 0)
		n.leaves_as = addr_ipv4(91, 80, 0, 99, 50000);
	if ((flags & 32) != 0)
		n.dial_cause[1] = DIAL_REFUSED;
	n.breaks_at_us = (flags & 64) != 0 ? wire_get_u16(in) * 20u : 0;
	n.stops_at_us = (flags & 128) != 0 ? wire_get_u16(in) * 20u : 0;
	for (size_t i = 0; i < NET_LEGS; i++)
		n.loss[i] = shares[wire_get_u8(in) % ARRAY_LEN(shares)];
}

static void check_loop(const struct relay_loop *l)
{
	FUZZ_CHECK(l->returned <= l->sent && l->arrived <= l->sent);
	FUZZ_CHECK(l->sent <= n.config.count);
	FUZZ_CHECK(l->rtt_min_us <= l->rtt_median_us && l->rtt_median_us <= l->rtt_p95_us &&
		   l->rtt_p95_us <= l->rtt_max_us);
}

static void check_findings(const struct relay_result *r)
{
	bool has_failure = false;
	char buf[RELAY_TEXT_MAX];

	for (size_t i = 0; i < r->finding_count; i++) {
		const struct relay_finding *f = &r->findings[i];

		has_failure = has_failure || f->is_failure;
		FUZZ_CHECK(relay_finding_text(r, f, buf)[0] != '\0');
		for (const char *at = buf; *at != '\0'; at++)
			FUZZ_CHECK(*at >= ' ' && *at <= '~');
		FUZZ_CHECK(strlen(relay_finding_remedy(r, f, buf)) < RELAY_TEXT_MAX - 1);
	}
	FUZZ_CHECK(r->verdict < RELAY_VERDICTS);
	FUZZ_CHECK(!has_failure || r->verdict != RELAY_WORKS);
	FUZZ_CHECK(r->verdict == RELAY_WORKS || r->finding_count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire in = wire_read(bytes_of(data, len));

	net_init(&n);
	configure(&in);
	n.change = change;
	n.change_arg = &in;
	net_run(&n);
	FUZZ_CHECK(n.took_us <= n.config.timeout_us + 4000000);
	for (int f = 0; f < RELAY_FAMILIES; f++)
		check_loop(&n.result->families[f].loop);
	check_findings(n.result);
	net_end(&n);
	return 0;
}
