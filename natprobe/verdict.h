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

#define VERDICT_SERVERS_MAX     6 /* servers that one discovery asks */
#define VERDICT_NO_SERVER_INDEX UINT8_MAX
#define VERDICT_SIGHTINGS_MAX   40 /* mapped addresses that are kept as evidence */
#define VERDICT_FINDINGS_MAX    24

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
	CAUSE_LOCAL_ERROR,   /* no socket could be opened */

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
	double error;      /* chance that loss alone made this value; 0 where only answers count */
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
	uint8_t legacy; /* enum verdict_legacy */

	/* Evidence. */
	struct verdict_server servers[VERDICT_SERVERS_MAX];
	uint8_t server_count;
	struct verdict_sighting sightings[VERDICT_SIGHTINGS_MAX];
	uint8_t sighting_count;
	struct verdict_filter_probe filter[FILTER_KINDS]; /* with filtering.server */
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

/* Adds a finding once; more than VERDICT_FINDINGS_MAX are left out. */
void verdict_add_finding(struct verdict *v, enum verdict_cause cause, uint8_t server,
			 const struct addr *where);

#endif
