/*
 * The STUN server: any datagram, to any socket of any site, over any transport. What is
 * answered is well-formed, bounded, and goes back where the request came from.
 *
 * Input: a byte of choices (RFC 3489, NAT discovery, site, transport), the socket, a datagram.
 */
#include "stun_server.h"
#include "fuzz_check.h"

#include "stun_attr.h"
#include "stun_auth.h"

#define ANSWER_MAX 548 /* without PADDING, as the header promises */

static const struct stun_site sites[] = {
	{ .seen_as = { { .family = ADDR_IPV4, .port = 3478, .ip = { 192, 0, 2, 1 } } },
	  .has = { true } },
	{ .seen_as = { { .family = ADDR_IPV4, .port = 3478, .ip = { 192, 0, 2, 1 } },
		       { .family = ADDR_IPV4, .port = 3479, .ip = { 192, 0, 2, 1 } },
		       { .family = ADDR_IPV4, .port = 3478, .ip = { 192, 0, 2, 2 } },
		       { .family = ADDR_IPV4, .port = 3479, .ip = { 192, 0, 2, 2 } } },
	  .has = { true, true, true, true } },
	{ .seen_as = { { .family = ADDR_IPV6, .port = 3478, .ip = { 0x20, 1, [15] = 1 } },
		       { .family = ADDR_IPV6, .port = 3479, .ip = { 0x20, 1, [15] = 1 } },
		       { .family = ADDR_IPV6, .port = 3478, .ip = { 0x20, 1, [15] = 2 } },
		       { .family = ADDR_IPV6, .port = 3479, .ip = { 0x20, 1, [15] = 2 } } },
	  .has = { true, true, true, true } },
};

static uint8_t answer[2048];

static void is_right(const struct stun_query *q, const struct stun_reply *reply,
		     enum stun_outcome outcome)
{
	struct stun_msg asked, told;
	struct bytes value;
	bool padded, stays_short, is_classic;

	FUZZ_CHECK(stun_msg_parse(q->datagram, &asked) == STUN_OK);
	FUZZ_CHECK(stun_msg_parse(reply->msg, &told) == STUN_OK);
	/* RFC 8489, section 11: over DTLS, whatever the method is. */
	is_classic = q->transport == STUN_DTLS && stun_tid_is_classic(&asked.tid);
	FUZZ_CHECK(asked.class == STUN_REQUEST && (asked.method == STUN_BINDING || is_classic));
	FUZZ_CHECK(told.class == (outcome == STUN_REPLY ? STUN_SUCCESS : STUN_ERROR));
	FUZZ_CHECK(told.method == asked.method && stun_tid_equal(&asked.tid, &told.tid));
	FUZZ_CHECK(addr_equal_ip(&reply->to, &q->from) && reply->to.port != 0);
	FUZZ_CHECK(reply->to.port == q->from.port ||
		   stun_msg_find(&asked, STUN_ATTR_RESPONSE_PORT, &value));
	FUZZ_CHECK(reply->socket < STUN_SITE_SOCKETS);
	FUZZ_CHECK(reply->socket == q->socket || (q->site != NULL && stun_site_is_full(q->site)));
	FUZZ_CHECK(stun_auth_check_fingerprint(&told) != STUN_AUTH_WRONG);
	padded = stun_msg_has(&told, STUN_ATTR_PADDING);
	FUZZ_CHECK(padded || reply->msg.len <= ANSWER_MAX);
	FUZZ_CHECK(!padded || stun_msg_has(&asked, STUN_ATTR_PADDING));
	stays_short = q->transport == STUN_UDP && stun_msg_has(&asked, STUN_ATTR_PADDING);
	FUZZ_CHECK(!stays_short || reply->msg.len <= q->datagram.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire w = wire_read(bytes_of(data, len));
	uint8_t choices = wire_get_u8(&w);
	uint8_t socket = wire_get_u8(&w) & 3;
	unsigned int site = choices >> 2 & 3;
	struct stun_server_policy policy = {
		.rfc3489 = (choices & 1) != 0,
		.nat_discovery = (choices & 2) != 0,
		.software = (choices & 0x40) != 0 ? "fuzz" : NULL,
	};
	struct stun_query q = {
		.datagram = bytes_of(w.at, w.left),
		.from = { .family = ADDR_IPV4, .port = 40000, .ip = { 198, 51, 100, 7 } },
		.transport = (enum stun_transport)(choices >> 4 & 3),
		.site = site < ARRAY_LEN(sites) ? &sites[site] : NULL,
		.socket = site == 1 || site == 2 ? socket : 0,
	};
	struct stun_reply reply;
	enum stun_outcome outcome;

	if (w.failed)
		return 0;
	outcome = stun_server_answer(&policy, &q, answer, sizeof(answer), &reply);
	FUZZ_CHECK((unsigned int)outcome < STUN_OUTCOMES);
	if (outcome == STUN_REPLY || outcome == STUN_REPLY_ERROR)
		is_right(&q, &reply, outcome);
	return 0;
}
