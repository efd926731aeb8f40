/* reach_options - the command line of natprobe reach. */
#ifndef NATPROBE_REACH_OPTIONS_H
#define NATPROBE_REACH_OPTIONS_H

#include "opt.h"

struct reach_options {
	struct opt_list servers; /* char * */
	int64_t external;        /* 0: that of a lease, or the same */
	bool listen;
	char *interface;
	bool upnp;
	bool ipv4;
	bool ipv6;
	uint64_t timeout_ms;
	bool json;
	bool quiet;
	bool redact;
	bool help;
};

extern const struct opt_program reach_program;

#endif
