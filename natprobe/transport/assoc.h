/*
 * assoc - one association of SCTP over whatever carries its packets: libusrsctp, without threads and without
 * a socket of the system. assoc_none.c stands in where the library is missing.
 *
 * The library has one clock for all associations of a process, and so all of them have to be told
 * of the same one. Callbacks of packets come from within the library: they must not call back.
 */
#ifndef NATPROBE_ASSOC_H
#define NATPROBE_ASSOC_H

#include "sctp_watch.h"

#define ASSOC_STREAMS    1024
#define ASSOC_HEADER_LEN 12

enum assoc_event_kind {
	ASSOC_NONE = 0, /* nothing more for now */
	ASSOC_UP,
	ASSOC_MESSAGE,
	ASSOC_RESET,      /* the other side ended what it sends on a stream */
	ASSOC_RESET_DONE, /* ours of a stream is ended */
	ASSOC_RESET_FAILED,
	ASSOC_LEFT, /* it said goodbye, or has taken ours */
	ASSOC_LOST, /* it is broken off */
};

/* What came of packets and time. */
struct assoc_event {
	uint8_t kind; /* enum assoc_event_kind */
	uint16_t stream;
	uint32_t ppid;
	bool is_whole;     /* a message; else it is too long, and this is a part of it */
	bool is_first;     /* its first part */
	struct bytes data; /* good until the next call */
};

struct assoc_config {
	void (*on_packet)(void *arg, struct bytes packet); /* to the other side */
	void (*on_sent)(void *arg, uint16_t stream, uint32_t tsn, size_t len); /* see sctp_watch */
	void *arg;
};

enum assoc_send_result {
	ASSOC_SEND_OK = 0,
	ASSOC_SEND_FULL, /* again later */
	ASSOC_SEND_FAILED,
};

enum assoc_limit {
	ASSOC_LIMIT_NONE = 0, /* reliable */
	ASSOC_LIMIT_TIMES,    /* it is sent again */
	ASSOC_LIMIT_TIME,     /* milliseconds, after which it is not */
};

struct assoc_message {
	uint16_t stream;
	uint32_t ppid;
	bool is_unordered;
	uint8_t limit;        /* enum assoc_limit */
	uint32_t limit_value; /* times, or milliseconds */
	struct bytes data;
};

struct assoc_state {
	uint32_t rtt_us, window;
};

struct assoc;

bool assoc_is_built(void);
/* NULL when memory runs out. mtu: most bytes of a packet. Begins to associate at once. */
struct assoc *assoc_new(const struct assoc_config *config, size_t mtu, uint64_t now_us);
void assoc_free(struct assoc *s); /* NULL is fine; breaks it off where it is not over */

void assoc_set_mtu(struct assoc *s, size_t mtu);
/* Another path: what was found out of the one before counts no more. */
void assoc_renew_path(struct assoc *s, size_t mtu);
void assoc_input(struct assoc *s, struct bytes packet, uint64_t now_us);
void assoc_on_time(struct assoc *s, uint64_t now_us);
uint64_t assoc_next_us(const struct assoc *s);
/* To be asked after input and time, until there is nothing more. */
void assoc_take(struct assoc *s, struct assoc_event *out);

/* Of a message that a stream is cut into: a few whole packets. */
size_t assoc_piece(const struct assoc *s);
/* How many bytes may be given to it now so that little waits behind others. */
size_t assoc_room(const struct assoc *s);
enum assoc_send_result assoc_send(struct assoc *s, const struct assoc_message *m);
/* Ends what we send on these streams, once it has left. False: later. */
bool assoc_reset(struct assoc *s, const uint16_t *streams, size_t n);
/* Says goodbye when all that was sent has arrived. */
void assoc_shutdown(struct assoc *s);
bool assoc_is_idle(const struct assoc *s); /* all that was sent has arrived */

/* The header of the packet that left last. */
void assoc_copy_header(const struct assoc *s, uint8_t out[static ASSOC_HEADER_LEN]);
const struct sctp_watch *assoc_watch(const struct assoc *s);
void assoc_state_of(const struct assoc *s, struct assoc_state *out);

#endif
