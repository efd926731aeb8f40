/*
 * dial_failure - why there is no connection to a server (dial.h), and what to do about it.
 */
#ifndef NATKIT_DIAL_FAILURE_H
#define NATKIT_DIAL_FAILURE_H

#include <stdbool.h>
#include <stdint.h>

enum dial_cause {
	DIAL_FINE = 0,
	DIAL_NO_ROUTE,       /* this host has no way there, such as no IPv6 */
	DIAL_REFUSED,        /* nobody listens there */
	DIAL_SILENT,         /* TCP or DTLS: no answer at all in time */
	DIAL_SLOW_HANDSHAKE, /* TCP stands, TLS took too long */
	DIAL_HANDSHAKE,      /* TLS or DTLS failed, but not for the certificate */
	DIAL_CERT_NAME,      /* the certificate is for another name */
	DIAL_CERT_UNTRUSTED, /* nobody who is trusted here vouches for it */
	DIAL_CERT_DATES,     /* expired, or not valid yet */
	DIAL_CLOSED,         /* by the other side */
	DIAL_NOT_STUN,       /* bytes on a stream that are neither STUN nor ChannelData */
	DIAL_SYSTEM,         /* something on this host, see `detail` */
	DIAL_CAUSES,
};

struct dial_failure {
	uint8_t cause;    /* enum dial_cause */
	char detail[112]; /* the words of the system or of OpenSSL; may be empty */
};

/* A stable word such as "certificate-name". */
const char *dial_cause_word(uint8_t cause);

/*
 * What went wrong and what to do about it: constant texts for people, without capital and full
 * stop, never NULL.
 */
const char *dial_cause_text(uint8_t cause);
const char *dial_cause_remedy(uint8_t cause);

#endif
