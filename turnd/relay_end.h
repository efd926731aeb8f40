/*
 * relay_end - the relayed addresses of an allocation: a port of the pool, and the socket on it.
 */
#ifndef NATKIT_RELAY_END_H
#define NATKIT_RELAY_END_H

#include "turnd_state.h"

enum relay_want {
	RELAY_ANY,
	RELAY_EVEN, /* EVEN-PORT */
	RELAY_PAIR, /* EVEN-PORT with R: the next one is reserved */
};

/* Is there any relay address of that family? */
bool relay_end_has_family(const struct turnd *t, uint8_t family);

/*
 * Opens a relayed address on one of the relay addresses of a family, picked at random as its port
 * is. Ports that other programs have are passed over, a few at a time.
 * token  set for RELAY_PAIR, whose second port is open as well then
 * Returns 0, or -errno with the end as it was. -EADDRINUSE: this worker has no port left.
 */
int relay_end_open(struct turnd *t, struct relay_end *end, uint8_t family, enum relay_want want,
		   uint64_t now_ms, struct ports_token *token);

/*
 * Takes a port of this worker's share, on one of the relay addresses of a family, for another
 * worker to open.
 * token  set for RELAY_PAIR, whose second port is open then
 * Returns it, or 0: none is left.
 */
uint16_t relay_end_take(struct turnd *t, uint8_t family, enum relay_want want, uint64_t now_ms,
			uint16_t *relay, struct ports_token *token);

/*
 * Opens it on a port that is held already. Returns 0 or -errno; then the port is still held.
 * worker  of whose share the port is
 */
int relay_end_open_at(struct turnd *t, struct relay_end *end, uint16_t worker, uint16_t relay,
		      uint16_t port);

/* Closes its socket and gives its port back to whose it is. No harm where there is none. */
void relay_end_close(struct turnd *t, struct relay_end *end);

/* A held port goes back to the share that it is of. token: as for turnd_port_returned. */
void relay_end_release(struct turnd *t, uint16_t worker, uint16_t relay, uint16_t port,
		       const struct ports_token *token);

/* The end of that family; NULL: the allocation has none. */
struct relay_end *relay_end_of(struct flow *f, uint8_t family);

#endif
