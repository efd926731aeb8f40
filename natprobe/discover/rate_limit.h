/*
 * rate_limit - is it our pace that the path cannot take?
 *
 * A box that drops what exceeds some datagrams a second looks like heavy loss, or like a filter.
 * Where much is lost, the pace is lowered to less than what got through, and what happens then
 * is compared: loss that ends with the pace is a limit, and the discovery goes on at what
 * passes; loss that stays is just loss, and the old pace returns.
 */
#ifndef NATPROBE_RATE_LIMIT_H
#define NATPROBE_RATE_LIMIT_H

#include "probe_log.h"

enum rate_limit_state {
	RATE_WATCHING = 0, /* nothing of the kind seen */
	RATE_SLOWED,       /* going slowly, to see what that changes */
	RATE_LIMITED,
	RATE_UNLIMITED, /* it was something else; not tried again */
	RATE_UNCLEAR,   /* it may have been either */
};

struct rate_limit {
	uint8_t state;       /* enum rate_limit_state */
	uint8_t slowings;    /* how often the pace was lowered */
	uint8_t probes;      /* sent for this alone */
	uint16_t full_per_s; /* the pace to return to */
	uint16_t full_burst;
	uint16_t passed_per_s; /* what got through while datagrams were dropped */
	double chance;         /* that a limit which was found is chance */
	uint64_t from_us;      /* when the losses began that made us suspicious */
	uint64_t since_us; /* when the pace was lowered; earlier losses say nothing of the path */
};

/*
 * Looks at what became of all probes; may change the pace in *t, and delay *pace.
 * True: the pace was lowered, so what is unanswered by now counts for nothing.
 */
bool rate_limit_step(struct rate_limit *r, const struct probe_log *log, struct discover_timing *t,
		     struct pace *pace, uint64_t now_us);

/* A probe whose only use is to see what becomes of it would help. */
bool rate_limit_wants_probe(const struct rate_limit *r);
void rate_limit_probe_sent(struct rate_limit *r);

/* Fills v->rate_limit. answered: somebody answered by UDP at all. */
void rate_limit_end(const struct rate_limit *r, bool answered, enum verdict_cause cause,
		    struct verdict *v);

/* The chance that a limit which is told is none; 0 where none is told. */
double rate_limit_error(const struct rate_limit *r);

#endif
