/* rules_reordered - counters whose samples overtook each other. */
#ifndef NATPROBE_RULES_REORDERED_H
#define NATPROBE_RULES_REORDERED_H

#include "rules_counter.h"

/* As rules_log_counter. */
double rules_log_reordered(const struct rules_view *v, const struct rule *r,
			   double weights[RATE_COUNT]);

#endif
