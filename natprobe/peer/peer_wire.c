/*
 * Version, then fields: a tag, a length, a value. What is unknown is zero, and zeros at the end of a
 * value are left out; of a value that is longer than this version knows it, the rest is skipped.
 */
#include "peer_wire.h"

#include "peer_field.h"

#define BACKGROUND_MAX 1e6

/* Of a profile. The length of a path takes two bytes, as all lengths out here do. */
enum {
	TAG_PATH = 1,
	TAG_RELAY,
	TAG_HOST,
};

/* Of a path; lengths take one byte. */
enum {
	PATH_LOCAL = 1, /* prefix length, address */
	PATH_EXTERNAL,  /* address; one field each */
	PATH_BEHAVIOUR,
	PATH_PORTS,
	PATH_SHARES,
	PATH_REACTIONS,
	PATH_TIMES,
	PATH_NAT64, /* prefix length, address */
};

static void put_prefix(struct wire_out *out, uint8_t tag, const struct addr *a, uint8_t prefix_len)
{
	struct peer_field f;

	if (a->family == ADDR_NONE)
		return;
	f = peer_field_begin(out, tag, false);
	wire_put_u8(out, prefix_len);
	peer_put_ip(out, a);
	peer_field_end(&f);
}

static void put_behaviour(struct wire_out *out, const struct peer_path *p)
{
	const uint8_t words[] = { p->mapping,     p->filtering,   p->tcp_mapping, p->tcp_filtering,
				  p->udp_blocked, p->tcp_blocked, p->pooling,     p->hairpin };
	struct peer_field f = peer_field_begin(out, PATH_BEHAVIOUR, false);

	wire_put_mem(out, words, sizeof(words));
	peer_field_end_words(&f);
}

static void put_ports(struct wire_out *out, const struct peer_path *p)
{
	struct peer_field f = peer_field_begin(out, PATH_PORTS, false);

	wire_put_u8(out, p->delta);
	wire_put_u8(out, p->keeps_parity);
	wire_put_u16(out, p->port_low);
	wire_put_u16(out, p->port_high);
	wire_put_u32(out, (uint32_t)p->delta_value);
	wire_put_u32(out, (uint32_t)p->per_destination);
	wire_put_u16(out, p->mapping_cap);
	wire_put_u16(out, p->rate_per_s);
	peer_field_end_words(&f);
}

static void put_shares(struct wire_out *out, const struct peer_path *p)
{
	const double numbers[] = { p->chance, p->background_per_s, p->overload, p->loss };
	struct peer_field f = peer_field_begin(out, PATH_SHARES, false);

	peer_put_numbers(out, numbers, ARRAY_LEN(numbers));
	peer_field_end(&f);
}

static void put_reactions(struct wire_out *out, const struct peer_path *p)
{
	const uint8_t words[] = { p->nats,       p->opener_ttl,   p->early_inbound, p->unexpected,
				  p->icmp_error, p->syn_reaction, p->portmap };
	struct peer_field f = peer_field_begin(out, PATH_REACTIONS, false);

	wire_put_mem(out, words, sizeof(words));
	peer_field_end_words(&f);
}

static void put_times(struct wire_out *out, const struct peer_path *p)
{
	struct peer_field f = peer_field_begin(out, PATH_TIMES, false);

	wire_put_u32(out, p->rtt_us);
	wire_put_u16(out, p->lifetime_s);
	peer_field_end_words(&f);
}

static void put_path(struct wire_out *out, const struct peer_path *p)
{
	struct peer_field all = peer_field_begin(out, TAG_PATH, true);

	wire_put_u8(out, p->family);
	put_prefix(out, PATH_LOCAL, &p->local, p->local_prefix_len);
	for (uint8_t i = 0; i < p->external_count; i++) {
		struct peer_field f = peer_field_begin(out, PATH_EXTERNAL, false);

		peer_put_ip(out, &p->externals[i]);
		peer_field_end(&f);
	}
	put_behaviour(out, p);
	put_ports(out, p);
	put_shares(out, p);
	put_reactions(out, p);
	put_times(out, p);
	put_prefix(out, PATH_NAT64, &p->nat64_prefix, p->nat64_prefix_len);
	peer_field_end(&all);
}

size_t peer_profile_write(const struct peer_profile *p, uint8_t *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);
	struct peer_field f;

	wire_put_u8(&out, PEER_WIRE_VERSION);
	for (uint8_t i = 0; i < p->path_count; i++)
		put_path(&out, &p->paths[i]);
	if (p->has_relay) {
		f = peer_field_begin(&out, TAG_RELAY, true);
		peer_field_end(&f);
	}
	f = peer_field_begin(&out, TAG_HOST, true);
	wire_put_mem(&out, p->host, sizeof(p->host));
	peer_field_end_words(&f);
	return out.failed ? 0 : out.len;
}

static struct addr get_local(struct wire *in, uint8_t *prefix_len)
{
	struct addr a;

	*prefix_len = wire_get_u8(in);
	a = peer_get_ip(in);
	if (*prefix_len > 8 * addr_ip_len(a.family))
		in->failed = true;
	return a;
}

static struct addr get_nat64(struct wire *in, uint8_t *prefix_len)
{
	struct addr a = get_local(in, prefix_len);

	/* RFC 6052, section 2.2 */
	if (a.family != ADDR_IPV6 || *prefix_len < 32 ||
	    (*prefix_len % 8 != 0 && *prefix_len != 96) || (*prefix_len > 64 && *prefix_len != 96))
		in->failed = true;
	return a;
}

static void get_behaviour(struct wire *in, struct peer_path *p)
{
	p->mapping = peer_get_word(in, BEHAVIOURS);
	p->filtering = peer_get_word(in, BEHAVIOURS);
	p->tcp_mapping = peer_get_word(in, BEHAVIOURS);
	p->tcp_filtering = peer_get_word(in, BEHAVIOURS);
	p->udp_blocked = peer_get_word(in, VERDICT_MIXED + 1);
	p->tcp_blocked = peer_get_word(in, VERDICT_MIXED + 1);
	p->pooling = peer_get_word(in, POOLINGS);
	p->hairpin = peer_get_word(in, HAIRPINS);
}

static int32_t get_step(struct wire *in)
{
	int32_t v = (int32_t)wire_get_u32(in);

	if (v < -UINT16_MAX || v > UINT16_MAX)
		in->failed = true;
	return v;
}

static void get_ports(struct wire *in, struct peer_path *p)
{
	p->delta = peer_get_word(in, DELTAS);
	p->keeps_parity = peer_get_word(in, 2) != 0;
	p->port_low = wire_get_u16(in);
	p->port_high = wire_get_u16(in);
	p->delta_value = get_step(in);
	p->per_destination = get_step(in);
	p->mapping_cap = wire_get_u16(in);
	p->rate_per_s = wire_get_u16(in);
	if (p->port_low > p->port_high || (p->port_low == 0) != (p->port_high == 0))
		in->failed = true;
}

static void get_shares(struct wire *in, struct peer_path *p)
{
	static const double highest[] = { 1, BACKGROUND_MAX, 1, 1 };
	double numbers[ARRAY_LEN(highest)];

	peer_get_numbers(in, numbers, highest, ARRAY_LEN(numbers));
	p->chance = numbers[0] < 0 ? 0 : numbers[0];
	p->background_per_s = numbers[1];
	p->overload = numbers[2];
	p->loss = numbers[3];
}

static void get_reactions(struct wire *in, struct peer_path *p)
{
	p->nats = wire_get_u8(in);
	p->opener_ttl = wire_get_u8(in);
	p->early_inbound = peer_get_word(in, PEER_WORD(DEEP_EARLY_REMAPPED) + 1);
	p->unexpected = peer_get_word(in, PEER_WORD(DEEP_ENDS_MAPPING) + 1);
	p->icmp_error = peer_get_word(in, PEER_WORD(DEEP_ENDS_MAPPING) + 1);
	p->syn_reaction = peer_get_word(in, PEER_WORD(DEEP_SYN_ACCEPTED) + 1);
	p->portmap = peer_get_word(in, VERDICT_MIXED + 1);
}

static void get_external(struct wire *in, struct peer_path *p)
{
	if (p->external_count == PEER_EXTERNALS_MAX)
		in->failed = true;
	else
		p->externals[p->external_count++] = peer_get_ip(in);
}

static bool get_path_field(uint8_t tag, struct bytes value, struct peer_path *p)
{
	uint8_t buf[PEER_FIELD_WORDS_MAX];
	struct wire in = wire_read(value), words = peer_field_words(value, buf);

	switch (tag) {
	case PATH_LOCAL:
		p->local = get_local(&in, &p->local_prefix_len);
		break;
	case PATH_EXTERNAL:
		get_external(&in, p);
		break;
	case PATH_BEHAVIOUR:
		get_behaviour(&words, p);
		break;
	case PATH_PORTS:
		get_ports(&words, p);
		break;
	case PATH_SHARES:
		get_shares(&in, p);
		break;
	case PATH_REACTIONS:
		get_reactions(&words, p);
		break;
	case PATH_TIMES:
		p->rtt_us = wire_get_u32(&words);
		p->lifetime_s = wire_get_u16(&words);
		break;
	case PATH_NAT64:
		p->nat64_prefix = get_nat64(&in, &p->nat64_prefix_len);
		break;
	default:
		break;
	}
	return !in.failed && !words.failed;
}

static bool get_path(struct bytes value, struct peer_path *p)
{
	struct wire in = wire_read(value);
	struct bytes field;
	uint8_t tag;

	*p = (struct peer_path){ .background_per_s = -1, .overload = -1, .loss = -1 };
	p->family = wire_get_u8(&in);
	while (in.left > 0) {
		if (!peer_field_get(&in, false, &tag, &field) || !get_path_field(tag, field, p))
			return false;
	}
	return !in.failed && addr_ip_len(p->family) != 0 &&
	       (p->local.family == ADDR_NONE || p->local.family == p->family);
}

static bool get_profile_field(void *arg, uint8_t tag, struct bytes value)
{
	struct peer_profile *p = arg;
	uint8_t buf[PEER_FIELD_WORDS_MAX];
	struct wire words = peer_field_words(value, buf);

	switch (tag) {
	case TAG_PATH:
		return p->path_count < PEER_PATHS_MAX &&
		       get_path(value, &p->paths[p->path_count++]);
	case TAG_RELAY:
		p->has_relay = true;
		return true;
	case TAG_HOST:
		wire_get_mem(&words, p->host, sizeof(p->host));
		return true;
	default:
		return true;
	}
}

bool peer_profile_read(struct bytes in, struct peer_profile *out)
{
	*out = (struct peer_profile){ 0 };
	return peer_fields_read(in, get_profile_field, out);
}
