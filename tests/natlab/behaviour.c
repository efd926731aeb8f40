#include "behaviour.h"

#include <string.h>

#include "behaviour_kind.h"

#define BOX(field)  false, offsetof(struct nat_config, field)
#define LINE(field) true, offsetof(struct nat_link_config, field)

const struct behaviour behaviours[] = {
	{ "mapping", &kind_rule, BOX(mapping),
	  "what a mapping depends on (RFC 4787); none: no NAT" },
	{ "filtering", &kind_rule, BOX(filtering), "what the filter depends on" },
	{ "tcp-mapping", &kind_rule, BOX(tcp_mapping), "the same of TCP, where it differs" },
	{ "tcp-filtering", &kind_rule, BOX(tcp_filtering), "the same of TCP, where it differs" },
	{ "external", &kind_addresses, BOX(externals), "its addresses outside" },
	{ "pooling", &kind_pooling, BOX(pooling), "how it chooses among them" },
	{ "allocation", &kind_allocation, BOX(allocation),
	  "how ports are chosen: preserving, offset, sequential, per-destination, dependent, "
	  "parity-random, parity-sequential, contiguous, random, linux" },
	{ "ports", &kind_ports, BOX(port_low), "range of ports outside" },
	{ "offset", &kind_integer, BOX(offset), "external = local + N" },
	{ "step", &kind_integer, BOX(step), "from one mapping to the next" },
	{ "background", &kind_number, BOX(background_per_s),
	  "mappings of others per second, which move a sequential counter" },
	{ "overload", &kind_share, BOX(overload),
	  "local ports that are taken: they get random ones" },
	{ "block-width", &kind_count, BOX(block_width),
	  "ports in the block of one inside address" },
	{ "subscriber-limit", &kind_count, BOX(subscriber_limit),
	  "mappings of one inside address; 0: no limit" },
	{ "hairpin", &kind_hairpin, BOX(hairpin), "packets to its own outside address come back" },
	{ "unsolicited", &kind_reaction, BOX(unsolicited),
	  "what becomes of what nobody asked for" },
	{ "unsolicited-syn", &kind_reaction, BOX(unsolicited_syn), "the same of TCP connections" },
	{ "syn-delay", &kind_ms, BOX(syn_delay_ms), "how long that takes" },
	{ "dies-on-unexpected", &kind_flag, BOX(dies_on_unexpected),
	  "what the filter drops ends the mapping" },
	{ "dies-on-icmp", &kind_flag, BOX(dies_on_icmp), "an ICMP error ends its mapping" },
	{ "drops-icmp-errors", &kind_flag, BOX(drops_icmp_errors), "ICMP errors do not pass" },
	{ "refuses-simultaneous-open", &kind_flag, BOX(no_simultaneous_open),
	  "a SYN that comes in drops on a mapping that is half open" },
	{ "lifetime", &kind_seconds, BOX(lifetime_s), "of a UDP mapping; 0: 5m" },
	{ "lifetime-one-way", &kind_seconds, BOX(lifetime_one_way_s),
	  "before an answer; 0: the same" },
	{ "lifetime-low-port", &kind_seconds, BOX(lifetime_low_port_s),
	  "towards ports below 1024; 0: the same" },
	{ "refresh", &kind_refresh, BOX(refresh), "which direction extends it" },
	{ "tcp-transitory", &kind_seconds, BOX(tcp_transitory_s),
	  "life of a TCP mapping that opens or closes; 0: 4m" },
	{ "tcp-established", &kind_seconds, BOX(tcp_established_s),
	  "life of an open one; 0: 7440s" },
	{ "alg", &kind_flag, BOX(alg), "rewrites its address inside STUN messages" },
	{ "fragments", &kind_fragments, BOX(fragments), "which fragments come in" },
	{ "fragments-out", &kind_fragments, BOX(fragments_out), "which fragments leave" },
	{ "max-inbound", &kind_count, BOX(max_inbound), "drops larger packets; 0: no limit" },
	{ "mtu", &kind_count, BOX(mtu), "outside; 0: 1500" },
	{ "fragments-df", &kind_flag, BOX(fragments_df), "fragments in spite of DF" },
	{ "silent-too-big", &kind_flag, BOX(silent_too_big),
	  "drops what is too big, without ICMP" },
	{ "packet-rate", &kind_count, BOX(rate_per_s),
	  "packets per second to outside; 0: no limit" },
	{ "packet-burst", &kind_count, BOX(rate_burst), "packets at once" },
	{ "udp-blocked", &kind_flag, BOX(udp_blocked), "no UDP passes" },
	{ "tcp-blocked", &kind_flag, BOX(tcp_blocked), "no TCP passes" },
	{ "icmp-blocked", &kind_flag, BOX(icmp_blocked), "no ICMP passes" },
	{ "udp-ports", &kind_port_set, BOX(udp_ports_allowed), "only these remote ports pass" },
	{ "load-limit", &kind_count, BOX(load_limit),
	  "from so many mappings on it behaves otherwise; 0: never" },
	{ "loaded-mapping", &kind_rule, BOX(loaded_mapping), "what mappings depend on then" },
	{ "pcp", &kind_flag, BOX(pcp), "answers PCP (RFC 6887)" },
	{ "nat-pmp", &kind_flag, BOX(nat_pmp), "answers NAT-PMP (RFC 6886)" },
	{ "claims-external", &kind_address, BOX(claims_external),
	  "the address these two tell; none: the true one" },
	{ "gateway-rejects", &kind_flag, BOX(gateway_rejects),
	  "sends ICMP where no service listens on its inside address" },
	{ "nat64", &kind_prefix, BOX(nat64_prefix), "translates IPv6 to IPv4 (RFC 6146)" },
	{ "nptv6-inside", &kind_prefix, BOX(nptv6_inside),
	  "IPv6 prefix that another one takes the place of (RFC 6296)" },
	{ "nptv6-outside", &kind_prefix, BOX(nptv6_outside), "that other one" },
	{ "silent-hop", &kind_flag, BOX(silent_hop), "says nothing where a TTL ends" },
	{ "loss", &kind_share, LINE(loss), "packets lost on its line outside, each way" },
	{ "duplicate", &kind_share, LINE(duplicate), "packets that come twice" },
	{ "reorder", &kind_share, LINE(reorder), "packets that overtake others" },
	{ "delay", &kind_us, LINE(delay_us), "each way" },
	{ "jitter", &kind_us, LINE(jitter_us), "at most so much more, at random" },
	{ "jitter-reorders", &kind_flag, LINE(jitter_reorders), "jitter does not keep the order" },
	{ "rate", &kind_bits, LINE(rate_bit_s), "bits per second, each way; 0: no limit" },
	{ "queue", &kind_us, LINE(queue_us), "longest wait for the rate; 0: 1s" },
};

const size_t behaviour_count = ARRAY_LEN(behaviours);
_Static_assert(ARRAY_LEN(behaviours) <= BEHAVIOURS_MAX, "room for all of them");

void behaviour_rows(struct opt *rows, size_t offset, int flags)
{
	for (size_t i = 0; i < behaviour_count; i++) {
		const struct behaviour *b = &behaviours[i];

		rows[i] = (struct opt){
			.name = b->name,
			.type = OPT_STR,
			.offset = offset + offsetof(struct behaviour_values, text[i]),
			.flags = flags,
			.value = b->kind->placeholder,
			.help = b->help,
			.check = b->kind->check,
		};
	}
}

static bool is_given(const struct behaviour_values *v, const char *name)
{
	for (size_t i = 0; i < behaviour_count; i++) {
		if (strcmp(behaviours[i].name, name) == 0)
			return v->text[i] != NULL;
	}
	return false;
}

bool behaviours_name(const struct behaviour_values *v, bool of_line)
{
	for (size_t i = 0; i < behaviour_count; i++) {
		if (behaviours[i].of_line == of_line && v->text[i] != NULL)
			return true;
	}
	return false;
}

static bool steps(uint8_t allocation)
{
	return allocation == NAT_SEQUENTIAL || allocation == NAT_PER_DESTINATION ||
	       allocation == NAT_DEPENDENT || allocation == NAT_PARITY_SEQUENTIAL;
}

/* What goes along with what was said. */
static void complete(const struct behaviour_values *v, struct nat_config *c, bool had_tcp_rules)
{
	bool tcp_mapping = is_given(v, "tcp-mapping"), tcp_filtering = is_given(v, "tcp-filtering");

	if (!is_given(v, "allocation")) {
		if (is_given(v, "step") && !steps(c->allocation))
			c->allocation = NAT_SEQUENTIAL;
		if (is_given(v, "offset"))
			c->allocation = NAT_OFFSET;
	}
	if (steps(c->allocation) && c->step == 0)
		c->step = 1;
	if (is_given(v, "external")) {
		for (c->external_count = 0; c->external_count < NAT_EXTERNALS_MAX;
		     c->external_count++) {
			if (c->externals[c->external_count].family == ADDR_NONE)
				break;
		}
	}
	if (is_given(v, "packet-rate") && !is_given(v, "packet-burst") && c->rate_burst == 0)
		c->rate_burst = c->rate_per_s;
	if (is_given(v, "nat64")) {
		c->nat64_prefix_len = (uint8_t)c->nat64_prefix.port;
		c->nat64_prefix.port = 0;
	}
	if (is_given(v, "nptv6-inside") && is_given(v, "nptv6-outside")) {
		c->nptv6_len = (uint8_t)c->nptv6_outside.port;
		c->nptv6_inside.port = c->nptv6_outside.port = 0;
	}
	if (tcp_mapping || tcp_filtering) {
		c->has_tcp_rules = true;
		if (!had_tcp_rules && !tcp_mapping)
			c->tcp_mapping = c->mapping;
		if (!had_tcp_rules && !tcp_filtering)
			c->tcp_filtering = c->filtering;
	}
}

bool behaviours_apply(const struct behaviour_values *v, struct nat_config *config,
		      struct nat_link_config *line, struct lab_error *err)
{
	bool had_tcp_rules = config->has_tcp_rules;
	struct opt_error why;

	for (size_t i = 0; i < behaviour_count; i++) {
		const struct behaviour *b = &behaviours[i];
		char *base = b->of_line ? (char *)line : (char *)config;

		if (v->text[i] != NULL && !b->kind->read(v->text[i], base + b->offset, &why))
			return lab_fail(err, "%s: %s", b->name, why.text);
	}
	complete(v, config, had_tcp_rules);
	return true;
}

/* As the kinds expect it: a prefix has its length in its port, rules of TCP are always told. */
static struct nat_config as_told(const struct nat_config *config)
{
	struct nat_config c = *config;

	c.nat64_prefix.port = c.nat64_prefix_len;
	c.nptv6_inside.port = c.nptv6_outside.port = c.nptv6_len;
	if (!c.has_tcp_rules) {
		c.tcp_mapping = c.mapping;
		c.tcp_filtering = c.filtering;
	}
	return c;
}

/* A plain router; but rules of TCP are usually those of UDP. */
static struct nat_config usual_of(const struct nat_config *c)
{
	return (struct nat_config){ .tcp_mapping = c->mapping, .tcp_filtering = c->filtering };
}

void behaviours_each(const struct nat_config *config, const struct nat_link_config *line, bool all,
		     void (*print)(void *arg, const char *name, const char *value), void *arg)
{
	const struct nat_config told = as_told(config), plain = usual_of(&told);
	const struct nat_link_config plain_line = { 0 };
	char value[512], usual[512];

	for (size_t i = 0; i < behaviour_count; i++) {
		const struct behaviour *b = &behaviours[i];
		const char *base = b->of_line ? (const char *)line : (const char *)&told;
		const char *other = b->of_line ? (const char *)&plain_line : (const char *)&plain;

		b->kind->print(base + b->offset, value, sizeof(value));
		b->kind->print(other + b->offset, usual, sizeof(usual));
		if (all || strcmp(value, usual) != 0)
			print(arg, b->name, value);
	}
}

static void print_line(void *arg, const char *name, const char *value)
{
	fprintf(arg, "%s = %s\n", name, value);
}

void behaviours_print(const struct nat_config *config, const struct nat_link_config *line, bool all,
		      FILE *out)
{
	behaviours_each(config, line, all, print_line, out);
}
