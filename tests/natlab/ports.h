/* ports - our end of an interface of a laboratory, in the event loop. */
#ifndef NATLAB_PORTS_H
#define NATLAB_PORTS_H

#include <event2/event.h>

#include "plan.h"

struct port;

/* Which one it is, in the words of its owner. */
struct port_id {
	uint8_t node, which;
};

typedef void port_reader(void *arg, const struct port_id *id, struct bytes packet);

struct port_config {
	struct event_base *base;
	const char *interface;
	struct port_id id;
	port_reader *on_packet;
	void (*on_batch_end)(void *arg); /* after one or more packets */
	void *arg;
};

/* Makes the interface in the network namespace that we are in, and brings it up. NULL: *err. */
struct port *port_open(const struct port_config *config, struct lab_error *err);
void port_close(struct port *p); /* NULL is fine */

/* A packet comes out of the interface; where the system does not take it, it is lost. */
void port_send(struct port *p, struct bytes packet);

#endif
