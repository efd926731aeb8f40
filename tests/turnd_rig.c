#include "turnd_rig.h"

#include <errno.h>

#include "fuzz_check.h"
#include "limit.h"

static const uint8_t secret[NONCE_KEY_LEN + USERS_KEY_LEN] = "bytes that nobody outside knows";

static bool is_reserved(const struct rig *r, const struct relay_end *end)
{
	return end->flow == &r->worker[end->worker].turnd->nobody;
}

static int open_relay(void *arg, struct relay_end *end)
{
	struct rig *r = ((struct rig_worker *)arg)->rig;
	struct rig_socket *free_one = NULL;

	if (r->is_foreign != NULL && r->is_foreign(&end->local))
		return -EADDRINUSE;
	if (r->open_passes > 0) {
		r->open_passes--;
	} else if (r->open_errors > 0) {
		r->open_errors--;
		return -r->open_error;
	}
	for (size_t i = 0; i < RIG_SOCKETS; i++) {
		if (r->sockets[i].end == NULL)
			free_one = free_one != NULL ? free_one : &r->sockets[i];
		else if (addr_equal(&r->sockets[i].local, &end->local) &&
			 r->sockets[i].end->protocol == end->protocol)
			return -EADDRINUSE;
	}
	if (free_one == NULL)
		return -EMFILE;
	*free_one = (struct rig_socket){ .end = end, .local = end->local };
	end->shell = free_one;
	r->open += !is_reserved(r, end);
	r->reserved += is_reserved(r, end);
	r->opened++;
	return 0;
}

static void close_relay(void *arg, struct relay_end *end)
{
	struct rig *r = ((struct rig_worker *)arg)->rig;
	struct rig_socket *s = end->shell;

	FUZZ_CHECK(s != NULL && s->end == end);
	FUZZ_CHECK(addr_equal(&s->local, &end->local));
	s->end = NULL;
	end->shell = NULL;
	r->open -= !is_reserved(r, end);
	r->reserved -= is_reserved(r, end);
}

static void pass_relay(void *arg, struct relay_end *from, struct relay_end *to)
{
	struct rig *r = ((struct rig_worker *)arg)->rig;
	struct rig_socket *s = from->shell;

	FUZZ_CHECK(s != NULL && s->end == from && is_reserved(r, from) && !is_reserved(r, to));
	FUZZ_CHECK(addr_equal(&from->local, &to->local));
	s->end = to;
	to->shell = s;
	from->shell = NULL;
	r->reserved--;
	r->open++;
}

static void end_link(void *arg, void *link)
{
	struct rig *r = ((struct rig_worker *)arg)->rig;

	r->links_ended++;
	r->link_ended = link;
}

static void to_client(void *arg, const struct five_tuple *tuple, void *link, struct bytes data)
{
	struct rig *r = ((struct rig_worker *)arg)->rig;

	FUZZ_CHECK(data.len <= sizeof(r->later_data));
	memcpy(r->later_data, data.data, data.len);
	r->later_len = data.len;
	r->later++;
}

static void release_port(void *arg, uint16_t worker, uint16_t relay, uint16_t port,
			 const struct ports_token *token)
{
	struct rig *r = ((struct rig_worker *)arg)->rig;

	FUZZ_CHECK(worker < r->workers);
	turnd_port_returned(r->worker[worker].turnd, relay, port, token);
}

static int connect_peer(void *arg, struct tcp_peer *p)
{
	struct rig *r = ((struct rig_worker *)arg)->rig;

	if (r->connect_error == 0)
		r->connecting = p;
	return -r->connect_error;
}

static void close_peer(void *arg, struct tcp_peer *p)
{
	struct rig *r = ((struct rig_worker *)arg)->rig;

	if (r->connecting == p)
		r->connecting = NULL;
	r->peers_closed++;
}

static void draw(void *arg, void *buf, size_t len)
{
	rng_fill(&((struct rig_worker *)arg)->rig->rng, buf, len);
}

static struct users *make_users(struct bytes realm, struct bytes alice, struct bytes bob)
{
	struct users *u = NULL;
	uint32_t line;

	FUZZ_CHECK(users_new(realm, secret, &u) == USERS_OK);
	FUZZ_CHECK(users_add(u, BYTES("alice"), alice) == USERS_OK);
	FUZZ_CHECK(users_add(u, BYTES("bob"), bob) == USERS_OK);
	FUZZ_CHECK(users_finish(u, &line) == USERS_OK);
	return u;
}

static void init_relays(struct rig *r)
{
	r->low = 49152;
	r->high = 49251;
	r->relays[0].local = addr_ipv4(10, 0, 0, 5, 0);
	r->relays[0].seen_as = addr_ipv4(91, 80, 0, 5, 0);
	FUZZ_CHECK(addr_parse_ip("2a01:4f8::5", 0, &r->relays[1].local));
	r->relays[1].seen_as = r->relays[1].local;
	r->snapshot.relays = r->relays;
	r->snapshot.relay_count = RIG_RELAYS;
}

static void init_realm(struct rig *r, size_t i, struct bytes name, struct bytes alice)
{
	r->users[i] = make_users(name, alice, BYTES("swordfish"));
	r->realms[i] = (struct realm){
		.id = snapshot_realm_id(name),
		.users = r->users[i],
		.limits = { .lifetime_s = 600, .lifetime_max_s = 3600 },
	};
}

void rig_init(struct rig *r)
{
	*r = (struct rig){ .workers = 1, .open_error = EADDRINUSE, .rng = rng_seed(7) };
	r->now = (struct turnd_now){ .us = UINT64_C(1000000000), .wall_s = RIG_WALL_S };
	init_relays(r);
	init_realm(r, 0, RIG_REALM, BYTES("open sesame"));
	init_realm(r, 1, RIG_OTHER, BYTES("close sesame"));
	r->snapshot.realms = r->realms;
	r->snapshot.realm_count = ARRAY_LEN(r->realms);
	nonce_keys_init(&r->snapshot.nonces, secret, NULL, 600);
	ticket_keys_init(&r->snapshot.tickets, secret + 8);
	r->peer_rules = policy_rules_new(true);
	r->client_rules = policy_rules_new(false);
	FUZZ_CHECK(r->peer_rules != NULL && r->client_rules != NULL);
}

void rig_use_tokens(struct rig *r)
{
	struct token_key key = {
		.kid = RIG_KID,
		.algorithm = TOKEN_A256GCM,
		.secret = BYTES("the authorization server's secret"),
		.until_s = UINT64_MAX,
	};

	r->tokens = token_keys_new(RIG_SERVER_NAME);
	FUZZ_CHECK(r->tokens != NULL && token_keys_add(r->tokens, &key));
	key.kid = RIG_OTHER_KID;
	key.secret = BYTES("another secret, of the same length");
	FUZZ_CHECK(token_keys_add(r->tokens, &key));
	r->realms[0].tokens = r->tokens;
}

static void start_policies(struct rig *r)
{
	const char *why = NULL;

	for (size_t i = 0; i < RIG_RELAYS; i++) {
		FUZZ_CHECK(policy_rules_add_relay(r->peer_rules, &r->relays[i].local, &why));
		FUZZ_CHECK(policy_rules_add_relay(r->peer_rules, &r->relays[i].seen_as, &why));
	}
	r->peers = policy_new(r->peer_rules, NULL, &why);
	r->clients = policy_new(r->client_rules, NULL, &why);
	FUZZ_CHECK(r->peers != NULL && r->clients != NULL);
	for (size_t i = 0; i < ARRAY_LEN(r->realms); i++) {
		r->realms[i].peers = r->peers;
		r->realms[i].clients = r->clients;
	}
}

static void start_shared(struct rig *r)
{
	for (size_t relay = 0; relay < RIG_RELAYS; relay++) {
		for (uint16_t w = 0; w < r->workers; w++) {
			struct ports_share share = {
				.low = r->low,
				.high = r->high,
				.worker = (uint8_t)w,
				.workers = (uint8_t)r->workers,
				.reservations_max = 16,
			};

			r->ports[relay * r->workers + w] = ports_new(&share);
		}
	}
	r->shared.ports = r->ports;
	r->shared.workers = r->workers;
	r->shared.quota = quota_new(RIG_SOCKETS, secret);
	if (r->snapshot.error_rate > 0) {
		uint32_t rate = r->snapshot.error_rate, burst = r->snapshot.error_burst;

		r->shared.budgets.sources = limit_new(rate, burst, 1024, secret);
		r->shared.budgets.names = limit_new(rate, burst, 1024, secret);
	}
	FUZZ_CHECK(r->shared.quota != NULL);
}

static void start_worker(struct rig *r, uint16_t number)
{
	struct rig_worker *w = &r->worker[number];
	struct turnd_config config = {
		.snapshot = &r->snapshot,
		.shared = &r->shared,
		.io = &w->io,
		.worker = number,
		.now_us = r->now.us,
	};

	*w = (struct rig_worker){ .rig = r, .number = number };
	w->io = (struct turnd_io){
		.open_relay = open_relay,
		.close_relay = close_relay,
		.pass_relay = pass_relay,
		.end_link = end_link,
		.to_client = to_client,
		.release_port = release_port,
		.connect_peer = connect_peer,
		.close_peer = close_peer,
		.random = draw,
		.arg = w,
	};
	w->turnd = turnd_new(&config);
	FUZZ_CHECK(w->turnd != NULL);
}

void rig_start(struct rig *r)
{
	start_policies(r);
	start_shared(r);
	for (uint16_t i = 0; i < r->workers; i++)
		start_worker(r, i);
}

/* All ports are free again. */
static void check_ports(struct rig *r)
{
	for (size_t i = 0; i < (size_t)RIG_RELAYS * r->workers; i++) {
		FUZZ_CHECK(ports_count_free(r->ports[i]) == ports_count(r->ports[i]));
		ports_free(r->ports[i]);
	}
}

void rig_stop(struct rig *r)
{
	for (uint16_t i = 0; i < r->workers; i++) {
		while (turnd_next(r->worker[i].turnd, NULL) != NULL)
			FUZZ_CHECK(turnd_kick(r->worker[i].turnd,
					      turnd_next(r->worker[i].turnd, NULL)->number));
	}
	rig_pass(r, PORTS_RESERVED_MS);
	FUZZ_CHECK(r->open == 0 && r->reserved == 0);
	FUZZ_CHECK(quota_alive(r->shared.quota) == 0);
	check_ports(r);
	for (uint16_t i = 0; i < r->workers; i++)
		turnd_free(r->worker[i].turnd);
	quota_free(r->shared.quota);
	limit_free(r->shared.budgets.sources);
	limit_free(r->shared.budgets.names);
	policy_free(r->peers);
	policy_free(r->clients);
	policy_rules_free(r->peer_rules);
	policy_rules_free(r->client_rules);
	users_free(r->users[0]);
	users_free(r->users[1]);
	token_keys_free(r->tokens);
}

void rig_restart(struct rig *r)
{
	for (uint16_t i = 0; i < r->workers; i++) {
		turnd_free(r->worker[i].turnd);
		start_worker(r, i);
	}
}

void rig_pass(struct rig *r, uint64_t ms)
{
	uint64_t before_s = r->now.us / 1000000;

	r->now.us += ms * 1000;
	r->now.wall_s += r->now.us / 1000000 - before_s;
	for (uint16_t i = 0; i < r->workers; i++)
		(void)turnd_on_time(r->worker[i].turnd, &r->now);
}

struct relay_end *rig_end_of(struct rig *r, const struct addr *relayed)
{
	for (size_t i = 0; i < RIG_SOCKETS; i++) {
		struct relay_end *end = r->sockets[i].end;

		if (end != NULL && addr_equal(&end->relayed, relayed))
			return end;
	}
	return NULL;
}

struct turnd *rig_turnd_of(struct rig *r, const struct relay_end *end)
{
	const struct alloc *a = NULL;
	uint16_t i = 0;

	if (is_reserved(r, end))
		return r->worker[end->worker].turnd;
	while (a == NULL || &a->flow != end->flow) {
		a = turnd_next(r->worker[i].turnd, a);
		if (a == NULL)
			FUZZ_CHECK(++i < r->workers);
	}
	return r->worker[i].turnd;
}

enum turnd_step rig_from_peer(struct rig *r, struct relay_end *end, const struct addr *from,
			      struct bytes data)
{
	const struct rig_socket *s = end->shell;

	FUZZ_CHECK(s != NULL && s->end == end && data.len <= RIG_DATAGRAM);
	if (data.len > 0)
		memcpy(r->datagram + TURND_HEADROOM, data.data, data.len);
	r->out = (struct turnd_out){ 0 };
	r->step = turnd_from_peer(rig_turnd_of(r, end), end, from, r->datagram + TURND_HEADROOM,
				  data.len, TURND_IP_DEFAULT, &r->now, &r->out);
	return r->step;
}

bool rig_find(const struct rig *r, uint16_t type, struct bytes *value)
{
	return stun_msg_find(&r->answer, type, value);
}
