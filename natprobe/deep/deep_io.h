/*
 * deep_io - the sockets, connections and timer of a deep diagnosis, on libevent. What only Linux
 * has (Don't Fragment whatever the kernel believes, fragments in any order) is in deep_packet.h.
 */
#ifndef NATPROBE_DEEP_IO_H
#define NATPROBE_DEEP_IO_H

#include <event2/event.h>

#include "deep.h"
#include "natprobe/net/probe_socket.h"
#include "udp.h"

struct deep_io_config {
	struct event_base *base;
	struct udp_batch *batch; /* shared */
	struct deep *deep;
	struct probe_source source;
	void (*on_counted)(void *arg); /* once, when deep_is_to_count has become false */
	void (*on_done)(void *arg);    /* once, when it has finished */
	void *arg;
};

struct deep_io;

/*
 * Starts it, which takes its first step when the base runs. What the configuration points to stays
 * the caller's, and must live until deep_io_free.
 * Returns NULL when memory runs out.
 */
struct deep_io *deep_io_new(const struct deep_io_config *config);
void deep_io_free(struct deep_io *io); /* NULL is fine. Not from on_done. */

/* Has it look again at what it may do; not from within its own callbacks. */
void deep_io_wake(struct deep_io *io);

/* Ends it with what is known; on_done is called unless it was before. */
void deep_io_stop(struct deep_io *io);

/* What sockets of this source can do: for deep_config. */
bool deep_io_can_fragment(const struct probe_source *source);
bool deep_io_sees_icmp(void);

#endif
