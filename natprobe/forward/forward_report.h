/* forward_report - what natprobe forward says of itself: lines for people, or JSON. */
#ifndef NATPROBE_FORWARD_REPORT_H
#define NATPROBE_FORWARD_REPORT_H

#include "forward.h"
#include "natprobe/pipe/pipe_wire.h"

struct forward_report {
	bool json, quiet;
	/* The last failure that was told to people, so that one who tries again and again is not
	   told of again and again. */
	struct forward_target last_target;
	char last_word[PIPE_WORD_MAX + 1];
	uint64_t last_ms;
	/* Nor of one who has a new target each time. */
	uint64_t begin_ms;
	unsigned told, untold;
};

void forward_report_path(struct forward_report *r, bool is_up, const char *what);
void forward_report_allow(struct forward_report *r, const struct forward_target *target);
void forward_report_event(struct forward_report *r, const struct forward_event *e);

#endif
