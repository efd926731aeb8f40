/*
 * parting_io - carries a parting out on the path of a trial: over UDP as parting.h has it, over our
 * relay the same, and over TCP by a mark in each direction, behind which the stream is the program's.
 */
#ifndef NATPROBE_PARTING_IO_H
#define NATPROBE_PARTING_IO_H

#include "parting.h"
#include "punch_io.h"

struct parting_io_config {
	struct event_base *base;
	struct punch_io *io; /* after on_finished */
	int fd;              /* that punch_io_take gave, still the caller's; -1: by our relay */
	bool is_tcp;
	struct addr peer;
	struct parting_config parting;
	const bool *is_interrupted; /* looked at whenever the base comes back */
};

enum parting_end {
	PARTING_TOGETHER = 0, /* they start their program now */
	PARTING_ALONE,        /* they were not heard: start it anyway */
	PARTING_INTERRUPTED,
	PARTING_BROKEN, /* the connection was closed, or memory ran out */
};

/*
 * Runs the base until the moment to start the program.
 * they_serve  set: their program wants to be there before ours
 * What is in the socket then is the program's, but for what the network still holds back.
 */
enum parting_end parting_io_run(const struct parting_io_config *config, bool *they_serve);

#endif
