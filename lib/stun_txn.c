#include "stun_txn.h"

struct stun_txn_timing stun_txn_timing_default(bool reliable)
{
	return (struct stun_txn_timing){
		.rto_us = 500000,
		.rc = 7,
		.rm = 16,
		.ti_us = 39500000,
		.reliable = reliable,
	};
}

void stun_txn_start(struct stun_txn *t, const struct stun_tid *tid,
		    const struct stun_txn_timing *timing, uint64_t now_us)
{
	*t = (struct stun_txn){
		.tid = *tid,
		.timing = *timing,
		.started_us = now_us,
		.next_us = now_us,
	};
}

static uint32_t times(uint32_t wait_us, uint32_t factor)
{
	uint64_t product = (uint64_t)wait_us * factor;

	return product < UINT32_MAX ? (uint32_t)product : UINT32_MAX;
}

static bool has_sent_all(const struct stun_txn *t)
{
	uint8_t sends = t->timing.reliable || t->timing.rc == 0 ? 1 : t->timing.rc;

	return t->sent >= sends;
}

/* How long to wait after the send that was just counted. */
static uint32_t wait_after_send(const struct stun_txn *t)
{
	if (t->timing.reliable)
		return t->timing.ti_us;
	if (has_sent_all(t))
		return times(t->timing.rto_us, t->timing.rm);
	return t->sent == 1 ? t->timing.rto_us : times(t->wait_us, 2);
}

enum stun_txn_step stun_txn_step(struct stun_txn *t, uint64_t now_us)
{
	if (t->ended)
		return STUN_TXN_ENDED;
	if (now_us < t->next_us)
		return STUN_TXN_WAIT;
	if (has_sent_all(t)) {
		stun_txn_end(t);
		return STUN_TXN_TIMEOUT;
	}

	/* Counted from now and not from the plan: a call that comes late makes no burst. */
	t->sent++;
	t->wait_us = wait_after_send(t);
	t->next_us = now_us + t->wait_us;
	return STUN_TXN_SEND;
}

void stun_txn_end(struct stun_txn *t)
{
	t->ended = true;
	t->next_us = STUN_TXN_NEVER;
}

bool stun_txn_matches(const struct stun_txn *t, uint16_t method, const struct stun_msg *msg)
{
	if (t->ended || msg->method != method)
		return false;
	if (msg->class != STUN_SUCCESS && msg->class != STUN_ERROR)
		return false;
	return stun_tid_equal(&t->tid, &msg->tid);
}
