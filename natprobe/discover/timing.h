/*
 * timing - every number that the time and the budget of a discovery follow from.
 *
 * Nothing waits for a fixed half second: once a round trip is known, all waits scale with it.
 * Times are microseconds.
 */
#ifndef NATPROBE_TIMING_H
#define NATPROBE_TIMING_H

#include <stdbool.h>
#include <stdint.h>

/* Round trips above this are taken as this: a server must not stretch a discovery at will. */
#define TIMING_RTT_MAX_US 3000000

struct discover_timing {
	uint32_t first_gap_us;  /* between copies while no round trip is known, growing with time;
				  between the first TCP connections to several servers */
	uint32_t tcp_after_us;  /* silence after which TCP is tried */
	uint32_t tcp_gap_us;    /* until the next TCP connection, doubling: a SYN may be lost */
	uint32_t give_up_us;    /* silence after which there is no server */
	uint32_t deadline_us;   /* the discovery ends by then, whatever is missing */
	uint32_t round_gap_us;  /* least time between two rounds of filtering probes */
	uint32_t tail_us;       /* least time beyond a round trip that an answer may take */
	uint32_t sample_gap_us; /* between two port samples */
	uint8_t rounds;         /* of filtering probes, at least; more where silence must count */
	uint8_t rounds_max;     /* of filtering probes where much is lost */
	uint8_t copies;         /* of a mapping probe or a hairpin, at least before it is silent */
	uint8_t copies_max;     /* the same at most */
	uint8_t blocked_copies; /* unanswered UDP probes that it takes to say blocked, at least */
	uint16_t budget;        /* most datagrams */
	uint16_t rate_per_s;    /* token bucket over all datagrams */
	uint16_t burst;
};

/* What natprobe uses where the user says nothing. */
struct discover_timing discover_timing_default(void);

/*
 * The shortest negative window: from the first filtering probe until its silence can count,
 * over a path of round trip `rtt_us`.
 */
uint64_t discover_window_us(const struct discover_timing *t, uint64_t rtt_us);

/*
 * Between two rounds of filtering probes: the answers to one have arrived when the next one
 * leaves, since some NATs forget a mapping that an unexpected datagram meets.
 */
uint64_t timing_round_gap_us(const struct discover_timing *t, uint64_t rtt_us);

/* How long the answer to one probe is waited for, before its silence counts. */
uint64_t timing_tail_us(const struct discover_timing *t, uint64_t rtt_us);

/* When an answer is late enough to send again, and to suspect the server. */
uint64_t timing_overdue_us(uint64_t rtt_us);

/* Moves a deadline forward to at_us, if that is sooner and still to come. */
void timing_sooner(uint64_t *deadline_us, uint64_t at_us, uint64_t now_us);

/* When copies of one probe were sent, and when the next is due. */
struct retry {
	uint64_t first_us, last_us, next_us;
	uint8_t copies; /* tried, also those that the system refused */
};

/*
 * Notes a copy on a path whose round trip is known. The next is due after about a round trip
 * and a half at first, while an answer may be under way; quickly once the first is overdue.
 */
void retry_sent(struct retry *r, const struct discover_timing *t, uint64_t rtt_us, uint64_t now_us);

/*
 * The same where no round trip is known.
 * index    of the server, of `count`: after two copies the servers take turns
 */
void retry_sent_blind(struct retry *r, const struct discover_timing *t, uint8_t index,
		      uint8_t count, uint64_t now_us);

/* `copies` were sent, and the last one waited for long enough. */
bool retry_is_silent(const struct retry *r, const struct discover_timing *t, uint8_t copies,
		     uint64_t rtt_us, uint64_t now_us);

/* The first copy is overdue. */
bool retry_is_overdue(const struct retry *r, uint64_t rtt_us, uint64_t now_us);

/* A token bucket over all datagrams, so that no NAT or server sees a burst of ours. */
struct pace {
	uint64_t full_at_us; /* when the bucket will be full again */
};

/* The earliest time at which the next datagram may leave; in the past: at once. */
uint64_t pace_ready_us(const struct pace *p, const struct discover_timing *t);

/* Takes a token; only at or after pace_ready_us. */
void pace_take(struct pace *p, const struct discover_timing *t, uint64_t now_us);

#endif
