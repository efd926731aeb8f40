/*
 * load - a closed loop of datagrams: so many in flight, and another one for each that arrives.
 *
 * What is sent, and what counts as its arrival, is for a kind to say: Binding requests and their
 * answers (load_binding.h), or what is relayed and what comes out at the other end (load_turn.h).
 * Every datagram in flight holds a slot and carries a ticket; nothing counts as arrived but what
 * shows the ticket of a slot that waits for it. So servers are measured by what they delivered.
 *
 * One socket bound to all addresses stands for any number of hosts: a datagram names the address
 * that it leaves from (udp.h, want_local). While it runs, a load keeps its CPU busy for the most
 * part, so that the server does not pay for waking it up.
 */
#ifndef NATKIT_LOAD_H
#define NATKIT_LOAD_H

#include "udp.h"

#define LOAD_WINDOW_MAX 4096
#define LOAD_BYTES_MAX  2048 /* of a datagram that a kind writes */

/* Ports that loads bind: off those that servers take for themselves. */
#define LOAD_PORT_FIRST 20000
#define LOAD_PORT_LAST  39999

struct load_ticket {
	uint32_t secret; /* of one run: what arrives late belongs to no other */
	uint32_t slot;   /* 0 to window - 1 */
	uint32_t number; /* of the datagram in this slot */
};

#define LOAD_TICKET_LEN 12

void load_ticket_put(const struct load_ticket *t, uint8_t to[static LOAD_TICKET_LEN]);
void load_ticket_get(const uint8_t from[static LOAD_TICKET_LEN], struct load_ticket *out);

/* What an arrival means for its slot. */
enum load_arrival {
	LOAD_DONE = 0, /* counts; the slot begins anew */
	LOAD_STEP,     /* does not count yet: the slot has more to send */
	LOAD_WRONG,    /* with the right ticket but not as it should be; the slot begins anew */
};

struct load_kind {
	/* A slot begins anew; NULL: nothing to prepare. */
	void (*begin)(void *arg, uint32_t slot);
	/*
	 * Writes the datagram of a slot with this ticket to buf, and sets out->peer and out->local.
	 * Returns its length, at most LOAD_BYTES_MAX.
	 */
	size_t (*write)(void *arg, const struct load_ticket *t, uint8_t *buf,
			struct udp_dgram *out);
	/* Finds the ticket in an arrival; false: there is none. */
	bool (*find)(void *arg, const struct udp_dgram *in, struct load_ticket *out);
	/* Takes an arrival whose ticket is right. */
	enum load_arrival (*take)(void *arg, const struct load_ticket *t,
				  const struct udp_dgram *in);
};

struct load_result {
	uint64_t done;
	uint64_t wrong;   /* arrivals that were none of those awaited, or not as they should be */
	uint64_t lost;    /* given up, when nothing came for a while */
	uint64_t took_ns; /* wall time */
};

struct load;

/* window: datagrams in flight, 1 to LOAD_WINDOW_MAX. NULL when memory runs out. */
struct load *load_new(int window);
void load_free(struct load *l); /* NULL is fine */

/* When a run ends: after that time or that many beginnings; what is in flight is awaited. */
struct load_until {
	uint64_t ms;
	uint64_t begun;  /* UINT64_MAX: any number */
	int patience_ms; /* after so long without any arrival what is in flight is lost */
};

/* Sends on one socket and receives on one, which may be the same. */
struct load_result load_run(struct load *l, const struct load_kind *kind, void *arg, int out_fd,
			    int in_fd, const struct load_until *until);

/*
 * Opens a socket for a load: all addresses of IPv4, some port from LOAD_PORT_FIRST to
 * LOAD_PORT_LAST.
 * Returns the descriptor and sets *port, or -errno.
 */
int load_socket(uint16_t *port);

/* The address `index` places behind `first`, IPv4. */
struct addr load_host(const struct addr *first, uint32_t index);

#endif
