/* report_fixture - runs of natprobe check with known outcome, for the tests of its reports. */
#ifndef TESTS_REPORT_FIXTURE_H
#define TESTS_REPORT_FIXTURE_H

#include "natprobe/report/report.h"

/* A whole report and all that it points to. */
struct fixture {
	struct server servers[2];
	struct verdict verdict;
	struct report_tls tls[1];
	struct report_probe probes[2];
	struct report report;
};

/* eth0 behind a port-restricted NAT that one good server saw; nothing unknown. */
void fixture_restrict_port(struct fixture *f);

/* The same, but the server ignores CHANGE-REQUEST: filtering is unknown. */
void fixture_ignores_change(struct fixture *f);

/* The same, but all that was asked has one port: the mapping may be port-dependent as well. */
void fixture_one_port(struct fixture *f);

/* UDP is blocked; TCP is answered, through a NAT. */
void fixture_udp_blocked(struct fixture *f);

/* Nobody answered. */
void fixture_no_server(struct fixture *f);

/* A second interface without a route, and a name that did not resolve. */
void fixture_add_unprobed(struct fixture *f);

/* A stuns: server that answers with a certificate nobody vouches for. */
void fixture_add_tls(struct fixture *f);

/*
 * Something in every member, and no member like another: behind a sequential NAT at a provider,
 * with a second interface and a stuns: server.
 */
void fixture_full(struct fixture *f);

/* As the first one, with a deeper look that was cut short: values of every state. */
void fixture_deep(struct fixture *f);

#endif
