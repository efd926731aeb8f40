/* punch_result - what came of a trial: a path, its quality, and for each step what was seen. */
#ifndef NATPROBE_PUNCH_RESULT_H
#define NATPROBE_PUNCH_RESULT_H

#include "punch_action.h"
#include "natprobe/planning/punch_plan.h"

/* What one side saw in one step: it is told to the other one, and judged together with theirs. */
struct punch_evidence {
	uint8_t strategy; /* enum punch_strategy; 0: the step was not reached */
	int32_t began_us; /* when, by its own clock, after the moment that was agreed on */
	uint16_t sockets; /* that were open */
	uint16_t open_failed;
	uint16_t sent; /* checks */
	uint16_t send_errors;
	uint16_t received; /* checks of the other side that were authentic */
	uint16_t answers;  /* to checks of ours */
	uint16_t stray;    /* datagrams that were not */
	uint16_t icmp[PUNCH_ICMP_KINDS];
	struct addr local;     /* of the socket that matters (the set's), port and all */
	struct addr announced; /* its mapped endpoint, as offered */
	struct addr seen; /* source that the OTHER side's first check, or answer, showed here */
	struct addr
		mapped_after; /* of that socket, asked again after the step; ADDR_NONE: no answer */
	uint16_t alive_asked; /* fresh sockets that asked the server after a step without success */
	uint16_t alive_answered;
	uint16_t tried_low, tried_high; /* ports of the other side that we sent to */
	uint16_t next_port; /* of a NAT that counts: the port that came next once we had sent to
			       the other side, as a server saw it; 0: not known */
	/* Of TCP: connections within the own network are none of these, unless they came from there. */
	uint16_t tcp_connects, tcp_refused, tcp_icmp, tcp_timeouts, tcp_accepted, tcp_connected;
	bool has_portmap, has_relay;
	bool is_unseen; /* no server answered that socket before the step: announced is a guess */
	uint16_t relay_code; /* STUN error of the TURN server; 0: none */
};

struct punch_quality {
	uint16_t sent, answered;
	uint32_t rtt_min_us, rtt_median_us, rtt_max_us, jitter_us; /* jitter: RFC 3550, 6.4.1 */
	uint32_t held_s;  /* with hold: how long it was left idle */
	uint8_t survived; /* enum verdict_answer */
};

struct punch_path {
	uint8_t strategy; /* enum punch_strategy; PUNCH_NONE: there is no path */
	bool is_tcp, is_relayed;
	uint16_t slot;     /* of the socket, open still: the shell's now */
	uint8_t path;      /* index into our profile */
	uint16_t wanted;   /* the local port that was asked for (punch_config.local_port); 0: any */
	struct addr local; /* our socket */
	struct addr outer; /* how the other side sees it */
	struct addr remote; /* where to send */
};

struct punch_verdict {
	uint8_t reason; /* enum punch_reason */
	uint8_t side;   /* enum punch_side */
	int32_t detail;
};

struct punch_result {
	bool is_a;
	uint32_t trial;
	struct punch_plan plan;
	struct punch_path path;
	uint32_t to_path_us; /* from the agreed start to the first valid pair */
	uint32_t elapsed_us; /* ... to the end */
	int32_t skew_us;     /* by how much the two starts differed, as far as can be told */
	uint32_t skew_error_us;
	uint32_t sent, received; /* datagrams, all together */
	struct punch_quality quality;
	uint8_t step; /* that made the path */
	struct punch_evidence ours[PUNCH_STEPS_MAX], theirs[PUNCH_STEPS_MAX];
	bool is_cut;                                    /* a side stopped it before its end */
	bool has_theirs;                                /* the other side's evidence arrived */
	struct punch_verdict verdicts[PUNCH_STEPS_MAX]; /* of each step: reason_judge */
	struct punch_verdict overall;                   /* why there is no path, in one reason */
};

#endif
