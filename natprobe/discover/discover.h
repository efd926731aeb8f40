/*
 * discover - what kind of NAT or firewall is in front of one local address: RFC 5780,
 * section 4, as a state machine.
 *
 * It opens no socket and reads no clock. The shell takes actions out with discover_next,
 * carries them out in order, and tells what came of them with discover_on_x. One discovery
 * is for one interface, address family and local address; any number run side by side.
 *
 *	DISCOVER_OPEN        bind a fresh UDP socket to config.local and action.port (0: any) as
 *	                     slot action.slot; then discover_on_open, or discover_on_open_failed
 *	DISCOVER_SEND        send action.data from slot action.slot to action.to
 *	DISCOVER_CLOSE       close slot action.slot
 *	DISCOVER_CONNECT     connect TCP from config.local and action.port (0: any) to action.to
 *	                     as connection action.slot, with SO_REUSEADDR: several share a port;
 *	                     then discover_on_connected, and send action.data
 *	DISCOVER_DISCONNECT  close connection action.slot
 *	DISCOVER_WAIT        nothing to do before action.deadline_us, unless something arrives
 *	DISCOVER_DONE        all is closed, read discover_verdict
 *
 * Times are microseconds of any monotonic clock; the first call of discover_next starts.
 *
 * The order, with a round trip of R: all servers are asked; the first answer brings the tests of
 * mapping, filtering and TCP in one burst; 10 ms later the port samples leave one by one, and
 * while they do nothing else makes a mapping; then two of their sockets try a hairpin, and ask
 * the server once more who they are where nothing arrives. The gateway is asked beside all that,
 * and windows of silence overlap.
 *
 * How long it takes where nothing is lost, with W = discover_window_us(R): 4 R for those steps
 * and 10 ms for each port sample, 21 as a rule, with 2 R for each batch beyond; W more where
 * silence decides, of a filter or a hairpin; half a second at least where the gateway says
 * nothing. So 0.3 s at 50 ms where all answers are positive, 0.6 s where they are not. With UDP
 * blocked and TCP answering W more than it takes to find that out, about a second in all; with
 * nobody answering, timing.give_up_us. Loss adds probes and their wait: TCP alone sends again
 * after a second.
 */
#ifndef NATPROBE_DISCOVER_H
#define NATPROBE_DISCOVER_H

#include "addr.h"
#include "discover_action.h"
#include "timing.h"
#include "natprobe/verdict.h"
#include "wire.h"

struct discover_server {
	struct addr addr;
	const char *name; /* as the user wrote it; borrowed until discover_free */
};

struct discover_config {
	struct addr local; /* a real address of this host (not the wildcard), port 0 */
	const struct discover_server *servers; /* by preference; those of another family, doubles
						  and all beyond VERDICT_SERVERS_MAX are left out */
	size_t server_count;
	void (*random)(void *arg, void *buf, size_t len); /* a CSPRNG */
	void *random_arg;
	const struct discover_timing *timing; /* copied; NULL: discover_timing_default */
	struct addr gateway;  /* first router of this interface; ADDR_NONE: not known, no PCP */
	double confidence;    /* of the whole verdict, such as 0.999; 0: that */
	uint16_t local_port;  /* of the mapping socket, as the user wants it; 0: fresh */
	bool sees_own_source; /* the shell hands in datagrams that show config.local as their
				 source, which Linux drops unless one listens below IP */
};

struct discover;

/* NULL when memory runs out. The configuration is copied, all but the names. */
struct discover *discover_new(const struct discover_config *config);
void discover_free(struct discover *d); /* NULL is fine */

/* The next action; returns its kind. Each is handed out once. */
enum discover_kind discover_next(struct discover *d, uint64_t now_us,
				 struct discover_action *action);

/* Slot `slot` is open and bound to `local`: the real address and port, as getsockname says. */
void discover_on_open(struct discover *d, uint8_t slot, const struct addr *local);

/* Slot `slot` could not be opened. */
void discover_on_open_failed(struct discover *d, uint8_t slot, int err);

/*
 * The system refused the datagram that was last handed out for `slot` (err is -errno). Errors
 * that arrive later (ICMP) need not be told: they prove nothing about the path.
 */
void discover_on_send_error(struct discover *d, uint8_t slot, int err);

/* A datagram came in on `slot`; any bytes from anybody. */
void discover_on_datagram(struct discover *d, uint8_t slot, const struct addr *from,
			  struct bytes data, uint64_t now_us);

/*
 * Connection `slot` stands. `local` is our end of it, as getsockname says; NULL where that is not
 * known.
 */
void discover_on_connected(struct discover *d, uint8_t slot, const struct addr *local,
			   uint64_t now_us);

enum discover_stream {
	DISCOVER_STREAM_DATA,
	DISCOVER_STREAM_CLOSED, /* refused, failed, or closed by the other side; it is gone, and
				   no DISCOVER_DISCONNECT follows */
};

/* Something happened on connection `slot`; `data` counts with DISCOVER_STREAM_DATA only. */
void discover_on_stream(struct discover *d, uint8_t slot, enum discover_stream what,
			struct bytes data, uint64_t now_us);

/*
 * Ends the discovery with what is known (the user interrupts, the interface went away); the
 * next discover_next says DISCOVER_DONE.
 */
void discover_stop(struct discover *d, uint64_t now_us);

/* Borrowed until discover_free; NULL before DISCOVER_DONE. */
const struct verdict *discover_verdict(const struct discover *d);

/*
 * The floor. Discoveries that may share a NAT must not make mappings at the same time, or one
 * spoils the other's port samples; only the waiting for what does not come may overlap. One of
 * them has the floor at a time: it is asked for with discover_wants_floor and held until that
 * turns false. Who has not got it does not send what makes a mapping. The floor is granted
 * from the start unless discover_take_floor(d, false) was called before the first discover_next.
 *
 * Who has the floor and no answer for a moment wants it no more, and again as soon as it is taken
 * away: ask a second time, and those who waited go first. A dead interface so costs the others a
 * moment.
 */
bool discover_wants_floor(const struct discover *d);
void discover_take_floor(struct discover *d, bool granted);

enum discover_phase {
	DISCOVER_ASKING,    /* the first requests are out */
	DISCOVER_MEASURING, /* a server answered, the tests run */
	DISCOVER_FINISHED,
};

struct discover_progress {
	uint8_t phase; /* enum discover_phase */
	uint16_t sent, answered;
	uint64_t started_us;
	uint64_t
		window_ends_us; /* when the negative window ends, if nothing is lost; 0: not known */
};

struct discover_progress discover_progress(const struct discover *d);

#endif
