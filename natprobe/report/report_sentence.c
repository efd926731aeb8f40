#include "report_sentence.h"

#include <string.h>

#include "wire.h"

/* In words of the table in doc/properties.md. */
const struct report_sentence report_sentences[] = {
	{ "nat", "no", "Servers see this host's own address and port." },
	{ "nat", "yes", "Somebody on the path translates addresses." },
	{ "nat", "mixed", "Some destinations see this host's own address, others do not." },
	{ "mapping", "endpoint-independent",
	  "One port of ours has one external port for everybody, so a peer can be told where to "
	  "send." },
	{ "mapping", "address-dependent",
	  "Each peer's address sees another external port: what a server saw is of no use to a "
	  "peer." },
	{ "mapping", "address-and-port-dependent",
	  "Each endpoint sees another external port: what a server saw is of no use to a peer." },
	{ "mapping", "port-dependent",
	  "The external port depends on the peer's port: a peer on the server's port sees what "
	  "the server saw." },
	{ "mapping", "mixed", "External ports follow no one rule: do not rely on them." },
	{ "filtering", "endpoint-independent", "Anyone may send to a port that is in use." },
	{ "filtering", "address-dependent",
	  "Only hosts that this one has sent to get through, from any of their ports." },
	{ "filtering", "address-and-port-dependent",
	  "Only endpoints that this host has sent to get through: both sides must send." },
	{ "filtering", "port-dependent",
	  "Whoever sends from a port that this host has sent to gets through." },
	{ "udp-blocked", "yes", "No datagram is answered, though TCP is." },
	{ "udp-blocked", "mixed", "Datagrams pass to some ports only, such as 443." },
	{ "delta.type", "equal", "Fresh sockets keep their port outside, if it is free." },
	{ "delta.type", "preserving",
	  "Outside, ports are shifted by a constant: they can be foretold." },
	{ "delta.type", "independent",
	  "Outside, ports are counted: the next one can be foretold while the NAT is quiet." },
	{ "delta.type", "dependent",
	  "Neighbouring local ports get neighbouring external ones, others any." },
	{ "delta.type", "random", "External ports cannot be foretold." },
	{ "pooling", "arbitrary", "This host has several external addresses, used by chance." },
	{ "pooling", "per-destination",
	  "Several uplinks share the load: each peer sees one of several addresses." },
	{ "hairpin", "no",
	  "Hosts behind this NAT cannot reach each other by their external addresses: they need "
	  "the local ones." },
	{ "hairpin", "external-source",
	  "Hosts behind this NAT can reach each other by their external addresses." },
	{ "hairpin", "internal-source",
	  "Hosts behind this NAT reach each other by external addresses, but see internal ones, "
	  "so answers go astray." },
	{ "cgn", "yes",
	  "There is one more NAT further out: a port opened in the gateway is not open to the "
	  "world." },
	{ "rate-limit", "yes", "The path drops what exceeds a rate: do not send in bursts." },
	{ "refresh.outbound", "no",
	  "What we send keeps no mapping alive: the peer's answers have to." },
	{ "refresh.outbound", "yes", "Whoever sends now and then keeps a mapping alive." },
	{ "refresh.inbound", "yes",
	  "Whoever was let in once can keep the mapping alive from outside." },
	{ "filtering.tcp", "endpoint-independent", "Anyone may connect to a port that is in use." },
	{ "filtering.tcp", "address-dependent",
	  "Only hosts that this one has connected to may connect." },
	{ "filtering.tcp", "address-and-port-dependent",
	  "Only endpoints that this host connects to may connect: both sides must at once." },
	{ "syn-reaction", "rst",
	  "A peer that connects too early is refused, so both sides have to try again." },
	{ "syn-reaction", "icmp",
	  "A peer that connects too early is told off, so both sides have to try again." },
	{ "early-inbound", "remapped",
	  "A peer whose datagram comes before ours left makes the NAT give us another port: be "
	  "the first to send." },
	{ "unexpected-inbound", "ends-mapping",
	  "A datagram that the filter drops ends the mapping: strangers can cut us off." },
	{ "icmp-error", "ends-mapping",
	  "An ICMP error ends the mapping: one closed port of a peer cuts off all others." },
	{ "icmp.passed", "no", "Programs do not learn that a peer's port is closed." },
	{ "fragments.in", "no", "Large datagrams from outside do not arrive." },
	{ "fragments.in", "in-order", "Large datagrams are lost when their fragments overtake." },
	{ "fragments.out", "no", "Large datagrams to the outside do not arrive." },
	{ "df", "silent", "Packets that are too big vanish: find their size by trying." },
	{ "alg", "yes", "Addresses in payloads are rewritten on the path: hide or encrypt them." },
	{ "ds-lite", "yes", "IPv4 goes through IPv6 to a translator that many share." },
	{ "464xlat", "yes",
	  "IPv4 is translated to IPv6 and back, by a translator that many share." },
	{ "port-clash", "overloaded",
	  "Two hosts may share one external port: an answer may go to the wrong one." },
	{ "portmap.works", "yes", "A port that was opened here was reached from outside." },
	{ "portmap.works", "no",
	  "The gateway grants port mappings, but nobody outside gets through them." },
	{ "captive-portal", "yes", "Log in on the network's web page first." },
};

const size_t report_sentence_count = ARRAY_LEN(report_sentences);

const char *report_sentence(const struct property *p, const struct verdict *v)
{
	struct property_value value;

	property_get(p, v, &value);
	if (!value.known)
		return NULL;
	for (size_t i = 0; i < report_sentence_count; i++) {
		const struct report_sentence *s = &report_sentences[i];

		if (strcmp(s->property, p->name) == 0 && strcmp(s->word, value.text) == 0)
			return s->text;
	}
	return NULL;
}
