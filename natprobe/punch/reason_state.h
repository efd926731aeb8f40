/* reason_state - what the files of reason share. Side 0 is A, 1 is B. */
#ifndef NATPROBE_REASON_STATE_H
#define NATPROBE_REASON_STATE_H

#include "reason.h"

/* One side of a case. */
struct reason_side {
	const struct peer_path *path;
	const struct peer_offer *offer;
	const struct punch_part *part;
	const struct punch_evidence *seen;
	uint8_t path_index;
	bool is_hard; /* towards another destination it has another endpoint */
	bool is_open; /* its filter lets in everybody */
	bool admits_address;
	bool is_pooled; /* its flows leave by several addresses */
};

struct reason_view {
	const struct reason_case *c;
	struct reason_side sides[2];
	bool same_nat;
};

static inline struct punch_verdict reason_say(enum punch_reason reason, enum punch_side side)
{
	return (struct punch_verdict){ .reason = (uint8_t)reason, .side = (uint8_t)side };
}

static inline struct punch_verdict reason_unsure(void)
{
	return reason_say(REASON_UNSURE, PUNCH_SIDE_NONE);
}

static inline enum punch_side reason_side_of(bool a, bool b)
{
	return (enum punch_side)((a ? PUNCH_SIDE_A : 0) | (b ? PUNCH_SIDE_B : 0));
}

/* By how many ports the mapping of a side towards the other one is another than announced, as far
 * as that one saw it, or as the next port of a counter tells; 0: not known. */
int32_t reason_moved(const struct reason_view *v, int side);
/* The share of packets that a path loses, both halves of it. */
double reason_share_lost(const struct reason_view *v);
/* True where no path was open to be found: all of the packets were lost by chance. */
bool reason_fits_loss(const struct reason_view *v);
/* True where a side sent more than its path takes. */
bool reason_fits_rate(const struct reason_view *v, struct punch_verdict *out);

/* True where both are behind one NAT, and nothing came back from its outside. */
bool reason_hairpin(const struct reason_view *v, struct punch_verdict *out);

struct punch_verdict reason_udp(const struct reason_view *v);
struct punch_verdict reason_search(const struct reason_view *v); /* prediction, birthday, mixed */
struct punch_verdict reason_tcp(const struct reason_view *v);

#endif
