/*
 * handover - requests that take something another worker has: a reserved port, an allocation that
 * moves, a connection to a peer. Only what is signed rightly comes here, so it may take memory.
 *
 * The request is copied and waits; the ask goes to the other worker's thread, what it gives comes
 * back by a message, and then the request is judged again. Once asked, nothing can be lost between
 * the two for want of memory.
 */
#ifndef NATKIT_TURND_HANDOVER_H
#define NATKIT_TURND_HANDOVER_H

#include "listen_parts.h"

/*
 * Most requests of one worker that wait at one time; more are dropped, and sent again, or refused
 * where their client would not do so.
 */
#define HANDOVER_MAX 1024

void handover_ask(struct listen *l, const struct turnd_in *in, const struct turnd_ask *ask);

/* The link of requests that wait is gone: what they are given goes back. */
void handover_forget(struct listen *l, const void *link);

/* At the end, when no messages are under way any more. */
void handover_free_all(struct listen *l);

/* For struct turnd_io; arg is the struct listen. */
void handover_release_port(void *arg, uint16_t worker, uint16_t relay, uint16_t port,
			   const struct ports_token *token);

#endif
