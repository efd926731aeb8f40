/* forward_parts - what both directions of the data path have in common. For forward*.c alone. */
#ifndef NATKIT_FORWARD_PARTS_H
#define NATKIT_FORWARD_PARTS_H

#include "turnd_state.h"

/* Counts, and has nothing to do. flow NULL: of no allocation. */
enum turnd_step forward_drop(struct turnd *t, struct flow *flow, enum stats_drop why);

/* May the allocation reach this peer, or be reached from it? Counts a no. */
bool forward_allows(struct turnd *t, struct flow *flow, const struct addr *peer);

/* Takes bytes of the bandwidth of allocation, user and server. */
bool forward_takes(struct turnd *t, struct flow *flow, enum quota_way way, uint32_t bytes,
		   uint64_t now_us);

/* The bandwidth of allocation, user and server; `len` of data. Counts a no. */
bool forward_has_budget(struct turnd *t, struct flow *flow, enum quota_way way,
			const struct addr *peer, size_t len, uint64_t now_us);

/*
 * What leaves, of what came (RFC 8656, section 13 to 16).
 * Returns false when its time to live is over.
 */
bool forward_ip(const struct five_tuple *client, struct turnd_ip in, struct turnd_ip *out);

/* The longest datagram; of IPv6, without jumbograms. */
static inline size_t forward_udp_max(uint8_t family)
{
	return family == ADDR_IPV6 ? 65527 : 65507;
}

/* Does a message of that length fit into a datagram of the client's transport? */
bool forward_fits(const struct five_tuple *client, size_t len);

/* Its connection has ended, and it has not come back yet (RFC 8016). */
static inline bool forward_is_away(const struct flow *flow)
{
	return !flow->is_filed;
}

/* A transaction id for an indication. */
struct stun_tid forward_tid(struct turnd *t);

/* Fills in where a message for the client goes. */
static inline void forward_to_client(struct turnd_out *out, const struct flow *flow,
				     struct bytes data)
{
	out->data = data;
	out->tuple = flow->tuple;
	out->link = flow->link;
	out->socket = 0;
}

#endif
