/* reason: for each reason, what two sides saw, and what it is taken for. */
#include "natprobe/punch/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define AT(d, p) { .family = ADDR_IPV4, .ip = { 20, 0, 0, d }, .port = p }
#define APD      BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT
#define AD       BEHAVIOUR_ADDRESS_DEPENDENT
#define EI       BEHAVIOUR_ENDPOINT_INDEPENDENT

/* Networks, but for their addresses. */
#define EASY        .mapping = EI, .filtering = APD, .udp_blocked = VERDICT_NO
#define EASY_OPEN   .mapping = EI, .filtering = EI
#define EASY_ADDR   .mapping = EI, .filtering = AD
#define HARD_KEEPS  .mapping = APD, .filtering = APD, .delta = DELTA_EQUAL
#define HARD        .mapping = APD, .filtering = APD, .delta = DELTA_RANDOM
#define HARD_ADDR   .mapping = APD, .filtering = AD, .delta = DELTA_RANDOM
#define HARD_OPEN   .mapping = APD, .filtering = EI, .delta = DELTA_RANDOM
#define HARD_COUNTS .mapping = APD, .filtering = APD, .delta = DELTA_INDEPENDENT, .delta_value = 1
#define LINUX       EASY, .early_inbound = PEER_WORD(DEEP_EARLY_REMAPPED)
#define KEEPS       .early_inbound = PEER_WORD(DEEP_EARLY_KEPT)

/* Evidence of a side that took part, and heard nothing. */
#define WITH(s, n, m) .strategy = (s), .sockets = (n), .sent = (m)
#define TRIED(s)      WITH(s, 1, 12)

struct side_case {
	struct peer_path path;
	struct punch_evidence seen;
	struct punch_part part;
};

struct row {
	const char *why;
	struct punch_step step;
	struct side_case a, b;
	struct punch_verdict expected;
};

#define STEP(s)     { .strategy = (s), .family = ADDR_IPV4, .duration_us = 2000000 }
#define TCP_STEP(s) { .strategy = (s), .family = ADDR_IPV4, .duration_us = 2000000, .is_tcp = true }
#define SAYS(r, s)  { .reason = (r), .side = (s) }
#define SIM         PUNCH_SIMULTANEOUS

#define A    PUNCH_SIDE_A
#define B    PUNCH_SIDE_B
#define BOTH PUNCH_SIDE_BOTH
#define NONE PUNCH_SIDE_NONE

static const struct row rows[] = {
	/* Was it tried? */
	{ "both have a pair",
	  STEP(SIM),
	  { { EASY }, { TRIED(SIM), .received = 3, .answers = 2 }, { 0 } },
	  { { EASY }, { TRIED(SIM), .received = 3, .answers = 2 }, { 0 } },
	  SAYS(REASON_NONE, NONE) },
	{ "neither came to it",
	  STEP(SIM),
	  { { EASY }, { 0 }, { 0 } },
	  { { EASY }, { 0 }, { 0 } },
	  SAYS(REASON_NOT_TRIED, NONE) },
	{ "one did not",
	  STEP(SIM),
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  { { EASY }, { 0 }, { 0 } },
	  SAYS(REASON_NOT_TRIED, NONE) },
	{ "B late",
	  STEP(SIM),
	  { { EASY }, { TRIED(SIM), .began_us = 1000 }, { 0 } },
	  { { EASY }, { TRIED(SIM), .began_us = 2300000 }, { 0 } },
	  SAYS(REASON_LATE, B) },
	{ "A late",
	  STEP(SIM),
	  { { EASY }, { TRIED(SIM), .began_us = 2300000 }, { 0 } },
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_LATE, A) },
	{ "no socket",
	  STEP(SIM),
	  { { EASY }, { .strategy = SIM, .open_failed = 1 }, { 0 } },
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_LOCAL_ERROR, A) },
	{ "refused by B's system",
	  STEP(SIM),
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  { { EASY }, { TRIED(SIM), .send_errors = 12 }, { 0 } },
	  SAYS(REASON_LOCAL_ERROR, B) },

	/* A socket that no server answers, before and after. */
	{ "A's NAT lets it out no more",
	  STEP(PUNCH_PORT_MAPPING),
	  { { HARD }, { TRIED(PUNCH_PORT_MAPPING), .is_unseen = true }, { 0 } },
	  { { EASY }, { WITH(PUNCH_PORT_MAPPING, 1, 0), .has_portmap = true }, { 0 } },
	  SAYS(REASON_UNSURE, NONE) },
	{ "the same, and B's ports are searched",
	  STEP(PUNCH_BIRTHDAY),
	  { { EASY }, { WITH(PUNCH_BIRTHDAY, 1, 97), .is_unseen = true }, { .ports = 97 } },
	  { { HARD }, { WITH(PUNCH_BIRTHDAY, 97, 97) }, { .sockets = 97 } },
	  SAYS(REASON_UNSURE, NONE) },
	{ "a server answers it later: the answers before were lost",
	  STEP(PUNCH_BIRTHDAY),
	  { { EASY },
	    { WITH(PUNCH_BIRTHDAY, 1, 97), .is_unseen = true, .mapped_after = AT(1, 40001) },
	    { .ports = 97 } },
	  { { HARD }, { WITH(PUNCH_BIRTHDAY, 97, 97) }, { .sockets = 97 } },
	  SAYS(REASON_BIRTHDAY_MISSED, B) },

	/* One endpoint for all, and another one. */
	{ "A hard",
	  STEP(SIM),
	  { { HARD }, { TRIED(SIM) }, { 0 } },
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_MAPPING_DIFFERS, A) },
	{ "B hard",
	  STEP(SIM),
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  { { HARD }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_MAPPING_DIFFERS, B) },
	{ "both hard",
	  STEP(PUNCH_LOW_TTL),
	  { { HARD }, { TRIED(PUNCH_LOW_TTL) }, { 0 } },
	  { { HARD_COUNTS }, { TRIED(PUNCH_LOW_TTL) }, { 0 } },
	  SAYS(REASON_MAPPING_DIFFERS, BOTH) },
	{ "hard and open: B's come, A's answers show another port",
	  STEP(SIM),
	  { { HARD_OPEN }, { TRIED(SIM), .received = 12, .seen = AT(2, 40002) }, { 0 } },
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_MAPPING_DIFFERS, A) },
	{ "hard, and nobody knows the other's",
	  STEP(SIM),
	  { { HARD }, { TRIED(SIM) }, { 0 } },
	  { { 0 }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_MAPPING_DIFFERS, A) },
	{ "hard, which an address filter does not mind",
	  STEP(SIM),
	  { { HARD }, { TRIED(SIM) }, { 0 } },
	  { { EASY_ADDR }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_UNSURE, NONE) },
	{ "hard by address alone",
	  STEP(SIM),
	  { { HARD_KEEPS, .pooling = POOLING_PER_DESTINATION }, { TRIED(SIM) }, { 0 } },
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_POOL, A) },
	{ "hard on both sides, and filters by address",
	  STEP(SIM),
	  { { HARD_ADDR }, { TRIED(SIM) }, { 0 } },
	  { { HARD_ADDR }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_MAPPING_DIFFERS, BOTH) },
	{ "hard and open on both sides: answers come from elsewhere",
	  STEP(SIM),
	  { { HARD_OPEN }, { TRIED(SIM), .received = 12 }, { 0 } },
	  { { HARD_OPEN }, { TRIED(SIM), .received = 12 }, { 0 } },
	  SAYS(REASON_MAPPING_DIFFERS, BOTH) },
	{ "the next port of a counter tells the one before",
	  STEP(SIM),
	  { { HARD_COUNTS }, { TRIED(SIM), .announced = AT(1, 40001), .next_port = 40008 }, { 0 } },
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  { REASON_MAPPING_DIFFERS, A, 6 } },
	{ "several uplinks, or a packet that came early",
	  STEP(SIM),
	  { { LINUX }, { TRIED(SIM) }, { 0 } },
	  { { EASY, .pooling = POOLING_PER_DESTINATION }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_UNSURE, NONE) },
	{ "several uplinks",
	  STEP(SIM),
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  { { EASY, .pooling = POOLING_PER_DESTINATION }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_POOL, B) },
	{ "another address afterwards",
	  STEP(SIM),
	  { { EASY },
	    { TRIED(SIM), .announced = AT(1, 40001), .mapped_after = AT(9, 40001) },
	    { 0 } },
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_POOL, A) },
	{ "another port afterwards",
	  STEP(SIM),
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  { { EASY },
	    { TRIED(SIM), .announced = AT(2, 40001), .mapped_after = AT(2, 40004) },
	    { 0 } },
	  { REASON_MAPPING_ENDED, B, 3 } },
	{ "the same port afterwards",
	  STEP(SIM),
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  { { EASY },
	    { TRIED(SIM), .announced = AT(2, 40001), .mapped_after = AT(2, 40001) },
	    { 0 } },
	  SAYS(REASON_UNSURE, NONE) },

	/* Too early. */
	{ "A remaps",
	  STEP(SIM),
	  { { LINUX }, { TRIED(SIM) }, { 0 } },
	  { { EASY, KEEPS }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_REMAPPED, A) },
	{ "both remap",
	  STEP(SIM),
	  { { LINUX }, { TRIED(SIM) }, { 0 } },
	  { { LINUX }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_REMAPPED, BOTH) },
	{ "both remap, A opens",
	  STEP(PUNCH_DELAYED),
	  { { LINUX }, { TRIED(PUNCH_DELAYED) }, { .opens = true } },
	  { { LINUX }, { TRIED(PUNCH_DELAYED) }, { 0 } },
	  SAYS(REASON_REMAPPED, B) },
	{ "remapped, which an address filter does not mind",
	  STEP(SIM),
	  { { LINUX }, { TRIED(SIM) }, { 0 } },
	  { { EASY_ADDR }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_UNSURE, NONE) },
	{ "remaps, but hard as well",
	  STEP(SIM),
	  { { LINUX }, { TRIED(SIM) }, { 0 } },
	  { { HARD }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_MAPPING_DIFFERS, B) },
	{ "nobody knows",
	  STEP(SIM),
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  { { EASY }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_UNSURE, NONE) },

	/* Nothing passes. */
	{ "blocked",
	  STEP(SIM),
	  { { .udp_blocked = VERDICT_YES }, { TRIED(SIM) }, { 0 } },
	  { { HARD }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_UDP_BLOCKED, A) },
	{ "both blocked",
	  STEP(PUNCH_PORT_MAPPING),
	  { { .udp_blocked = VERDICT_YES }, { TRIED(PUNCH_PORT_MAPPING) }, { 0 } },
	  { { .udp_blocked = VERDICT_MIXED }, { TRIED(PUNCH_PORT_MAPPING) }, { 0 } },
	  SAYS(REASON_UDP_BLOCKED, BOTH) },
	{ "B was not asked",
	  STEP(PUNCH_DIRECT),
	  { { EASY }, { TRIED(PUNCH_DIRECT) }, { .opens = true } },
	  { { EASY }, { .strategy = PUNCH_DIRECT, .sockets = 1 }, { 0 } },
	  SAYS(REASON_FILTERED, B) },
	{ "nine of ten are lost, and few were sent",
	  STEP(SIM),
	  { { EASY, KEEPS, .loss = 0.9 }, { .strategy = SIM, .sockets = 1, .sent = 3 }, { 0 } },
	  { { EASY, KEEPS }, { .strategy = SIM, .sockets = 1, .sent = 3 }, { 0 } },
	  SAYS(REASON_LOSS, NONE) },
	{ "more than the path takes",
	  STEP(SIM),
	  { { EASY, KEEPS, .rate_per_s = 20 },
	    { .strategy = SIM, .sockets = 1, .sent = 200 },
	    { 0 } },
	  { { EASY, KEEPS }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_RATE_LIMIT, A) },
	{ "one NAT without hairpin",
	  STEP(SIM),
	  { { EASY, .externals = { AT(1, 0) }, .external_count = 1, .hairpin = HAIRPIN_NO },
	    { TRIED(SIM) },
	    { 0 } },
	  { { EASY, .externals = { AT(1, 0) }, .external_count = 1 }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_NO_HAIRPIN, BOTH) },
	{ "one NAT, of which nobody knows",
	  STEP(SIM),
	  { { EASY, .externals = { AT(1, 0) }, .external_count = 1 }, { TRIED(SIM) }, { 0 } },
	  { { HARD, .externals = { AT(1, 0) }, .external_count = 1 }, { TRIED(SIM) }, { 0 } },
	  SAYS(REASON_UNSURE, NONE) },

	/* Ports that are looked for. */
	{ "not foretold",
	  STEP(PUNCH_PREDICTION),
	  { { HARD_COUNTS }, { WITH(PUNCH_PREDICTION, 8, 12) }, { .sockets = 8 } },
	  { { EASY }, { TRIED(PUNCH_PREDICTION) }, { .ports = 20 } },
	  SAYS(REASON_PREDICTION_MISSED, A) },
	{ "missed upwards: 40041, and 40038 was tried",
	  STEP(PUNCH_PREDICTION),
	  { { HARD_COUNTS },
	    { WITH(PUNCH_PREDICTION, 8, 12), .next_port = 40042 },
	    { .sockets = 8 } },
	  { { EASY },
	    { TRIED(PUNCH_PREDICTION), .tried_low = 40019, .tried_high = 40038 },
	    { .ports = 20 } },
	  { REASON_PREDICTION_MISSED, A, 3 } },
	{ "missed downwards: up to 40008, and 40019 was tried",
	  STEP(PUNCH_PREDICTION),
	  { { HARD_COUNTS },
	    { WITH(PUNCH_PREDICTION, 8, 12), .next_port = 40002 },
	    { .sockets = 8 } },
	  { { EASY },
	    { TRIED(PUNCH_PREDICTION), .tried_low = 40019, .tried_high = 40038 },
	    { .ports = 20 } },
	  { REASON_PREDICTION_MISSED, A, -10 } },
	{ "foretold, and nothing came",
	  STEP(PUNCH_PREDICTION),
	  { { HARD_COUNTS },
	    { WITH(PUNCH_PREDICTION, 8, 12), .next_port = 40025 },
	    { .sockets = 8 } },
	  { { EASY },
	    { TRIED(PUNCH_PREDICTION), .tried_low = 40019, .tried_high = 40038 },
	    { .ports = 20 } },
	  SAYS(REASON_UNSURE, NONE) },
	{ "began anew: nobody knows by how much",
	  STEP(PUNCH_PREDICTION),
	  { { HARD_COUNTS },
	    { WITH(PUNCH_PREDICTION, 8, 12), .next_port = 1030 },
	    { .sockets = 8 } },
	  { { EASY },
	    { TRIED(PUNCH_PREDICTION), .tried_low = 65500, .tried_high = 65530 },
	    { .ports = 20 } },
	  SAYS(REASON_PREDICTION_MISSED, A) },
	{ "neither foretold",
	  STEP(PUNCH_PREDICTION),
	  { { HARD_COUNTS }, { TRIED(PUNCH_PREDICTION) }, { .sockets = 16, .ports = 16 } },
	  { { HARD_COUNTS }, { TRIED(PUNCH_PREDICTION) }, { .sockets = 16, .ports = 16 } },
	  SAYS(REASON_PREDICTION_MISSED, BOTH) },
	{ "none of the birthdays",
	  STEP(PUNCH_BIRTHDAY),
	  { { EASY }, { WITH(PUNCH_BIRTHDAY, 1, 900) }, { .ports = 900 } },
	  { { HARD },
	    { WITH(PUNCH_BIRTHDAY, 256, 12), .alive_asked = 16, .alive_answered = 16 },
	    { .sockets = 256 } },
	  SAYS(REASON_BIRTHDAY_MISSED, B) },
	{ "no more sockets",
	  STEP(PUNCH_BIRTHDAY),
	  { { EASY }, { WITH(PUNCH_BIRTHDAY, 1, 900) }, { .ports = 900 } },
	  { { HARD },
	    { WITH(PUNCH_BIRTHDAY, 256, 12), .alive_asked = 16, .alive_answered = 3,
	      .mapped_after = AT(2, 40000) },
	    { .sockets = 256 } },
	  SAYS(REASON_MAPPING_LIMIT, B) },
	{ "nothing returns any more",
	  STEP(PUNCH_BIRTHDAY),
	  { { EASY }, { WITH(PUNCH_BIRTHDAY, 1, 900) }, { .ports = 900 } },
	  { { HARD },
	    { .strategy = PUNCH_BIRTHDAY, .sockets = 1, .alive_asked = 16 },
	    { .sockets = 256 } },
	  SAYS(REASON_UNSURE, NONE) },
	{ "birthdays of easy ones",
	  STEP(PUNCH_BIRTHDAY),
	  { { LINUX }, { TRIED(PUNCH_BIRTHDAY) }, { .ports = 900 } },
	  { { EASY, KEEPS }, { TRIED(PUNCH_BIRTHDAY) }, { .sockets = 256 } },
	  SAYS(REASON_BIRTHDAY_MISSED, B) },

	/* Gateways and relays. */
	{ "no gateway",
	  STEP(PUNCH_PORT_MAPPING),
	  { { EASY }, { TRIED(PUNCH_PORT_MAPPING) }, { 0 } },
	  { { EASY }, { TRIED(PUNCH_PORT_MAPPING) }, { 0 } },
	  SAYS(REASON_NO_PORT_MAPPING, BOTH) },
	{ "B's leads nowhere",
	  STEP(PUNCH_PORT_MAPPING),
	  { { EASY }, { TRIED(PUNCH_PORT_MAPPING) }, { 0 } },
	  { { EASY }, { TRIED(PUNCH_PORT_MAPPING), .has_portmap = true }, { 0 } },
	  SAYS(REASON_NO_PORT_MAPPING, B) },
	{ "no relay",
	  STEP(PUNCH_RELAY),
	  { { EASY }, { TRIED(PUNCH_RELAY) }, { 0 } },
	  { { EASY }, { TRIED(PUNCH_RELAY), .relay_code = 401 }, { 0 } },
	  SAYS(REASON_NO_RELAY, BOTH) },
	{ "A's relay denies",
	  STEP(PUNCH_RELAY),
	  { { EASY }, { TRIED(PUNCH_RELAY), .has_relay = true, .relay_code = 403 }, { 0 } },
	  { { EASY }, { TRIED(PUNCH_RELAY) }, { 0 } },
	  SAYS(REASON_RELAY_DENIED, A) },

	/* TCP. */
	{ "TCP blocked",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY }, { TRIED(PUNCH_TCP) }, { 0 } },
	  { { .tcp_blocked = VERDICT_YES }, { TRIED(PUNCH_TCP) }, { 0 } },
	  SAYS(REASON_TCP_BLOCKED, B) },
	{ "UDP blocked is another thing",
	  TCP_STEP(PUNCH_TCP),
	  { { .mapping = EI, .filtering = APD, .udp_blocked = VERDICT_YES },
	    { TRIED(PUNCH_TCP), .tcp_connects = 9, .tcp_refused = 9 },
	    { 0 } },
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 3, .tcp_timeouts = 3 }, { 0 } },
	  SAYS(REASON_TCP_REFUSED, B) },
	{ "both refuse",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 9, .tcp_refused = 9 }, { 0 } },
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 9, .tcp_icmp = 8 }, { 0 } },
	  SAYS(REASON_TCP_REFUSED, BOTH) },
	{ "refused, by a NAT that is known to be silent",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 9, .tcp_refused = 9 }, { 0 } },
	  { { EASY, .syn_reaction = PEER_WORD(DEEP_SYN_SILENT) },
	    { TRIED(PUNCH_TCP), .tcp_connects = 3, .tcp_timeouts = 3 },
	    { 0 } },
	  SAYS(REASON_UNSURE, NONE) },
	{ "a connection that both spoke on, and loss",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY, .loss = 0.05 },
	    { TRIED(PUNCH_TCP), .tcp_connects = 1, .tcp_connected = 1, .received = 1 },
	    { 0 } },
	  { { EASY },
	    { TRIED(PUNCH_TCP), .tcp_connects = 1, .tcp_connected = 1, .received = 1,
	      .answers = 1 },
	    { 0 } },
	  SAYS(REASON_LOSS, NONE) },
	{ "the same without loss",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY },
	    { TRIED(PUNCH_TCP), .tcp_connects = 1, .tcp_connected = 1, .received = 1 },
	    { 0 } },
	  { { EASY },
	    { TRIED(PUNCH_TCP), .tcp_connects = 1, .tcp_connected = 1, .received = 1,
	      .answers = 1 },
	    { 0 } },
	  SAYS(REASON_UNSURE, NONE) },
	{ "a SYN from where nobody expects it ends a mapping",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY, .unexpected = PEER_WORD(DEEP_ENDS_MAPPING) },
	    { TRIED(PUNCH_TCP), .tcp_connects = 9, .tcp_timeouts = 9 },
	    { 0 } },
	  { { HARD_OPEN }, { TRIED(PUNCH_TCP), .tcp_connects = 5, .tcp_timeouts = 5 }, { 0 } },
	  SAYS(REASON_MAPPING_ENDED, A) },
	{ "hard for TCP on both sides, and filters by address",
	  TCP_STEP(PUNCH_TCP),
	  { { HARD_ADDR }, { TRIED(PUNCH_TCP), .tcp_connects = 9, .tcp_timeouts = 9 }, { 0 } },
	  { { HARD_ADDR }, { TRIED(PUNCH_TCP), .tcp_connects = 9, .tcp_timeouts = 9 }, { 0 } },
	  SAYS(REASON_MAPPING_DIFFERS, BOTH) },
	{ "several uplinks for TCP",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 9, .tcp_refused = 9 }, { 0 } },
	  { { EASY, .pooling = POOLING_ARBITRARY },
	    { TRIED(PUNCH_TCP), .tcp_connects = 3, .tcp_timeouts = 3 },
	    { 0 } },
	  SAYS(REASON_POOL, B) },
	{ "ports of TCP that were foretold",
	  TCP_STEP(PUNCH_TCP),
	  { { HARD_COUNTS }, { TRIED(PUNCH_TCP), .tcp_connects = 9, .tcp_timeouts = 9 }, { 0 } },
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 9, .tcp_timeouts = 9 }, { 0 } },
	  SAYS(REASON_PREDICTION_MISSED, A) },
	{ "found, and let in on one side",
	  STEP(PUNCH_BIRTHDAY),
	  { { HARD_OPEN }, { WITH(PUNCH_BIRTHDAY, 257, 600), .received = 1 }, { .sockets = 256 } },
	  { { EASY }, { TRIED(PUNCH_BIRTHDAY) }, { .ports = 600 } },
	  SAYS(REASON_MAPPING_DIFFERS, A) },
	{ "hard for TCP",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY, .tcp_mapping = APD },
	    { TRIED(PUNCH_TCP), .tcp_connects = 9, .tcp_refused = 9 },
	    { 0 } },
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 3, .tcp_timeouts = 3 }, { 0 } },
	  SAYS(REASON_MAPPING_DIFFERS, A) },
	{ "silence",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 3, .tcp_timeouts = 3 }, { 0 } },
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 3, .tcp_timeouts = 3 }, { 0 } },
	  SAYS(REASON_TCP_NO_SIMULTANEOUS_OPEN, BOTH) },
	{ "silence, and what one side took for a connection",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 3, .tcp_timeouts = 3 }, { 0 } },
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 2, .tcp_connected = 2 }, { 0 } },
	  SAYS(REASON_UNSURE, NONE) },
	{ "silence, on a way that loses much",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY, .loss = 0.1 },
	    { TRIED(PUNCH_TCP), .tcp_connects = 2, .tcp_timeouts = 2 },
	    { 0 } },
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 3, .tcp_timeouts = 3 }, { 0 } },
	  SAYS(REASON_UNSURE, NONE) },
	{ "silence, however often, on ways that lose much",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY, .loss = 0.1 },
	    { TRIED(PUNCH_TCP), .tcp_connects = 20, .tcp_timeouts = 20 },
	    { 0 } },
	  { { EASY, .loss = 0.1 },
	    { TRIED(PUNCH_TCP), .tcp_connects = 20, .tcp_timeouts = 20 },
	    { 0 } },
	  SAYS(REASON_UNSURE, NONE) },
	{ "silence, and nobody knows",
	  TCP_STEP(PUNCH_TCP),
	  { { 0 }, { TRIED(PUNCH_TCP), .tcp_connects = 3, .tcp_timeouts = 3 }, { 0 } },
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 3, .tcp_timeouts = 3 }, { 0 } },
	  SAYS(REASON_UNSURE, NONE) },
	{ "B connects to nobody",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 3, .tcp_timeouts = 3 }, { 0 } },
	  { { EASY }, { TRIED(PUNCH_TCP) }, { 0 } },
	  SAYS(REASON_TCP_FILTERED, B) },
	{ "B lets in everybody, and only waits",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 3, .tcp_timeouts = 3 }, { 0 } },
	  { { HARD_OPEN }, { TRIED(PUNCH_TCP) }, { 0 } },
	  SAYS(REASON_UNSURE, NONE) },
	{ "low TTL: openers are no refusals",
	  TCP_STEP(PUNCH_TCP_LOW_TTL),
	  { { EASY },
	    { TRIED(PUNCH_TCP_LOW_TTL), .tcp_connects = 4, .tcp_icmp = 2, .tcp_timeouts = 2 },
	    { 0 } },
	  { { EASY },
	    { TRIED(PUNCH_TCP_LOW_TTL), .tcp_connects = 4, .tcp_icmp = 2, .tcp_timeouts = 2 },
	    { 0 } },
	  SAYS(REASON_TCP_NO_SIMULTANEOUS_OPEN, BOTH) },
	{ "a connection that ended",
	  TCP_STEP(PUNCH_TCP),
	  { { EASY },
	    { TRIED(PUNCH_TCP), .tcp_connects = 1, .tcp_connected = 1, .received = 1 },
	    { 0 } },
	  { { EASY }, { TRIED(PUNCH_TCP), .tcp_connects = 1, .tcp_connected = 1 }, { 0 } },
	  SAYS(REASON_UNSURE, NONE) },
};

struct bench {
	struct peer_profile profiles[2];
	struct peer_offer offers[2];
	struct punch_step step;
	struct punch_evidence seen[2];
	struct reason_case c;
};

static void set_up(struct bench *b, const struct row *row)
{
	*b = (struct bench){ .step = row->step, .seen = { row->a.seen, row->b.seen } };
	b->step.a = row->a.part;
	b->step.b = row->b.part;
	b->profiles[0] = (struct peer_profile){ .path_count = 1, .paths = { row->a.path } };
	b->profiles[1] = (struct peer_profile){ .path_count = 1, .paths = { row->b.path } };
	b->c = (struct reason_case){ .a = &b->profiles[0],
				     .b = &b->profiles[1],
				     .offer_a = &b->offers[0],
				     .offer_b = &b->offers[1],
				     .step = &b->step,
				     .seen_a = &b->seen[0],
				     .seen_b = &b->seen[1] };
}

static const struct row *find(const char *why)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].why, why) == 0)
			return &rows[i];
	}
	fail_msg("no row \"%s\"", why);
	return NULL;
}

static void each_case_has_its_reason(void **state)
{
	struct bench b;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct punch_verdict got;

		set_up(&b, &rows[i]);
		got = reason_judge(&b.c);
		if (got.reason != rows[i].expected.reason || got.side != rows[i].expected.side)
			fail_msg("%s: %s of %u", rows[i].why,
				 punch_reason_word((enum punch_reason)got.reason), got.side);
		if (got.detail != rows[i].expected.detail)
			fail_msg("%s: %d", rows[i].why, got.detail);
	}
}

static uint8_t mirrored(uint8_t side)
{
	return side == A ? B : side == B ? A : side;
}

/* Who is A, is chosen by the meeting: it must not matter. */
static void sides_may_change(void **state)
{
	struct bench b;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct row row = rows[i];
		struct punch_verdict got;

		row.a = rows[i].b;
		row.b = rows[i].a;
		set_up(&b, &row);
		got = reason_judge(&b.c);
		if (got.reason != row.expected.reason || got.side != mirrored(row.expected.side))
			fail_msg("%s, the other way round: %s of %u", row.why,
				 punch_reason_word((enum punch_reason)got.reason), got.side);
	}
}

static void one_side_alone_says_little(void **state)
{
	struct bench b;
	struct punch_verdict v;

	set_up(&b, find("A hard"));
	b.c.seen_b = NULL;
	v = reason_judge(&b.c);
	assert_int_equal(v.reason, REASON_PEER_SILENT);
	assert_int_equal(v.side, B);
	b.seen[0].received = 1; /* they were heard all the same */
	assert_int_equal(reason_judge(&b.c).reason, REASON_UNSURE);
	b.c.seen_a = NULL;
	assert_int_equal(reason_judge(&b.c).reason, REASON_UNSURE);
	set_up(&b, find("neither came to it"));
	b.c.seen_b = NULL;
	assert_int_equal(reason_judge(&b.c).reason, REASON_NOT_TRIED);
}

/* Servers that see two endpoints of one port say more than a diagnosis of some time ago. */
static void offers_tell_that_ports_differ(void **state)
{
	struct bench b;
	struct punch_verdict v;

	set_up(&b, find("silence"));
	for (uint8_t i = 0; i < 2; i++)
		b.offers[1].endpoints[b.offers[1].endpoint_count++] = (struct peer_endpoint){
			.kind = PEER_MAPPED, .is_tcp = true, .addr = AT(2, (uint16_t)(40000 + i))
		};
	v = reason_judge(&b.c);
	assert_int_equal(v.reason, REASON_MAPPING_DIFFERS);
	assert_int_equal(v.side, B);
}

/* Sockets of one offer that were seen at two addresses. */
static void offers_tell_of_a_pool(void **state)
{
	struct bench b;
	struct punch_verdict v;

	set_up(&b, find("nine of ten are lost, and few were sent"));
	b.offers[0].endpoint_count = 2;
	b.offers[0].endpoints[0] =
		(struct peer_endpoint){ .kind = PEER_MAPPED, .set = 0, .addr = AT(1, 40001) };
	b.offers[0].endpoints[1] =
		(struct peer_endpoint){ .kind = PEER_MAPPED, .set = 1, .addr = AT(2, 40002) };
	v = reason_judge(&b.c);
	assert_int_equal(v.reason, REASON_POOL);
	assert_int_equal(v.side, A);
	b.offers[0].endpoints[1].addr = (struct addr)AT(1, 40002);
	assert_int_equal(reason_judge(&b.c).reason, REASON_LOSS);
}

static void says(const struct bench *b, struct punch_verdict v, const char *to_a, const char *to_b)
{
	char text[256];

	reason_print(&b->c, &v, true, text, sizeof(text));
	assert_string_equal(text, to_a);
	reason_print(&b->c, &v, false, text, sizeof(text));
	assert_string_equal(text, to_b);
}

static void sentences_name_ports_and_sides(void **state)
{
	struct bench b;

	set_up(&b, find("A hard"));
	says(&b, reason_judge(&b.c),
	     "Their filter dropped us, since our NAT used another port than the one we had told "
	     "them.",
	     "Our filter dropped them, since their NAT used another port than the one they had "
	     "told us.");
	b.seen[0].announced = (struct addr)AT(1, 40001);
	b.seen[1].seen = (struct addr)AT(1, 40007);
	says(&b, reason_judge(&b.c),
	     "Their filter dropped us, since our mapping moved from 40001 to 40007.",
	     "Our filter dropped them, since their mapping moved from 40001 to 40007.");
	set_up(&b, find("none of the birthdays"));
	says(&b, reason_judge(&b.c),
	     "None of the 900 ports that we tried was one of their 256 sockets'.",
	     "None of the 900 ports that they tried was one of our 256 sockets'.");
	set_up(&b, find("no more sockets"));
	says(&b, reason_judge(&b.c),
	     "Their NAT let no more sockets out: 3 of 16 new ones got an answer.",
	     "Our NAT let no more sockets out: 3 of 16 new ones got an answer.");
	set_up(&b, find("not foretold"));
	says(&b, (struct punch_verdict){ REASON_PREDICTION_MISSED, A, 3 },
	     "The prediction missed by +3: the ports of our NAT were none of those foretold.",
	     "The prediction missed by +3: the ports of their NAT were none of those foretold.");
	set_up(&b, find("A's relay denies"));
	says(&b, reason_judge(&b.c), "Our relay refused to relay to them (403).",
	     "Their relay refused to relay to us (403).");
}

static void what_was_not_for_them_says_so(void **state)
{
	struct punch_plan plan = { .reason = REASON_NOT_TRIED,
				   .side = B,
				   .forced = PUNCH_PREDICTION };
	char text[256];

	reason_print_unsuitable(&plan, true, text, sizeof(text));
	assert_string_equal(text, "It was not tried: the ports of their NAT follow no rule.");
	reason_print_unsuitable(&plan, false, text, sizeof(text));
	assert_string_equal(text, "It was not tried: the ports of our NAT follow no rule.");
	plan.forced = PUNCH_NONE;
	reason_print_unsuitable(&plan, false, text, sizeof(text));
	assert_string_equal(text, "It was not tried: what was allowed is for other networks.");
}

static void every_reason_has_a_sentence(void **state)
{
	struct bench b;
	char text[256], cut[8];

	set_up(&b, find("A hard"));
	b.seen[0].announced = (struct addr)AT(1, 40001);
	for (unsigned r = 0; r <= PUNCH_REASONS; r++) {
		for (unsigned side = 0; side <= 4; side++) {
			struct punch_verdict v = { (uint8_t)r, (uint8_t)side, -5 };

			reason_print(&b.c, &v, true, text, sizeof(text));
			if (strlen(text) < 10 || text[strlen(text) - 1] != '.' ||
			    strchr(text, '%') != NULL)
				fail_msg("reason %u of %u: \"%s\"", r, side, text);
			reason_print(&b.c, &v, true, cut, sizeof(cut));
			assert_int_equal(strlen(cut), sizeof(cut) - 1);
			reason_print(NULL, &v, true, text, sizeof(text));
			assert_int_not_equal(text[0], '\0');
		}
	}
}

static void overall_is_that_of_the_best_step(void **state)
{
	struct punch_plan plan = { .count = 4 };
	struct punch_verdict verdicts[PUNCH_STEPS_MAX] = {
		{ REASON_MAPPING_DIFFERS, A, 0 },
		{ REASON_BIRTHDAY_MISSED, A, 0 },
		{ REASON_NOT_TRIED, NONE, 0 },
		{ REASON_NO_RELAY, BOTH, 0 },
	};
	static const double chances[] = { 0.01, 0.6, 0.9, 0.97 };
	static const uint8_t strategies[] = { PUNCH_SIMULTANEOUS, PUNCH_BIRTHDAY, PUNCH_TCP,
					      PUNCH_RELAY };

	for (size_t i = 0; i < 4; i++) {
		plan.steps[i].chance = chances[i];
		plan.steps[i].strategy = strategies[i];
	}
	assert_int_equal(reason_overall(&plan, verdicts).reason, REASON_BIRTHDAY_MISSED);
	verdicts[1].reason = REASON_UNSURE;
	assert_int_equal(reason_overall(&plan, verdicts).reason, REASON_UNSURE);
	/* What both profiles say stays true. */
	plan.reason = REASON_MAPPING_DIFFERS;
	plan.side = BOTH;
	assert_int_equal(reason_overall(&plan, verdicts).side, BOTH);
	plan.reason = REASON_NONE;
	verdicts[0].reason = verdicts[1].reason = REASON_NOT_TRIED;
	assert_int_equal(reason_overall(&plan, verdicts).reason, REASON_NO_RELAY);
	plan.count = 0;
	assert_int_equal(reason_overall(&plan, verdicts).reason, REASON_UNSURE);
	plan.reason = REASON_NO_FAMILY;
	assert_int_equal(reason_overall(&plan, verdicts).reason, REASON_NO_FAMILY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_case_has_its_reason),
		cmocka_unit_test(sides_may_change),
		cmocka_unit_test(one_side_alone_says_little),
		cmocka_unit_test(offers_tell_that_ports_differ),
		cmocka_unit_test(offers_tell_of_a_pool),
		cmocka_unit_test(sentences_name_ports_and_sides),
		cmocka_unit_test(what_was_not_for_them_says_so),
		cmocka_unit_test(every_reason_has_a_sentence),
		cmocka_unit_test(overall_is_that_of_the_best_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
