/*
 * five_tuple - between which addresses, and over what, a client speaks with turnd (RFC 8656,
 * section 2.2): what an allocation is found by.
 */
#ifndef NATKIT_FIVE_TUPLE_H
#define NATKIT_FIVE_TUPLE_H

#include "addr.h"
#include "stun_server.h"

struct five_tuple {
	struct addr client;
	struct addr server; /* where the client sent to: never the wildcard */
	uint8_t transport;  /* enum stun_transport */
};

static inline bool five_tuple_equal(const struct five_tuple *a, const struct five_tuple *b)
{
	return a->transport == b->transport && addr_equal(&a->client, &b->client) &&
	       addr_equal(&a->server, &b->server);
}

/* Over a byte stream, where messages follow each other and none is lost. */
static inline bool five_tuple_is_stream(const struct five_tuple *t)
{
	return t->transport == STUN_TCP || t->transport == STUN_TLS;
}

#endif
