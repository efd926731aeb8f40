/* strategy - the ways of making a path between two hosts, and why one of them did not. */
#ifndef NATPROBE_STRATEGY_H
#define NATPROBE_STRATEGY_H

enum punch_strategy {
	PUNCH_NONE = 0,
	PUNCH_DIRECT,       /* one side connects to an endpoint that anyone may use; A, then B */
	PUNCH_PORT_MAPPING, /* the same, where the gateway opened a port */
	PUNCH_SIMULTANEOUS, /* both send at once to each other's mapped endpoint */
	PUNCH_LOW_TTL,      /* ... with first packets that end between the NATs */
	PUNCH_DELAYED,     /* one side opens, the other one sends later; then the other way round */
	PUNCH_PREDICTION,  /* to the ports that come next */
	PUNCH_BIRTHDAY,    /* many sockets on the hard side, many ports from the easy one */
	PUNCH_MIXED,       /* both: one side's ports are foretold, the other's are searched */
	PUNCH_TCP,         /* TCP: connect, and simultaneous open */
	PUNCH_TCP_LOW_TTL, /* ... after a SYN that ends between the NATs */
	PUNCH_RELAY,       /* through a TURN server */
	PUNCH_STRATEGIES,
};

#define PUNCH_BIT(strategy) (1u << (strategy))

/*
 * Why a strategy made no path: the closed list of doc/punch.md. `side` says whose network it is
 * about, `detail` is a number of that reason's own.
 */
enum punch_reason {
	REASON_NONE = 0,    /* it made one */
	REASON_UNSURE,      /* what both saw fits more than one reason */
	REASON_NOT_TRIED,   /* a path was there before, or the time was over */
	REASON_PEER_SILENT, /* the other side was not heard again after the meeting */
	REASON_LATE,        /* one side began when the other was through */
	REASON_LOCAL_ERROR, /* a host could not open a socket, or refused to send */
	REASON_NO_FAMILY,   /* no address family, or no transport, that both have */
	REASON_UDP_BLOCKED, /* nothing of UDP leaves, or nothing returns */
	REASON_FILTERED,    /* the filter of `side` dropped what came from where it was expected */
	REASON_MAPPING_DIFFERS, /* the filter of the other side dropped us, since the mapping of
				   `side` towards it is another one than announced; detail: by how
				   many ports */
	REASON_REMAPPED,        /* the same, because of an early inbound packet */
	REASON_MAPPING_ENDED,   /* an unexpected packet or ICMP error ended the mapping of `side` */
	REASON_POOL,            /* the NAT of `side` used another external address */
	REASON_PREDICTION_MISSED, /* detail: by how many ports beyond the window */
	REASON_BIRTHDAY_MISSED,   /* none of the ports was one of the sockets' */
	REASON_MAPPING_LIMIT,     /* the NAT of `side` let no more sockets out */
	REASON_RATE_LIMIT,        /* the path of `side` dropped what exceeded its rate */
	REASON_NO_HAIRPIN,        /* both are behind one NAT, which does not turn packets round */
	REASON_LOSS,              /* packets were lost that had nothing in their way */
	REASON_TCP_BLOCKED,       /* no TCP leaves */
	REASON_TCP_REFUSED,       /* a RST or ICMP error of `side` met the SYN each time */
	REASON_TCP_FILTERED,      /* the SYN met silence each time */
	REASON_TCP_NO_SIMULTANEOUS_OPEN, /* SYNs crossed, and the NAT of `side` takes none then */
	REASON_NO_PORT_MAPPING,          /* no gateway opened a port, or one that leads nowhere */
	REASON_NO_RELAY,                 /* nobody named one, or it was not reached */
	REASON_RELAY_DENIED,             /* it refused to relay to the other side */
	PUNCH_REASONS,
};

enum punch_side {
	PUNCH_SIDE_NONE = 0,
	PUNCH_SIDE_A, /* the controlling one */
	PUNCH_SIDE_B,
	PUNCH_SIDE_BOTH,
};

/* Stable words: "low-ttl", "mapping-differs". Never NULL. */
const char *punch_strategy_word(enum punch_strategy s);
const char *punch_reason_word(enum punch_reason r);
/* PUNCH_NONE, where there is no such word. */
enum punch_strategy punch_strategy_find(const char *word);

/* For people, half a sentence: "both send at once". */
const char *punch_strategy_text(enum punch_strategy s);
const char *punch_reason_text(enum punch_reason r);

#endif
