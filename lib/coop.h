/*
 * coop - what a cooperating STUN server does for whoever asks: the codec of three attributes of
 * our own, comprehension-optional, in Binding requests and responses (doc/cooperation.md).
 *
 *	COOPERATION-TOKEN   16 bytes. In a request: the token, or zeros to ask for one (then with
 *	                    more zeros behind, so that the answer is no longer than the request).
 *	                    In a response: the token for this address, good for some minutes.
 *	COOPERATION-ORDER   24 bytes, in a request: what to do.
 *	COOPERATION-REPORT  24 bytes, in a response: what became of it.
 *
 * An order is known by its request's transaction id and 5-tuple: sent again, it is not done again,
 * but reported again. Pure: bytes in, values out.
 */
#ifndef NATKIT_COOP_H
#define NATKIT_COOP_H

#include "stun_attr.h"

/* Of the range that nobody assigns without a request, and nobody has asked for. */
#define COOP_ATTR_TOKEN  0xCA70
#define COOP_ATTR_ORDER  0xCA71
#define COOP_ATTR_REPORT 0xCA72

#define COOP_TOKEN_LEN    16
#define COOP_ASK_LEN      112 /* of the value that asks for a token: IPv6, and all addresses told */
#define COOP_ORDER_LEN    24
#define COOP_REPORT_LEN   24
#define COOP_COUNT_MAX    8       /* answers of one order */
#define COOP_DELAY_MAX_MS 3600000 /* until the first */
#define COOP_GAP_MAX_MS   10000
#define COOP_WAIT_MAX_MS  30000
#define COOP_WAIT_MS      3000 /* where an order says 0 */
#define COOP_SIZE_MAX     4096 /* bytes of one UDP payload */

struct coop_token {
	uint8_t bytes[COOP_TOKEN_LEN]; /* all zeros: none, asks for one */
};

enum coop_kind {
	COOP_ANSWER = 1,  /* Binding successes with the order's transaction id */
	COOP_CONNECT = 2, /* a TCP connection to the asker's address; the report follows */
	COOP_ICMP = 3,    /* an ICMP port unreachable about the order's datagram */
};

/* Bits of an order. */
/* TCP too: a SYN leaves from the very socket's port that an answer would leave from. */
#define COOP_CHANGE_PORT (1u << 0) /* from the other port, as RFC 5780 names them */
#define COOP_CHANGE_IP   (1u << 1) /* from the other address */
#define COOP_QUIET       (1u << 2) /* nothing is acknowledged; what goes wrong is told */
#define COOP_DF          (1u << 3) /* Don't Fragment, whatever the interface's MTU */
#define COOP_FRAGMENTS   (1u << 4) /* in two fragments at least, in order */
#define COOP_REVERSED    (1u << 5) /* with COOP_FRAGMENTS: the last one first */
#define COOP_ANY_PORT    (1u << 6) /* from a fresh port, of the address that COOP_CHANGE_IP says */
#define COOP_FLAGS       0x7fu     /* all of them */

struct coop_order {
	uint8_t kind;      /* enum coop_kind */
	uint16_t flags;    /* COOP_* bits */
	uint8_t count;     /* ANSWER: 1 to COOP_COUNT_MAX */
	uint32_t delay_ms; /* before the first, up to COOP_DELAY_MAX_MS */
	uint16_t gap_ms;   /* between two answers */
	uint16_t size;     /* ANSWER: bytes of the UDP payload; 0: as short as can be */
	uint16_t port;     /* of the asker's address to send or connect to; 0: the asker's own */
	uint16_t wait_ms;  /* CONNECT: how long to wait for an outcome; 0: COOP_WAIT_MS. ANSWER, of
			      one with COOP_ANY_PORT: how long to look for what comes back to it, and
			      to report that; 0: it is not looked for */
	uint16_t id;       /* the asker's, repeated in reports */
};

enum coop_outcome {
	COOP_ACCEPTED = 1, /* it will be done */
	COOP_DONE = 2,     /* this is the answer that was ordered */
	COOP_CONNECTED =
		3, /* CONNECT: and ended at once (RST, or FIN with COOP_ANY_PORT); ANSWER: a datagram came back */
	COOP_RESET = 4,       /* CONNECT: RST */
	COOP_UNREACHABLE = 5, /* CONNECT, ANSWER: ICMP; type and code say which */
	COOP_TIMED_OUT = 6,   /* CONNECT: nothing came back */
	COOP_SENT = 7,        /* ANSWER, ICMP: has left before; said where an order comes again */
	COOP_BAD_TOKEN = 16,  /* not for this address, or too old: here is another one */
	COOP_BUSY = 17,       /* too much is asked for, by this address or by all */
	COOP_UNABLE = 18,     /* this server cannot do that: no such socket, no privilege */
	COOP_MALFORMED = 19,  /* an order outside its bounds */
};

struct coop_report {
	uint8_t outcome; /* enum coop_outcome */
	uint8_t kind;    /* of the order */
	uint16_t id;     /* of the order */
	uint8_t index;   /* ANSWER: which of them, from 0 */
	uint8_t icmp_type, icmp_code;
	uint32_t elapsed_ms; /* since the order came; with wait_ms: from the SYN or the answer
			      to its outcome */
	uint64_t clock_us;   /* the server's clock as this left, in microseconds since 1970 */
	uint16_t received;   /* bytes of the UDP payload of the order as it arrived */
};

bool coop_token_is_none(const struct coop_token *t);

/* True where the order is within its bounds: what a server takes, and what a client may send. */
bool coop_order_is_sound(const struct coop_order *o);

/* A word for an outcome: "accepted", "timed-out", ... Never NULL. */
const char *coop_outcome_name(uint8_t outcome);

/* Getters take longer values, and read their beginning: later versions may append. */
enum stun_result coop_get_token(struct bytes value, struct coop_token *out);
enum stun_result coop_put_token(struct stun_builder *b, const struct coop_token *t);
enum stun_result coop_get_order(struct bytes value, struct coop_order *out);
enum stun_result coop_put_order(struct stun_builder *b, const struct coop_order *o);
enum stun_result coop_get_report(struct bytes value, struct coop_report *out);
enum stun_result coop_put_report(struct stun_builder *b, const struct coop_report *r);

/*
 * A client's request: Binding with a token (zeros, or NULL: asks for one), and an order unless
 * NULL. Padded with PADDING where `size` is more than it needs, for a test of large datagrams; the
 * whole is as long as a multiple of 4 can be then.
 * Returns its bytes, a view of buf; empty where it does not fit.
 */
struct bytes coop_request(const struct stun_tid *tid, const struct coop_token *token,
			  const struct coop_order *order, size_t size, uint8_t *buf, size_t cap);

/* What a client reads of a response; has_x says what was there. */
struct coop_answer {
	bool has_token, has_report;
	struct coop_token token;
	struct coop_report report;
	struct addr mapped; /* XOR-MAPPED-ADDRESS; ADDR_NONE: none */
	struct addr plain;  /* MAPPED-ADDRESS; ADDR_NONE: none */
	struct addr other;  /* OTHER-ADDRESS; ADDR_NONE: none */
	size_t size;        /* bytes of the whole message */
};

/* False: not a Binding success. */
bool coop_read_answer(const struct stun_msg *m, struct coop_answer *out);

#endif
