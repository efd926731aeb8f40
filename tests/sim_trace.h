/* sim_trace - what happens in a simulated network as lines for people. */
#ifndef NATKIT_SIM_TRACE_H
#define NATKIT_SIM_TRACE_H

#include <stdio.h>

#include "nat_model.h"

/* who: a number that belongs to `what`: of an interface, of a box. */
void sim_trace_print_packet(FILE *out, uint64_t now_us, const char *what, size_t who,
			    struct bytes packet);
void sim_trace_print_decision(FILE *out, size_t layer, const struct nat_event *e);

#endif
