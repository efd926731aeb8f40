/*
 * peers - whom one allocation may reach: permissions and channels (RFC 8656, section 9 and 12).
 *
 * A permission is for an IP address, whatever the port; a channel is for an address with its
 * port, and includes a permission. Both end by themselves: they are looked at with `now_ms`,
 * and no timer waits for them. Few of them lie in the allocation; more take the heap, when a
 * request that is authentic adds them, up to the limits.
 */
#ifndef NATKIT_PEERS_H
#define NATKIT_PEERS_H

#include "addr.h"

#define PEERS_PERMISSION_MS UINT64_C(300000) /* RFC 8656, section 9 */
#define PEERS_CHANNEL_MS    UINT64_C(600000) /* section 12 */
#define PEERS_CHANNEL_REST_MS \
	UINT64_C(300000) /* how long after its end neither number nor peer is bound anew */

/* What is known of one channel. Forwarding reads these: compact, and apart from control. */
struct peers_channel {
	struct addr peer;
	uint64_t until_ms;
	uint16_t number;
	bool is_relay; /* on a relay address of our own: its port is judged each time */
};

struct peers_permission {
	struct addr peer; /* port 0 */
	uint64_t until_ms;
	bool is_relay;
};

/* Its fields are for peers.c. Small, and zero is an empty one. */
struct peers {
	struct peers_permission *permissions; /* NULL while there are none */
	struct peers_channel *channels;
	uint16_t *by_number, *by_peer, *by_ip; /* hashed places, where there are many */
	uint64_t seed; /* of the hashes: random, set while it is empty; 0 where nobody is hostile */
	uint32_t permission_count, permission_cap;
	uint32_t channel_count, channel_cap;
};

/* More than so many of each kind are full, whatever the limits say. */
#define PEERS_MOST 32768

void peers_clear(struct peers *p); /* frees what it holds, and leaves an empty one */

enum peers_result {
	PEERS_OK = 0,
	PEERS_FULL,     /* the limit: 508 */
	PEERS_CONFLICT, /* the number has another peer, or the peer another number: 400 */
	PEERS_NO_MEMORY,
};

/* The code to answer with; 0 for success. */
uint16_t peers_code(enum peers_result result);

/*
 * Installs or refreshes the permissions of `count` addresses, all or none.
 * is_relay  one for each
 * most      limit of permissions; 0: none
 */
enum peers_result peers_permit(struct peers *p, const struct addr *ips, const bool *is_relay,
			       size_t count, uint32_t most, uint64_t now_ms);

/*
 * Binds or refreshes a channel, and its permission with it.
 * most_channels, most_permissions  0: none
 */
enum peers_result peers_bind(struct peers *p, uint16_t number, const struct addr *peer,
			     bool is_relay, uint32_t most_channels, uint32_t most_permissions,
			     uint64_t now_ms);

/* The permission for the peer's IP, whatever its port; NULL: none that is alive. Borrowed. */
const struct peers_permission *peers_find_permission(const struct peers *p, const struct addr *peer,
						     uint64_t now_ms);

/* NULL: not bound, or not any more. Borrowed: until the next call that takes `p` without const. */
const struct peers_channel *peers_find_channel(const struct peers *p, uint16_t number,
					       uint64_t now_ms);
const struct peers_channel *peers_find_bound(const struct peers *p, const struct addr *peer,
					     uint64_t now_ms);

/* How many are alive: for lists of sessions. */
uint32_t peers_count_permissions(const struct peers *p, uint64_t now_ms);
uint32_t peers_count_channels(const struct peers *p, uint64_t now_ms);

/* Takes out all whom `allows` does not want any more, after a reload. */
void peers_review(struct peers *p, bool (*allows)(void *arg, const struct addr *peer), void *arg);

/* Settles anew whose ports are judged each time: a reload may have changed where turnd is. */
void peers_mark_relays(struct peers *p, bool (*is_relay)(void *arg, const struct addr *peer),
		       void *arg);

#endif
