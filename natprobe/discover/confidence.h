/*
 * confidence - how sure a verdict is: the chance that no value in it is wrong (RFC 5780 gives
 * none), and what was lost on the way.
 *
 * The chance of being wrong that the user allows is shared out among the values that chance can
 * make wrong. What each of them reached is added up: that never claims too much, whether or not
 * the same loss hits several.
 */
#ifndef NATPROBE_CONFIDENCE_H
#define NATPROBE_CONFIDENCE_H

#include "natprobe/verdict.h"

#define CONFIDENCE_DEFAULT 0.999

/* Shares of what is allowed: of one silence (three filters, hairpin, two port mappings, a block
   and its way round), of the rule of ports, of the pool of addresses. */
#define CONFIDENCE_SILENCE_SHARE 0.1
#define CONFIDENCE_PORTS_SHARE   0.2
#define CONFIDENCE_POOLING_SHARE 0.1

/* The chance of being wrong that may be shared out. */
double confidence_allowance(double confidence_asked);

/* Adds up what the values of a verdict claim; `others`: of those that have no field for it. */
double confidence_of(const struct verdict *v, double others);

/* A share of which `hits` of `of` were drawn, with a chance of 99.9 %. */
struct verdict_interval confidence_share(unsigned hits, unsigned of);

/* The share of round trips that are lost, with a chance of 99.9 %. */
struct verdict_interval confidence_loss(unsigned answered, unsigned lost);

#endif
