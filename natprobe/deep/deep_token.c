#include "deep_state.h"

#define COPIES_MAX    8
#define COPIES_LOW    5 /* to a port where perhaps nobody listens */
#define BLIND_WAIT_US 250000
#define RENEW_US      240000000u /* well before a token ends */
#define POOL_ASKINGS  12         /* to meet all external addresses that are given out by lot */

/* Of UDP services that servers often have beside their own. */
static const uint16_t low_ports[] = { 443, 53 };

static bool same_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && addr_equal_ip(a, b);
}

static bool is_low(const struct deep *d, const struct addr *to)
{
	return to->port < 1024 && to->port != d->config.server.port;
}

/* The token for that external address; DEEP_TOKENS_MAX: there is none. */
static uint8_t find_token(const struct deep *d, const struct addr *external, bool low)
{
	for (uint8_t i = 0; i < d->token_count; i++) {
		if (d->tokens[i].low == low && same_ip(&d->tokens[i].external, external))
			return i;
	}
	return DEEP_TOKENS_MAX;
}

const struct coop_token *deep_token_of(const struct deep *d, uint16_t socket, const struct addr *to)
{
	uint8_t own = d->sockets[socket].token;
	uint8_t i = find_token(d, &d->tokens[own].external, is_low(d, to));

	return &d->tokens[i != DEEP_TOKENS_MAX ? i : own].token;
}

uint8_t deep_token_likely(struct deep *d)
{
	uint8_t random, i = 0;

	deep_random(d, &random, sizeof(random));
	for (unsigned tries = 0; tries < d->token_count; tries++) {
		i = (uint8_t)((random + tries) % d->token_count);
		if (!d->tokens[i].low && !d->tokens[i].is_second)
			break;
	}
	return i;
}

static uint8_t keep_token(struct deep *d, const struct addr *external, bool low,
			  const struct coop_token *token)
{
	uint8_t i = find_token(d, external, low);

	if (i == DEEP_TOKENS_MAX) {
		i = d->token_count < DEEP_TOKENS_MAX ? d->token_count++ : 0;
		d->tokens[i].is_second = true; /* until we know better */
	}
	d->tokens[i].external = addr_with_port(external, 0);
	d->tokens[i].low = low;
	d->tokens[i].token = *token;
	d->cooperates = true;
	d->renew_us = d->now_us + RENEW_US;
	return i;
}

static void ask(struct deep *d, struct deep_asking *k)
{
	static const struct coop_token none;
	uint8_t buf[256];
	struct deep_send send = { .to = k->to };
	uint64_t wait = d->rtt_us > 0 ? d->rtt_us * 3 / 2 + 50000 : BLIND_WAIT_US;

	send.data = coop_request(&k->tid, &none, NULL, 0, buf, sizeof(buf));
	(void)deep_socket_send(d, k->socket, &send, DEEP_NO_ORDER);
	k->last_us = d->now_us;
	k->due_us = d->now_us + (wait << (k->sent < 3 ? k->sent : 3)) + deep_backlog_us(d);
	k->sent++;
}

/* False: too many are being asked for already. */
static bool begin(struct deep *d, uint16_t socket, const struct addr *to)
{
	uint8_t random[12];

	for (size_t i = 0; i < DEEP_ASKINGS_MAX; i++) {
		struct deep_asking *k = &d->askings[i];

		if (k->is_active)
			continue;
		deep_random(d, random, sizeof(random));
		*k = (struct deep_asking){
			.is_active = true, .socket = socket, .tid = stun_tid_make(random), .to = *to
		};
		ask(d, k);
		return true;
	}
	return false;
}

static void ask_from_fresh_socket(struct deep *d, const struct addr *to)
{
	uint16_t socket = deep_socket_open(d, NULL, 0, DEEP_NOBODY);

	if (socket != DEEP_NO_SOCKET && !begin(d, socket, to))
		deep_socket_close(d, socket);
}

/* One by one: whoever answers without a token costs a round trip only. */
static bool ask_next_server(struct deep *d)
{
	if (d->cooperates || d->asked_servers == d->config.server_count)
		return false;
	d->config.server = d->config.servers[d->asked_servers++];
	ask_from_fresh_socket(d, &d->config.server);
	return true;
}

/* Addresses by lot, so that several sockets have to meet them; and low ports of the server. */
static bool ask_more(struct deep *d)
{
	struct addr low;

	if (!d->cooperates)
		return false;
	if (!d->asked_pool && d->verdict->pooling.value == POOLING_ARBITRARY) {
		d->asked_pool = true;
		for (int i = 0; i < POOL_ASKINGS; i++)
			ask_from_fresh_socket(d, &d->config.server);
		return true;
	}
	if (d->config.server_low.family != ADDR_NONE || d->asked_low == ARRAY_LEN(low_ports))
		return false;
	for (; d->asked_low < ARRAY_LEN(low_ports); d->asked_low++) {
		low = addr_with_port(&d->config.server, low_ports[d->asked_low]);
		ask_from_fresh_socket(d, &low);
	}
	return true;
}

bool deep_token_search(struct deep *d)
{
	return ask_next_server(d) || ask_more(d);
}

static void finish(struct deep *d, struct deep_asking *k)
{
	k->is_active = false;
	if (d->sockets[k->socket].trial == DEEP_NOBODY)
		deep_socket_close(d, k->socket);
	else
		deep_order_resume(d, k->socket);
}

void deep_token_step(struct deep *d)
{
	for (size_t i = 0; i < DEEP_ASKINGS_MAX; i++) {
		struct deep_asking *k = &d->askings[i];

		if (!k->is_active || k->due_us > d->now_us)
			continue;
		if (k->sent >= (k->to.port < 1024 && d->cooperates ? COPIES_LOW : COPIES_MAX) ||
		    !deep_socket_is_usable(d, k->socket))
			finish(d, k);
		else
			ask(d, k);
	}
	if (d->renew_us != 0 && d->renew_us <= d->now_us && d->phase == DEEP_TRYING) {
		d->renew_us = d->now_us + RENEW_US / 4;
		ask_from_fresh_socket(d, &d->config.server);
		if (d->config.server_low.family != ADDR_NONE)
			ask_from_fresh_socket(d, &d->config.server_low);
	}
}

uint64_t deep_token_deadline_us(const struct deep *d)
{
	uint64_t at_us = d->renew_us != 0 && d->phase == DEEP_TRYING ? d->renew_us : UINT64_MAX;

	for (size_t i = 0; i < DEEP_ASKINGS_MAX; i++) {
		if (d->askings[i].is_active)
			at_us = deep_sooner(at_us, d->askings[i].due_us);
	}
	return at_us;
}

static void note_low(struct deep *d, const struct addr *to)
{
	if (d->config.server_low.family == ADDR_NONE || to->port == low_ports[0])
		d->config.server_low = *to;
}

bool deep_token_answered(struct deep *d, uint16_t socket, const struct stun_msg *m,
			 const struct coop_answer *a)
{
	for (size_t i = 0; i < DEEP_ASKINGS_MAX; i++) {
		struct deep_asking *k = &d->askings[i];

		if (!k->is_active || k->socket != socket || !stun_tid_equal(&k->tid, &m->tid))
			continue;
		d->verdict->deep.answered++;
		if (k->sent == 1 && (d->rtt_us == 0 || d->now_us - k->last_us < d->rtt_us))
			d->rtt_us = d->now_us - k->last_us;
		if (a->other.family != ADDR_NONE && d->other.family == ADDR_NONE)
			d->other = a->other;
		if (a->has_token && is_low(d, &k->to))
			note_low(d, &k->to);
		if (a->has_token) {
			uint8_t kept = keep_token(d, &a->mapped, is_low(d, &k->to), &a->token);

			/* Of use to our other address alone, unless ours is seen as that, too. */
			if (d->sockets[socket].source.family == ADDR_NONE)
				d->tokens[kept].is_second = false;
			d->sockets[socket].token = kept;
		}
		finish(d, k);
		return true;
	}
	return false;
}

bool deep_token_for(struct deep *d, uint16_t socket, const struct addr *to,
		    const struct addr *mapped)
{
	uint8_t known = find_token(d, mapped, is_low(d, to));

	/* The one that was refused is too old, or not for this address. */
	if (known != DEEP_TOKENS_MAX && known != d->sockets[socket].token &&
	    &d->tokens[known].token != deep_token_of(d, socket, to)) {
		d->sockets[socket].token = known;
		deep_order_resume(d, socket);
		return true;
	}
	for (size_t i = 0; i < DEEP_ASKINGS_MAX; i++) {
		if (d->askings[i].is_active && d->askings[i].socket == socket)
			return true;
	}
	return begin(d, socket, to);
}
