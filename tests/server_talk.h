/*
 * server_talk - one question to stun_server, and what came of it, for the tests of it.
 *
 * Start, change the query or the policy as needed, put attributes, run, expect.
 */
#ifndef NATKIT_TEST_SERVER_TALK_H
#define NATKIT_TEST_SERVER_TALK_H

#include "stun_server.h"

struct talk {
	uint8_t ask[2048], answer[2048];
	struct stun_builder b;
	struct stun_server_policy policy;
	struct stun_query q;
	size_t cap;
	struct stun_reply reply;
	struct stun_msg msg; /* the reply, parsed */
	enum stun_outcome outcome;
};

/* A1, A2 and P1, P2 as socket numbers have them: 192.0.2.1 and .2, 2001:db8::1 and ::2. */
extern const struct stun_site talk_site4, talk_site6;
extern const struct stun_site talk_half_site; /* A1 alone */
extern const struct addr talk_client4, talk_client6;
extern const struct stun_tid talk_modern, talk_classic; /* with magic cookie, and without */

/* A message from talk_client4 to socket 0 of talk_site4 over UDP; all is offered. */
void talk_class(struct talk *t, uint16_t method, enum stun_class class, const struct stun_tid *tid);

/* A Binding request. */
void talk_start(struct talk *t, const struct stun_tid *tid);

/* RFC 5780 is not offered, for one of three reasons; talk_plain_case tells which. */
#define TALK_PLAIN_CASES 3
void talk_be_plain(struct talk *t, size_t which);
const char *talk_plain_case(size_t which);

/* Asks the server. A reply must be well-formed, and fit to the request. */
enum stun_outcome talk_run(struct talk *t);

/* flags  1: change the port, 2: change the address */
void talk_put_change(struct talk *t, unsigned int flags);
void talk_put_padding(struct talk *t, size_t len);
void talk_put_raw(struct talk *t, uint16_t type, struct bytes value);

void talk_expect_addr(const struct talk *t, uint16_t type, const struct addr *want);
/* XOR-MAPPED-ADDRESS. */
void talk_expect_mapped(const struct talk *t, const struct addr *want);
void talk_expect_no(const struct talk *t, uint16_t type);
/* An error response that goes back where the request came from. */
void talk_expect_error(const struct talk *t, uint16_t code);
/* 420 with exactly this list. */
void talk_expect_unknown(const struct talk *t, const uint16_t *want, size_t count);

#endif
