/* meet_io - a meeting on a real carrier and a real clock, on libevent. */
#ifndef NATPROBE_MEET_IO_H
#define NATPROBE_MEET_IO_H

#include <event2/event.h>

#include "meet_door.h"

struct meet_io_hooks {
	void (*on_ready)(void *arg); /* keys and messages from now on */
	void (*on_message)(void *arg, struct bytes data);
	/* It is over. MEET_FINE: no rendezvous was ever reached, for 20 s, or (but not at a door) for
	   2.5 s after all of them had failed once; why is for people. */
	void (*on_failed)(void *arg, enum meet_failure failure, const char *why);
	void *arg;
	/* Where there is no carrier: what people are to carry over. It comes again, with more in it
	   where more was sent. */
	void (*on_publish)(void *arg, struct bytes data);
	/* May be NULL. No rendezvous is reached yet, and it is still tried; once, and no failure. */
	void (*on_slow)(void *arg, const char *why);
	/* May be NULL. Somebody else begins a meeting with our code or our address. */
	void (*on_knock)(void *arg);
};

struct meet_io_config {
	struct event_base *base;
	const char *uris;        /* as carrier_open has them; NULL: no carrier, it goes by hand */
	struct meet_config meet; /* random is set here */
	/* NULL, or takes the next invitation that this door admits, in place of `meet`, of which only
	   the patience counts then (0: for good). Borrowed: it recognises those that come again. */
	struct meet_door *door;
	/* As long as it takes until a rendezvous is reached: on_failed is not called for that. */
	bool keeps_trying;
	struct meet_io_hooks hooks;
};

struct meet_io;

/*
 * Begins when the base runs. NULL, and *why for people, where it cannot: memory, or a URI that is
 * none. The configuration need not live on, but for the door.
 */
struct meet_io *meet_io_new(const struct meet_io_config *config, const char **why);
void meet_io_free(struct meet_io *io); /* NULL is fine. Not from a hook. */

/* To the other side, once and in order. False: too much is queued. */
bool meet_io_send(struct meet_io *io, struct bytes data);

/* meet_ask. */
void meet_io_ask(struct meet_io *io);

/* Without a carrier: what was carried to our door. False: it is no invitation for us. */
bool meet_io_hear(struct meet_io *io, struct bytes data);

/* The network was away, and may be another one now: makes connections to carriers anew. */
void meet_io_refresh(struct meet_io *io);

/* What a server said of its clock, as meet_set_server_clock has it; also before somebody came. */
void meet_io_set_server_clock(struct meet_io *io, const char *server, int64_t offset_us,
			      uint64_t error_us);

/* Says that we leave, as far as the carriers take it. No hook is called any more. */
void meet_io_leave(struct meet_io *io);

/* Keys, clock, and who is A: from on_ready on; NULL before somebody came to the door. */
const struct meet *meet_io_meet(const struct meet_io *io);

#endif
