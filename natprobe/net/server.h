/* server - a server as the user calls it, and the addresses that it turned out to have. */
#ifndef NATPROBE_SERVER_H
#define NATPROBE_SERVER_H

#include "addr.h"
#include "stun_uri.h"

enum { SERVER_IPV4, SERVER_IPV6, SERVER_FAMILIES };

/* A server, resolved. An address that is not known has the family ADDR_NONE. */
struct server {
	const char *name; /* borrowed: as the user wrote it */
	struct stun_uri uri;
	bool tls;                         /* stuns: the stream speaks TLS, and there is no udp */
	struct addr udp[SERVER_FAMILIES]; /* Binding over UDP */
	struct addr tcp[SERVER_FAMILIES]; /* the stream that is tried when UDP is silent */
	const char *why;                  /* why no address is known; NULL where one is */
};

/* The place of a family in the arrays above. */
static inline int server_family(uint8_t family)
{
	return family == ADDR_IPV6 ? SERVER_IPV6 : SERVER_IPV4;
}

#endif
