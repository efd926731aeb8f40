/*
 * plan - which way of connecting works between two kinds of NAT. A table and nothing else:
 * reports tell a user what to expect from it, a punch trial tries its rows in order.
 *
 * The classes fold a verdict to what decides about UDP hole punching: whether the peer can know
 * our mapped port beforehand (mapping, port allocation), and whom our filter lets in first.
 */
#ifndef NATPROBE_PLAN_H
#define NATPROBE_PLAN_H

#include "verdict.h"

enum plan_class {
	PLAN_UNKNOWN = 0,
	PLAN_OPEN,             /* no NAT, no filter */
	PLAN_FIREWALLED,       /* no NAT, but a filter that opens to whom one speaks to */
	PLAN_FULL_CONE,        /* one mapping for all, and anyone may use it */
	PLAN_ADDRESS_FILTERED, /* one mapping, open to the addresses one has spoken to */
	PLAN_PORT_FILTERED,    /* one mapping, open to the endpoints one has spoken to */
	PLAN_PREDICTABLE,      /* a mapping for each peer, on a port that can be foretold */
	PLAN_NARROW,           /* ... on a random port of at most PLAN_NARROW_PORTS */
	PLAN_RANDOM,           /* ... on any port */
	PLAN_BLOCKED,          /* no UDP */
	PLAN_CLASSES,
};

#define PLAN_NARROW_PORTS 2048

enum plan_strategy {
	PLAN_STRATEGY_UNKNOWN = 0,
	PLAN_DIRECT,   /* either side simply connects */
	PLAN_CALL_OUT, /* the side that cannot be reached connects to the one that can */
	PLAN_PUNCH,    /* both send at the same time, to each other's mapped address */
	PLAN_PREDICT,  /* the same, to the ports that come next */
	PLAN_BIRTHDAY, /* many sockets on one side, many ports on the other */
	PLAN_TCP,      /* the same over TCP */
	PLAN_RELAY,    /* a TURN server in between */
	PLAN_STRATEGIES,
};

/* How often it works, where the strategy is carried out well. */
enum plan_odds {
	PLAN_NEVER = 0,
	PLAN_RARELY, /* below one in ten */
	PLAN_SOMETIMES,
	PLAN_LIKELY, /* above two of three */
	PLAN_ALWAYS, /* unless packets are lost */
};

struct plan_entry {
	uint8_t strategy; /* enum plan_strategy: the best one */
	uint8_t odds;     /* enum plan_odds */
};

enum plan_class plan_class(const struct verdict *v);

/* The same whichever side is which. */
struct plan_entry plan_between(enum plan_class a, enum plan_class b);

/* Stable words: "port-filtered", "birthday", "likely". Never NULL. */
const char *plan_class_word(enum plan_class c);
const char *plan_strategy_word(enum plan_strategy s);
const char *plan_odds_word(enum plan_odds o);

/* For people: "a home router that lets in only whom one has spoken to". */
const char *plan_class_text(enum plan_class c);
/* For people: "both sides send at the same time (hole punching)". */
const char *plan_strategy_text(enum plan_strategy s);

/* The one thing the user could change, as a sentence; NULL where nothing would help much. */
const char *plan_advice(const struct verdict *v);

#endif
