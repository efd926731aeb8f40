/*
 * forward_spec - what natprobe forward is told: which port here leads to which target over there
 * ([ADDR:]PORT:HOST:PORT[/udp]), and which targets here the other side may reach (HOST:PORT[/udp]).
 *
 * A host is an address, or a name: letters, digits, and . - _, small letters are meant. An address of
 * IPv6 stands in brackets. There are no patterns: who wants to allow two ports names both.
 */
#ifndef NATPROBE_FORWARD_SPEC_H
#define NATPROBE_FORWARD_SPEC_H

#include "addr.h"
#include "wire.h"

#define FORWARD_HOST_MAX   253
#define FORWARD_TARGET_MAX (FORWARD_HOST_MAX + 16) /* as text, with its end */

/* A host always has the same text here, so that two targets are compared by it. */
struct forward_target {
	char host[FORWARD_HOST_MAX + 1];
	uint16_t port;
	bool is_udp;
};

struct forward_spec {
	struct addr listen; /* loopback, where no address was given */
	struct forward_target target;
};

/* Return NULL, or why not, for people; *out is set where it is NULL. */
const char *forward_target_read(struct bytes text, struct forward_target *out);
const char *forward_spec_read(struct bytes text, struct forward_spec *out);

/* Brings a host, without brackets, into its one form. False: it is none. */
bool forward_host_read(struct bytes text, char out[static FORWARD_HOST_MAX + 1]);

/* "localhost:80", "[2001:db8::1]:53/udp". Returns buf. */
const char *forward_target_print(const struct forward_target *t,
				 char buf[static FORWARD_TARGET_MAX]);
bool forward_target_equal(const struct forward_target *a, const struct forward_target *b);

#endif
