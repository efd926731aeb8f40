#include "property.h"

#include <stdio.h>
#include <string.h>

#include "property_row.h"
#include "wire.h"

#define POSSIBLE_SHOWN_MAX 3

/* In the order of enum verdict_answer; only some questions can have two answers at once. */
static const char *const answers[] = { "no", "yes", "mixed", NULL };
static const char *const yes_no[] = { "no", "yes", NULL };
static const char *const port_rules[] = { "no", "yes", "not-applicable", NULL };
static const char *const mappings[] = {
	"none",
	"endpoint-independent",
	"address-dependent",
	"address-and-port-dependent",
	"port-dependent",
	"mixed",
	NULL,
};
static const char *const filters[] = {
	"endpoint-independent",
	"address-dependent",
	"address-and-port-dependent",
	"port-dependent",
	"mixed",
	NULL,
};
static const char *const deltas[] = {
	"not-applicable", "equal", "preserving", "independent", "dependent", "random", NULL,
};
static const char *const poolings[] = {
	"not-applicable", "paired", "arbitrary", "per-destination", NULL,
};
static const char *const hairpins[] = {
	"not-applicable", "no", "external-source", "internal-source", NULL,
};

static const char *const syn_reactions[] = { "silent", "rst", "icmp", "syn-ack", NULL };
static const char *const early_inbounds[] = { "kept", "remapped", NULL };
static const char *const survivals[] = { "survives", "ends-mapping", NULL };
static const char *const fragment_orders[] = { "any-order", "in-order", "no", NULL };
static const char *const too_bigs[] = { "icmp", "silent", "fragmented", NULL };
static const char *const clashes[] = { "kept", "moved", "overloaded", NULL };

#define WORD(n, w, t)    .name = n, .kind = PROPERTY_WORD, .unit = "", .words = w, .title = t
#define NUMBER(n, t)     .name = n, .kind = PROPERTY_INTEGER, .unit = "", .title = t
#define MEASURE(n, u, t) .name = n, .kind = PROPERTY_MEASURE, .unit = u, .title = t
#define ADDRESS(n, t)    .name = n, .kind = PROPERTY_ADDRESS, .unit = "", .title = t

#define DEEP_ROW(which, ...) [DEEP_FIRST + (which)] = { __VA_ARGS__, .is_deep = true }

const struct property property_table[PROPERTIES] = {
	[NAT] = { WORD("nat", answers, "NAT"), .is_core = true },
	[MAPPED] = { ADDRESS("mapped", "mapped address"), .is_passing = true },
	[MAPPING] = { WORD("mapping", mappings, "mapping"), .is_core = true },
	[MAPPING_TCP] = { WORD("mapping.tcp", mappings, "mapping over TCP") },
	[FILTERING] = { WORD("filtering", filters, "filtering"), .is_core = true },
	[FIREWALL] = { WORD("firewall", yes_no, "firewall without NAT") },
	[UDP_BLOCKED] = { WORD("udp-blocked", answers, "UDP blocked") },
	[DELTA_TYPE] = { WORD("delta.type", deltas, "how external ports are chosen") },
	[DELTA_VALUE] = { NUMBER("delta.value", "step or offset of external ports") },
	[DELTA_PRESERVED] = { MEASURE("delta.preserved", "%", "sockets that keep their port") },
	[PARITY] = { WORD("parity", port_rules, "even ports stay even") },
	[CONTIGUITY] = { WORD("contiguity", port_rules, "neighbouring ports stay neighbours") },
	[PORTS_LOW] = { NUMBER("ports.low", "lowest external port seen"), .is_sample = true,
			.is_passing = true },
	[PORTS_HIGH] = { NUMBER("ports.high", "highest external port seen"), .is_sample = true,
			 .is_passing = true },
	[POOLING] = { WORD("pooling", poolings, "external addresses of one host") },
	[HAIRPIN] = { WORD("hairpin", hairpins, "hairpinning") },
	[NAT64] = { WORD("nat64", yes_no, "IPv6 translated to IPv4") },
	[PCP] = { WORD("pcp", yes_no, "gateway speaks PCP") },
	[NAT_PMP] = { WORD("nat-pmp", yes_no, "gateway speaks NAT-PMP") },
	[UPNP] = { WORD("upnp", yes_no, "gateway speaks UPnP") },
	[GATEWAY_EXTERNAL] = { ADDRESS("gateway.external", "external address of the gateway"),
			       .is_passing = true },
	[CGN] = { WORD("cgn", yes_no, "one more NAT at the provider") },
	[CAPTIVE_PORTAL] = { WORD("captive-portal", yes_no, "captive portal") },
	[RATE_LIMIT] = { WORD("rate-limit", yes_no, "rate limit for datagrams") },
	[RTT] = { MEASURE("rtt", "ms", "round trip time") },
	[LOSS] = { MEASURE("loss", "%", "round trips that are lost") },
	[CONFIDENCE] = { MEASURE("confidence", "%", "confidence in all of this"), .is_sample = true,
			 .is_passing = true },
	[COUNTRY] = { .name = "country",
		      .kind = PROPERTY_TEXT,
		      .unit = "",
		      .title = "country of the mapped address",
		      .is_passing = true },
	[ASN] = { NUMBER("asn", "AS number of the mapped address"), .is_passing = true },
#include "property_deep.inc"
};

const size_t property_count = PROPERTIES;

const struct property *property_of_deep(enum deep_property which)
{
	return &property_table[DEEP_FIRST + which];
}

bool property_is_asked(const struct property *p, const struct verdict *v)
{
	if (!p->is_deep || v->deep.tried)
		return true;
	return v->turn.tried && p - property_table == DEEP_FIRST + DEEP_FILTERING_TCP;
}

const struct property *property_find(const char *name)
{
	for (size_t i = 0; i < property_count; i++) {
		if (strcmp(property_table[i].name, name) == 0)
			return &property_table[i];
	}
	return NULL;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters must be changed, added or dropped to get from a to b. */
static size_t distance(const char *a, const char *b)
{
	size_t row[PROPERTY_NAME_MAX + 1];
	size_t width = smaller(strlen(b), PROPERTY_NAME_MAX);

	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0' && i < PROPERTY_TEXT_MAX; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 1; j <= width; j++) {
			size_t change = corner + (a[i] != b[j - 1]);

			corner = row[j];
			row[j] = smaller(change, smaller(row[j], row[j - 1]) + 1);
		}
	}
	return row[width];
}

const struct property *property_nearest(const char *name)
{
	const struct property *best = property_table;
	size_t least = SIZE_MAX;
	size_t len = strlen(name);

	if (property_find(name) != NULL)
		return property_find(name);
	for (size_t i = 0; i < property_count; i++) {
		bool is_begun = len > 0 && strncmp(name, property_table[i].name, len) == 0;
		size_t d = is_begun ? 0 : distance(name, property_table[i].name);

		if (d < least) {
			best = &property_table[i];
			least = d;
		}
	}
	return best;
}

/* "no or internal-source"; "" where that is no news: nothing was excluded, or not much. */
static void print_possible(const struct property *p, uint32_t possible, char *buf, size_t cap)
{
	unsigned count = 0;
	size_t len = 0;

	buf[0] = '\0';
	for (uint32_t rest = possible; rest != 0; rest &= rest - 1)
		count++;
	if (count > POSSIBLE_SHOWN_MAX)
		return;
	for (unsigned i = 0; p->words != NULL && p->words[i] != NULL && len < cap; i++) {
		if ((possible & 1u << i) != 0)
			len += (size_t)snprintf(buf + len, cap - len, "%s%s", len > 0 ? " or " : "",
						p->words[i]);
	}
}

const char *property_print(const struct property *p, const struct property_value *value,
			   char buf[static PROPERTY_LONG_MAX])
{
	char possible[160];

	if (value->known) {
		snprintf(buf, PROPERTY_LONG_MAX, "%s", value->text);
		return buf;
	}
	print_possible(p, value->possible, possible, sizeof(possible));
	snprintf(buf, PROPERTY_LONG_MAX, "unknown (%s%s%s)", possible,
		 possible[0] != '\0' ? ": " : "", verdict_cause_text(value->cause));
	return buf;
}
