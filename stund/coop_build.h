/* coop_build - the messages of a cooperating server. Only coop_*.c include this. */
#ifndef NATKIT_COOP_BUILD_H
#define NATKIT_COOP_BUILD_H

#include "coop_server.h"

/* What one of them says. */
struct coop_says {
	const struct stun_tid *tid;
	const struct addr *mapped;
	const struct stun_site *site;     /* NULL: nothing is said about it */
	uint8_t socket;                   /* it leaves from */
	const struct coop_token *token;   /* NULL: none */
	const struct coop_report *report; /* NULL: none */
	bool fingerprint;
	size_t size; /* with PADDING, as long; 0: as short as can be */
};

/*
 * A Binding success. What does not fit into `cap` is left out, the last things first: token,
 * report, XOR-MAPPED-ADDRESS, MAPPED-ADDRESS, RESPONSE-ORIGIN and OTHER-ADDRESS. Empty where not
 * even the first fits.
 */
struct bytes coop_build(const struct coop_says *says, uint8_t *buf, size_t cap);

#endif
