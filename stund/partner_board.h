/*
 * partner_board - what all workers know of the partner, and the socket that leads to it.
 *
 * One worker has the session and posts; each other takes a copy when it sees that there is a new
 * one. The socket and the numbers of what is handed over are everybody's, so nothing crosses a
 * thread when an answer is handed over.
 */
#ifndef NATKIT_PARTNER_BOARD_H
#define NATKIT_PARTNER_BOARD_H

#include <pthread.h>
#include <stdatomic.h>

#include "partner.h"

#define PARTNER_CHECK_TAG_LEN 11

struct partner_board {
	int fd; /* to the partner; fixed while there are workers */
	pthread_mutex_t lock;
	_Atomic uint32_t version; /* of the view; it is written under the lock */
	struct partner_view view; /* guarded by the lock */
	_Atomic uint64_t number;  /* of the last that was handed over */
	struct addr peer;

	/* What the partner shall send to us, to show that it can: the tag is the same for all,
	   the byte behind it in the transaction id says from which socket. */
	uint8_t check_tag[PARTNER_CHECK_TAG_LEN];
	_Atomic uint32_t checked, astray; /* bits by socket: it came; from elsewhere */
};

/*
 * Opens the socket.
 * Returns 0 with *out set, or -errno.
 */
int partner_board_open(const struct addr *local, const struct addr *peer,
		       struct partner_board **out);
void partner_board_close(struct partner_board *b); /* NULL is fine */

void partner_board_post(struct partner_board *b, const struct partner_view *view);

/* Copies the view where it is another one than *version, which is set. Returns whether it was. */
bool partner_board_take(struct partner_board *b, uint32_t *version, struct partner_view *view);

/* Hands over by that view. Returns whether the system took it; false also where it may not be. */
bool partner_board_hand_over(struct partner_board *b, const struct partner_view *view,
			     const struct partner_hand *h);

/* The number of a socket in the transaction ids of checks. */
static inline uint8_t partner_check_bit(unsigned int face, unsigned int port)
{
	return (uint8_t)(face * PARTNER_PORTS + port);
}

/* A response that nobody here asked for: is it the one that the partner was to send? */
void partner_board_note(struct partner_board *b, const struct partner_view *view,
			struct bytes datagram, const struct addr *from);

#endif
