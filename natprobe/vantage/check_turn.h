/*
 * check_turn - the TURN server of natprobe check --turn: its URI, credentials, certificates and
 * addresses.
 *
 * What is wrong is printed at once; functions return 0 or the exit code that natprobe ends with.
 */
#ifndef NATPROBE_CHECK_TURN_H
#define NATPROBE_CHECK_TURN_H

#include "natprobe/check/check_options.h"
#include "probe_turn.h"
#include "natprobe/relay/relay_secrets.h"

struct check_turn {
	struct turn_server server; /* counts where server.name is not NULL */
	struct stun_uri uri;
	struct relay_secrets secrets;
};

/* Reads URI and credentials, if there are any, into *t, which is zero before. */
int check_turn_read(struct check_turn *t, const struct check_options *options);

/* Finds its addresses, by running `base`, and what its certificates are judged by. */
int check_turn_resolve(struct check_turn *t, const struct check_options *options,
		       struct event_base *base);

void check_turn_clear(struct check_turn *t);

#endif
