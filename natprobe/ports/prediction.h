/*
 * prediction - which external port the next fresh socket will get, with which chance, if it is
 * opened about as soon after the last sample as the samples followed each other.
 */
#ifndef NATPROBE_PREDICTION_H
#define NATPROBE_PREDICTION_H

#include "rules.h"

/* best: the rule that was found. */
void prediction_make(const struct rules_view *v, const struct rule *best,
		     struct verdict_prediction *out);

#endif
