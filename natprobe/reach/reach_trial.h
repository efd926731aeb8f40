/*
 * reach_trial - is a port of ours open from outside? A cooperating server (coop.h) tries it, and
 * what it says, what arrives and what is seen below IP add up to a cause.
 *
 * A state machine: it asks the server for a token, orders datagrams or a connection towards the
 * port, and hears what became of it. The shell listens on the port, watches the interface, and tells.
 * reach_judge concludes. Pure: no socket, no clock.
 */
#ifndef NATPROBE_REACH_TRIAL_H
#define NATPROBE_REACH_TRIAL_H

#include "coop.h"
#include "natprobe/map/lease_address.h"
#include "natprobe/map/portmap_wire.h"

#define REACH_REQUEST_MAX 256
#define REACH_ROUNDS      2

struct reach_config {
	uint8_t transport; /* enum portmap_transport */
	struct addr server;
	uint16_t port; /* outside, to be tried */
	void (*random)(void *arg, void *buf, size_t len);
	void *random_arg;
};

/* How the server's part went. */
enum reach_server {
	REACH_SERVER_SILENT = 0,
	REACH_SERVER_OTHER,   /* answers, and does not cooperate */
	REACH_SERVER_REFUSES, /* cooperates, and does not do this: outcome says why */
	REACH_SERVER_TRIED,
};

struct reach_trial {
	struct reach_config config;
	uint8_t server;  /* enum reach_server */
	uint8_t outcome; /* enum coop_outcome: of a connection, or of what was refused */
	uint8_t icmp_type, icmp_code;
	struct addr mapped; /* what the server sees of us */
	bool is_heard;      /* what was ordered arrived at the port */
	bool is_over;
	/* The rest is the machine's own. */
	uint8_t phase;
	uint8_t copies, refusals, round;
	bool is_accepted;
	bool any_port;
	struct coop_token token;
	struct stun_tid tids[1 + REACH_ROUNDS + 2];
	uint8_t tid_count;
	uint64_t started_us, next_us, ends_us;
};

void reach_start(struct reach_trial *r, const struct reach_config *config, uint64_t now_us);

/* The next datagram for the server, if one is due: its length; 0: none. */
size_t reach_next(struct reach_trial *r, uint64_t now_us, uint8_t out[REACH_REQUEST_MAX]);

/* When to call reach_next again; UINT64_MAX once it is over. */
uint64_t reach_deadline_us(const struct reach_trial *r);

/* A datagram on the socket that asks. */
void reach_on_datagram(struct reach_trial *r, const struct addr *from, struct bytes data,
		       uint64_t now_us);

/* Is this datagram, seen at the port or on its way there, one that was ordered? */
bool reach_is_ordered(const struct reach_trial *r, struct bytes data);

/* What was ordered arrived at our own socket on that port. */
void reach_on_heard(struct reach_trial *r, uint64_t now_us);

/* Who has the port here. */
enum reach_listener {
	REACH_NOBODY = 0, /* and natprobe does not, either */
	REACH_NATPROBE,   /* nobody had, so natprobe does for the trial */
	REACH_PROGRAM,    /* some program: what it gets is not seen */
};

struct reach_facts {
	uint8_t transport;
	struct addr local; /* with its port */
	struct addr mapped;
	uint8_t server;   /* enum reach_server */
	uint8_t outcome;  /* enum coop_outcome */
	uint8_t listener; /* enum reach_listener */
	bool stands_in;   /* the user wants natprobe to stand in for a program */
	bool is_heard;
	bool is_watched;      /* the interface, below the firewall */
	bool is_tapped;       /* what was ordered was seen there */
	struct addr external; /* of the gateway, as it says; ADDR_NONE: not known */
};

/* Words of the verdict. */
enum reach_cause {
	REACH_UNKNOWN = 0, /* why says */
	REACH_OPEN,
	REACH_NOTHING_LISTENS, /* the way is open, and no program has the port */
	REACH_HOST_FIREWALL,
	REACH_NAT_FILTER,
	REACH_CGN,           /* a NAT further out than our gateway */
	REACH_PATH_FIREWALL, /* no NAT, and it does not arrive */
	REACH_HOST_OR_NAT,   /* host firewall or NAT filter: nobody may watch */
	REACH_OTHER_HOST,    /* somebody else answers there */
	REACH_ARRIVES, /* at this host; a program has the port, and what it gets is not seen */
	REACH_CAUSES,
};

enum reach_why {
	REACH_WHY_NONE = 0,
	REACH_WHY_SILENT,  /* no server answered */
	REACH_WHY_OTHER,   /* the server does not cooperate */
	REACH_WHY_REFUSED, /* it is too busy, or unable */
	REACH_WHY_UNSEEN,  /* a program has the port, and nobody may watch */
	REACH_WHYS,
};

struct reach_verdict {
	uint8_t cause; /* enum reach_cause */
	uint8_t why;   /* enum reach_why */
	bool has_nat;
	uint8_t further; /* enum lease_address: of the gateway's outside, or our own */
};

void reach_judge(const struct reach_facts *f, struct reach_verdict *out);

/* Stable words: "open", "host-firewall-or-nat-filter". */
const char *reach_cause_word(enum reach_cause cause);

#endif
