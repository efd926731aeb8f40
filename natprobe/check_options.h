/* check_options - what natprobe check can be told on its command line. */
#ifndef NATPROBE_CHECK_OPTIONS_H
#define NATPROBE_CHECK_OPTIONS_H

#include "opt.h"

struct check_options {
	struct opt_list servers;    /* char * */
	struct opt_list interfaces; /* char * */
	bool ipv4;
	bool ipv6;
	uint64_t timeout_ms;
	bool json;
	bool quiet;
	bool verbose;
	char *expect;
	char *save;
	char *junit;
	bool tap;
	bool help;
	bool version;
};

extern const struct opt_program check_program;

#endif
