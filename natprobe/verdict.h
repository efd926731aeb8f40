/*
 * verdict - what natprobe found out from one local address, and the words for it.
 *
 * One plain struct, filled by discover and classify, printed by every report. Each property
 * has a value, the values that remain possible, and the cause where it is unknown. Values
 * that share a name share a meaning: a mapping and a filtering both depend on nothing, on the
 * other side's address, on address and port, or on the port alone (RFC 4787, section 4.1
 * and 5; the last is outside the RFC, but exists).
 */
#ifndef NATPROBE_VERDICT_H
#define NATPROBE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "verdict_deep.h"

#define VERDICT_SERVERS_MAX     6 /* servers that one discovery asks */
#define VERDICT_NO_SERVER_INDEX UINT8_MAX
#define VERDICT_SIGHTINGS_MAX   40 /* mapped addresses that are kept as evidence */
#define VERDICT_FINDINGS_MAX    24
#define VERDICT_FINDINGS_ALIKE  3  /* of one cause and server */
#define VERDICT_SAMPLES_MAX     48 /* fresh sockets whose ports are kept as evidence */
#define VERDICT_EXTERNALS_MAX   8  /* external addresses that are told apart */
#define VERDICT_PREDICTIONS_MAX 8

enum verdict_answer {
	VERDICT_UNKNOWN = 0,
	VERDICT_NO,
	VERDICT_YES,
	VERDICT_MIXED, /* yes for one destination, no for another */
};

/* What a mapping, or a filter, depends on. */
enum verdict_behaviour {
	BEHAVIOUR_UNKNOWN = 0,
	BEHAVIOUR_NONE, /* mapping only: there is no NAT */
	BEHAVIOUR_ENDPOINT_INDEPENDENT,
	BEHAVIOUR_ADDRESS_DEPENDENT,
	BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
	BEHAVIOUR_PORT_DEPENDENT,
	BEHAVIOUR_MIXED, /* fits none of the above, or changed while we looked */
	BEHAVIOURS,
};

/* Bits of `possible`. */
#define BEHAVIOUR_BIT(value) (1u << (value))

/* Why a value is unknown; also what a finding says about a server. */
enum verdict_cause {
	CAUSE_NONE = 0,
	CAUSE_NO_SERVER,     /* nobody answered, by UDP or TCP */
	CAUSE_UDP_BLOCKED,   /* TCP is answered, UDP is not */
	CAUSE_LOSS,          /* too much was lost to tell a filter from loss */
	CAUSE_CONTROL_LOST,  /* the control probe got no answer, so a silence says nothing */
	CAUSE_FEW_SERVERS,   /* one endpoint only: nothing to compare with */
	CAUSE_ONE_PORT,      /* endpoints on several addresses, but on one port */
	CAUSE_FEW_ENDPOINTS, /* not enough endpoints answered to tell what remains possible apart */
	CAUSE_BUDGET,        /* the datagrams that one discovery may send were used up */
	CAUSE_TIMEOUT,       /* the discovery's deadline came first */
	CAUSE_LOCAL_ERROR,   /* this host could not open a socket, or refused to send */
	CAUSE_NOT_TRIED,     /* this run was not asked to look, or had nothing to ask */
	CAUSE_FILTERED,      /* the filter hides it: mappings differ per destination */
	CAUSE_HOST_HIDES,    /* this host drops packets that show its own address as their source */
	CAUSE_NO_GATEWAY,    /* no gateway is known on this interface */
	CAUSE_RATE_LIMIT,    /* the path lets through too few datagrams a second */
	CAUSE_TCP_SILENT,    /* the server's endpoints do not answer over TCP */
	CAUSE_REORDERED,     /* samples overtook each other */
	CAUSE_AMBIGUOUS,     /* what was seen fits several rules, and more samples did not help */
	CAUSE_MAPPING_LIMIT, /* fresh sockets are not let out, while older ones are */
	CAUSE_CHANGED,       /* the NAT forgot a mapping, or got another address, meanwhile */
	CAUSE_DEEP,          /* only a deeper look tells */
	CAUSE_TURN_FAILED,   /* the TURN server gave no relayed address that is of use */
	CAUSE_TURN_DENIED,   /* it does not relay to our external address */
	CAUSE_TURN_UNSEEN,   /* nothing that we send to the relayed address is relayed to us */
	CAUSE_TURN_ONE_PORT, /* it gave no second port on that address */
	CAUSE_TURN_NO_TCP,   /* it connects to nobody by TCP, or is not reached by TCP itself */
	CAUSE_TURN_ALIKE,    /* it relays from the address of the STUN server that answered */
	CAUSE_NO_COOPERATION, /* no server does what the test needs */
	CAUSE_DNS_SILENT,     /* nobody answers DNS on this host */

	/* From here on it is a server's doing: these appear in findings too. */
	CAUSE_SERVER_SILENT,      /* no answer by UDP, while another server answered */
	CAUSE_SERVER_ERROR,       /* answers a Binding request with an error, or without address */
	CAUSE_NO_OTHER_ADDRESS,   /* a server with one address: no RFC 5780 */
	CAUSE_SAME_ADDRESS,       /* its OTHER-ADDRESS is a second port on the same address */
	CAUSE_SAME_PORT,          /* its OTHER-ADDRESS has the same port */
	CAUSE_ALTERNATE_UNUSABLE, /* its OTHER-ADDRESS is private, of another family, ... */
	CAUSE_ALTERNATE_SILENT,   /* one of its other endpoints does not answer */
	CAUSE_IGNORES_CHANGE,     /* answers CHANGE-REQUEST from where it was asked */
	CAUSE_REFUSES_CHANGE,     /* answers CHANGE-REQUEST with an error */
	CAUSE_DROPS_CHANGE,       /* does not answer CHANGE-REQUEST, where it would get through */
	CAUSE_WRONG_SOURCE,       /* answers from an address or port nobody asked for */
	CAUSES,
};

/*
 * How the external port of a fresh socket follows from what is known, in P2PD's words; RFC
 * 4787, section 4.2 calls `equal` port preservation and has no words for the others.
 */
enum verdict_delta {
	DELTA_UNKNOWN = 0,
	DELTA_NOT_APPLICABLE, /* there is no NAT */
	DELTA_EQUAL,          /* external = local, for some of the sockets at least */
	DELTA_PRESERVING,     /* external = local + value, which is constant */
	DELTA_INDEPENDENT,    /* external = last external + value, whatever the local port */
	DELTA_DEPENDENT,      /* the same where local = last local + 1, otherwise anything */
	DELTA_RANDOM,
	DELTAS,
};

/* External addresses of one host (RFC 4787, section 4.1). */
enum verdict_pooling {
	POOLING_UNKNOWN = 0,
	POOLING_NOT_APPLICABLE,
	POOLING_PAIRED,          /* always the same; also where there is only one */
	POOLING_ARBITRARY,       /* one or another, by mapping */
	POOLING_PER_DESTINATION, /* decided by whom one speaks to: several uplinks, balanced */
	POOLINGS,
};

/*
 * A datagram from one socket to the mapped address of another one behind the same NAT (RFC
 * 4787, section 6): whether it arrives, and the source it shows.
 */
enum verdict_hairpin {
	HAIRPIN_UNKNOWN = 0,
	HAIRPIN_NOT_APPLICABLE,
	HAIRPIN_NO,
	HAIRPIN_EXTERNAL_SOURCE,
	HAIRPIN_INTERNAL_SOURCE, /* violates REQ-9a: an answer goes astray */
	HAIRPINS,
};

/* Reasons to think that there is one more NAT further out; bits. */
enum verdict_cgn_hint {
	CGN_LOCAL_SHARED = 1 << 0,    /* our own address is in 100.64.0.0/10 (RFC 6598) */
	CGN_GATEWAY_SHARED = 1 << 1,  /* the gateway's external address is */
	CGN_GATEWAY_PRIVATE = 1 << 2, /* the gateway's external address is private */
	CGN_GATEWAY_DIFFERS = 1 << 3, /* it is public, but not the mapped one */
	CGN_LOCAL_DS_LITE = 1 << 4,   /* our own address is in 192.0.0.0/29 (RFC 6333, 7335) */
};

/* The words of RFC 3489 and P2PD, kept for comparison. */
enum verdict_legacy {
	LEGACY_UNKNOWN = 0,
	LEGACY_OPEN_INTERNET,
	LEGACY_SYMMETRIC_UDP_FIREWALL,
	LEGACY_FULL_CONE,
	LEGACY_RESTRICT,      /* Restricted Cone */
	LEGACY_RESTRICT_PORT, /* Port Restricted Cone */
	LEGACY_SYMMETRIC,
	LEGACY_FILTERED, /* UDP Blocked */
	LEGACIES,
};

/* What all of it means for two peers. */
enum verdict_prospect {
	PROSPECT_UNKNOWN = 0,
	PROSPECT_DIRECT,     /* anyone can reach this host at its mapped address */
	PROSPECT_PUNCH,      /* hole punching works with most peers */
	PROSPECT_PUNCH_HARD, /* hole punching works with easy peers only, others need a relay */
	PROSPECT_RELAY,      /* a relay over TCP */
	PROSPECTS,
};

/* How a discovery as a whole ended; natprobe's exit code follows from it. */
enum verdict_outcome {
	VERDICT_REACHED = 0,  /* NAT, mapping and filtering are known, or UDP is known as blocked */
	VERDICT_NO_SERVER,    /* exit 3 */
	VERDICT_INCONCLUSIVE, /* exit 4: NAT, mapping or filtering is unknown */
};

struct verdict_yes_no {
	uint8_t value; /* enum verdict_answer */
	uint8_t cause; /* enum verdict_cause, where the value is unknown */
};

struct verdict_property {
	uint8_t value;     /* enum verdict_behaviour */
	uint8_t cause;     /* enum verdict_cause, where more than one value is possible */
	uint8_t server;    /* index of the server that told it, VERDICT_NO_SERVER_INDEX: none did */
	uint32_t possible; /* BEHAVIOUR_BIT of each value that fits what was seen */
	double error;      /* chance that loss, or equal ports by lot, alone made this value */
};

/* A number that is only sampled: the truth lies in here with a chance of 99.9 %. */
struct verdict_interval {
	double low, high;
	bool known;
};

/* One fresh socket and the port that the NAT gave it, in the order of sending. */
struct verdict_sample {
	uint16_t local_port;
	struct addr mapped; /* family ADDR_NONE: no answer */
	uint64_t sent_us;   /* since the start of the discovery */
	bool serial;        /* sent after all before it were answered or given up */
};

/* How the NAT picks external ports. */
struct verdict_ports {
	uint8_t delta;     /* enum verdict_delta */
	uint8_t cause;     /* enum verdict_cause, where delta is unknown */
	int32_t value;     /* signed: of PRESERVING, INDEPENDENT, DEPENDENT; else 0 */
	uint32_t possible; /* bits 1u << enum verdict_delta */
	double error;      /* chance that delta or value is wrong */
	struct verdict_interval preserved; /* share of fresh sockets that keep their port */
	struct verdict_yes_no parity;      /* even stays even, odd odd (section 4.2.2) */
	double parity_error; /* chance that it was so by chance, where no rule explains it */
	struct verdict_yes_no contiguity; /* local + 1 gets external + 1 (section 4.2.3) */
	uint16_t low, high;               /* external ports that were seen; 0: none */
	uint16_t sampled, answered;
};

/*
 * What the next fresh socket will get. Each candidate: external = base + offset with that
 * chance, where base is the socket's own port (follows_local) or `last`.
 */
struct verdict_prediction {
	bool follows_local;
	uint16_t last; /* the last external port seen */
	struct {
		int32_t offset;
		double chance;
	} candidates[VERDICT_PREDICTIONS_MAX];
	uint8_t count; /* 0: no rule; then any port of low to high */
	uint16_t low, high;
	double chance; /* of all candidates together; without any, of one port in the range */
};

/* One way to ask the gateway for a port mapping. */
struct verdict_portmap {
	struct verdict_yes_no present;
	struct addr external; /* the gateway's external address as it says; ADDR_NONE: not told */
	uint16_t result;      /* its result code, where it refused */
	double error;         /* chance that loss alone made it absent */
};

/* What an off-line database says about the mapped address. */
struct verdict_geo {
	char country[3]; /* ISO 3166 code, "" where not known */
	uint32_t asn;    /* 0: not known */
	char organisation[64];
};

/* What the server at `endpoint` saw of one of our sockets. */
struct verdict_sighting {
	struct addr endpoint; /* whom we asked */
	struct addr local;    /* our socket */
	struct addr mapped;   /* family ADDR_NONE: no answer */
	uint8_t server;       /* index */
	uint8_t slot;         /* our socket: sightings of one slot may be compared */
	uint16_t sent;        /* copies */
	uint16_t answered;
	bool unstable; /* two answers gave different mapped addresses */
};

/* The probes of a filtering test, by which source the answer comes from. */
enum verdict_filter_kind {
	FILTER_CONTROL = 0, /* A1:P1, where we sent to */
	FILTER_PORT,        /* A1:P2, change port */
	FILTER_ADDRESS,     /* A2:P1, change address */
	FILTER_BOTH,        /* A2:P2, change both */
	FILTER_KINDS,
};

struct verdict_filter_probe {
	struct addr source; /* where the answer must come from */
	uint16_t sent;      /* from the fresh socket */
	uint16_t answered;
	uint16_t
		verify_sent; /* from the mapping socket, whose filters are open: does the server do it? */
	uint16_t verify_answered;
};

struct verdict_server {
	const char *name; /* borrowed from the configuration */
	struct addr addr;
	struct addr other;       /* OTHER-ADDRESS, family ADDR_NONE: none */
	uint64_t rtt_us;         /* the smallest; 0: no answer */
	uint16_t sent, answered; /* UDP, all tests together */
	uint8_t tcp_tried, tcp_connected, tcp_answered;
	struct addr tcp_local;  /* of the first connection whose mapped address it told; port 0:
				   only the address is known */
	struct addr tcp_mapped; /* family ADDR_NONE: it told none */
};

/* What a TURN server showed that relayed to us from its address (vantage.h). */
struct verdict_turn {
	bool tried;
	uint8_t server;    /* index of it; its counts are those of datagrams by way of the relay */
	uint8_t transport; /* enum turn_transport */
	uint16_t code;     /* the error that it answered with, 0: none */
	const char *why;   /* why there is no relayed address: constant text for people; or NULL */
	struct addr relayed[2];            /* family ADDR_NONE: none */
	struct verdict_property filtering; /* by the relay alone */
	struct deep_value filtering_tcp;   /* ... of TCP, as DEEP_FILTERING_TCP */
};

struct verdict_finding {
	uint8_t cause; /* enum verdict_cause, CAUSE_SERVER_SILENT or later */
	uint8_t server;
	struct addr where; /* the endpoint or source that it is about; may be ADDR_NONE */
};

struct verdict {
	struct addr local;  /* of the mapping socket, with its port */
	struct addr mapped; /* as the first server that answered saw it */
	/* The same of a TCP connection, as the first server that told saw it. */
	struct addr local_tcp;
	struct addr mapped_tcp;

	struct verdict_yes_no nat;      /* by TCP where UDP does not tell */
	struct verdict_yes_no firewall; /* filters, but does not translate */
	struct verdict_yes_no udp_blocked;
	struct verdict_property mapping;
	struct verdict_property filtering;
	uint8_t legacy;                      /* enum verdict_legacy */
	struct verdict_property mapping_tcp; /* mapping, of TCP connections from one port */
	struct verdict_ports ports;
	struct verdict_prediction prediction;
	struct {
		uint8_t value, cause; /* enum verdict_pooling, enum verdict_cause */
		double error;
		struct addr externals[VERDICT_EXTERNALS_MAX]; /* port 0 */
		uint8_t external_count;
	} pooling;
	struct {
		uint8_t value, cause; /* enum verdict_hairpin, enum verdict_cause */
		uint32_t possible;    /* bits 1u << enum verdict_hairpin */
		double error;
		uint16_t sent, answered;
		struct addr source; /* as it was seen */
	} hairpin;
	struct verdict_yes_no rate_limit; /* the path drops what exceeds a rate */
	uint16_t rate_limit_per_s;        /* about; 0: not known */
	struct verdict_yes_no nat64;      /* an IPv6 host whose server is an IPv4 one */
	uint8_t nat64_prefix_len;         /* bits; 0: not known */
	struct addr nat64_prefix;
	struct addr gateway; /* ADDR_NONE: not known */
	struct verdict_portmap pcp, nat_pmp;
	struct verdict_yes_no cgn;
	uint8_t cgn_hints; /* enum verdict_cgn_hint */
	double confidence; /* chance that no value of this verdict is wrong, as claimed */
	double confidence_asked;
	struct verdict_interval loss; /* share of round trips that are lost */

	/* Found beside the discovery, and put here by the shell. */
	struct verdict_portmap upnp;
	struct verdict_yes_no captive_portal;
	struct verdict_geo geo;

	struct verdict_deep deep;

	/* Evidence. */
	struct verdict_sample samples[VERDICT_SAMPLES_MAX];
	uint8_t sample_count;
	struct verdict_server servers[VERDICT_SERVERS_MAX];
	uint8_t server_count;
	struct verdict_sighting sightings[VERDICT_SIGHTINGS_MAX];
	uint8_t sighting_count;
	struct verdict_filter_probe filter[FILTER_KINDS]; /* with filtering.server */
	struct verdict_turn turn;
	struct verdict_finding findings[VERDICT_FINDINGS_MAX];
	uint8_t finding_count;
	uint16_t sent, answered; /* datagrams, all together */
	uint16_t send_errors;
	uint32_t stray;      /* datagrams that belong to no probe: noise, forgeries */
	uint16_t duplicates; /* second answers to one probe */
	uint64_t rtt_min_us; /* 0: no answer */
	uint64_t rtt_max_us;
	uint64_t window_us;  /* how long silence was listened to; 0: not needed */
	uint64_t elapsed_us; /* from the first probe to the verdict */
};

/* "yes", "no", "mixed", "unknown". */
const char *verdict_answer_word(enum verdict_answer a);

/* "endpoint-independent", ...; as in RFC 4787, lower case with hyphens. Never NULL. */
const char *verdict_behaviour_word(enum verdict_behaviour b);

/* A stable word for machines ("loss", "ignores-change-request"); "" for CAUSE_NONE. */
const char *verdict_cause_word(enum verdict_cause c);

/* The same as half a sentence for people: "too many probes were lost". */
const char *verdict_cause_text(enum verdict_cause c);

/* The P2PD word ("restrict port") and the RFC 3489 term ("Port Restricted Cone"). */
const char *verdict_legacy_word(enum verdict_legacy l);
const char *verdict_legacy_rfc3489(enum verdict_legacy l);

/* "equal", "preserving", "independent", "dependent", "random", "not-applicable", "unknown". */
const char *verdict_delta_word(enum verdict_delta d);

/* "paired", "arbitrary", "per-destination", "not-applicable", "unknown". */
const char *verdict_pooling_word(enum verdict_pooling p);

/* "no", "external-source", "internal-source", "not-applicable", "unknown". */
const char *verdict_hairpin_word(enum verdict_hairpin h);

/* A stable word for one bit: "local-shared-address", "gateway-address-differs", ... */
const char *verdict_cgn_word(enum verdict_cgn_hint hint);

/* "control", "change-port", "change-address", "change-both". */
const char *verdict_filter_word(enum verdict_filter_kind k);

/*
 * Writes the values that remain possible, separated by " or ", into buf; "" where nothing
 * was excluded. Returns buf.
 */
const char *verdict_possible_print(uint32_t possible, char *buf, size_t cap);

/* What was seen cannot be this value: it is another one, or not among the possible ones. */
bool verdict_excludes(const struct verdict_property *p, enum verdict_behaviour value);

enum verdict_prospect verdict_prospect(const struct verdict *v);

/* A stable word: "direct", "punch", "punch-hard", "relay", "unknown". */
const char *verdict_prospect_word(enum verdict_prospect p);

/* One sentence for people: what will work from here. Never NULL. */
const char *verdict_headline(const struct verdict *v);

enum verdict_outcome verdict_outcome(const struct verdict *v);

/* What the TURN server told of TCP is a value of the verdict, where nobody else has told it. */
void verdict_use_turn(struct verdict *v);

/* Adds a finding once; more than VERDICT_FINDINGS_MAX, or _ALIKE, are left out. */
void verdict_add_finding(struct verdict *v, enum verdict_cause cause, uint8_t server,
			 const struct addr *where);

#endif
