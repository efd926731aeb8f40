/*
 * sntp_io - asks a time server a few times, and tells how far its clock is from ours (clock_us).
 * Of some samples the tightest counts: delay comes and goes, and adds to the bound.
 */
#ifndef NATPROBE_SNTP_IO_H
#define NATPROBE_SNTP_IO_H

#include <event2/event.h>

#include "sntp.h"

#define SNTP_IO_SAMPLES_MAX 8

struct sntp_io_config {
	struct event_base *base;
	const char *server;   /* HOST[:PORT]; copied */
	unsigned samples;     /* 0: 4; at most SNTP_IO_SAMPLES_MAX */
	uint64_t interval_ms; /* from one to the next; 0: 500 */
	/*
	 * Once. best: NULL, and why says so, for people. at_us is now.
	 */
	void (*on_done)(void *arg, const struct sntp_sample *best, const char *why);
	void *arg;
};

struct sntp_io;

/* Starts; on_done comes later, never before this returns. NULL, and *why, for a name that is none,
 * or where memory runs out. */
struct sntp_io *sntp_io_new(const struct sntp_io_config *config, const char **why);
/* on_done comes no more. May be called from it. NULL is fine. */
void sntp_io_free(struct sntp_io *s);

#endif
