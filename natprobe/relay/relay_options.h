/* relay_options - the command line of natprobe relay. */
#ifndef NATPROBE_RELAY_OPTIONS_H
#define NATPROBE_RELAY_OPTIONS_H

#include "opt.h"
#include "turn_resolve.h"

struct relay_options {
	char *user;
	char *password_file;
	char *token_file;
	char *transport; /* "udp,tls"; NULL: all */
	bool ipv4;
	bool ipv6;
	char *ca_file;
	bool insecure;
	int64_t rate;
	uint64_t duration_ms;
	int64_t length;
	uint64_t timeout_ms;
	bool json;
	bool quiet;
	bool redact;
	bool help;
};

extern const struct opt_program relay_program;

/* The transports of --transport in their order, or all. Returns how many. */
size_t relay_options_transports(const struct relay_options *o, uint8_t out[static TURN_TRANSPORTS]);

#endif
