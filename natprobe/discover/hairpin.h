/*
 * hairpin - does a datagram to the mapped address of another socket behind the same NAT arrive
 * there, and which source does it show (RFC 4787, section 6; RFC 5780, section 3.4)?
 *
 * Two sockets that serve no other test any more, and whose mapped addresses are known, send to
 * each other's mapped address in turns, so that each opens its filter for the other's. What
 * arrives is told by its transaction id. What is sent to a mapping that the NAT has forgotten
 * cannot arrive: at the end they ask the server again what it sees. Silence means `no` only where
 * the filter cannot be what hides it: that is judged when all is known.
 */
#ifndef NATPROBE_HAIRPIN_H
#define NATPROBE_HAIRPIN_H

#include "probe_log.h"

#define HAIRPIN_ENDS 2

struct hairpin {
	bool begun;
	uint8_t server; /* that told the mapped addresses */
	struct {
		uint8_t slot;
		struct addr mapped;
	} ends[HAIRPIN_ENDS];
	uint16_t tried; /* sent, or refused by the system */
	uint16_t sent, answered;
	bool is_checked;              /* the ends ask again who they are: asks of that number */
	uint8_t checks[HAIRPIN_ENDS]; /* ... ASK_NONE: it could not be asked */
	uint64_t next_us, last_us;
	struct addr source; /* of what arrived first, as it was seen */
};

void hairpin_start(struct hairpin *h, uint8_t server, const uint8_t slots[HAIRPIN_ENDS],
		   const struct addr mapped[HAIRPIN_ENDS], uint64_t now_us);

/* Sets *want to what is due to be sent, if anything. Then hairpin_sent must follow. */
bool hairpin_next(const struct hairpin *h, const struct probe_view *view, struct probe_want *want);
void hairpin_sent(struct hairpin *h, const struct probe_view *view);
void hairpin_withdrawn(struct hairpin *h);

/* What was sent so far counts no more: our pace was too much for the path. */
void hairpin_restart(struct hairpin *h, uint64_t now_us);

/* A probe of ours, sent by the end `item`, came in on `slot` from there. */
void hairpin_on_arrival(struct hairpin *h, uint8_t item, uint8_t slot, const struct addr *from);

/* Both ends have sent: what follows makes no new mapping. */
bool hairpin_has_mappings(const struct hairpin *h);

/* Enough was sent for a silence, and nothing has arrived so far. */
bool hairpin_is_sent(const struct hairpin *h, const struct probe_view *view);

/* Something arrived, or nothing more is worth waiting for. */
bool hairpin_is_over(const struct hairpin *h, const struct probe_view *view);
uint64_t hairpin_deadline_us(const struct hairpin *h, const struct probe_view *view);

/* What the rest of the verdict says about a silence. */
struct hairpin_rest {
	enum verdict_answer nat;
	enum verdict_behaviour mapping, filtering;
	enum verdict_pooling pooling;
	enum verdict_cause unmapped; /* why the ends may have lost their mapped addresses before
					all was sent; CAUSE_NONE: they have not */
	bool sees_own_source;        /* this host hands us datagrams that show its own address */
};

/*
 * Fills v->hairpin.
 * local  our own address
 * cause  why the rest is unknown, where it is because the discovery ended early
 */
void hairpin_end(const struct hairpin *h, const struct probe_view *view,
		 const struct hairpin_rest *rest, const struct addr *local,
		 enum verdict_cause cause, struct verdict *v);

#endif
