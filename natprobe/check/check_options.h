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
	char *confidence; /* "99.9%": see check_options_confidence */
	int64_t local_port;
	bool upnp;
	bool deep;
	uint64_t longest_ms; /* of --deep */
	int64_t mappings;
	char *portal;        /* NULL: as the servers want it */
	struct opt_list geo; /* char *, paths */
	char *turn;          /* URI; NULL: no TURN server */
	char *user;
	char *password_file;
	char *token_file;
	char *ca_file;
	bool insecure;
	bool json;
	bool quiet;
	bool verbose;
	bool explain;
	bool rfc;
	bool redact;
	char *expect;
	char *save;
	char *junit;
	char *html;
	bool tap;
	bool help;
	bool version;
};

extern const struct opt_program check_program;

/* The share that `confidence` stands for, such as 0.999. */
double check_options_confidence(const struct check_options *o);

#endif
