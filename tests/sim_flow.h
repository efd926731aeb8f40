/*
 * sim_flow - what one end of a simulated TCP connection does with data: keeps it until it is
 * acknowledged, sends it again when the round trip that was measured says so, or three
 * acknowledgements of the same, and again where they go on after that (as RFC 8985 has it), and puts
 * what comes in order. RFC 9293, RFC 6298 with the bounds of Linux; no window, no congestion
 * control: what is said here is short.
 */
#ifndef NATKIT_SIM_FLOW_H
#define NATKIT_SIM_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

#define SIM_FLOW_BYTES    8192
#define SIM_FLOW_SEGMENT  1200
#define SIM_FLOW_FIRST_US 1000000 /* the timeout where no round trip is known */
#define SIM_FLOW_LEAST_US 200000  /* ... and what it has beyond one, at least */

struct sim_flow {
	uint32_t first;    /* number of out[0]: the first one that is not acknowledged */
	uint32_t expected; /* of theirs */
	size_t out_len, sent_len;
	size_t again_len;   /* of what was sent: to be sent again, as acknowledgements come */
	bool is_again_due;  /* its first segment, at once */
	uint64_t again_us;  /* when it was sent again last */
	bool is_timed;      /* the round trip of what ends before timed_end */
	uint32_t timed_end; /* a sequence number */
	uint64_t timed_us;
	uint8_t repeats; /* of an acknowledgement */
	bool has_rtt;
	uint32_t rtt_us, deviation_us;
	uint32_t timeout_us; /* the next one: doubles until something is acknowledged */
	uint64_t timer_us;   /* UINT64_MAX: nothing is waited for */
	uint8_t out[SIM_FLOW_BYTES];
	uint8_t in[SIM_FLOW_BYTES]; /* from `expected` on, as far as it has come */
	bool has_come[SIM_FLOW_BYTES];
};

struct sim_segment {
	uint32_t seq;
	struct bytes data;
};

/* To be called once: `first` is the number of the first byte. */
void sim_flow_begin(struct sim_flow *f, uint32_t first);
/* A round trip that was measured: that of the handshake. */
void sim_flow_measured(struct sim_flow *f, uint32_t rtt_us);
/* The number of what would be sent next. */
uint32_t sim_flow_next_seq(const struct sim_flow *f);
/* False: there is no room. */
bool sim_flow_write(struct sim_flow *f, struct bytes data);
/* The next segment that has to leave now; false: none. */
bool sim_flow_send(struct sim_flow *f, uint64_t now_us, struct sim_segment *out);
/* is_pure: the segment had neither data nor SYN nor FIN. True: something was acknowledged. */
bool sim_flow_on_ack(struct sim_flow *f, uint32_t ack, bool is_pure, uint64_t now_us);
void sim_flow_on_timer(struct sim_flow *f, uint64_t now_us);
/* What is in order now, in buf of SIM_FLOW_BYTES; empty: nothing. */
struct bytes sim_flow_take(struct sim_flow *f, const struct sim_segment *segment, uint8_t *buf);

#endif
