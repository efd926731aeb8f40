/*
 * turn_end - one TURN client and its transport, for state machines that have several: what the
 * client wants done comes out as a few kinds of action, and what it tells is kept.
 *
 * No socket, no clock. Where a server cannot do what is asked for beyond a plain allocation, it is
 * asked for less; where it sends us elsewhere (300), we go there.
 */
#ifndef NATPROBE_TURN_END_H
#define NATPROBE_TURN_END_H

#include "dial_failure.h"
#include "turn_client.h"

#define TURN_END_PEERS_MAX TURN_CLIENT_PEERS_MAX
#define TURN_END_NO_PEER   (-1)

enum turn_end_state {
	TURN_END_IDLE = 0,
	TURN_END_TO_OPEN, /* TURN_END_DIAL is due */
	TURN_END_OPENING, /* handed out */
	TURN_END_OPEN,
	TURN_END_OVER,
};

enum turn_end_permission { TURN_END_ASKED = 0, TURN_END_PERMITTED, TURN_END_DENIED };

struct turn_end_peer {
	uint8_t permission; /* enum turn_end_permission */
	uint16_t code;      /* of the refusal */
};

struct turn_end {
	struct turn_client_config config; /* its credentials are views that live as long as this */
	struct turn_client *client;       /* NULL: not yet */
	uint8_t state;                    /* enum turn_end_state */
	struct addr to;
	bool has_domain, must_close;
	char domain[TURN_CLIENT_DOMAIN_MAX + 1];
	bool is_allocated, is_failed, is_closing;
	struct turn_client_allocated allocated;
	struct turn_client_failure failure;
	struct dial_failure dial;
	struct turn_end_peer peers[TURN_END_PEERS_MAX];
	uint32_t linked,
		unlinked; /* links that the relay connected, and those it could not, as bits */
	uint16_t link_codes[TURN_CLIENT_LINKS_MAX]; /* of those that it could not; 0: none */
};

enum turn_end_kind {
	TURN_END_WAIT,
	TURN_END_DIAL,    /* connect to out->to; then turn_end_on_open or _on_close */
	TURN_END_HANG_UP, /* close */
	TURN_END_SAY,     /* send out->data */
};

struct turn_end_action {
	struct addr to;
	const char *domain; /* TURN_END_DIAL: what the certificate has to name; NULL: as at first */
	struct bytes data;  /* good until the next call */
};

/* Begins; the configuration has passed turn_client_check. */
void turn_end_start(struct turn_end *e, const struct turn_client_config *config);

/* What is due; else the deadline is moved forward to when something is. */
enum turn_end_kind turn_end_next(struct turn_end *e, uint64_t now_us, struct turn_end_action *out,
				 uint64_t *deadline_us);

void turn_end_on_open(struct turn_end *e, uint64_t now_us);
void turn_end_on_close(struct turn_end *e, const struct dial_failure *why);

/* A frame from the server. Returns as turn_client_on_bytes does. */
enum turn_client_input turn_end_on_bytes(struct turn_end *e, struct bytes in, uint64_t now_us,
					 struct turn_client_data *out);

/* The number of a peer, which is added where it is new; TURN_END_NO_PEER: it cannot be. */
int turn_end_peer(struct turn_end *e, const struct addr *peer, uint64_t now_us);

/* Gives the allocation back and closes, within 3 seconds; in any state. */
void turn_end_close(struct turn_end *e, uint64_t now_us);

/* Nothing waits for it any more: it closes at once. */
void turn_end_abort(struct turn_end *e);

/* Ends all; the transport is the caller's. */
void turn_end_clear(struct turn_end *e);

#endif
