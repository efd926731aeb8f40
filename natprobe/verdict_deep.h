/*
 * verdict_deep - what only a deeper look tells about a network: values of one shape, by number,
 * and the evidence behind them. Part of struct verdict.
 *
 * property.h has a row for each value, in the order of enum deep_property: its name, its unit,
 * its words.
 */
#ifndef NATPROBE_VERDICT_DEEP_H
#define NATPROBE_VERDICT_DEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

#define DEEP_RUNGS_MAX 256 /* of all ladders together */

enum deep_property {
	DEEP_LIFETIME_ONE_WAY = 0, /* s, before anything came back */
	DEEP_LIFETIME,             /* s, after traffic both ways */
	DEEP_LIFETIME_LOW_PORT,    /* s, the same towards a port below 1024 */
	DEEP_KEEPALIVE,            /* s, recommended: an integer */
	DEEP_REFRESH_OUTBOUND,     /* enum deep_yes_no */
	DEEP_REFRESH_INBOUND,      /* enum deep_yes_no */
	DEEP_RANGE_LOW,            /* the lowest port the NAT may hand out lies in here */
	DEEP_RANGE_HIGH,
	DEEP_BLOCK,           /* ports of one subscriber's block; none: no block */
	DEEP_BACKGROUND,      /* mappings of others, /s; none: ports are not counted */
	DEEP_OVERLOAD,        /* %, of ports that are taken, where ports are kept */
	DEEP_PER_DESTINATION, /* step of one socket's ports by destination; none: no step */
	DEEP_FILTERING_TCP,   /* enum deep_filter */
	DEEP_SYN_REACTION,    /* enum deep_syn */
	DEEP_EARLY_INBOUND,   /* enum deep_early */
	DEEP_UNEXPECTED,      /* enum deep_survival: of a mapping, a filtered datagram */
	DEEP_ICMP_ERROR,      /* enum deep_survival: of a mapping, an ICMP error about it */
	DEEP_ICMP_PASSED,     /* enum deep_yes_no: such errors reach the host */
	DEEP_FRAGMENTS_IN,    /* enum deep_fragments */
	DEEP_FRAGMENTS_OUT,   /* enum deep_fragments */
	DEEP_DF,              /* enum deep_df: what becomes of what is too big */
	DEEP_MTU_OUT,         /* bytes of a whole packet */
	DEEP_MTU_IN,
	DEEP_ALG,     /* enum deep_yes_no */
	DEEP_NATS,    /* translators on the path: an integer */
	DEEP_DS_LITE, /* enum deep_yes_no, as the next two */
	DEEP_464XLAT,
	DEEP_NPTV6,
	DEEP_NAT64_PREFIX,  /* bits: an integer; none: no NAT64 */
	DEEP_PORT_CLASH,    /* enum deep_clash: two hosts, the same port */
	DEEP_PORTMAP_WORKS, /* enum deep_yes_no */
	DEEP_PROPERTIES,
};

enum deep_state {
	DEEP_UNKNOWN = 0, /* cause says why */
	DEEP_NONE,        /* does not apply: "none" */
	DEEP_WORD,
	DEEP_NUMBER, /* an interval; low = high: exact; high INFINITY: at least low */
};

/* Values of words: places in the rows' lists. */
enum deep_yes_no {
	DEEP_NO,
	DEEP_YES,
};
enum deep_filter {
	DEEP_FILTER_ENDPOINT_INDEPENDENT,
	DEEP_FILTER_ADDRESS_DEPENDENT,
	DEEP_FILTER_ADDRESS_AND_PORT_DEPENDENT,
	DEEP_FILTER_PORT_DEPENDENT,
	DEEP_FILTER_MIXED,
};
enum deep_syn {
	DEEP_SYN_SILENT,
	DEEP_SYN_RST,
	DEEP_SYN_ICMP,
	DEEP_SYN_ACCEPTED, /* a SYN-ACK: somebody else's */
};
enum deep_early {
	DEEP_EARLY_KEPT,
	DEEP_EARLY_REMAPPED,
};
enum deep_survival {
	DEEP_SURVIVES,
	DEEP_ENDS_MAPPING,
};
enum deep_fragments {
	DEEP_FRAGMENTS_ANY_ORDER,
	DEEP_FRAGMENTS_IN_ORDER,
	DEEP_FRAGMENTS_NO,
};
enum deep_df {
	DEEP_DF_ICMP,
	DEEP_DF_SILENT,
	DEEP_DF_FRAGMENTED,
};
enum deep_clash {
	DEEP_CLASH_KEPT,       /* both keep the port, on two external addresses */
	DEEP_CLASH_MOVED,      /* the second gets another one */
	DEEP_CLASH_OVERLOADED, /* both have the same external endpoint (violates REQ-3) */
};

struct deep_value {
	uint8_t state; /* enum deep_state */
	uint8_t word;  /* DEEP_WORD */
	uint8_t cause; /* enum verdict_cause: DEEP_UNKNOWN */
	double low, high;
	double error; /* chance that loss alone made this value */
	uint16_t sent, answered;
};

/* One socket that waited: was its mapping still there? */
enum deep_ladder {
	LADDER_ONE_WAY,
	LADDER_TWO_WAY,
	LADDER_LOW_PORT,
	LADDER_REFRESH_OUT,
	LADDER_REFRESH_IN,
};
struct deep_rung {
	uint8_t ladder; /* enum deep_ladder */
	bool ended;     /* false: cut short before its time */
	bool alive;
	double waited_s;    /* from the last datagram that could refresh it to the probe */
	double refreshed_s; /* LADDER_REFRESH_*: when, after its first datagram */
};

/* One datagram with a small TTL, and who complained. */
#define DEEP_HOPS_MAX 16
struct deep_hop {
	uint8_t ttl;
	struct addr router; /* ADDR_NONE: nobody answered */
	struct addr inside; /* source as the router saw it; ADDR_NONE: not told */
	bool reached;       /* the server answered at this TTL */
};

struct verdict_deep {
	bool tried;         /* somebody asked for a deeper look */
	bool cut;           /* it ended before its time */
	struct addr server; /* that cooperated; ADDR_NONE: none did */
	struct deep_value values[DEEP_PROPERTIES];
	struct deep_rung rungs[DEEP_RUNGS_MAX];
	uint16_t rung_count;
	struct deep_hop hops[DEEP_HOPS_MAX];
	uint8_t hop_count;
	uint8_t opener_ttl; /* the smallest that takes a mapping in the outermost NAT; 0: not seen */
	struct addr nat64_prefix; /* as DNS tells (RFC 7050); ADDR_NONE: none */
	uint32_t sent, answered;  /* datagrams */
	uint16_t mappings;        /* sockets that were open at once, at most */
	uint64_t elapsed_us;
};

/* Setters, so that no value is half set. sent and answered are left as they are. */
void deep_set_unknown(struct verdict_deep *v, enum deep_property which, uint8_t cause);
void deep_set_none(struct verdict_deep *v, enum deep_property which);
void deep_set_word(struct verdict_deep *v, enum deep_property which, unsigned word);
void deep_set_number(struct verdict_deep *v, enum deep_property which, double low, double high);

#endif
