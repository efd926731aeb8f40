/*
 * reserved - the ports that EVEN-PORT has reserved (RFC 8656, section 7.2), of one worker's share.
 *
 * Each has its socket from the start, so that no other program of the host gets it. It is of no
 * allocation: what comes to it is dropped. Who shows its token gets it as it is.
 */
#ifndef NATKIT_RESERVED_H
#define NATKIT_RESERVED_H

#include "list.h"
#include "turnd_state.h"

struct reserved {
	struct list link; /* in turnd.reserved, the oldest first; in none once it is claimed */
	struct relay_end end;
	struct ports_token token;
	uint64_t until_ms;
};

/*
 * Opens a port that ports_take_pair has just reserved. Returns 0, or -errno: the reservation
 * still stands then.
 */
int reserved_open(struct turnd *t, uint16_t relay, uint16_t port, const struct ports_token *token,
		  uint64_t now_ms);

/*
 * Takes the one of a token, which is good once. It is the caller's, to be given to reserved_use or
 * reserved_close. NULL: there is none, or it has expired.
 */
struct reserved *reserved_claim(struct turnd *t, const struct ports_token *token, uint64_t now_ms);

/* Makes it the relayed address of an allocation, here or at another worker. Frees it. */
void reserved_use(struct turnd *t, struct reserved *held, struct relay_end *end);

/* Closes one that was claimed, and gives its port back to whose it is. Frees it. */
void reserved_close(struct turnd *t, struct reserved *held);

/* Gives the reservation of a token up before its time; no harm where there is none. */
void reserved_cancel(struct turnd *t, const struct ports_token *token);

/* Closes those that are over; their ports are left to ports_expire. */
void reserved_on_time(struct turnd *t, uint64_t now_ms);

/* Closes all of them: the end. */
void reserved_free(struct turnd *t);

#endif
