/*
 * stun_server - a request and where it came from in, an answer and its source socket out
 * (RFC 8489, section 6.3; RFC 3489; RFC 5780, section 6). For stund and turnd.
 *
 * Keeps no state about clients, allocates nothing, knows no socket: the caller names its
 * sockets by number.
 */
#ifndef NATKIT_STUN_SERVER_H
#define NATKIT_STUN_SERVER_H

#include "addr.h"
#include "stun_msg.h"

/*
 * A site is what one RFC 5780 server looks like in one address family: up to two
 * addresses by two ports. Socket numbers are 2 * address + port: 0 is A1:P1, 1 is A1:P2,
 * 2 is A2:P1, 3 is A2:P2.
 */
#define STUN_SITE_SOCKETS 4

struct stun_site {
	/* As clients see them: public addresses where the host is behind 1:1 NAT. */
	struct addr seen_as[STUN_SITE_SOCKETS];
	bool has[STUN_SITE_SOCKETS];
};

/* Both addresses and both ports are there, so RFC 5780 can be offered over UDP. */
bool stun_site_is_full(const struct stun_site *site);

enum stun_transport {
	STUN_UDP,
	STUN_TCP,
	STUN_TLS,
	STUN_DTLS,
};

struct stun_server_policy {
	bool rfc3489;         /* answer clients without magic cookie in their dialect */
	bool nat_discovery;   /* RFC 5780, where the site is full */
	const char *software; /* SOFTWARE in answers, at most 127 characters; NULL: none */
};

struct stun_query {
	struct bytes datagram; /* or one frame of a stream */
	struct addr from;
	enum stun_transport transport;
	const struct stun_site *site; /* NULL: a plain listener, answers leave where asked */
	uint8_t socket;               /* which socket of the site received it; 0 without site */
	/* Where it was sent to, as clients see it: the SOURCE-ADDRESS of RFC 3489 where RFC 5780
	 * is not offered; NULL or none: unknown, and SOURCE-ADDRESS is left out. */
	const struct addr *local;
};

struct stun_reply {
	struct bytes msg; /* a view of the caller's buffer */
	struct addr to;   /* differs from the query's `from` with RESPONSE-PORT only */
	uint8_t socket;   /* which socket of the site it leaves from */
};

enum stun_outcome {
	STUN_REPLY = 0,    /* Binding success */
	STUN_REPLY_ERROR,  /* an error response: 400 or 420 */
	STUN_DROP_FOREIGN, /* not STUN, malformed, a wrong FINGERPRINT, or from port 0 */
	STUN_DROP_UNASKED, /* an indication or a response: nothing to answer */
	STUN_DROP_CLASSIC, /* RFC 3489 client, and rfc3489 is off */
	STUN_DROP_METHOD,  /* not Binding: discarded (RFC 8489, section 6.3) */
	STUN_DROP_CHANGE,  /* RFC 3489 client asks for another source, and there is none */
	STUN_DROP_NO_ROOM, /* no answer fits: buffer too small, or PADDING too short */
	STUN_OUTCOMES,
};

/*
 * Judges one datagram or frame.
 * buf, cap  where the reply is built; 548 bytes hold any answer to a request without
 *           PADDING; PADDING is answered with at most `cap`
 * out       set for STUN_REPLY and STUN_REPLY_ERROR
 *
 * How much is answered: to a Binding request where RFC 5780 is not offered, 12 bytes more
 * than a bare request (IPv6: 24). A datagram with PADDING, offered or not, gets an answer that
 * is not longer as a whole; one whose PADDING leaves no room for that gets 400, or nothing.
 *
 * CHANGE-REQUEST, RESPONSE-PORT and PADDING need UDP and a full site; elsewhere they are
 * unknown attributes (420). RESPONSE-ADDRESS is never honoured. Error responses carry a
 * reason phrase over streams and DTLS only, where the source is not forged.
 */
enum stun_outcome stun_server_answer(const struct stun_server_policy *policy,
				     const struct stun_query *q, uint8_t *buf, size_t cap,
				     struct stun_reply *out);

/* A word for counters and logs: "reply", "error", "foreign", ... Never NULL. */
const char *stun_outcome_name(enum stun_outcome outcome);

#endif
