/*
 * lease - a port of the gateway that leads to a port of ours: had, kept and given back.
 *
 * A state machine: PCP (RFC 6887) is asked first, then NAT-PMP (RFC 6886), then UPnP-IGD, which the
 * shell does, since its library blocks. What was granted is renewed before it ends, asked for again
 * where the gateway lost it (its clock starts anew then), and removed in the end. Over IPv6 the same
 * makes a pinhole in a firewall. Pure: no socket, no clock; several leases share one socket.
 */
#ifndef NATPROBE_LEASE_H
#define NATPROBE_LEASE_H

#include "portmap_wire.h"

enum lease_by {
	LEASE_PCP,
	LEASE_NAT_PMP,
	LEASE_UPNP,
	LEASE_BYS,
	LEASE_NOBODY = LEASE_BYS,
};

/* What came of asking one of them. */
enum lease_answer {
	LEASE_NOT_ASKED = 0, /* somebody before it granted, or it does not apply */
	LEASE_GRANTED,
	LEASE_SILENT,
	LEASE_ABSENT,      /* it says, or shows, that it does not speak that */
	LEASE_DENIED,      /* code says why */
	LEASE_OTHER_PORT,  /* only a port that was not wanted; it was given back */
	LEASE_TAKEN,       /* UPnP: the external port leads to another host or port */
	LEASE_UNCONFIRMED, /* UPnP: it says that it did, and its table has no such entry */
	LEASE_NO_GATEWAY,
	LEASE_LOCAL_ERROR, /* this host did not send */
	LEASE_ANSWERS,
};

enum lease_state {
	LEASE_ASKING = 0, /* nobody has granted it (yet) */
	LEASE_HELD,
	LEASE_REFUSED, /* all were asked; with `keep` they are asked again later */
	LEASE_REMOVING,
	LEASE_ENDED, /* is_removed says whether the gateway confirmed it */
};

struct lease_config {
	uint8_t transport;    /* enum portmap_transport */
	struct addr internal; /* a real address of this host, and the port */
	struct addr gateway;  /* ADDR_NONE: there is none */
	uint16_t external_port;
	bool external_only; /* that port or none; else it is a wish */
	bool keep;          /* renew it, and have it again where it is lost */
	bool has_upnp;      /* the shell can do UPnP */
	uint8_t without;    /* 1 << enum lease_by, of those that are not to be asked */
	uint32_t lifetime_s;
	uint8_t nonce[PORTMAP_NONCE_LEN]; /* at random, or that of the lease before */
	uint64_t seed;                    /* for what is spread in time */
};

/* What was granted. */
struct lease_grant {
	uint8_t by;           /* enum lease_by */
	struct addr external; /* ADDR_NONE, with a port: its address is not known */
	uint32_t lifetime_s;  /* 0: for good */
	uint16_t pinhole;     /* UPnP over IPv6: its number there */
	uint64_t granted_us;  /* last renewed */
};

enum lease_upnp_op {
	LEASE_UPNP_ADD,
	LEASE_UPNP_REMOVE,
};

/* For the shell: see that the gateway's table has it, or that it has not any more. */
struct lease_upnp {
	uint8_t op; /* enum lease_upnp_op */
	uint8_t transport;
	struct addr internal;
	struct addr gateway; /* of that family, with any port */
	uint16_t external_port;
	bool external_only;
	uint32_t lifetime_s;
	uint16_t pinhole; /* to renew or remove; 0: a new one */
};

struct lease_upnp_result {
	uint8_t answer; /* enum lease_answer */
	uint16_t code;  /* LEASE_DENIED: UPnP's */
	struct lease_grant grant;
};

enum lease_kind {
	LEASE_WAIT, /* until lease_deadline_us */
	LEASE_SEND, /* these bytes, to the gateway's port 5351 */
	LEASE_DO_UPNP,
};

struct lease_action {
	uint8_t data[PORTMAP_REQUEST_MAX];
	size_t len;
	struct lease_upnp upnp;
};

struct lease_reply {
	uint8_t answer; /* enum lease_answer */
	uint16_t code;
};

struct lease {
	struct lease_config config;
	uint8_t state; /* enum lease_state */
	struct lease_grant grant;
	struct lease_reply replies[LEASE_BYS]; /* of the last time that they were asked */
	uint32_t changes;  /* grows when the grant is had, lost, or another one */
	uint32_t renewals; /* that went well */
	uint32_t resets;   /* how often the gateway was seen to have lost its state */
	bool is_removed;
	/* The rest is the machine's own. */
	uint8_t by;        /* whom it asks */
	uint8_t due;       /* what lease_next has to hand out */
	bool is_undoing;   /* gives back what was not wanted, before the next one is asked */
	bool is_regaining; /* held, but the gateway has lost it */
	bool upnp_runs;
	uint8_t upnp_op;              /* that runs, or ran last */
	uint8_t copies;               /* of a request */
	uint8_t renewal;              /* since the last one that went well */
	uint64_t started_us, next_us; /* of those copies; UINT64_MAX: none is due */
	uint64_t renew_us, watch_us, expires_us;
	uint32_t error_s;    /* for how long a gateway wants to be left alone */
	struct addr address; /* NAT-PMP: of the gateway's outside */
	struct portmap_epoch epoch;
	uint64_t rng;
};

void lease_start(struct lease *l, const struct lease_config *config, uint64_t now_us);

/* One that an earlier run was granted, as if it had been granted now. */
void lease_resume(struct lease *l, const struct lease_config *config,
		  const struct lease_grant *grant, uint64_t now_us);

/* The next action; each is handed out once. UPnP: one at a time, answered by lease_on_upnp. */
enum lease_kind lease_next(struct lease *l, uint64_t now_us, struct lease_action *out);

/* When to call lease_next again; UINT64_MAX: only when something happens. */
uint64_t lease_deadline_us(const struct lease *l);

/* What came in from `from`, or was announced to all hosts. Leases take what is their own. */
void lease_on_datagram(struct lease *l, const struct addr *from, struct bytes datagram,
		       uint64_t now_us);

/* Nobody listens at the gateway (ICMP), or this host refuses to send: is_local. */
void lease_on_refused(struct lease *l, bool is_local, uint64_t now_us);

void lease_on_upnp(struct lease *l, const struct lease_upnp_result *result, uint64_t now_us);

/* Gives back what is held; LEASE_ENDED follows. */
void lease_remove(struct lease *l, uint64_t now_us);

/* There is something to tell: held, with an address if one is to be had; refused; or ended. */
bool lease_is_settled(const struct lease *l);

/* Stable words: "pcp", "nat-pmp", "upnp"; "silent"; "udp". */
const char *lease_by_word(enum lease_by by);
const char *lease_answer_word(enum lease_answer answer);
const char *lease_transport_word(uint8_t transport);

#endif
