/*
 * probe_log - every datagram of a discovery, and which of them were answered.
 *
 * Each copy has a transaction id of its own, so that an answer tells which copy it belongs
 * to: round trips are exact, duplicates are known, and who does not see our requests cannot
 * forge an answer. An answer counts when it comes from the one source that can send it.
 */
#ifndef NATPROBE_PROBE_LOG_H
#define NATPROBE_PROBE_LOG_H

#include "addr.h"
#include "stun_attr.h"
#include "stun_msg.h"
#include "timing.h"
#include "natprobe/verdict.h"

#define PROBE_LOG_MAX 200 /* datagrams; budgets beyond are cut to it */
#define PROBE_LEN     64  /* bytes of the longest request */

/* Which test a probe belongs to; `index` and `item` mean what that test wants. */
enum probe_test {
	PROBE_ASK, /* a mapped address: asks.h; index of the ask */
	PROBE_FILTER, /* from the fresh socket: filter_test.h; index of the session, item is the kind */
	PROBE_VERIFY,  /* the same from the mapping socket */
	PROBE_SAMPLE,  /* a fresh socket's only datagram: samples.h; item is its number */
	PROBE_HAIRPIN, /* to a mapped address of ours: hairpin.h; item is the direction */
	PROBE_PACED, /* one more from the mapping socket, to see what a pace costs: rate_limit.h */
	PROBE_TESTS,
};

/* What a test wants sent. */
struct probe_want {
	uint8_t test; /* enum probe_test */
	uint8_t index;
	uint8_t item;
	uint8_t slot;
	uint8_t server;
	struct addr to;
	struct addr source; /* where the answer must come from */
	struct stun_change change;
	bool exposed; /* what other probes bring in may end its mapping before its answer comes */
};

struct probe {
	struct probe_want want;
	struct stun_tid tid;
	uint64_t sent_us;
	bool answered;  /* from the right source */
	bool withdrawn; /* never left this host */
};

/*
 * The first round trips of a path tell little: an address is resolved, a radio wakes up, and
 * what was sent meanwhile arrives at once. What is sent after the first answer tells more.
 */
struct probe_rtt {
	uint64_t min_us; /* 0: no answer yet */
	uint64_t max_us;
	uint64_t awake_us; /* the longest of those sent after the first answer; 0: none yet */
};

struct probe_log {
	struct probe probes[PROBE_LOG_MAX];
	size_t count;
	uint16_t sent, answered, duplicates, send_errors;
	uint32_t stray;
	/* Of each test and index, the items that something was answered of, as bits. */
	uint8_t kinds[PROBE_TESTS][VERDICT_SIGHTINGS_MAX];
	uint64_t awake_at_us; /* the first answer; 0: none yet */
	struct probe_rtt rtt[VERDICT_SERVERS_MAX];
	uint16_t server_sent[VERDICT_SERVERS_MAX], server_answered[VERDICT_SERVERS_MAX];
};

/*
 * A path as its answers show it: of the probes to endpoints and of kinds that are answered at
 * all, how many were, and how many were lost.
 */
struct probe_loss {
	unsigned answered;
	unsigned lost;
};

/* What every test looks at when it decides. */
struct probe_view {
	const struct discover_timing *timing;
	const struct probe_log *log;
	struct probe_loss loss[VERDICT_SERVERS_MAX]; /* of each server's path, by now */
	const bool *open;                            /* per slot: may be sent from */
	double error_max; /* a silence counts when loss explains it with at most this chance */
	bool exhausted;   /* the budget is: nothing more will be sent */
	uint64_t stream_rtt_us; /* round trip over TCP; 0: not known */
	bool holds;             /* nothing may be sent that could make a mapping in a NAT */
	uint64_t now_us;
};

/* The round trip to expect of a server; where it has not answered, of any; 0: nobody has. */
uint64_t probe_view_rtt_us(const struct probe_view *view, uint8_t server);

/* The loss on all paths together. */
struct probe_loss probe_view_loss(const struct probe_view *view);

/* The chance that loss alone silenced this many copies to a server, or on any path. */
double probe_view_silence(const struct probe_view *view, uint8_t server, unsigned copies);
double probe_view_any_silence(const struct probe_view *view, unsigned copies);

/*
 * Notes a probe and builds its request.
 * buf  PROBE_LEN bytes for the request
 * Returns the request, a view of buf. The log must not be full.
 */
struct bytes probe_log_add(struct probe_log *log, const struct probe_want *want,
			   const uint8_t random[static 12], uint64_t now_us,
			   uint8_t buf[static PROBE_LEN]);

/* The system refused the last probe of `slot`: it does not count. NULL where there is none. */
const struct probe *probe_log_withdraw(struct probe_log *log, uint8_t slot);

enum probe_match {
	PROBE_STRAY = 0,    /* belongs to no probe */
	PROBE_DUPLICATE,    /* answered before */
	PROBE_ANSWER,       /* a success, with a mapped address, from the right source */
	PROBE_NO_ADDRESS,   /* a success without one, from the right source */
	PROBE_REFUSED,      /* an error response, from where the probe was sent to */
	PROBE_FROM_ASKED,   /* from where the probe was sent to, instead of the source wanted */
	PROBE_FROM_ANOTHER, /* from somewhere else */
};

struct probe_answer {
	const struct probe *probe; /* NULL for PROBE_STRAY */
	struct addr mapped;
	struct addr other;  /* family ADDR_NONE: none */
	struct addr origin; /* whence it was sent, as the server says; ADDR_NONE: it did not */
	struct addr from;
	uint8_t nat64_len; /* of the prefix in `from`, in bits; 0: there is none, or not known */
};

/*
 * A request of ours that came in on a socket of ours: the hairpin probe that it is, or NULL.
 * It is noted as answered.
 */
const struct probe *probe_log_match_own(struct probe_log *log, struct bytes data);

/* Finds the probe that a datagram answers, and notes what it says about round trips. */
enum probe_match probe_log_match(struct probe_log *log, uint8_t slot, const struct addr *from,
				 struct bytes data, uint64_t now_us, struct probe_answer *out);

/*
 * The paths to all servers, as their answers show them. A probe counts as lost once it is
 * overdue.
 * since_us  earlier probes do not count
 */
void probe_log_loss(const struct probe_log *log, uint64_t since_us, uint64_t now_us,
		    struct probe_loss out[static VERDICT_SERVERS_MAX]);

/*
 * The same of all paths together, and of those probes alone whose answers nothing but a link can
 * lose: some NATs forget a mapping that an unexpected datagram meets.
 */
struct probe_loss probe_log_link_loss(const struct probe_log *log, uint64_t since_us,
				      uint64_t now_us);

/* The same of one probe: what became of it, if that is known and tells something. */
enum probe_fate {
	PROBE_FATE_OPEN = 0, /* may still be answered, or is of a kind that nobody answers */
	PROBE_FATE_ANSWERED,
	PROBE_FATE_LOST,
};

/* Sets fates[PROBE_LOG_MAX], by the order of sending. */
void probe_log_fates(const struct probe_log *log, uint64_t now_us, uint8_t *fates);

/*
 * Reads mapped address, OTHER-ADDRESS and RESPONSE-ORIGIN; old servers say CHANGED-ADDRESS and
 * SOURCE-ADDRESS (RFC 3489). Where an IPv6 socket is answered by an IPv4 server, a NAT64 is in
 * between: then OTHER-ADDRESS becomes the address at which it is reached from here.
 * out->from  set by the caller: who answered, as it looks from here
 */
void probe_read_answer(const struct stun_msg *msg, struct probe_answer *out);

/*
 * A mapped address that a socket which asked at `asked` may have: one of its own family, or an
 * IPv4 one where a NAT64 is known to be in between.
 */
bool probe_answer_fits(const struct probe_answer *answer, const struct addr *asked);

#endif
