/*
 * punch_rig - two trials on a virtual clock and a wire that loses, delays and lies as a test wants
 * it. The hosts have public addresses or simple filters; NATs are sim_pair's.
 */
#ifndef NATKIT_PUNCH_RIG_H
#define NATKIT_PUNCH_RIG_H

#include "natprobe/punch/punch.h"
#include "rng.h"

#define RIG_WAITING   4096
#define RIG_BYTES_MAX 256
#define RIG_TOLD_MAX  16

enum rig_event_kind { RIG_FREE = 0, RIG_DATAGRAM, RIG_TOLD, RIG_RELAYED };

struct rig_event {
	uint8_t kind; /* enum rig_event_kind */
	uint8_t side; /* who gets it */
	uint64_t at_us;
	struct addr from, to;
	size_t len;
	uint8_t data[RIG_BYTES_MAX];
	uint8_t told; /* which of rig.told */
};

struct rig_slot {
	bool open;
	struct addr local;
};

struct rig_side {
	struct punch *punch;
	struct punch_config config;
	struct peer_profile profile;
	struct punch_clock clock;
	struct rig_slot slots[PUNCH_SLOTS_MAX];
	uint16_t next_port, taken_port; /* another program's; 0: none is */
	int64_t clock_us;               /* its clock = the world's + this */
	uint64_t deadline_us;
	bool finished;
	uint64_t finished_us;
	uint32_t told;     /* messages */
	bool loses_told;   /* what it tells never arrives */
	uint32_t most_5ms; /* datagrams that left within 5 ms */
	uint64_t burst_us;
	uint32_t burst;
	struct rng rng;
};

struct rig {
	struct rig_side sides[2];
	uint64_t now_us;
	uint32_t delay_us; /* of a datagram, one way */
	uint32_t tell_us;  /* of a message */
	uint32_t loss_per_mille;
	struct rng rng;
	struct addr server;
	bool server_is_silent;
	struct rig_event events[RIG_WAITING];
	struct {
		size_t len;
		uint8_t data[PUNCH_TELL_MAX];
	} told[RIG_TOLD_MAX];
	uint32_t told_count;
	/* True: the datagram is lost. It may inject others. */
	bool (*filter)(struct rig *r, uint8_t from_side, const struct addr *from,
		       const struct addr *to, struct bytes data);
	void (*at_every_step)(struct rig *r);
	void *arg;
};

/* Two hosts without NAT on one path each: 20.0.0.1 and 20.0.1.1; B's clock is another one. */
void rig_init(struct rig *r);
/* Makes both trials of the sides' config and profile. */
void rig_start(struct rig *r);
/* Until both have finished, or so long. False: one has not. */
bool rig_run(struct rig *r, uint64_t for_us);
void rig_end(struct rig *r);
void rig_inject(struct rig *r, uint8_t to_side, const struct addr *from, const struct addr *to,
		struct bytes data, uint32_t delay_us);
const struct punch_result *rig_result(const struct rig *r, uint8_t side);
/* Its clock. */
uint64_t rig_clock(const struct rig *r, uint8_t side);
unsigned rig_open(const struct rig *r, uint8_t side);

#endif
