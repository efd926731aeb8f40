#include "sim_pair.h"

/* punch as a driver of the two hosts. */
static void *make(const struct punch_config *config)
{
	return punch_new(config);
}

static void end(void *p)
{
	punch_free(p);
}

static enum punch_kind next(void *p, uint64_t now_us, struct punch_action *action)
{
	return punch_next(p, now_us, action);
}

static void on_open(void *p, uint16_t slot, const struct addr *local, uint64_t now_us)
{
	punch_on_open(p, slot, local, now_us);
}

static void on_open_failed(void *p, uint16_t slot, int err, uint64_t now_us)
{
	punch_on_open_failed(p, slot, err, now_us);
}

static void on_send_failed(void *p, uint16_t slot, int err, uint64_t now_us)
{
	punch_on_send_failed(p, slot, err, now_us);
}

static void on_datagram(void *p, uint16_t slot, const struct addr *from, struct bytes data,
			uint64_t now_us)
{
	punch_on_datagram(p, slot, from, data, now_us);
}

static void on_icmp(void *p, uint16_t slot, const struct addr *to, enum punch_icmp what,
		    uint64_t now_us)
{
	punch_on_icmp(p, slot, to, what, now_us);
}

static void on_mapped(void *p, uint16_t slot, const struct addr *external, uint64_t now_us)
{
	punch_on_mapped(p, slot, external, now_us);
}

static void on_relay(void *p, uint16_t slot, const struct addr *relayed, uint16_t code,
		     uint64_t now_us)
{
	punch_on_relay(p, slot, relayed, code, now_us);
}

static void on_connected(void *p, uint16_t slot, const struct addr *local, uint64_t now_us)
{
	punch_on_connected(p, slot, local, now_us);
}

static void on_accepted(void *p, uint16_t listener, uint16_t slot, const struct addr *remote,
			uint64_t now_us)
{
	punch_on_accepted(p, listener, slot, remote, now_us);
}

static void on_stream(void *p, uint16_t slot, enum punch_stream what, struct bytes data,
		      uint64_t now_us)
{
	punch_on_stream(p, slot, what, data, now_us);
}

static void on_told(void *p, struct bytes data, uint64_t now_us)
{
	punch_on_told(p, data, now_us);
}

static void set_clock(void *p, const struct punch_clock *clock)
{
	punch_set_clock(p, clock);
}

static void get_result(const void *p, struct punch_result *out)
{
	*out = *punch_result(p);
}

static const struct sim_pair_driver driver = {
	.make = make,
	.free = end,
	.next = next,
	.on_open = on_open,
	.on_open_failed = on_open_failed,
	.on_send_failed = on_send_failed,
	.on_datagram = on_datagram,
	.on_icmp = on_icmp,
	.on_mapped = on_mapped,
	.on_relay = on_relay,
	.on_connected = on_connected,
	.on_accepted = on_accepted,
	.on_stream = on_stream,
	.on_told = on_told,
	.set_clock = set_clock,
	.get_result = get_result,
};

struct sim_pair_config sim_pair_drawn(const struct nat_profile *first,
				      const struct nat_profile *second, uint64_t seed,
				      uint32_t loss_per_mille, uint32_t clock_error_us)
{
	bool is_swapped = second != NULL && (seed & 2) != 0;

	return (struct sim_pair_config){
		.profiles = { is_swapped ? second : first, is_swapped ? first : second },
		.same_nat = second == NULL,
		.seed = seed,
		.loss_per_mille = loss_per_mille,
		.has_relay = seed % 2 == 0,
		.clock_error_us = clock_error_us,
		.start_skew_us = (int64_t)(seed * 2654435761u % (2ull * clock_error_us + 1)) -
				 (int64_t)clock_error_us,
	};
}

bool sim_pair_run(const struct sim_pair_config *config, struct sim_pair_side sides[2])
{
	struct sim_pair_config known = *config;
	struct peer_profile profiles[2];

	for (unsigned i = 0; i < 2; i++) {
		if (known.known[i] != NULL)
			continue;
		sim_pair_diagnose(config, i, &profiles[i]);
		known.known[i] = &profiles[i];
	}
	return sim_pair_drive(&known, &driver, sides);
}
