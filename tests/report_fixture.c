#include "report_fixture.h"

#include <math.h>

#include <string.h>

#include "wire.h"

/* Nothing unknown stands without its cause. */
static void set_causes(struct verdict *v)
{
	uint8_t *const causes[] = {
		&v->nat.cause,
		&v->firewall.cause,
		&v->udp_blocked.cause,
		&v->mapping_tcp.cause,
		&v->ports.cause,
		&v->ports.parity.cause,
		&v->pooling.cause,
		&v->hairpin.cause,
		&v->ports.contiguity.cause,
		&v->rate_limit.cause,
		&v->nat64.cause,
		&v->pcp.present.cause,
		&v->upnp.present.cause,
		&v->nat_pmp.present.cause,
		&v->cgn.cause,
		&v->captive_portal.cause,
	};

	for (size_t i = 0; i < ARRAY_LEN(causes); i++)
		*causes[i] = CAUSE_NOT_TRIED;
}

static void begin(struct fixture *f)
{
	struct addr server = addr_ipv4(192, 0, 2, 1, 3478);

	memset(f, 0, sizeof(*f));
	set_causes(&f->verdict);
	f->servers[0].name = "stun.example.org";
	f->servers[0].udp[SERVER_IPV4] = server;
	f->servers[0].tcp[SERVER_IPV4] = server;
	f->verdict.local = addr_ipv4(10, 0, 0, 2, 40001);
	f->verdict.servers[0] =
		(struct verdict_server){ .name = "stun.example.org", .addr = server };
	f->verdict.server_count = 1;
	f->probes[0] = (struct report_probe){ .interface = "eth0",
					      .family = ADDR_IPV4,
					      .local = addr_ipv4(10, 0, 0, 2, 0),
					      .verdict = &f->verdict,
					      .bound_to_device = true };
	f->report = (struct report){ .program = "natprobe 0",
				     .servers = f->servers,
				     .server_count = 1,
				     .probes = f->probes,
				     .probe_count = 1,
				     .elapsed_ms = 433 };
}

static void see(struct verdict *v, uint8_t last, uint16_t port)
{
	v->sightings[v->sighting_count++] =
		(struct verdict_sighting){ .endpoint = addr_ipv4(192, 0, 2, last, port),
					   .mapped = v->mapped,
					   .sent = 2,
					   .answered = 2 };
}

static void add_filter_probes(struct verdict *v)
{
	for (size_t k = 0; k < FILTER_KINDS; k++) {
		v->filter[k] = (struct verdict_filter_probe){
			.source = addr_ipv4(192, 0, 2, k >= FILTER_ADDRESS ? 2 : 1,
					    k == FILTER_PORT || k == FILTER_BOTH ? 3479 : 3478),
			.sent = 6,
			.answered = k == FILTER_CONTROL ? 6 : 0,
			.verify_sent = 1,
			.verify_answered = 1,
		};
	}
}

/* What a usual home router does beside mapping and filtering. */
static void fill_home(struct verdict *v)
{
	v->mapping_tcp.value = BEHAVIOUR_ENDPOINT_INDEPENDENT;
	v->ports = (struct verdict_ports){ .delta = DELTA_EQUAL,
					   .preserved = { 0.77, 1, true },
					   .parity.value = VERDICT_YES,
					   .contiguity.value = VERDICT_YES,
					   .low = 1025,
					   .high = 61000,
					   .sampled = 20,
					   .answered = 20 };
	v->prediction = (struct verdict_prediction){ .follows_local = true,
						     .last = 40020,
						     .candidates = { { 0, 0.99 } },
						     .count = 1,
						     .chance = 0.99 };
	v->pooling.value = POOLING_PAIRED;
	v->hairpin.value = HAIRPIN_NO;
	v->hairpin.sent = 8;
	v->gateway = addr_ipv4(10, 0, 0, 1, 0);
	v->pcp.present.value = v->upnp.present.value = VERDICT_NO;
	v->nat_pmp.present.value = VERDICT_YES;
	v->nat_pmp.external = addr_with_port(&v->mapped, 0);
	v->cgn.value = v->nat64.value = v->rate_limit.value = VERDICT_NO;
	v->loss = (struct verdict_interval){ 0, 0.08, true };
	v->confidence = 0.9996;
	v->confidence_asked = 0.999;
}

void fixture_restrict_port(struct fixture *f)
{
	struct verdict *v = &f->verdict;

	begin(f);
	v->mapped = addr_ipv4(203, 0, 113, 9, 40001);
	v->nat.value = VERDICT_YES;
	v->firewall.value = VERDICT_NO;
	v->udp_blocked.value = VERDICT_NO;
	v->mapping.value = BEHAVIOUR_ENDPOINT_INDEPENDENT;
	v->mapping.possible = BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT);
	v->filtering.value = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	v->filtering.possible = BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT);
	v->filtering.error = 1.5e-8;
	v->legacy = LEGACY_RESTRICT_PORT;
	v->servers[0].other = addr_ipv4(192, 0, 2, 2, 3479);
	v->servers[0].rtt_us = 12340;
	v->servers[0].sent = 32;
	v->servers[0].answered = 14;
	see(v, 1, 3478);
	see(v, 1, 3479);
	see(v, 2, 3478);
	see(v, 2, 3479);
	add_filter_probes(v);
	v->sent = 32;
	v->answered = 14;
	v->rtt_min_us = 12340;
	v->rtt_max_us = 15000;
	v->window_us = 402000;
	v->elapsed_us = 430000;
	fill_home(v);
}

void fixture_one_port(struct fixture *f)
{
	fixture_restrict_port(f);
	f->verdict.mapping.possible = BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT) |
				      BEHAVIOUR_BIT(BEHAVIOUR_PORT_DEPENDENT);
	f->verdict.mapping.cause = CAUSE_ONE_PORT;
}

void fixture_ignores_change(struct fixture *f)
{
	struct addr where = addr_ipv4(192, 0, 2, 1, 3478);

	fixture_restrict_port(f);
	f->verdict.filtering.value = BEHAVIOUR_UNKNOWN;
	f->verdict.filtering.cause = CAUSE_IGNORES_CHANGE;
	f->verdict.filtering.possible = BEHAVIOUR_BIT(BEHAVIOUR_ENDPOINT_INDEPENDENT) |
					BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_DEPENDENT);
	f->verdict.legacy = LEGACY_UNKNOWN;
	verdict_add_finding(&f->verdict, CAUSE_IGNORES_CHANGE, 0, &where);
}

void fixture_udp_blocked(struct fixture *f)
{
	struct verdict *v = &f->verdict;

	begin(f);
	v->udp_blocked.value = VERDICT_YES;
	v->nat.value = VERDICT_YES;
	v->firewall.cause = CAUSE_UDP_BLOCKED;
	v->mapping.cause = v->filtering.cause = CAUSE_UDP_BLOCKED;
	v->legacy = LEGACY_FILTERED;
	v->servers[0].sent = 7;
	v->servers[0].tcp_tried = v->servers[0].tcp_connected = v->servers[0].tcp_answered = 1;
	v->servers[0].tcp_local = v->local_tcp = addr_ipv4(10, 0, 0, 2, 40017);
	v->servers[0].tcp_mapped = v->mapped_tcp = addr_ipv4(203, 0, 113, 9, 40017);
	v->sent = 7;
}

void fixture_no_server(struct fixture *f)
{
	struct verdict *v = &f->verdict;

	begin(f);
	v->nat.cause = v->firewall.cause = v->udp_blocked.cause = CAUSE_NO_SERVER;
	v->mapping.cause = v->filtering.cause = CAUSE_NO_SERVER;
	v->servers[0].sent = 9;
	v->servers[0].tcp_tried = 2;
	v->sent = 9;
}

void fixture_add_unprobed(struct fixture *f)
{
	f->servers[1].name = "stun.example.net";
	f->servers[1].why = "no such name in DNS";
	f->report.server_count = 2;
	f->probes[1] = (struct report_probe){ .interface = "wlan0",
					      .family = ADDR_IPV6,
					      .why = "no route leads from here to a server" };
	f->report.probe_count = 2;
}

void fixture_add_tls(struct fixture *f)
{
	f->tls[0] =
		(struct report_tls){ .server = "stuns:stun.example.org",
				     .to = addr_ipv4(192, 0, 2, 1, 5349),
				     .mapped = addr_ipv4(203, 0, 113, 9, 50000),
				     .took_us = 41000,
				     .connected = true,
				     .handshaken = true,
				     .why = "its certificate is not to be trusted: self-signed" };
	f->probes[0].tls = f->tls;
	f->probes[0].tls_count = 1;
}

static void fill_ports(struct verdict *v)
{
	v->ports = (struct verdict_ports){ .delta = DELTA_INDEPENDENT,
					   .value = -2,
					   .possible = 1u << DELTA_INDEPENDENT | 1u << DELTA_RANDOM,
					   .cause = CAUSE_REORDERED,
					   .error = 3e-5,
					   .preserved = { 0.01, 0.31, true },
					   .parity.value = VERDICT_YES,
					   .contiguity.value = VERDICT_NO,
					   .low = 1025,
					   .high = 40009,
					   .sampled = 3,
					   .answered = 2 };
	for (uint8_t i = 0; i < 3; i++) {
		v->samples[i] = (struct verdict_sample){ .local_port = (uint16_t)(50000 + i),
							 .sent_us = 100000 + 10001u * i,
							 .serial = i == 2 };
		if (i != 1)
			v->samples[i].mapped = addr_ipv4(203, 0, 113, 9, (uint16_t)(40009 - 2 * i));
	}
	v->sample_count = 3;
	v->prediction = (struct verdict_prediction){ .last = 40005,
						     .candidates = { { -2, 0.9 }, { -4, 0.0625 } },
						     .count = 2,
						     .low = 1025,
						     .high = 40009,
						     .chance = 0.9625 };
}

static void fill_gateway(struct verdict *v)
{
	v->gateway = addr_ipv4(10, 0, 0, 1, 0);
	v->pcp.present.cause = CAUSE_LOSS;
	v->nat_pmp = (struct verdict_portmap){ .present.value = VERDICT_YES,
					       .external = addr_ipv4(100, 64, 3, 4, 0) };
	v->upnp = (struct verdict_portmap){ .present.value = VERDICT_YES, .result = 402 };
	v->cgn.value = VERDICT_YES;
	v->cgn_hints = CGN_GATEWAY_SHARED | CGN_LOCAL_DS_LITE;
	v->captive_portal.value = VERDICT_NO;
	v->nat64.value = VERDICT_NO;
	v->nat64_prefix = (struct addr){ .family = ADDR_IPV6, .ip = { 0, 0x64, 0xff, 0x9b } };
	v->nat64_prefix_len = 96;
	v->rate_limit.value = VERDICT_YES;
	v->rate_limit_per_s = 40;
	v->geo = (struct verdict_geo){ .country = "DE", .asn = 3320, .organisation = "Example" };
}

void fixture_full(struct fixture *f)
{
	struct verdict *v = &f->verdict;
	struct addr where = addr_ipv4(192, 0, 2, 1, 3478);

	fixture_restrict_port(f);
	fixture_add_unprobed(f);
	fixture_add_tls(f);
	fill_ports(v);
	fill_gateway(v);
	v->local_tcp = addr_ipv4(10, 0, 0, 2, 40017);
	v->mapped_tcp = addr_ipv4(203, 0, 113, 9, 40019);
	v->mapping_tcp = (struct verdict_property){ .cause = CAUSE_TCP_SILENT,
						    .server = VERDICT_NO_SERVER_INDEX,
						    .possible = 6 };
	v->pooling.value = POOLING_ARBITRARY;
	v->pooling.error = 0.00012;
	v->pooling.external_count = 2;
	v->pooling.externals[0] = addr_ipv4(203, 0, 113, 9, 0);
	v->pooling.externals[1] = addr_ipv4(203, 0, 113, 10, 0);
	v->hairpin.value = HAIRPIN_UNKNOWN;
	v->hairpin.cause = CAUSE_HOST_HIDES;
	v->hairpin.possible = 1u << HAIRPIN_NO | 1u << HAIRPIN_INTERNAL_SOURCE;
	v->hairpin.error = 0.25;
	v->hairpin.sent = 5;
	v->hairpin.answered = 1;
	v->hairpin.source = addr_ipv4(10, 0, 0, 2, 40055);
	v->confidence = 0.99931;
	v->confidence_asked = 0.999;
	v->loss = (struct verdict_interval){ 0.004, 0.187, true };
	v->sightings[1].local = addr_ipv4(10, 0, 0, 2, 40001);
	v->sightings[1].slot = 7;
	v->sightings[1].unstable = true;
	v->sightings[2].server = VERDICT_NO_SERVER_INDEX;
	v->send_errors = 1;
	v->stray = 70000;
	v->duplicates = 3;
	v->servers[0].tcp_tried = 4;
	v->servers[0].tcp_connected = 3;
	v->servers[0].tcp_answered = 2;
	v->servers[0].tcp_local = v->local_tcp;
	v->servers[0].tcp_mapped = v->mapped_tcp;
	verdict_add_finding(v, CAUSE_WRONG_SOURCE, 0, &where);
	v->turn = (struct verdict_turn){
		.tried = true,
		.server = 0,
		.transport = 2,
		.code = 486,
		.why = "it is full",
		.relayed = { addr_ipv4(192, 0, 2, 8, 50000), addr_ipv4(192, 0, 2, 8, 50001) },
		.filtering = { .value = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT,
			       .cause = CAUSE_FEW_ENDPOINTS,
			       .possible = BEHAVIOUR_BIT(BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT) |
					   BEHAVIOUR_BIT(BEHAVIOUR_PORT_DEPENDENT),
			       .error = 0.00003 },
		.filtering_tcp = { .state = DEEP_WORD,
				   .word = DEEP_FILTER_ADDRESS_DEPENDENT,
				   .error = 0.00002,
				   .sent = 6,
				   .answered = 3 },
	};
	verdict_use_turn(v);
}

void fixture_deep(struct fixture *f)
{
	struct verdict_deep *v = &f->verdict.deep;
	struct deep_value *lifetime = &v->values[DEEP_LIFETIME];

	fixture_restrict_port(f);
	v->tried = v->cut = true;
	v->server = addr_ipv4(192, 0, 2, 1, 3478);
	for (unsigned i = 0; i < DEEP_PROPERTIES; i++)
		deep_set_unknown(v, (enum deep_property)i, CAUSE_TIMEOUT);
	lifetime->sent = 40;
	lifetime->answered = 33;
	deep_set_number(v, DEEP_LIFETIME, 118.75, INFINITY);
	lifetime->error = 0.00125;
	deep_set_number(v, DEEP_LIFETIME_ONE_WAY, 29.5, 31.25);
	deep_set_number(v, DEEP_KEEPALIVE, 14, 14);
	deep_set_word(v, DEEP_REFRESH_OUTBOUND, DEEP_YES);
	deep_set_word(v, DEEP_REFRESH_INBOUND, DEEP_NO);
	deep_set_number(v, DEEP_RANGE_LOW, 1, 1024);
	deep_set_number(v, DEEP_RANGE_HIGH, 65535, 65535);
	deep_set_none(v, DEEP_BLOCK);
	deep_set_number(v, DEEP_PER_DESTINATION, -3, -3);
	deep_set_word(v, DEEP_FRAGMENTS_IN, DEEP_FRAGMENTS_IN_ORDER);
	v->rungs[v->rung_count++] =
		(struct deep_rung){ .ladder = LADDER_ONE_WAY, .ended = true, .waited_s = 31.25 };
	v->rungs[v->rung_count++] = (struct deep_rung){
		.ladder = LADDER_TWO_WAY, .ended = true, .alive = true, .waited_s = 118.75
	};
	v->rungs[v->rung_count++] =
		(struct deep_rung){ .ladder = LADDER_LOW_PORT, .waited_s = 140 };
	v->rungs[v->rung_count++] = (struct deep_rung){ .ladder = LADDER_REFRESH_OUT,
							.ended = true,
							.alive = true,
							.waited_s = 14.5,
							.refreshed_s = 17.5 };
	v->hops[v->hop_count++] = (struct deep_hop){ .ttl = 1,
						     .router = addr_ipv4(10, 0, 0, 1, 0),
						     .inside = addr_ipv4(10, 0, 0, 7, 40001) };
	v->hops[v->hop_count++] = (struct deep_hop){ .ttl = 2, .reached = true };
	v->sent = 700;
	v->answered = 650;
	v->mappings = 180;
	v->elapsed_us = 130250000;
	v->opener_ttl = 2;
}
