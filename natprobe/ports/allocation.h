/*
 * allocation - by which rule a NAT picks external ports (RFC 4787, section 4.2), from samples:
 * fresh sockets in the order in which they sent their first and only datagram.
 *
 * Differences count between neighbours of the sequence that were both answered; they are signed
 * and modulo the range, so a counter that wraps is still a counter. A rule has to explain what was seen
 * far better than the next best one; else the answer is unknown, and allocation_more says
 * which further samples would help. Pure arithmetic.
 */
#ifndef NATPROBE_ALLOCATION_H
#define NATPROBE_ALLOCATION_H

#include "natprobe/verdict.h"

#define ALLOCATION_FIRST 21 /* samples that are planned whatever the answers are */

/* How the local ports of the next samples are to be chosen. */
enum allocation_locals {
	ALLOCATION_ENOUGH = 0,
	ALLOCATION_RANDOM,      /* any fresh ports, far from each other */
	ALLOCATION_CONSECUTIVE, /* each one above the one before */
};

struct allocation_plan {
	uint8_t locals; /* enum allocation_locals */
	uint8_t count;  /* how many more */
	bool serial;    /* each only after the one before is answered or given up */
};

/*
 * Fills out and prediction. nat: the verdict on there being a NAT; with VERDICT_NO the delta
 * is "not applicable". error_max: the chance of being wrong that is asked for; a few
 * times more, where samples were short, is still told, with its error.
 */
void allocation_classify(const struct verdict_sample *samples, size_t count,
			 enum verdict_answer nat, double error_max, struct verdict_ports *out,
			 struct verdict_prediction *prediction);

/*
 * What to sample next, after `count` samples, of which at most `room` more may be sent. The
 * plan starts with random ones of both parities grouped by parity, and consecutive ones: at
 * least 16 together.
 */
struct allocation_plan allocation_more(const struct verdict_sample *samples, size_t count,
				       enum verdict_answer nat, double error_max, size_t room);

/*
 * Whether what is answered so far looks like chance, so that more samples will be wanted whatever
 * the others say: then they need not wait for those.
 */
bool allocation_looks_random(const struct verdict_sample *samples, size_t count);

/*
 * External addresses by mapping and destination, from all sightings and samples.
 * sampled  whom the samples were sent to
 */
void allocation_pooling(struct verdict *v, const struct addr *sampled, double error_max);

#endif
