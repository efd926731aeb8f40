/*
 * probe_io - the sockets, connections and timer of one discovery, on libevent. Any number
 * run on one base, side by side.
 */
#ifndef NATPROBE_PROBE_IO_H
#define NATPROBE_PROBE_IO_H

#include <event2/event.h>

#include "natprobe/discover/discover.h"
#include "natprobe/net/probe_socket.h"
#include "udp.h"

/* A server whose TCP is elsewhere than its UDP (SRV records may say so). */
struct probe_detour {
	struct addr udp;
	struct addr tcp;
};

struct probe_io_config {
	struct event_base *base;
	struct udp_batch *batch; /* shared by all probes of a base */
	struct discover *discover;
	struct probe_source source;
	const struct probe_detour *detours;
	size_t detour_count;
	int tap; /* packet_tap_open, the caller's; -1: none */
	void (*on_rest)(
		void *arg); /* the discovery has nothing to do now; after any of its steps */
	void (*on_done)(void *arg); /* once, when it has its verdict */
	void *arg;
};

struct probe_io;

/*
 * Starts a discovery, which takes its first step when the base runs. What the configuration
 * points to stays the caller's, and must live until probe_io_free.
 * Returns NULL when memory runs out.
 */
struct probe_io *probe_io_new(const struct probe_io_config *config);

/* Something has changed for the discovery: it takes a step when the base gets to it. */
void probe_io_wake(struct probe_io *p);

/* Closes what is still open. NULL is fine. Not from on_rest or on_done. */
void probe_io_free(struct probe_io *p);

/* Ends the discovery with what is known; on_done is called unless it was before. */
void probe_io_stop(struct probe_io *p);

#endif
