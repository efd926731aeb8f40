/* probe_deep - the deeper look of one probe: begun when its discovery has a verdict. */
#ifndef NATPROBE_PROBE_DEEP_H
#define NATPROBE_PROBE_DEEP_H

#include "deep.h"

struct probe;

#define PROBE_DEEP_TEXT_MAX 120

/* Begins it, without a turn. False: there is nothing to look at, or memory ran out. */
bool probe_deep_start(struct probe *p);

/* Turns (deep.h); the configuration's on_change is called when nothing is to count any more. */
bool probe_deep_is_to_count(const struct probe *p);
void probe_deep_take_turn(struct probe *p, enum deep_turn turn);

void probe_deep_stop(struct probe *p);
void probe_deep_free(struct probe *p);

/* For a line of progress; "" where it is over. Returns how much of it is done, 0 to 1. */
double probe_deep_progress(const struct probe *p, char text[static PROBE_DEEP_TEXT_MAX]);

#endif
