/*
 * proxy_header - the header with which a proxy tells whose connection it forwards: PROXY protocol,
 * version 1 (a line of text) and 2 (binary), as HAProxy specified it.
 *
 * It stands once, before all other bytes of a connection. Whom it comes from has to be judged by
 * the caller: anybody can write one.
 */
#ifndef NATKIT_PROXY_HEADER_H
#define NATKIT_PROXY_HEADER_H

#include "addr.h"
#include "wire.h"

#define PROXY_HEADER_V1_MAX 107  /* with its CR LF */
#define PROXY_HEADER_MAX    2048 /* of version 2, with all that stands behind the addresses */

enum proxy_result {
	PROXY_OK = 0,    /* `from` and `to` are what it names */
	PROXY_LOCAL,     /* it names nobody: the connection's own addresses are the right ones */
	PROXY_SHORT,     /* all of the input belongs to a header, and more has to come */
	PROXY_MALFORMED, /* no header, a broken one, too long, or none of a TCP connection */
};

struct proxy_header {
	struct addr from, to; /* PROXY_OK only */
	size_t len;           /* of the header: what is behind it is the client's */
};

/*
 * Reads the header at the start of `in`. IPv4-mapped addresses come out as IPv4.
 * out  set on PROXY_OK and PROXY_LOCAL
 */
enum proxy_result proxy_header_read(struct bytes in, struct proxy_header *out);

#endif
