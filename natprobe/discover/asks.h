/*
 * asks - "which address do you see me from?", asked of endpoints of servers from our sockets.
 *
 * Each ask is one endpoint and one socket: a plain Binding request, sent again until it is
 * answered or the endpoint counts as silent. The first asks, one per server, go out before
 * any round trip is known; the rest make up the mapping tests (RFC 5780, section 4.3). Their
 * answers are the sightings that the mapping is classified from.
 */
#ifndef NATPROBE_ASKS_H
#define NATPROBE_ASKS_H

#include "probe_log.h"

struct ask {
	struct verdict_sighting seen;
	struct retry retry;
	bool opening; /* one of the first, that look for a server at all */
	bool detour;  /* on another port than the server's own: no sign that this one answers */
	bool follows; /* asks what `leader` asks, from another socket */
	uint8_t leader;
	uint8_t fault; /* enum verdict_cause: not answered as it should be, or cannot be asked */
};

struct asks {
	struct ask list[VERDICT_SIGHTINGS_MAX];
	size_t count;
	uint8_t opening_count;
	bool somebody_answered;
	uint8_t detour_copies; /* most copies of a detour */
};

#define ASK_NONE UINT8_MAX

/*
 * Adds an ask, or finds the one of that slot and endpoint. Returns its index, ASK_NONE when
 * there is no room.
 */
uint8_t asks_add(struct asks *asks, uint8_t slot, uint8_t server, const struct addr *endpoint);

/*
 * The same for one that another socket asked before: where that one gets no answer, no copies
 * are wasted here.
 */
uint8_t asks_add_follower(struct asks *asks, uint8_t leader, uint8_t slot);

/* The same for a server's own address, at the very start. */
uint8_t asks_add_opening(struct asks *asks, uint8_t slot, uint8_t server,
			 const struct addr *endpoint);

/* The same on a port that may be open where the server's own is not. */
uint8_t asks_add_detour(struct asks *asks, uint8_t slot, uint8_t server,
			const struct addr *endpoint);

/* What has been sent without an answer counts no more: our pace was too much for the path. */
void asks_restart(struct asks *asks);

enum ask_state {
	ASK_WAITING,
	ASK_ANSWERED,
	ASK_REFUSED, /* answered with an error, without an address, or from elsewhere; or not asked */
	ASK_SILENT,
};
enum ask_state asks_state(const struct asks *asks, uint8_t index, const struct probe_view *view);

/* Some ask has not been sent once, though its socket is open, or will be. */
bool asks_are_unsent(const struct asks *asks);

/* Some ask may still be sent again. */
bool asks_are_waiting(const struct asks *asks, const struct probe_view *view);

/* Waiting, and the first copy is overdue. */
bool asks_is_overdue(const struct asks *asks, uint8_t index, const struct probe_view *view);

/* Sets *want to what is due to be sent, if anything. Then asks_sent must follow. */
bool asks_next(const struct asks *asks, const struct probe_view *view, struct probe_want *want);

/* When, from now on, something is due to be sent or an ask turns silent; UINT64_MAX: never. */
uint64_t asks_deadline_us(const struct asks *asks, const struct probe_view *view);

/* Copies what was seen to out[VERDICT_SIGHTINGS_MAX]. Returns how many there are. */
size_t asks_sightings(const struct asks *asks, struct verdict_sighting *out);

void asks_sent(struct asks *asks, uint8_t index, const struct probe_view *view);
/* The socket of this slot could not be opened: nothing will be asked from it. */
void asks_slot_failed(struct asks *asks, uint8_t slot);

void asks_withdrawn(struct asks *asks, uint8_t index);
void asks_on_answer(struct asks *asks, enum probe_match match, const struct probe_answer *answer);

#endif
