/* shots_target - where a step may send to: the other side's endpoints, judged. Inside of shots. */
#ifndef NATPROBE_SHOTS_TARGET_H
#define NATPROBE_SHOTS_TARGET_H

#include "shots.h"

#define SHOTS_TARGETS_MAX 16

struct shots_target {
	uint16_t socket;
	struct addr addr;
};

struct shots_targets {
	struct shots_target list[SHOTS_TARGETS_MAX];
	uint8_t count;
	uint8_t local; /* how many of them, the first ones, are of our own network */
};

const struct punch_part *shots_our_part(const struct shots_view *v);
const struct punch_part *shots_their_part(const struct shots_view *v);
const struct peer_path *shots_our_path(const struct shots_view *v);
const struct peer_path *shots_their_path(const struct shots_view *v);

/* NULL: there is none. */
const struct peer_endpoint *shots_endpoint(const struct shots_view *v, const struct peer_offer *o,
					   uint8_t path, enum peer_endpoint_kind kind);

/*
 * As our socket has to be told: with our NAT64's prefix, or the zone of our link. False: nothing
 * may be sent there from that socket.
 */
bool shots_admit(const struct shots_view *v, uint16_t socket, const struct addr *to,
		 struct addr *out);

/* What a step sends to again and again; all of it may be sent to. */
void shots_targets_fill(const struct shots_view *v, struct shots_targets *out);
/* The addresses that packets of theirs may come from, with the announced port; no more than max. */
void shots_addresses_fill(const struct shots_view *v, uint8_t max, struct shots_targets *out);

#endif
