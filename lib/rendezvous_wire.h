/*
 * rendezvous_wire - what stund's rendezvous and its clients say to each other over HTTP
 * (doc/rendezvous.md, "Carriers"): topics, the list of messages in an answer, and the server's
 * clock in a header of every answer.
 */
#ifndef NATKIT_RENDEZVOUS_WIRE_H
#define NATKIT_RENDEZVOUS_WIRE_H

#include "wire.h"

#define RENDEZVOUS_PATH        "/v1/rendezvous/"
#define RENDEZVOUS_TYPE        "application/octet-stream"
#define RENDEZVOUS_TOPIC_MAX   63
#define RENDEZVOUS_MESSAGE_MAX 8192
#define RENDEZVOUS_WAIT_MAX_S  60
#define RENDEZVOUS_LIST_MAX    65536 /* bytes of a list; what is left comes with the next one */

/* [a-z0-9/-]{1,63} */
bool rendezvous_is_topic(struct bytes text);

/*
 * A list: "nkr1", then for each message its number (8 bytes), when it came by the server's clock
 * (8), its length (2), and itself. Numbers rise within a list.
 */
#define RENDEZVOUS_LIST_HEAD    4
#define RENDEZVOUS_MESSAGE_HEAD 18

struct rendezvous_message {
	uint64_t number;
	uint64_t at_us;
	struct bytes data;
};

void rendezvous_put_list(struct wire_out *out);
void rendezvous_put_head(struct wire_out *out, uint64_t number, uint64_t at_us, size_t len);

/* False: this is no list. */
bool rendezvous_get_list(struct wire *in);
/* The next one; its data is a view. False at the end, and where the rest is broken. */
bool rendezvous_get_message(struct wire *in, struct rendezvous_message *out);

/*
 * The header: whose clock it is (a number that a server draws when it starts), when the request
 * had come by it, and when the answer left.
 */
#define RENDEZVOUS_CLOCK_HEADER "Natkit-Clock"
#define RENDEZVOUS_CLOCK_MAX    96

struct rendezvous_clock {
	uint64_t server;
	uint64_t received_us;
	uint64_t sent_us;
};

/* "server=0123456789abcdef; received=17; sent=42" */
void rendezvous_print_clock(const struct rendezvous_clock *clock,
			    char buf[static RENDEZVOUS_CLOCK_MAX]);
/* False, `out` untouched, where it is none, or leaves before it comes. */
bool rendezvous_parse_clock(const char *text, struct rendezvous_clock *out);

#endif
