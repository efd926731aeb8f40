/*
 * relay_link - an address that a TURN server relays for us, on real sockets: of all its transports
 * and addresses the first that answers, each started half a second after the one before.
 */
#ifndef NATPROBE_RELAY_LINK_H
#define NATPROBE_RELAY_LINK_H

#include <event2/event.h>

#include "natprobe/vantage/probe_turn.h"

struct relay_link_config {
	struct event_base *base;
	const struct turn_server *server; /* borrowed */
	void (*on_settled)(void *arg);    /* once: relay_link_address may be asked */
	void (*on_data)(void *arg, const struct addr *from, struct bytes data);
	void (*on_denied)(void *arg, uint16_t code); /* it lets us send to none of those we tried */
	void (*on_over)(void *arg);                  /* after relay_link_close: all is given back */
	void *arg;
};

struct relay_link;

/* Callbacks come later, never before this returns. NULL when memory runs out. */
struct relay_link *relay_link_new(const struct relay_link_config *config);
void relay_link_free(struct relay_link *l); /* NULL is fine. Not from a callback. */

/* ADDR_NONE where there is none; *code is what the server said then, 0: nothing. */
struct addr relay_link_address(const struct relay_link *l, uint16_t *code);

/* The first datagram to somebody waits until the server lets us send there. */
void relay_link_send(struct relay_link *l, const struct addr *to, struct bytes data);

/* Gives the address back; on_over follows within some seconds. */
void relay_link_close(struct relay_link *l);
bool relay_link_is_over(const struct relay_link *l);

#endif
