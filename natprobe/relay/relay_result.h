/*
 * relay_result - what a trial of one TURN server over one transport found: values, no pointers
 * into anything. Times are microseconds.
 */
#ifndef NATPROBE_RELAY_RESULT_H
#define NATPROBE_RELAY_RESULT_H

#include "dial_failure.h"
#include "turn_client.h"

enum relay_verdict {
	RELAY_WORKS = 0,
	RELAY_PARTLY,       /* something is relayed, and something that should be is not */
	RELAY_FAILS,        /* the server answers, and relays nothing */
	RELAY_NO_ANSWER,    /* nobody answers there */
	RELAY_NOT_TRIED,    /* this host has no way there */
	RELAY_INCONCLUSIVE, /* nothing could be tried, or not in time */
	RELAY_VERDICTS,
};

/* "works", "partly", "fails", "no-answer", "not-tried", "inconclusive". */
const char *relay_verdict_word(uint8_t verdict);

enum relay_finding_kind {
	RELAY_FOUND_DIAL,          /* no connection, see `dial` */
	RELAY_FOUND_CLIENT,        /* no allocation, or it was lost; see `client` */
	RELAY_FOUND_EXPIRED,       /* refused, and the user name says that it has expired */
	RELAY_FOUND_SECOND,        /* the server refuses a second allocation, see `client` */
	RELAY_FOUND_OPEN,          /* it relays for everybody */
	RELAY_FOUND_PRIVATE,       /* the relayed address is private */
	RELAY_FOUND_ELSEWHERE,     /* what it relays comes from another address, see `addr` */
	RELAY_FOUND_DENIED,        /* it denies its own relayed address as a peer */
	RELAY_FOUND_NO_LOOP,       /* relayed packets reach others, but not its own addresses */
	RELAY_FOUND_NOTHING_COMES, /* nothing arrives, by any way that was tried */
	RELAY_FOUND_CLOSED_RANGE,  /* nothing arrives from outside of the server */
	RELAY_FOUND_NO_WAY_OUT,    /* nothing leaves for outside of the server */
	RELAY_FOUND_HALF_LOOP,     /* one direction only */
	RELAY_FOUND_LOSS,
	RELAY_FOUND_TIMEOUT,     /* the trial ended before it was through */
	RELAY_FOUND_SELF_DENIED, /* it denies our own address as a peer */
	RELAY_FOUND_NO_CONTROL,  /* UDP to the server itself has no answer either */
	RELAY_FOUND_KINDS,
};

#define RELAY_FINDINGS_MAX 8

struct relay_finding {
	uint8_t kind;     /* enum relay_finding_kind */
	bool is_failure;  /* else it is worth knowing */
	uint8_t family;   /* of the relayed address; ADDR_NONE: all */
	struct addr addr; /* it is about; ADDR_NONE: none */
};

/* A stable word such as "peer-denied"; the words of a dial or client failure where it is one. */
const char *relay_finding_word(uint8_t kind);

enum relay_path_state {
	RELAY_PATH_NOT_TRIED = 0,
	RELAY_PATH_DENIED, /* by the server, with `code` */
	RELAY_PATH_SILENT,
	RELAY_PATH_PASSES,
	RELAY_PATH_ELSEWHERE, /* passes, from an address that was not announced */
};

const char *relay_path_word(uint8_t state);

/* Packets between the relay and a socket of our own that is no client of it. */
struct relay_path {
	uint8_t state; /* enum relay_path_state */
	uint16_t code;
	uint32_t sent, arrived;
	struct addr from; /* where the first one came from, as the receiver saw it */
};

/* Packets from one client of the relay to another one, which sends each back. */
struct relay_loop {
	uint8_t state; /* enum relay_path_state, but ELSEWHERE */
	uint16_t code;
	uint32_t sent, arrived, returned;
	uint32_t rtt_min_us, rtt_median_us, rtt_p95_us, rtt_max_us; /* there and back */
	uint64_t sending_us;                                        /* first to last packet sent */
	uint64_t arriving_us; /* first to last packet that arrived */
};

/* One family of relayed addresses. */
struct relay_family {
	struct addr relayed[2]; /* of the two allocations; ADDR_NONE: none */
	struct relay_loop loop;
};

enum { RELAY_IPV4, RELAY_IPV6, RELAY_FAMILIES };

struct relay_result {
	uint8_t transport; /* enum turn_transport */
	uint8_t verdict;   /* enum relay_verdict */
	struct addr to;
	struct addr redirected; /* the server that it sent us to (300); ADDR_NONE: none */
	struct dial_failure dial;
	struct turn_client_failure client;
	struct addr mapped;   /* the first client, as the server sees it */
	struct addr outside;  /* our own socket, as the server sees it; ADDR_NONE: not known */
	uint64_t connect_us;  /* TCP and TLS; 0 where there is nothing to connect */
	uint32_t allocate_us; /* round trip of the request that succeeded; 0: not known */
	uint32_t lifetime_s;
	uint16_t other_refused; /* why there is no second family; 0: n/a */
	bool is_allocated;
	uint16_t packet_len; /* of what is relayed, without any header */
	struct relay_family families[RELAY_FAMILIES];
	struct relay_path in;  /* from our own socket to the relayed address */
	struct relay_path out; /* and back */
	uint64_t expired_s;    /* RELAY_FOUND_EXPIRED: when, as Unix time */
	struct relay_finding findings[RELAY_FINDINGS_MAX];
	size_t finding_count;
};

/* A share, 0 to 1; 0 where nothing was sent. */
double relay_loss(uint32_t sent, uint32_t arrived);

#define RELAY_TEXT_MAX 320

/* What a finding says, and what to do about it, for people. Return `buf`. */
const char *relay_finding_text(const struct relay_result *r, const struct relay_finding *f,
			       char buf[static RELAY_TEXT_MAX]);
const char *relay_finding_remedy(const struct relay_result *r, const struct relay_finding *f,
				 char buf[static RELAY_TEXT_MAX]);

#endif
