/*
 * forward_kit - one worker of a turnd with allocations that nobody had to ask for: for tests of the
 * data path, and to measure it.
 */
#ifndef NATKIT_FORWARD_KIT_H
#define NATKIT_FORWARD_KIT_H

#include "rng.h"
#include "turnd/forward.h"

#define FORWARD_KIT_RELAYS  2 /* IPv4, behind a public address; and IPv6 */
#define FORWARD_KIT_WORKERS 2
#define FORWARD_KIT_CHANNEL 0x4000

struct forward_kit {
	struct turnd t;
	struct snapshot snapshot;
	struct realm realm;
	struct snapshot_relay relays[FORWARD_KIT_RELAYS];
	struct ports *ports[FORWARD_KIT_RELAYS * FORWARD_KIT_WORKERS];
	struct turnd_shared shared;
	struct turnd_io io;
	struct policy *policy;
	struct turnd_now now;
	struct rng rng;
	size_t draws; /* calls of turnd_io's random */
};

/* turnd listens at 91.80.0.1:3478, and relays from 10.0.0.5, seen as 91.80.0.5, and 2a01:4f8::5. */
void forward_kit_init(struct forward_kit *k);
void forward_kit_free(struct forward_kit *k);

/* The allocation of client number n, with both families. The link is as its transport has it. */
struct flow *forward_kit_add(struct forward_kit *k, uint32_t n, enum stun_transport transport,
			     uint8_t client_family);

/* As CreatePermission and ChannelBind do when all is well. */
void forward_kit_permit(struct forward_kit *k, struct flow *flow, const struct addr *peer);
void forward_kit_bind(struct forward_kit *k, struct flow *flow, uint16_t number,
		      const struct addr *peer);

/* A message of that client. */
struct turnd_in forward_kit_in(const struct flow *flow, struct bytes data);

#endif
