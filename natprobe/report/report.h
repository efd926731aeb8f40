/*
 * report - what a run of natprobe check found, for people (report_text.c) and for machines
 * (report_json.c). Pure: prints one struct, asks nobody.
 */
#ifndef NATPROBE_REPORT_H
#define NATPROBE_REPORT_H

#include <stdio.h>

#include "natprobe/net/server.h"
#include "natprobe/verdict.h"

#define REPORT_JSON_VERSION 1 /* grows when a reader of the old would misread the new */

/* natprobe's exit codes. */
enum report_exit {
	EXIT_REACHED = 0,
	EXIT_FAILED = 1, /* an expectation was missed, a trial failed, or natprobe itself did */
	EXIT_USAGE = 2,
	EXIT_NO_SERVER = 3,
	EXIT_INCONCLUSIVE = 4,
};

/* What became of one stuns: server from one source address. */
struct report_tls {
	const char *server; /* as the user wrote it */
	struct addr to;
	struct addr mapped; /* of the TCP connection; ADDR_NONE: no answer */
	uint64_t took_us;   /* from the SYN to the answer */
	bool connected;     /* TCP */
	bool handshaken;    /* TLS */
	bool verified;      /* its certificate is one to trust */
	char why[96];       /* why not, where one of the above is false */
};

/* One interface in one family. */
struct report_probe {
	const char *interface;
	uint8_t family;
	struct addr local;             /* the source address that was chosen; may be ADDR_NONE */
	const struct verdict *verdict; /* NULL: UDP was not probed, see why */
	const char *why;               /* half a sentence */
	bool bound_to_device;          /* false: by its source address only */
	const struct report_tls *tls;
	size_t tls_count;
};

struct report_tests;

struct report {
	const char *program; /* "natprobe 0.1.0" */
	const struct server *servers;
	size_t server_count;
	const struct report_probe *probes;
	size_t probe_count;
	const char *why; /* nothing was probed at all; NULL otherwise */
	uint64_t elapsed_ms;
	const char *time; /* when it ended, as RFC 3339 has it; NULL: not told */
	const struct report_tests *expectations; /* NULL: none were given */
};

struct report_style {
	bool colour;
	bool utf8;    /* pictures of more than letters */
	bool quiet;   /* one line per probe */
	bool verbose; /* evidence as well */
	bool explain; /* a sentence for each property as well */
	bool rfc;     /* what the RFCs require as well */
};

/*
 * The exit code of the whole. With expectations: EXIT_FAILED where one was missed, else
 * EXIT_REACHED where all are met, else EXIT_INCONCLUSIVE, or EXIT_NO_SERVER where nobody answered
 * at all. Without: EXIT_NO_SERVER where no probe had an answer, EXIT_INCONCLUSIVE
 * where one that had leaves something unknown, else EXIT_REACHED. Probes without any answer do
 * not count beside one that has: most hosts have an interface that leads nowhere.
 */
enum report_exit report_exit(const struct report *r);

/*
 * How one probe ended. Without any answer by UDP or TCP it is VERDICT_NO_SERVER; where TLS
 * alone was answered it is VERDICT_INCONCLUSIVE, since that says nothing about UDP.
 */
enum verdict_outcome report_outcome(const struct report_probe *p);

/* A name of the system's as text that any reader takes: what is not printable ASCII is "?". */
#define REPORT_NAME_MAX 64
const char *report_name(const char *name, char buf[static REPORT_NAME_MAX]);

/* "reached", "no-server", "inconclusive". */
const char *report_outcome_word(enum verdict_outcome outcome);

#endif
