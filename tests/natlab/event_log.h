/* event_log - what boxes decide, as lines of JSON (natlab(1) has the format). */
#ifndef NATLAB_EVENT_LOG_H
#define NATLAB_EVENT_LOG_H

#include <stdio.h>

#include "plan.h"

/* "-" is stderr; NULL gives NULL. False, and *err, where it cannot be written. */
bool event_log_open(const char *path, FILE **out, struct lab_error *err);

/* A line about a decision of the box of that name. */
void event_log_write(FILE *out, const char *box, const struct nat_event *event);

/* A line about something else that happened to a node: "start", "flush", "reboot", ... */
void event_log_note(FILE *out, const char *node, const char *what, uint64_t now_us);

/* False, and *err, where not all of it could be written. NULL is fine. */
bool event_log_check(FILE *out, struct lab_error *err);

#endif
