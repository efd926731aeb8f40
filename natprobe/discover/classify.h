/*
 * classify - from observations to values (RFC 4787, section 4.1 and 5; RFC 5780, section 4).
 *
 * Pure arithmetic on evidence: each value is a pattern, and what was seen excludes the
 * patterns that it breaks. One pattern left is the verdict, several are `unknown` with what
 * remains possible, none is `mixed`.
 */
#ifndef NATPROBE_CLASSIFY_H
#define NATPROBE_CLASSIFY_H

#include "natprobe/verdict.h"

/* All values that a NAT's mapping, or a filter, may have where nothing is known. */
#define CLASSIFY_ANY                                           \
	(BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT) |       \
	 BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_DEPENDENT) |          \
	 BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT) | \
	 BEHAVIOUR_BIT(BEHAVIOUR_PORT_DEPENDENT))

/* One address and port, whatever the scope: what a server sees has none. */
bool classify_same_endpoint(const struct addr *a, const struct addr *b);

/*
 * NAT or not: mapped against local address and port, of each answered sighting. `mixed`
 * where some destinations see the local address and others do not. Where the local port is 0,
 * not known, the address alone may tell that there is one.
 */
enum verdict_answer classify_nat(const struct verdict_sighting *seen, size_t count);

/*
 * The mapping, from all sightings. Those of one slot are compared with each other; slots
 * confirm each other: a NAT that picks ports at random gives two destinations the same port
 * by chance once in some ten thousand runs, and a second socket shows it. One such chance is
 * forgiven, more are `mixed`; so are two mapped addresses for one endpoint of one slot.
 * Mappings are compared by port: a NAT or balancer that keeps the port and picks among several
 * addresses is endpoint-independent, and pooling tells the rest.
 * Returns value, possible, a cause where more than one value is, and as error the chance that
 * equal ports are a coincidence. One mapping for several
 * addresses, all asked on one port, is endpoint-independent; port-dependent remains possible.
 */
struct verdict_property classify_mapping(const struct verdict_sighting *seen, size_t count);

/* Two slots disagree about the rule: by chance or not, one more socket will show. */
bool classify_mapping_is_doubtful(const struct verdict_sighting *seen, size_t count);

/* What became of the filtering probes of one kind. */
enum classify_gate {
	GATE_UNKNOWN = 0,
	GATE_PASSES,
	GATE_BLOCKS,
};

/*
 * The filtering, from what became of each kind of probe; gates[FILTER_CONTROL] is ignored.
 * Returns value and possible; the caller knows the cause of an unknown.
 */
struct verdict_property classify_filtering(const enum classify_gate gates[FILTER_KINDS]);

/*
 * The chance that loss alone silences `copies` probes, when of others that had to be answered
 * `answered` were and `lost` were not. The loss rate is not known, only sampled: this is the
 * expectation over all rates, each weighed by how well it explains the sample (a uniform prior
 * and its beta posterior).
 */
double classify_silence_by_loss(unsigned answered, unsigned lost, unsigned copies);

/* The word of RFC 3489 and P2PD; "symmetric" is all that is not endpoint-independent. */
enum verdict_legacy classify_legacy(enum verdict_answer udp_blocked,
				    const struct verdict_property *mapping,
				    const struct verdict_property *filtering);

/*
 * Firewall without NAT: what filters but does not translate. Blocked UDP is the work of one
 * where there is no NAT; where there is, who of both blocks it remains unknown.
 */
struct verdict_yes_no classify_firewall(enum verdict_answer udp_blocked,
					const struct verdict_yes_no *nat,
					const struct verdict_property *filtering);

#endif
