/*
 * rendezvous_http - the HTTP/1.1 that a rendezvous understands (RFC 9112): requests cut from a
 * stream, and the heads of answers. What a mailbox does not need is refused: no chunked bodies,
 * no pages, no web origins.
 */
#ifndef NATKIT_RENDEZVOUS_HTTP_H
#define NATKIT_RENDEZVOUS_HTTP_H

#include "rendezvous_wire.h"
#include "stun.h"

#define RENDEZVOUS_HEAD_MAX    4096 /* of a request, body apart */
#define RENDEZVOUS_REQUEST_MAX (RENDEZVOUS_HEAD_MAX + RENDEZVOUS_MESSAGE_MAX)
#define RENDEZVOUS_REPLY_MAX   512 /* the head of an answer */

/*
 * Looks for one request, head and body, at the start of `in`; as stun_stream_next. STUN_MALFORMED
 * only where its length cannot be known; rendezvous_parse says what else is wrong.
 */
enum stun_result rendezvous_cut(struct bytes in, size_t max, struct bytes *frame, size_t *used);

struct rendezvous_request {
	int status; /* 0: it may be done; else the code of the answer, and no more is told */
	bool is_post;
	bool close; /* the client wants no more on this connection, or cannot be trusted with it */
	char topic[RENDEZVOUS_TOPIC_MAX + 1];
	uint64_t after;
	uint32_t wait_s;   /* RENDEZVOUS_WAIT_MAX_S at most */
	struct bytes body; /* a view */
};

/* frame  as rendezvous_cut found it */
void rendezvous_parse(struct bytes frame, struct rendezvous_request *out);

/*
 * The head of an answer; an error has no body. code: 200, 204, or an error
 * len  of the list that follows where it is 200
 * Returns the length.
 */
size_t rendezvous_reply(int code, size_t len, bool close, const struct rendezvous_clock *clock,
			char buf[static RENDEZVOUS_REPLY_MAX]);

#endif
