/*
 * turn_resolve - from a TURN URI to the addresses and transports to try, best first: RFC 5928, and
 * RFC 7350 for DTLS.
 *
 * It asks no resolver itself. The shell takes questions with turn_resolve_next, asks them of DNS,
 * and hands in each answer, in any order; more questions may follow from it. Answers are a
 * stranger's: chains and lists are cut where they become unreasonable, and names that no host can
 * have are left out.
 *
 * What an application supports is a list of transports in its order of preference. turn: means UDP
 * and TCP, and turns: TLS and DTLS, but that NAPTR records of a turn: domain may name all four.
 * All memory is taken by turn_resolve_new.
 *
 *	turn_resolve.c         the steps of RFC 5928
 *	turn_resolve_answer.c  what DNS answers
 */
#ifndef NATKIT_TURN_RESOLVE_H
#define NATKIT_TURN_RESOLVE_H

#include "stun_uri.h"

enum turn_transport {
	TURN_OVER_UDP = 0,
	TURN_OVER_TCP,
	TURN_OVER_TLS,
	TURN_OVER_DTLS,
	TURN_TRANSPORTS,
};

/* "udp", "tcp", "tls", "dtls". */
const char *turn_transport_word(uint8_t transport);

/* Runs over TCP. */
bool turn_transport_is_stream(uint8_t transport);

/* Takes a certificate. */
bool turn_transport_is_secure(uint8_t transport);

struct turn_resolve_config {
	struct stun_uri uri;                 /* turn: or turns: */
	uint8_t transports[TURN_TRANSPORTS]; /* enum turn_transport, each once at most */
	size_t transport_count;
	bool ipv4, ipv6;
	void (*random)(void *arg, void *buf, size_t len); /* for the lots of RFC 2782 */
	void *random_arg;
};

struct turn_resolve;

/* What makes it pointless to begin, for people (RFC 5928, section 3); NULL: nothing. */
const char *turn_resolve_check(const struct turn_resolve_config *config);

/* NULL when memory runs out. The configuration has passed turn_resolve_check. */
struct turn_resolve *turn_resolve_new(const struct turn_resolve_config *config);
void turn_resolve_free(struct turn_resolve *r); /* NULL is fine */

enum turn_question_kind {
	TURN_ASK_A,
	TURN_ASK_AAAA,
	TURN_ASK_SRV,
	TURN_ASK_NAPTR,
};

#define TURN_RESOLVE_NAME_MAX 272 /* with the labels of a service, and NUL */

struct turn_question {
	uint8_t kind; /* enum turn_question_kind */
	uint16_t id;  /* for the answer */
	char name[TURN_RESOLVE_NAME_MAX];
};

/* The next question that is to be asked; false: none now. Each is handed out once. */
bool turn_resolve_next(struct turn_resolve *r, struct turn_question *out);

#define TURN_RESOLVE_ADDRS_MAX   4 /* that are kept of each answer */
#define TURN_RESOLVE_RECORDS_MAX 8

struct turn_srv {
	uint16_t priority;
	uint16_t weight;
	uint16_t port;
	char target[TURN_RESOLVE_NAME_MAX]; /* "." and "": there is no such service */
};

struct turn_naptr {
	uint16_t order;
	uint16_t preference;
	char flags[4];     /* "s", "a", "" */
	char services[96]; /* "RELAY:turn.udp:turn.tcp" */
	bool has_regexp;   /* is not for us then */
	char replacement[TURN_RESOLVE_NAME_MAX];
};

/*
 * Answers. More records than are kept are left out, and so is an answer to what was not asked.
 * count  0: there are none, or DNS failed
 * why    the reason of a failure, for people; NULL: fine
 */
void turn_resolve_on_addrs(struct turn_resolve *r, uint16_t id, const struct addr *list,
			   size_t count, const char *why);
void turn_resolve_on_srv(struct turn_resolve *r, uint16_t id, const struct turn_srv *list,
			 size_t count, const char *why);
void turn_resolve_on_naptr(struct turn_resolve *r, uint16_t id, const struct turn_naptr *list,
			   size_t count, const char *why);

/* Nothing is left to be asked or answered. */
bool turn_resolve_is_done(const struct turn_resolve *r);

#define TURN_RESOLVE_CANDIDATES_MAX 32

struct turn_candidate {
	uint8_t transport; /* enum turn_transport */
	struct addr to;
};

/*
 * Where to try, best first; what is known so far until turn_resolve_is_done. Over TLS and DTLS the
 * certificate must name the host of the URI, wherever DNS led. Good until the next answer.
 */
const struct turn_candidate *turn_resolve_list(const struct turn_resolve *r, size_t *count);

/* Why the list is empty: constant text for people, never NULL. */
const char *turn_resolve_why(const struct turn_resolve *r);

#endif
