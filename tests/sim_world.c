#include "sim_world.h"

#include <stdlib.h>

#include "stun_attr.h"
#include "stun_server.h"

#define EVENTS_MAX 512
#define PACKET_MAX 160
#define SENDS_MAX  256

enum event_kind { EVENT_TO_SERVER, EVENT_TO_CLIENT, EVENT_CONNECTED, EVENT_STREAM };

struct event {
	enum event_kind kind;
	uint64_t at_us;
	struct addr from, to;
	uint8_t data[PACKET_MAX];
	size_t len;
	uint8_t connection;
	enum discover_stream what;
};

struct world {
	const struct sim_config *config;
	struct rng rng;
	struct sim_nat nat;
	struct discover *discover;
	struct event events[EVENTS_MAX];
	size_t event_count;
	uint64_t now_us;
	struct addr slots[DISCOVER_SLOTS_MAX];
	unsigned open;
	bool forgot;
	uint64_t sends_us[SENDS_MAX];
	unsigned sends;
	uint64_t limit_free_us;
	struct sim_result result;
};

struct addr sim_endpoint(const struct sim_config *config, size_t server, uint8_t socket)
{
	bool second = (socket & 2) != 0;
	struct addr a = addr_ipv4(203, 0, (uint8_t)(113 + server), second ? 2 : 1, 0);

	if (config->ipv6)
		a = (struct addr){
			.family = ADDR_IPV6,
			.ip = { 0x20, 0x01, 0x0d,
				0xb8, [7] = (uint8_t)(1 + server), [15] = second ? 2 : 1 }
		};
	a.port = (socket & 1) != 0 ? 3479 : 3478;
	return a;
}

static bool happens(struct world *w, uint32_t per_mille)
{
	return per_mille > 0 && rng_below(&w->rng, 1000) < per_mille;
}

static void put_event(struct world *w, const struct event *e)
{
	if (w->event_count == EVENTS_MAX)
		abort();
	w->events[w->event_count++] = *e;
}

/* One way over the path: perhaps lost, perhaps twice. */
static void send_over_path(struct world *w, enum event_kind kind, const struct addr *from,
			   const struct addr *to, struct bytes data, uint64_t extra_us)
{
	int copies = happens(w, w->config->duplicates_per_mille) ? 2 : 1;
	struct event e = { .kind = kind, .from = *from, .to = *to, .len = data.len };

	if (data.len > sizeof(e.data))
		abort();
	memcpy(e.data, data.data, data.len);
	while (copies-- > 0) {
		if (happens(w, w->config->loss_per_mille))
			continue;
		e.at_us = w->now_us + w->config->rtt_us / 2 + extra_us;
		if (w->config->jitter_us > 0)
			e.at_us += rng_below(&w->rng, w->config->jitter_us);
		put_event(w, &e);
	}
}

/* An answer that no stun_server would give. */
static struct bytes build_answer(const struct stun_msg *asked, const struct addr *from,
				 const struct addr *other, uint8_t buf[static PACKET_MAX])
{
	struct stun_builder b =
		stun_build(buf, PACKET_MAX, STUN_BINDING, STUN_SUCCESS, &asked->tid);
	struct bytes out = { 0 };

	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, from);
	(void)stun_attr_put_addr(&b, STUN_ATTR_OTHER_ADDRESS, other);
	(void)stun_build_finish(&b, &out);
	return out;
}

static struct bytes build_error(const struct stun_msg *asked, uint16_t code,
				uint8_t buf[static PACKET_MAX])
{
	struct stun_builder b = stun_build(buf, PACKET_MAX, STUN_BINDING, STUN_ERROR, &asked->tid);
	struct bytes out = { 0 };

	(void)stun_attr_put_error(&b, code, bytes_of_str(""));
	(void)stun_build_finish(&b, &out);
	return out;
}

struct served {
	size_t server;
	uint8_t socket; /* that was asked */
	struct addr from;
	struct stun_msg asked;
	struct stun_change change;
};

/* What an honest server does, bent. Returns the answer; sets *socket and *extra_us. */
static struct bytes bend(struct world *w, const struct served *s, struct bytes honest,
			 uint8_t buf[static PACKET_MAX], uint8_t *socket, uint64_t *extra_us)
{
	bool changes = s->change.address || s->change.port;
	struct addr other;

	switch (w->config->servers[s->server].misdeed) {
	case SIM_DEAD:
	case SIM_TCP_ONLY:
		return (struct bytes){ 0 };
	case SIM_REFUSES_BINDING:
		return build_error(&s->asked, 400, buf);
	case SIM_IGNORES_CHANGE:
		*socket = s->socket;
		return honest;
	case SIM_IGNORES_ADDRESS:
		*socket = (uint8_t)((*socket & 1) | (s->socket & 2));
		return honest;
	case SIM_REFUSES_CHANGE:
		*socket = s->socket;
		return changes ? build_error(&s->asked, 420, buf) : honest;
	case SIM_DROPS_CHANGE:
		return changes ? (struct bytes){ 0 } : honest;
	case SIM_WRONG_SOURCE:
		if (s->change.address && s->change.port)
			*socket = 2;
		return honest;
	case SIM_WRONG_PLAIN:
		*socket = s->socket ^ 1;
		return honest;
	case SIM_ONE_VOICE:
		*socket = 0;
		return honest;
	case SIM_SAME_ADDRESS:
		other = sim_endpoint(w->config, s->server, 1);
		return build_answer(&s->asked, &s->from, &other, buf);
	case SIM_SAME_PORT:
		other = sim_endpoint(w->config, s->server, 2);
		return build_answer(&s->asked, &s->from, &other, buf);
	case SIM_PRIVATE_ALTERNATE:
		other = addr_ipv4(10, 0, 0, 1, 3479);
		return build_answer(&s->asked, &s->from, &other, buf);
	case SIM_DEAD_ALTERNATE:
		return (s->socket & 2) != 0 || (*socket & 2) != 0 ? (struct bytes){ 0 } : honest;
	case SIM_SLOW_CHANGE:
		*extra_us = changes ? 1000000 : 0;
		return honest;
	default:
		return honest;
	}
}

static struct stun_site site_of(const struct world *w, size_t server)
{
	struct stun_site site = { 0 };

	for (uint8_t i = 0; i < STUN_SITE_SOCKETS; i++) {
		site.seen_as[i] = sim_endpoint(w->config, server, i);
		site.has[i] = i == 0 || w->config->servers[server].misdeed != SIM_ONE_ADDRESS;
	}
	return site;
}

static void serve(struct world *w, const struct event *e, size_t server, uint8_t socket)
{
	const struct stun_server_policy policy = { .nat_discovery = true };
	struct stun_site site = site_of(w, server);
	struct served s = { .server = server, .socket = socket, .from = e->from };
	struct stun_query q = { .datagram = bytes_of(e->data, e->len),
				.from = e->from,
				.site = &site,
				.socket = socket };
	uint8_t buf[1500], bent[PACKET_MAX];
	uint64_t extra_us = 0;
	struct stun_reply reply;
	struct bytes value, answer;
	struct addr from;

	if (stun_msg_parse(q.datagram, &s.asked) != STUN_OK ||
	    stun_server_answer(&policy, &q, buf, sizeof(buf), &reply) > STUN_REPLY_ERROR)
		abort();
	if (stun_msg_find(&s.asked, STUN_ATTR_CHANGE_REQUEST, &value))
		(void)stun_attr_get_change(value, &s.change);
	answer = bend(w, &s, reply.msg, bent, &reply.socket, &extra_us);
	if (answer.len == 0 || !site.has[socket])
		return;
	from = sim_endpoint(w->config, server, reply.socket);
	send_over_path(w, EVENT_TO_CLIENT, &from, &e->from, answer,
		       extra_us + w->config->servers[server].extra_rtt_us);
}

static void to_server(struct world *w, const struct event *e)
{
	for (size_t i = 0; i < w->config->server_count; i++) {
		for (uint8_t socket = 0; socket < STUN_SITE_SOCKETS; socket++) {
			struct addr endpoint = sim_endpoint(w->config, i, socket);

			if (addr_equal(&endpoint, &e->to))
				serve(w, e, i, socket);
		}
	}
}

static void to_client(struct world *w, const struct event *e)
{
	struct addr local;

	if (!sim_nat_in(&w->nat, &e->from, &e->to, &local))
		return;
	for (uint8_t i = 0; i < DISCOVER_SLOTS_MAX; i++) {
		if (addr_equal(&w->slots[i], &local))
			discover_on_datagram(w->discover, i, &e->from, bytes_of(e->data, e->len),
					     w->now_us);
	}
}

/* Somebody who does not see our requests, but knows our sockets and servers. */
static void forge(struct world *w, uint8_t slot, const struct addr *server)
{
	struct stun_msg asked = { 0 };
	uint8_t random[12], buf[PACKET_MAX];
	struct addr lie = addr_ipv4(198, 51, 100, 66, 666);
	struct bytes answer;

	rng_fill(&w->rng, random, sizeof(random));
	asked.tid = stun_tid_make(random);
	answer = build_answer(&asked, &lie, &lie, buf);
	discover_on_datagram(w->discover, slot, server, answer, w->now_us);
	discover_on_datagram(w->discover, slot, &lie, bytes_of(random, sizeof(random)), w->now_us);
}

/* A NAT that forwards only so many datagrams a second. */
static bool is_over_limit(struct world *w)
{
	if (w->config->limit_per_s == 0)
		return false;
	if (w->now_us < w->limit_free_us)
		return true;
	w->limit_free_us = w->now_us + 1000000 / w->config->limit_per_s;
	return false;
}

/* How long the path still sleeps. */
static uint64_t sleep_us(const struct world *w)
{
	uint64_t awake_us = SIM_START_US + w->config->wakes_after_us;

	return awake_us > w->now_us ? awake_us - w->now_us : 0;
}

static void do_send(struct world *w, const struct discover_action *a)
{
	struct addr from;

	if (happens(w, w->config->refused_per_mille)) {
		discover_on_send_error(w->discover, a->slot, -1);
		return;
	}
	if (w->sends == SENDS_MAX)
		abort();
	w->sends_us[w->sends++] = w->now_us;
	if (w->config->forgets_at_us != 0 && w->now_us >= w->config->forgets_at_us && !w->forgot) {
		w->forgot = true;
		w->nat.mapping_count = w->nat.contact_count = 0;
	}
	from = sim_nat_out(&w->nat, &w->slots[a->slot], &a->to);
	if (!w->config->udp_blocked && !is_over_limit(w))
		send_over_path(w, EVENT_TO_SERVER, &from, &a->to, a->data, sleep_us(w));
	if (w->config->forges)
		forge(w, a->slot, &a->to);
}

static struct addr local_ip(const struct sim_config *config)
{
	if (config->ipv6)
		return (struct addr){ .family = ADDR_IPV6, .ip = { 0x20, 0x01, [15] = 7 } };
	return addr_ipv4(192, 168, 1, 7, 0);
}

static void do_open(struct world *w, const struct discover_action *a)
{
	struct addr local = local_ip(w->config);

	if (w->config->no_sockets || (w->config->open_fails && a->slot != 0)) {
		discover_on_open_failed(w->discover, a->slot, -1);
		return;
	}
	/* No two sockets share a port. */
	local.port = (uint16_t)(40000u + 2000u * a->slot + rng_below(&w->rng, 2000));
	w->slots[a->slot] = local;
	w->open++;
	discover_on_open(w->discover, a->slot, &local);
}

static void put_stream(struct world *w, uint8_t connection, enum discover_stream what,
		       uint64_t at_us, struct bytes data)
{
	struct event e = { .kind = EVENT_STREAM,
			   .at_us = at_us,
			   .connection = connection,
			   .what = what,
			   .len = data.len };

	if (data.len > 0)
		memcpy(e.data, data.data, data.len);
	put_event(w, &e);
}

static bool tcp_answers(const struct world *w, const struct addr *to)
{
	for (size_t i = 0; i < w->config->server_count; i++) {
		struct addr endpoint = sim_endpoint(w->config, i, 0);

		if (addr_equal(&endpoint, to))
			return w->config->servers[i].misdeed != SIM_DEAD;
	}
	return false;
}

static struct bytes build_tcp_answer(const struct world *w, const struct stun_msg *asked,
				     const struct addr *mapped, uint8_t buf[static PACKET_MAX])
{
	enum sim_tcp_answer how = w->config->tcp_answer;
	struct addr other_family =
		w->config->ipv6 ? addr_ipv4(192, 0, 2, 1, 1) : (struct addr){ .family = ADDR_IPV6 };
	struct stun_builder b =
		stun_build(buf, PACKET_MAX, STUN_BINDING, STUN_SUCCESS, &asked->tid);
	struct bytes out = { 0 };

	if (how == SIM_TCP_ERROR)
		return build_error(asked, 400, buf);
	if (how == SIM_TCP_XOR_MAPPED || how == SIM_TCP_FAMILY)
		(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS,
					     how == SIM_TCP_FAMILY ? &other_family : mapped);
	else if (how == SIM_TCP_MAPPED)
		(void)stun_attr_put_addr(&b, STUN_ATTR_MAPPED_ADDRESS, mapped);
	(void)stun_build_finish(&b, &out);
	return out;
}

/* A lost SYN is sent again after a second; the answer comes in two pieces. */
static void do_connect(struct world *w, const struct discover_action *a)
{
	uint64_t at_us = w->now_us + sleep_us(w) + w->config->rtt_us;
	uint8_t buf[PACKET_MAX];
	struct addr local = local_ip(w->config), mapped;
	struct event connected = { .kind = EVENT_CONNECTED, .connection = a->slot };
	struct stun_msg asked;
	struct bytes answer;

	w->open++;
	if (w->config->tcp_refused)
		put_stream(w, a->slot, DISCOVER_STREAM_CLOSED, at_us, (struct bytes){ 0 });
	if (w->config->tcp_refused || w->config->tcp_blocked || !tcp_answers(w, &a->to))
		return;
	while (happens(w, w->config->loss_per_mille) || happens(w, w->config->loss_per_mille))
		at_us += 1000000;
	local.port = (uint16_t)(60000 + a->slot); /* no UDP socket has it */
	connected.at_us = at_us;
	connected.to = local;
	put_event(w, &connected);
	if (stun_msg_parse(a->data, &asked) != STUN_OK)
		abort();
	mapped = sim_nat_out(&w->nat, &local, &a->to);
	answer = build_tcp_answer(w, &asked, &mapped, buf);
	at_us += w->config->rtt_us + w->config->servers[0].extra_rtt_us;
	put_stream(w, a->slot, DISCOVER_STREAM_DATA, at_us, bytes_of(answer.data, 7));
	put_stream(w, a->slot, DISCOVER_STREAM_DATA, at_us + 1,
		   bytes_of(answer.data + 7, answer.len - 7));
}

static void do_close(struct world *w, const struct discover_action *a)
{
	w->slots[a->slot] = (struct addr){ 0 };
	w->open--;
}

static void do_event(struct world *w, struct event *e)
{
	struct event copy = *e;

	*e = w->events[--w->event_count];
	w->now_us = copy.at_us > w->now_us ? copy.at_us : w->now_us;
	switch (copy.kind) {
	case EVENT_TO_SERVER:
		to_server(w, &copy);
		break;
	case EVENT_TO_CLIENT:
		to_client(w, &copy);
		break;
	case EVENT_CONNECTED:
		discover_on_connected(w->discover, copy.connection,
				      w->config->tcp_hides_local ? NULL : &copy.to, w->now_us);
		break;
	default:
		w->open -= copy.what == DISCOVER_STREAM_CLOSED;
		discover_on_stream(w->discover, copy.connection, copy.what,
				   bytes_of(copy.data, copy.len), w->now_us);
		break;
	}
}

/* Moves the clock to the deadline, or to what happens first. */
static void wait_until(struct world *w, uint64_t deadline_us)
{
	struct event *first = NULL;

	for (size_t i = 0; i < w->event_count; i++) {
		struct event *e = &w->events[i];

		if (first == NULL || e->at_us < first->at_us)
			first = e;
	}
	if (first != NULL && first->at_us <= deadline_us)
		do_event(w, first);
	else
		w->now_us = deadline_us;
}

static void do_action(struct world *w, const struct discover_action *a)
{
	switch (a->kind) {
	case DISCOVER_WAIT:
		wait_until(w, a->deadline_us);
		break;
	case DISCOVER_OPEN:
		do_open(w, a);
		break;
	case DISCOVER_SEND:
		do_send(w, a);
		break;
	case DISCOVER_CLOSE:
		do_close(w, a);
		break;
	case DISCOVER_CONNECT:
		do_connect(w, a);
		break;
	default:
		w->open--;
		break;
	}
}

static void fill_random(void *arg, void *buf, size_t len)
{
	rng_fill(arg, buf, len);
}

static unsigned most_within(const struct world *w, uint64_t span_us)
{
	unsigned most = 0;

	for (unsigned i = 0; i < w->sends; i++) {
		unsigned n = 0;

		while (i + n < w->sends && w->sends_us[i + n] <= w->sends_us[i] + span_us)
			n++;
		if (n > most)
			most = n;
	}
	return most;
}

static void run(struct world *w, uint64_t start_us)
{
	struct discover_action a;

	/* Far more steps than any discovery takes: one that spins must not hang the test. */
	while (w->result.calls++ < 20000) {
		if (discover_next(w->discover, w->now_us, &a) == DISCOVER_DONE) {
			w->result.ended = true;
			break;
		}
		do_action(w, &a);
	}
	w->result.elapsed_us = w->now_us - start_us;
	w->result.datagrams = w->sends;
	w->result.burst = most_within(w, 10000);
	w->result.per_second = most_within(w, 1000000);
	w->result.open_at_end = w->open;
	if (w->result.ended)
		w->result.verdict = *discover_verdict(w->discover);
}

struct sim_result sim_run(const struct sim_config *config)
{
	static struct world w; /* too large for a stack */
	const uint64_t start_us = SIM_START_US;
	struct discover_server servers[SIM_SERVERS_MAX];
	struct discover_config dc = {
		.local = local_ip(config),
		.servers = servers,
		.server_count = config->server_count,
		.random = fill_random,
		.random_arg = &w.rng,
		.timing = config->timing,
	};

	memset(&w, 0, sizeof(w));
	w.config = config;
	w.rng = rng_seed(config->seed);
	w.now_us = start_us;
	w.nat = (struct sim_nat){ .mapping = config->mapping,
				  .filtering = config->filtering,
				  .preserves_port = config->preserves_port,
				  .pools = config->pools,
				  .port_span = config->port_span,
				  .external = addr_ipv4(198, 51, 100, 1, 0),
				  .rng = &w.rng };
	if (config->ipv6)
		w.nat.external =
			(struct addr){ .family = ADDR_IPV6, .ip = { 0x20, 0x02, [15] = 1 } };
	if (config->keeps_ip)
		w.nat.external = local_ip(config);
	for (size_t i = 0; i < config->server_count; i++)
		servers[i] = (struct discover_server){ sim_endpoint(config, i, 0), "server" };
	w.discover = discover_new(&dc);
	if (w.discover == NULL)
		abort();
	run(&w, start_us);
	discover_free(w.discover);
	return w.result;
}
