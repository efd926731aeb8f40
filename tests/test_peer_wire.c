/* peer_wire: profiles and offers come back as they were, and nothing else comes in. */
#include "natprobe/peer/peer_wire.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct addr ipv6(uint8_t last)
{
	struct addr a = { .family = ADDR_IPV6, .ip = { 0x20, 0x01, 0x0d, 0xb8 } };

	a.ip[15] = last;
	return a;
}

static struct peer_path home_path(void)
{
	return (struct peer_path){
		.family = ADDR_IPV4,
		.local = addr_ipv4(192, 168, 1, 2, 0),
		.local_prefix_len = 24,
		.externals = { addr_ipv4(21, 0, 0, 2, 0), addr_ipv4(21, 0, 0, 3, 0) },
		.external_count = 2,
		.mapping = BEHAVIOUR_ADDRESS_DEPENDENT,
		.filtering = BEHAVIOUR_MIXED,
		.tcp_mapping = BEHAVIOUR_PORT_DEPENDENT,
		.tcp_filtering = BEHAVIOUR_ENDPOINT_INDEPENDENT,
		.udp_blocked = VERDICT_NO,
		.tcp_blocked = VERDICT_MIXED,
		.pooling = POOLING_PER_DESTINATION,
		.hairpin = HAIRPIN_INTERNAL_SOURCE,
		.delta = DELTA_RANDOM,
		.delta_value = -65535,
		.per_destination = -2,
		.keeps_parity = true,
		.background_per_s = 0.1,
		.overload = -1,
		.chance = 1.0 / 3,
		.port_low = 1024,
		.port_high = 65535,
		.mapping_cap = 64,
		.rate_per_s = 30,
		.nats = 2,
		.opener_ttl = 3,
		.early_inbound = PEER_WORD(DEEP_EARLY_REMAPPED),
		.unexpected = PEER_WORD(DEEP_ENDS_MAPPING),
		.icmp_error = PEER_WORD(DEEP_SURVIVES),
		.syn_reaction = PEER_WORD(DEEP_SYN_ACCEPTED),
		.portmap = VERDICT_YES,
		.lifetime_s = 28,
		.rtt_us = 50123,
		.loss = 0.02,
	};
}

static struct peer_path nat64_path(void)
{
	struct peer_path p = home_path();

	p.family = ADDR_IPV6;
	p.local = ipv6(7);
	p.local_prefix_len = 64;
	p.nat64_prefix = (struct addr){ .family = ADDR_IPV6, .ip = { 0, 0x64, 0xff, 0x9b } };
	p.nat64_prefix_len = 96;
	return p;
}

static struct peer_profile four_paths(void)
{
	struct peer_profile p = { .path_count = 4, .has_relay = true, .host = "a machine's id" };

	p.paths[0] = p.paths[1] = p.paths[2] = home_path();
	p.paths[3] = nat64_path();
	return p;
}

static void assert_same_path(const struct peer_path *a, const struct peer_path *b)
{
	assert_int_equal(a->family, b->family);
	assert_true(addr_equal(&a->local, &b->local));
	assert_int_equal(a->local_prefix_len, b->local_prefix_len);
	assert_int_equal(a->external_count, b->external_count);
	for (uint8_t i = 0; i < a->external_count; i++)
		assert_true(addr_equal(&a->externals[i], &b->externals[i]));
	assert_int_equal(a->mapping, b->mapping);
	assert_int_equal(a->filtering, b->filtering);
	assert_int_equal(a->tcp_mapping, b->tcp_mapping);
	assert_int_equal(a->tcp_filtering, b->tcp_filtering);
	assert_int_equal(a->udp_blocked, b->udp_blocked);
	assert_int_equal(a->tcp_blocked, b->tcp_blocked);
	assert_int_equal(a->pooling, b->pooling);
	assert_int_equal(a->hairpin, b->hairpin);
	assert_int_equal(a->delta, b->delta);
	assert_int_equal(a->delta_value, b->delta_value);
	assert_int_equal(a->per_destination, b->per_destination);
	assert_int_equal(a->keeps_parity, b->keeps_parity);
	assert_true(a->background_per_s == b->background_per_s);
	assert_true(a->overload == b->overload);
	assert_true(a->chance == b->chance);
	assert_int_equal(a->port_low, b->port_low);
	assert_int_equal(a->port_high, b->port_high);
	assert_int_equal(a->mapping_cap, b->mapping_cap);
	assert_int_equal(a->rate_per_s, b->rate_per_s);
	assert_int_equal(a->nats, b->nats);
	assert_int_equal(a->opener_ttl, b->opener_ttl);
	assert_int_equal(a->early_inbound, b->early_inbound);
	assert_int_equal(a->unexpected, b->unexpected);
	assert_int_equal(a->icmp_error, b->icmp_error);
	assert_int_equal(a->syn_reaction, b->syn_reaction);
	assert_int_equal(a->portmap, b->portmap);
	assert_int_equal(a->lifetime_s, b->lifetime_s);
	assert_true(addr_equal(&a->nat64_prefix, &b->nat64_prefix));
	assert_int_equal(a->nat64_prefix_len, b->nat64_prefix_len);
	assert_int_equal(a->rtt_us, b->rtt_us);
	assert_true(a->loss == b->loss);
}

static void a_profile_comes_back_to_the_bit(void **state)
{
	struct peer_profile p = four_paths(), back;
	uint8_t buf[PEER_PROFILE_BYTES_MAX];
	size_t len = peer_profile_write(&p, buf, sizeof(buf)), whole = 0;

	assert_in_range(len, 1, 500);
	assert_true(peer_profile_read(bytes_of(buf, len), &back));
	assert_int_equal(back.path_count, 4);
	for (uint8_t i = 0; i < 4; i++)
		assert_same_path(&p.paths[i], &back.paths[i]);
	assert_true(back.has_relay);
	assert_memory_equal(back.host, p.host, sizeof(p.host));

	/* No room: nothing. */
	for (size_t cap = 0; cap < len; cap++)
		assert_int_equal(peer_profile_write(&p, buf, cap), 0);
	len = peer_profile_write(&p, buf, sizeof(buf));
	for (size_t cut = 0; cut < len; cut++)
		whole += peer_profile_read(bytes_of(buf, cut), &back);
	assert_int_equal(whole, 6); /* cut between two fields */
	assert_false(peer_profile_read(bytes_of(buf, len - 1), &back));
}

static void the_largest_profile_and_offer_have_room(void **state)
{
	struct peer_profile p = { .path_count = PEER_PATHS_MAX };
	struct peer_offer o = { .trial = 7, .endpoint_count = PEER_ENDPOINTS_MAX }, back;
	uint8_t buf[PEER_OFFER_BYTES_MAX];
	size_t len;

	for (uint8_t i = 0; i < PEER_PATHS_MAX; i++) {
		p.paths[i] = nat64_path();
		p.paths[i].external_count = PEER_EXTERNALS_MAX;
		for (uint8_t j = 0; j < PEER_EXTERNALS_MAX; j++)
			p.paths[i].externals[j] = ipv6(j);
		o.sample_counts[i] = PEER_SAMPLES_MAX;
		for (uint16_t j = 0; j < PEER_SAMPLES_MAX; j++)
			o.samples[i][j] =
				(struct peer_sample){ (uint16_t)(40000 + j), 50000, 1000u * j };
	}
	assert_true(peer_profile_write(&p, buf, PEER_PROFILE_BYTES_MAX) > 0);

	for (uint8_t i = 0; i < PEER_ENDPOINTS_MAX; i++) {
		o.endpoints[i] = (struct peer_endpoint){ .kind = i % PEER_ENDPOINT_KINDS,
							 .path = i % PEER_PATHS_MAX,
							 .set = i % PEER_SETS,
							 .is_tcp = i % 3 == 0,
							 .local_port = 40000,
							 .addr = ipv6(i) };
		o.endpoints[i].addr.port = 50000;
	}
	len = peer_offer_write(&o, buf, sizeof(buf));
	assert_true(len > 0);
	assert_true(peer_offer_read(bytes_of(buf, len), &back));
	assert_int_equal(back.trial, 7);
	assert_int_equal(back.endpoint_count, PEER_ENDPOINTS_MAX);
	for (uint8_t i = 0; i < PEER_ENDPOINTS_MAX; i++) {
		const struct peer_endpoint *a = &o.endpoints[i], *b = &back.endpoints[i];

		assert_true(a->kind == b->kind && a->path == b->path && a->set == b->set);
		assert_true(a->is_tcp == b->is_tcp && a->local_port == b->local_port);
		assert_true(addr_equal(&a->addr, &b->addr));
	}
	assert_memory_equal(back.sample_counts, o.sample_counts, sizeof(o.sample_counts));
	assert_memory_equal(back.samples, o.samples, sizeof(o.samples));
}

static bool is_taken(const struct peer_path *path)
{
	struct peer_profile p = { .path_count = 1 }, back;
	uint8_t buf[PEER_PROFILE_BYTES_MAX];
	size_t len;

	p.paths[0] = *path;
	len = peer_profile_write(&p, buf, sizeof(buf));
	assert_true(len > 0);
	return peer_profile_read(bytes_of(buf, len), &back);
}

#define REFUSES(member, value)                          \
	do {                                            \
		struct peer_path broken = nat64_path(); \
		assert_true(is_taken(&broken));         \
		broken.member = (value);                \
		assert_false(is_taken(&broken));        \
	} while (0)

static void values_that_cannot_be_are_refused(void **state)
{
	REFUSES(family, 3);
	REFUSES(family, ADDR_IPV4); /* and an IPv6 address */
	REFUSES(local_prefix_len, 129);
	REFUSES(local.ip[0], 0xff);
	REFUSES(externals[0], addr_ipv4(0, 0, 0, 0, 0));
	REFUSES(externals[1], addr_ipv4(224, 0, 0, 251, 0));
	REFUSES(externals[1], addr_ipv4(255, 255, 255, 255, 0));
	REFUSES(mapping, BEHAVIOURS);
	REFUSES(filtering, BEHAVIOURS);
	REFUSES(tcp_mapping, 200);
	REFUSES(tcp_filtering, 255);
	REFUSES(udp_blocked, VERDICT_MIXED + 1);
	REFUSES(tcp_blocked, VERDICT_MIXED + 1);
	REFUSES(pooling, POOLINGS);
	REFUSES(hairpin, HAIRPINS);
	REFUSES(delta, DELTAS);
	REFUSES(delta_value, 65536);
	REFUSES(per_destination, INT32_MIN);
	REFUSES(background_per_s, NAN);
	REFUSES(background_per_s, 1e7);
	REFUSES(overload, INFINITY);
	REFUSES(overload, 1.5);
	REFUSES(chance, 1.0001);
	REFUSES(chance, NAN);
	REFUSES(loss, 2);
	REFUSES(port_low, 0);
	REFUSES(port_high, 1000);
	REFUSES(early_inbound, PEER_WORD(DEEP_EARLY_REMAPPED) + 1);
	REFUSES(unexpected, PEER_WORD(DEEP_ENDS_MAPPING) + 1);
	REFUSES(icmp_error, PEER_WORD(DEEP_ENDS_MAPPING) + 1);
	REFUSES(syn_reaction, PEER_WORD(DEEP_SYN_ACCEPTED) + 1);
	REFUSES(portmap, VERDICT_MIXED + 1);
	REFUSES(nat64_prefix_len, 97);
	REFUSES(nat64_prefix_len, 72);
	REFUSES(nat64_prefix_len, 24);
}

static bool is_offered(const struct peer_endpoint *e)
{
	struct peer_offer o = { .endpoints = { *e }, .endpoint_count = 1 }, back;
	uint8_t buf[PEER_OFFER_BYTES_MAX];
	size_t len = peer_offer_write(&o, buf, sizeof(buf));

	assert_true(len > 0);
	return peer_offer_read(bytes_of(buf, len), &back);
}

static void endpoints_that_cannot_be_are_refused(void **state)
{
	const struct peer_endpoint fine = { .kind = PEER_MAPPED,
					    .local_port = 40000,
					    .addr = addr_ipv4(21, 0, 0, 2, 50000) };
	struct peer_endpoint e = fine;

	assert_true(is_offered(&e));
	e.addr.port = 0;
	assert_false(is_offered(&e));
	e = fine;
	e.local_port = 0;
	assert_false(is_offered(&e));
	e.kind = PEER_RELAYED; /* on no port of the host */
	assert_true(is_offered(&e));
	e = fine;
	e.kind = PEER_ENDPOINT_KINDS;
	assert_false(is_offered(&e));
	e = fine;
	e.path = PEER_PATHS_MAX;
	assert_false(is_offered(&e));
	e = fine;
	e.set = PEER_SETS;
	assert_false(is_offered(&e));
	e = fine;
	e.addr = addr_ipv4(239, 0, 0, 1, 5353);
	assert_false(is_offered(&e));
}

static void what_a_later_version_adds_is_skipped(void **state)
{
	static const uint8_t profile[] = {
		1,                    /* version */
		99, 0, 2, 0xff, 0xff, /* a field that nobody knows */
		1,  0, 6,             /* a path */
		2,                    /* IPv6 */
		77, 1, 0,             /* of no known kind */
		3,  0,                /* all words left out */
	};
	static const uint8_t longer[] = {
		1,                                      /* version */
		1, 0,  13,                              /* a path */
		1,                                      /* IPv4 */
		3, 10, 0,  1, 0, 0, 0, 0, 0, 0, 99, 99, /* two words more than we know */
	};
	struct peer_profile p;
	struct peer_offer o;

	assert_true(peer_profile_read(bytes_of(profile, sizeof(profile)), &p));
	assert_int_equal(p.paths[0].family, ADDR_IPV6);
	assert_int_equal(p.paths[0].mapping, BEHAVIOUR_UNKNOWN);
	assert_true(peer_profile_read(bytes_of(longer, sizeof(longer)), &p));
	assert_int_equal(p.path_count, 1);
	assert_int_equal(p.paths[0].filtering, BEHAVIOUR_NONE);
	assert_true(p.paths[0].background_per_s < 0 && p.paths[0].loss < 0);
	assert_true(peer_offer_read(BYTES("\x01\x63\x00\x01x"), &o));
	assert_false(peer_offer_read(BYTES("\x02\x63\x00\x01x"), &o)); /* version 2 */
	assert_false(peer_profile_read(BYTES("\x02"), &p));
	assert_true(peer_profile_read(BYTES("\x01"), &p));
}

static void counts_are_bounded(void **state)
{
	static const uint8_t one_sample[] = { 3, 0, 9, 0, 1, 0, 2, 0, 0, 0, 0, 9 };
	uint8_t buf[4096] = { 1 };
	size_t len = 1;
	struct peer_profile p;
	struct peer_offer o;

	for (int i = 0; i <= PEER_PATHS_MAX; i++, len += 4)
		memcpy(buf + len, (const uint8_t[]){ 1, 0, 1, ADDR_IPV4 }, 4);
	assert_false(peer_profile_read(bytes_of(buf, len), &p));
	assert_true(peer_profile_read(bytes_of(buf, len - 4), &p));

	memcpy(buf + 1, one_sample, sizeof(one_sample));
	assert_true(peer_offer_read(bytes_of(buf, 1 + sizeof(one_sample)), &o));
	memcpy(buf + 1 + sizeof(one_sample), one_sample, sizeof(one_sample)); /* a path twice */
	assert_false(peer_offer_read(bytes_of(buf, 1 + 2 * sizeof(one_sample)), &o));
	buf[4] = PEER_PATHS_MAX;
	assert_false(peer_offer_read(bytes_of(buf, 1 + sizeof(one_sample)), &o));
	buf[3] = 1 + 8 * (PEER_SAMPLES_MAX + 1);
	memset(buf + 4, 0, buf[3]);
	memset(buf + 5, 1, buf[3] - 1u);
	assert_false(peer_offer_read(bytes_of(buf, 4u + buf[3]), &o));
	buf[3] -= 8;
	assert_true(peer_offer_read(bytes_of(buf, 4u + buf[3]), &o));
	buf[6] = buf[5] = 0; /* port 0 */
	assert_false(peer_offer_read(bytes_of(buf, 4u + buf[3]), &o));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_profile_comes_back_to_the_bit),
		cmocka_unit_test(the_largest_profile_and_offer_have_room),
		cmocka_unit_test(values_that_cannot_be_are_refused),
		cmocka_unit_test(endpoints_that_cannot_be_are_refused),
		cmocka_unit_test(what_a_later_version_adds_is_skipped),
		cmocka_unit_test(counts_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
