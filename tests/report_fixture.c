#include "report_fixture.h"

#include <string.h>

static void begin(struct fixture *f)
{
	struct addr server = addr_ipv4(192, 0, 2, 1, 3478);

	memset(f, 0, sizeof(*f));
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
