/*
 * portmap - does the gateway speak PCP (RFC 6887) or NAT-PMP (RFC 6886), and which external
 * address does it name? Asks only: nothing is mapped.
 *
 * PCP is asked with ANNOUNCE, NAT-PMP for its public address; both from one fresh socket to
 * port 5351 of the gateway, with a few copies each. Pure: bytes and time in, bytes and deadlines out.
 */
#ifndef NATPROBE_PORTMAP_H
#define NATPROBE_PORTMAP_H

#include "portmap_wire.h"
#include "natprobe/verdict.h"

#define PORTMAP_LEN PORTMAP_REQUEST_MAX

/* One of the two questions. */
struct portmap_ask {
	struct verdict_portmap found;
	bool implied;   /* the answer to the other question showed that it is there */
	uint8_t copies; /* sent */
	uint64_t next_us;
};

struct portmap {
	struct addr local, gateway; /* gateway with PORTMAP_PORT; family ADDR_NONE: nobody to ask */
	struct portmap_ask pcp, nat_pmp;
	uint8_t copies_max;      /* of each question */
	bool refused;            /* by this host: what it did not send proves nothing */
	unsigned answered, lost; /* of the path to servers, as far as is known */
	uint32_t patience_us;    /* how long the last copy's answer is waited for */
	uint64_t started_us;
};

/* local: our address on that interface. A gateway of ADDR_NONE leaves both unknown (no-gateway). */
void portmap_start(struct portmap *p, const struct addr *local, const struct addr *gateway,
		   uint64_t now_us);

/*
 * What is known of the path to servers, which begins at the gateway: its round trip, and how many
 * round trips went well and were lost. Then silence counts only after as many copies, and as much
 * patience, as such a path asks for. May be called at any time; without, 450 ms are enough.
 */
void portmap_expect(struct portmap *p, uint64_t rtt_us, unsigned answered, unsigned lost);

/* The next datagram for p->gateway, if one is due: its length, written to out; 0: none. */
size_t portmap_next(struct portmap *p, uint64_t now_us, uint8_t out[PORTMAP_LEN]);

/* This host could not open the socket, or refused to send what was handed out. */
void portmap_on_refused(struct portmap *p);

/* When the next is due, or silence becomes an answer; UINT64_MAX: it is over. */
uint64_t portmap_deadline_us(const struct portmap *p);

/* A datagram on that socket. What is not from the gateway's port 5351 is ignored. */
void portmap_on_datagram(struct portmap *p, const struct addr *from, struct bytes data);

bool portmap_is_over(const struct portmap *p, uint64_t now_us);

/* Fills v->pcp, v->nat_pmp. early: why it ends now, where it was not over yet. */
void portmap_end(const struct portmap *p, enum verdict_cause early, struct verdict *v,
		 uint64_t now_us);

/*
 * Fills v->cgn from v->local, v->mapped and the external addresses that PCP, NAT-PMP and UPnP
 * named. May be called again when one more of them is known.
 */
void portmap_judge_cgn(struct verdict *v);

#endif
