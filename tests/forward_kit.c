#include "forward_kit.h"

#include "fuzz_check.h"

static const uint8_t key[16] = "nobody knows it";

static void draw(void *arg, void *buf, size_t len)
{
	struct forward_kit *k = arg;

	k->draws++;
	rng_fill(&k->rng, buf, len);
}

static void init_relays(struct forward_kit *k)
{
	k->relays[0].local = addr_ipv4(10, 0, 0, 5, 0);
	k->relays[0].seen_as = addr_ipv4(91, 80, 0, 5, 0);
	FUZZ_CHECK(addr_parse_ip("2a01:4f8::5", 0, &k->relays[1].local));
	k->relays[1].seen_as = k->relays[1].local;
	for (size_t i = 0; i < ARRAY_LEN(k->ports); i++) {
		struct ports_share share = {
			.low = 1024,
			.high = 65535,
			.worker = (uint8_t)(i % FORWARD_KIT_WORKERS),
			.workers = FORWARD_KIT_WORKERS,
		};

		k->ports[i] = ports_new(&share);
		FUZZ_CHECK(k->ports[i] != NULL);
	}
}

static void init_policy(struct forward_kit *k)
{
	struct policy_rules *r = policy_rules_new(true);
	struct addr listening = addr_ipv4(91, 80, 0, 1, 3478);
	const char *why = NULL;

	FUZZ_CHECK(r != NULL && policy_rules_add_own(r, &listening, &why));
	for (size_t i = 0; i < FORWARD_KIT_RELAYS; i++) {
		FUZZ_CHECK(policy_rules_add_relay(r, &k->relays[i].local, &why));
		FUZZ_CHECK(policy_rules_add_relay(r, &k->relays[i].seen_as, &why));
	}
	k->policy = policy_new(r, NULL, &why);
	FUZZ_CHECK(k->policy != NULL);
	policy_rules_free(r);
}

void forward_kit_init(struct forward_kit *k)
{
	*k = (struct forward_kit){ .rng = rng_seed(5), .now.us = UINT64_C(5000000000) };
	init_relays(k);
	init_policy(k);
	k->realm = (struct realm){ .id = 1, .peers = k->policy };
	k->snapshot = (struct snapshot){
		.realms = &k->realm,
		.realm_count = 1,
		.relays = k->relays,
		.relay_count = FORWARD_KIT_RELAYS,
	};
	k->shared = (struct turnd_shared){ .ports = k->ports, .workers = FORWARD_KIT_WORKERS };
	k->shared.quota = quota_new(65536, key);
	k->io = (struct turnd_io){ .random = draw, .arg = k };
	k->t.snapshot = &k->snapshot;
	k->t.shared = &k->shared;
	k->t.io = &k->io;
	k->t.allocs = alloc_table_new(key);
	FUZZ_CHECK(k->shared.quota != NULL && k->t.allocs != NULL);
}

void forward_kit_free(struct forward_kit *k)
{
	struct alloc *a;

	while ((a = alloc_table_next(k->t.allocs, NULL)) != NULL)
		alloc_table_remove(k->t.allocs, a);
	alloc_table_free(k->t.allocs);
	quota_free(k->shared.quota);
	for (size_t i = 0; i < ARRAY_LEN(k->ports); i++)
		ports_free(k->ports[i]);
	policy_free(k->policy);
}

static void open_end(struct forward_kit *k, struct flow *flow, uint16_t relay)
{
	struct relay_end *end = &flow->ends[relay];
	uint16_t port =
		ports_take(k->ports[relay * FORWARD_KIT_WORKERS], PORTS_ANY, rng_next(&k->rng));

	FUZZ_CHECK(port != 0);
	*end = (struct relay_end){
		.flow = flow,
		.local = addr_with_port(&k->relays[relay].local, port),
		.relayed = addr_with_port(&k->relays[relay].seen_as, port),
		.relay = relay,
		.protocol = 17,
	};
}

static struct addr client_addr(uint32_t n, uint8_t family)
{
	uint16_t port = (uint16_t)(1024 + n % 60000);
	struct addr a = addr_ipv4(91, 80, 1, (uint8_t)(1 + n / 60000), port);

	if (family == ADDR_IPV6)
		FUZZ_CHECK(addr_parse_ip("2a01:4f8:1::1", port, &a));
	return a;
}

static struct addr server_addr(uint8_t family)
{
	struct addr a = addr_ipv4(91, 80, 0, 1, 3478);

	if (family == ADDR_IPV6)
		FUZZ_CHECK(addr_parse_ip("2a01:4f8::1", 3478, &a));
	return a;
}

struct flow *forward_kit_add(struct forward_kit *k, uint32_t n, enum stun_transport transport,
			     uint8_t client_family)
{
	struct five_tuple tuple = { .client = client_addr(n, client_family),
				    .server = server_addr(client_family),
				    .transport = (uint8_t)transport };
	struct quota_ask unit = { .user = n, .realm = 1, .source = tuple.client };
	struct alloc *a = alloc_table_add(k->t.allocs, &tuple, ++k->t.next_number);

	FUZZ_CHECK(a != NULL);
	a->flow.tuple = tuple;
	a->flow.realm = &k->realm;
	a->flow.link = transport != STUN_UDP ? a : NULL;
	FUZZ_CHECK(quota_hold(k->shared.quota, &unit, &a->flow.share) == QUOTA_OK);
	for (uint16_t relay = 0; relay < FORWARD_KIT_RELAYS; relay++)
		open_end(k, &a->flow, relay);
	return &a->flow;
}

void forward_kit_permit(struct forward_kit *k, struct flow *flow, const struct addr *peer)
{
	struct addr ip = addr_with_port(peer, 0);
	bool is_relay;

	FUZZ_CHECK(turnd_judge_ip(&k->t, &k->realm, &ip, &is_relay) == POLICY_ALLOWED);
	FUZZ_CHECK(peers_permit(&flow->peers, &ip, &is_relay, 1, 0, k->now.us / 1000) == PEERS_OK);
}

void forward_kit_bind(struct forward_kit *k, struct flow *flow, uint16_t number,
		      const struct addr *peer)
{
	bool is_relay;

	FUZZ_CHECK(turnd_judge_ip(&k->t, &k->realm, peer, &is_relay) == POLICY_ALLOWED);
	FUZZ_CHECK(peers_bind(&flow->peers, number, peer, is_relay, 0, 0, k->now.us / 1000) ==
		   PEERS_OK);
}

struct turnd_in forward_kit_in(const struct flow *flow, struct bytes data)
{
	return (struct turnd_in){
		.data = data, .tuple = flow->tuple, .link = flow->link, .ip = TURND_IP_DEFAULT
	};
}
