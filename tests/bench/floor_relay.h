/*
 * floor_relay - what relaying costs at the least: the sockets of a TURN server (one for all
 * clients, one for each allocation), and nothing of TURN. Who belongs to whom is arithmetic.
 */
#ifndef NATKIT_BENCH_FLOOR_RELAY_H
#define NATKIT_BENCH_FLOOR_RELAY_H

#include "load_turn.h"

struct floor_relay;

/*
 * Opens the socket for clients at `at`, and one for each flow of a load on the IP of `relay`, and
 * tells the load where its flows are relayed. NULL with errno set.
 */
struct floor_relay *floor_relay_open(const struct addr *at, const struct addr *relay,
				     struct load_turn *load, uint32_t flows);
void floor_relay_close(struct floor_relay *f); /* NULL is fine */

/* Takes a 4-byte header off what clients send, and puts it before what peers send. One thread. */
int floor_relay_run(struct floor_relay *f);

#endif
