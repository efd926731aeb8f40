/* map_options - the command line of natprobe map. */
#ifndef NATPROBE_MAP_OPTIONS_H
#define NATPROBE_MAP_OPTIONS_H

#include "opt.h"

#define MAP_PORTS_MAX 8

struct map_options {
	int64_t external; /* 0: not given */
	uint64_t lifetime_ms;
	bool keep;
	bool list;
	bool delete;
	int by; /* 0: any; 1 + enum lease_by */
	char *interface;
	struct opt_list servers; /* char * */
	bool compare;
	bool ipv4;
	bool ipv6;
	bool json;
	bool quiet;
	bool redact;
	bool help;
};

extern const struct opt_program map_program;

/* A port of ours. */
struct map_port {
	uint16_t port;
	bool udp, tcp;
};

/* Reads "4900/udp", "4900/tcp", or "4900" for both. */
bool map_port_read(const char *text, struct map_port *out);

#endif
