/*
 * stun_txn - when a client sends its request again, and when it gives up
 * (RFC 8489, section 6.2). Driven by `now`; knows no socket and no clock.
 *
 * Many run at once: each is one small value; the owner keeps them where it likes, asks each
 * for its next deadline, and finds the one an answer belongs to by transaction id.
 */
#ifndef NATKIT_STUN_TXN_H
#define NATKIT_STUN_TXN_H

#include "stun_msg.h"

#define STUN_TXN_NEVER UINT64_MAX

struct stun_txn_timing {
	uint32_t rto_us; /* initial retransmission timeout: 500,000 unless the RTT is known */
	uint8_t rc;      /* how many times a request is sent: 7 */
	uint8_t rm;      /* the last wait is rm times rto: 16 */
	uint32_t ti_us;  /* a reliable transport sends once and waits this long: 39,500,000 */
	bool reliable;   /* TCP, TLS */
};

/* The RFC's own values, for datagrams or for streams. */
struct stun_txn_timing stun_txn_timing_default(bool reliable);

struct stun_txn {
	struct stun_tid tid;
	struct stun_txn_timing timing;
	uint64_t started_us;
	uint64_t next_us; /* when to call stun_txn_step again; STUN_TXN_NEVER once ended */
	uint32_t wait_us; /* the wait that led to next_us */
	uint8_t sent;
	bool ended;
};

enum stun_txn_step {
	STUN_TXN_WAIT,    /* nothing to do before next_us */
	STUN_TXN_SEND,    /* send the request (again); it has been counted */
	STUN_TXN_TIMEOUT, /* given up; the transaction has ended */
	STUN_TXN_ENDED,   /* ended before */
};

/* The first step is due at once. */
void stun_txn_start(struct stun_txn *t, const struct stun_tid *tid,
		    const struct stun_txn_timing *timing, uint64_t now_us);

enum stun_txn_step stun_txn_step(struct stun_txn *t, uint64_t now_us);

/* An answer came (or the owner lost interest): no more steps. */
void stun_txn_end(struct stun_txn *t);

/*
 * The message is a response that belongs to this transaction: class success or error,
 * method as given, same transaction id, and the transaction has not ended.
 */
bool stun_txn_matches(const struct stun_txn *t, uint16_t method, const struct stun_msg *msg);

#endif
