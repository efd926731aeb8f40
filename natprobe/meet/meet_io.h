/*
 * meet_io - a meeting on real carriers and a real clock, on libevent. Where several carriers are
 * named all of them are used, since either side may reach others of them only.
 */
#ifndef NATPROBE_MEET_IO_H
#define NATPROBE_MEET_IO_H

#include <event2/event.h>

#include "meet.h"

#define MEET_IO_CARRIERS_MAX 4

struct meet_io_hooks {
	void (*on_ready)(void *arg); /* keys and messages from now on */
	void (*on_message)(void *arg, struct bytes data);
	/* It is over. MEET_FINE: no rendezvous was ever reached; why is for people. */
	void (*on_failed)(void *arg, enum meet_failure failure, const char *why);
	void *arg;
};

struct meet_io_config {
	struct event_base *base;
	const char *const *uris; /* of carriers */
	size_t uri_count;        /* 1 to MEET_IO_CARRIERS_MAX */
	struct meet_config meet; /* random is set here */
	struct meet_io_hooks hooks;
};

struct meet_io;

/*
 * Begins when the base runs. NULL, and *why for people, where it cannot: memory, or a URI that is
 * none. meet_config need not live on.
 */
struct meet_io *meet_io_new(const struct meet_io_config *config, const char **why);
void meet_io_free(struct meet_io *io); /* NULL is fine. Not from a hook. */

/* To the other side, once and in order. False: too much is queued. */
bool meet_io_send(struct meet_io *io, struct bytes data);

/* Says that we leave, as far as the carriers take it. No hook is called any more. */
void meet_io_leave(struct meet_io *io);

/* Keys, clock, and who is A: from on_ready on. */
const struct meet *meet_io_meet(const struct meet_io *io);

/* What a time server told (meet.h). */
void meet_io_set_server_clock(struct meet_io *io, const char *server, int64_t offset_us,
			      uint64_t error_us);

#endif
