/*
 * punch_io - the sockets, connections, mapped ports, relayed address and timer of one punch trial,
 * on libevent. What only Linux has (to end a connection without a word) is in quiet_close.h.
 */
#ifndef NATPROBE_PUNCH_IO_H
#define NATPROBE_PUNCH_IO_H

#include <event2/event.h>

#include "natprobe/net/probe_socket.h"
#include "natprobe/vantage/probe_turn.h"
#include "natprobe/punch/punch.h"
#include "udp.h"

/* Where a path of our profile leaves this host. */
struct punch_io_path {
	struct probe_source source; /* device: none where the other side is on this host */
	const char *name;           /* of the interface */
};

struct punch_io_config {
	struct event_base *base;
	struct udp_batch *batch; /* shared */
	struct punch *punch;
	const struct punch_io_path *paths; /* as in the profile */
	size_t path_count;
	const struct turn_server *turn; /* NULL: no relay */
	bool has_upnp;                  /* gateways may be asked by UPnP as well */
	void (*on_tell)(void *arg, struct bytes data);
	void (*on_finished)(void *arg); /* once: punch_result may be read */
	void *arg;
};

struct punch_io;

/*
 * Starts it, which takes its first step when the base runs. What the configuration points to stays
 * the caller's, and must live until punch_io_free.
 * Returns NULL when memory runs out.
 */
struct punch_io *punch_io_new(const struct punch_io_config *config);
void punch_io_free(struct punch_io *io); /* NULL is fine. Not from its own callbacks. */

/* What the other side told, or that it will tell no more. */
void punch_io_told(struct punch_io *io, struct bytes data);
void punch_io_peer_gone(struct punch_io *io);
void punch_io_stop(struct punch_io *io);

/*
 * After on_finished: takes the socket of the path over; what else is open stays open until
 * punch_io_free, mapped ports and the relayed address among it.
 * Returns the descriptor, now the caller's; -1 where there is none: no path, or our relay's.
 */
int punch_io_take(struct punch_io *io);

/* Sends on the path, which is by our relay. */
void punch_io_send_relayed(struct punch_io *io, struct bytes data);
/* ... and what comes from the other side there goes to on_data from now on. */
void punch_io_hear_relayed(struct punch_io *io, void (*on_data)(void *arg, struct bytes data),
			   void *arg);

/*
 * Gives back what gateways and the relay granted; on_released is called when they have said so,
 * within a few seconds; at once where there is nothing. punch_io_free may follow then.
 */
void punch_io_release(struct punch_io *io, void (*on_released)(void *arg), void *arg);

/* Lets this process have as many sockets as a trial may take. */
void punch_io_allow_descriptors(void);

#endif
