#include "turn_client_state.h"

#define ADDRESSES_PER_REQUEST 16
#define RETRY_US              TC_SECOND
/* A channel ends, and its number rests for five minutes (RFC 8656, section 12); a request may be
 * under way for 40 seconds. */
#define NUMBER_US ((TC_CHANNEL_S + 300 + 40) * TC_SECOND)
#define BIT(i)    (UINT64_C(1) << (i))

static bool is_live(const struct tc_peer *p)
{
	return p->addr.family != ADDR_NONE && !p->removed;
}

static bool has_family(const struct turn_client *c, uint8_t family)
{
	const struct addr *relayed = c->allocated.relayed;

	return relayed[0].family == ADDR_NONE || relayed[0].family == family ||
	       relayed[1].family == family;
}

/* A channel comes with its permission (RFC 8656, section 12.1). */
static void want(struct tc_peer *p, uint64_t now_us)
{
	p->permission = (struct tc_grant){ .due_us = p->wants_channel ? TC_NEVER : now_us };
	p->channel = (struct tc_grant){ .due_us = p->wants_channel ? now_us : TC_NEVER };
	p->alone = false;
	p->tell = 0;
}

void tc_peer_reset(struct turn_client *c, uint64_t now_us)
{
	for (size_t i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		struct tc_peer *p = &c->peers[i];

		p->number_free_us = 0;
		if (is_live(p))
			want(p, now_us);
		else
			*p = (struct tc_peer){ 0 };
	}
}

static void redo(struct tc_grant *g, uint64_t now_us)
{
	if (g->busy)
		g->due_us = now_us;
	g->busy = false;
}

void tc_peer_redo(struct turn_client *c, uint64_t now_us)
{
	for (size_t i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		redo(&c->peers[i].permission, now_us);
		redo(&c->peers[i].channel, now_us);
	}
}

/* By address and port; one that was removed, too: its channel can name nobody else. */
static int find(const struct turn_client *c, const struct addr *addr)
{
	for (int i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		if (addr_equal(&c->peers[i].addr, addr))
			return i;
	}
	return -1;
}

static int find_free(const struct turn_client *c, uint64_t now_us)
{
	for (int i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		const struct tc_peer *p = &c->peers[i];

		if (p->addr.family == ADDR_NONE || (p->removed && now_us >= p->number_free_us))
			return i;
	}
	return -1;
}

static int add(struct turn_client *c, const struct addr *addr, bool channel, uint64_t now_us)
{
	int i = find_free(c, now_us);
	struct tc_peer *p;

	if (i < 0)
		return -1;
	p = &c->peers[i];
	*p = (struct tc_peer){ .addr = *addr, .wants_channel = channel };
	want(p, now_us);
	return i;
}

int turn_client_add_peer(struct turn_client *c, const struct addr *peer, bool channel,
			 uint64_t now_us)
{
	int i = find(c, peer);
	struct tc_peer *p;

	if (addr_ip_len(peer->family) == 0 || !has_family(c, peer->family))
		return -1;
	if (c->options.tcp)
		channel = false; /* there are none (RFC 6062, section 5.1) */
	if (i < 0)
		return add(c, peer, channel, now_us);
	p = &c->peers[i];
	if (p->removed) {
		p->removed = false;
		p->wants_channel = channel;
		want(p, now_us);
	} else if (channel && !p->wants_channel) {
		p->wants_channel = true;
		p->channel.due_us = now_us;
	}
	return i;
}

/* Requests under way are not about this peer any more. */
static void forget(struct turn_client *c, int peer)
{
	for (size_t i = 0; i < TC_REQUESTS_MAX; i++) {
		struct tc_request *r = &c->requests[i];

		if (!r->busy || (r->peers & BIT(peer)) == 0)
			continue;
		r->peers &= ~BIT(peer);
		if (r->peers == 0)
			tc_request_drop(r);
	}
}

void turn_client_remove_peer(struct turn_client *c, int peer, uint64_t now_us)
{
	struct tc_peer *p;

	if (peer < 0 || peer >= TURN_CLIENT_PEERS_MAX || !is_live(&c->peers[peer]))
		return;
	p = &c->peers[peer];
	forget(c, peer);
	if (p->number_free_us <= now_us) {
		*p = (struct tc_peer){ 0 };
		return;
	}
	p->removed = true;
	p->tell = 0;
	p->permission = p->channel = (struct tc_grant){ .due_us = TC_NEVER };
}

/* Who has that address and may send: the very port if there is one, else any. */
struct tc_peer *tc_peer_of_ip(struct turn_client *c, const struct addr *a, uint64_t now_us)
{
	struct tc_peer *found = NULL;

	for (size_t i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		struct tc_peer *p = &c->peers[i];

		if (!is_live(p) || p->permission.until_us <= now_us || !addr_equal_ip(&p->addr, a))
			continue;
		if (p->addr.port == a->port)
			return p;
		if (found == NULL)
			found = p;
	}
	return found;
}

static bool is_listed(const struct turn_client *c, uint64_t peers, int end, const struct addr *a)
{
	for (int i = 0; i < end; i++) {
		if ((peers & BIT(i)) != 0 && addr_equal_ip(&c->peers[i].addr, a))
			return true;
	}
	return false;
}

/* Permissions are for addresses whatever the port: each is named once. */
static int count_addresses(const struct turn_client *c, uint64_t peers)
{
	int count = 0;

	for (int i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		if ((peers & BIT(i)) != 0 && !is_listed(c, peers, i, &c->peers[i].addr))
			count++;
	}
	return count;
}

static void put_peers(const struct turn_client *c, uint64_t peers, struct stun_builder *b)
{
	for (int i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		const struct addr *a = &c->peers[i].addr;

		if ((peers & BIT(i)) != 0 && !is_listed(c, peers, i, a))
			(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, a);
	}
}

static uint16_t channel_of(uint64_t peers)
{
	uint16_t i = 0;

	while (i < TURN_CLIENT_PEERS_MAX - 1 && (peers & BIT(i)) == 0)
		i++;
	return (uint16_t)(TURN_CHAN_FIRST + i);
}

void tc_peer_put(struct turn_client *c, const struct tc_request *r, struct stun_builder *b)
{
	if (r->method == TURN_CHANNEL_BIND)
		(void)stun_attr_put_u16(b, STUN_ATTR_CHANNEL_NUMBER, channel_of(r->peers));
	put_peers(c, r->peers, b);
}

static void granted(struct turn_client *c, struct tc_grant *g, uint32_t lifetime_s,
		    const struct tc_outcome *o)
{
	uint64_t us = lifetime_s * TC_SECOND;

	g->until_us = o->started_us + us;
	g->due_us = o->started_us + tc_random_between(c, us * 6 / 10, us * 8 / 10);
}

static void permitted(struct turn_client *c, struct tc_peer *p, const struct tc_outcome *o)
{
	granted(c, &p->permission, TC_PERMISSION_S, o);
	p->alone = false;
	if (!p->permission.told)
		p->tell |= TC_TELL_PERMITTED;
	p->permission.told = true;
}

static bool is_final(const struct turn_client_failure *f)
{
	return f->cause != TURN_CLIENT_TIMEOUT && f->cause != TURN_CLIENT_INTEGRITY;
}

/* Returns whether it is to be told: not while it is still in force, and once. */
static bool refused(struct tc_grant *g, const struct tc_outcome *o)
{
	g->told = false;
	g->due_us = is_final(&o->failure) ? TC_NEVER : o->now_us + RETRY_US;
	if (is_final(&o->failure))
		g->until_us = 0;
	return g->until_us <= o->now_us;
}

static void not_permitted(struct tc_peer *p, const struct tc_outcome *o)
{
	bool was_told = p->permission.told;

	if (refused(&p->permission, o)) {
		p->tell |= TC_TELL_PERMISSION_REFUSED;
		p->permission_failure = o->failure;
	} else {
		p->permission.told = was_told;
	}
}

/* All or nothing (RFC 8656, section 10.2): which of them it was is found out one by one. */
static void split(struct tc_peer *p, const struct tc_outcome *o)
{
	p->alone = true;
	p->permission.due_us = o->now_us;
}

static bool is_lost(struct turn_client *c, const struct tc_outcome *o)
{
	if (o->failure.cause != TURN_CLIENT_REFUSED || o->failure.code != 437)
		return false;
	tc_lose(c, o->now_us);
	return true;
}

void tc_permission_done(struct turn_client *c, uint64_t peers, const struct tc_outcome *o)
{
	bool several = count_addresses(c, peers) > 1;

	if (is_lost(c, o))
		return;
	for (int i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		struct tc_peer *p = &c->peers[i];

		if ((peers & BIT(i)) == 0)
			continue;
		p->permission.busy = false;
		if (o->failure.cause == TURN_CLIENT_FINE)
			permitted(c, p, o);
		else if (several && is_final(&o->failure))
			split(p, o);
		else
			not_permitted(p, o);
	}
}

static void bound(struct turn_client *c, struct tc_peer *p, const struct tc_outcome *o)
{
	granted(c, &p->channel, TC_CHANNEL_S, o);
	if (!p->channel.told)
		p->tell |= TC_TELL_CHANNEL_BOUND;
	p->channel.told = true;
	if (!p->permission.busy)
		permitted(c, p, o);
}

/* Without a channel there are indications, which need their permission. */
static void not_bound(struct tc_peer *p, const struct tc_outcome *o)
{
	bool was_told = p->channel.told;

	if (p->permission.due_us == TC_NEVER && !p->permission.busy)
		p->permission.due_us = o->now_us;
	if (!refused(&p->channel, o)) {
		p->channel.told = was_told;
		return;
	}
	p->tell |= TC_TELL_CHANNEL_REFUSED;
	p->channel_failure = o->failure;
}

void tc_channel_done(struct turn_client *c, uint64_t peers, const struct tc_outcome *o)
{
	if (is_lost(c, o))
		return;
	for (int i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		struct tc_peer *p = &c->peers[i];

		if ((peers & BIT(i)) == 0)
			continue;
		p->channel.busy = false;
		if (o->failure.cause == TURN_CLIENT_FINE)
			bound(c, p, o);
		else
			not_bound(p, o);
	}
}

static void set_busy(struct tc_peer *p, uint16_t method, uint64_t now_us)
{
	if (method == TURN_CREATE_PERMISSION) {
		p->permission.busy = true;
		return;
	}
	p->channel.busy = true;
	p->number_free_us = now_us + NUMBER_US;
}

/* Returns false when no more requests can be under way. */
static bool start(struct turn_client *c, uint16_t method, uint64_t peers, uint64_t now_us)
{
	struct tc_request *r = tc_request_free(c, method);

	if (r == NULL)
		return false;
	r->peers = peers;
	tc_request_start(c, r, method, TC_NO_LINK, now_us);
	for (int i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		if ((peers & BIT(i)) != 0)
			set_busy(&c->peers[i], method, now_us);
	}
	return true;
}

static bool is_due(const struct tc_peer *p, const struct tc_grant *g, uint64_t now_us)
{
	return is_live(p) && !g->busy && g->due_us <= now_us;
}

static void bind_channels(struct turn_client *c, uint64_t now_us)
{
	for (int i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		if (is_due(&c->peers[i], &c->peers[i].channel, now_us) &&
		    !start(c, TURN_CHANNEL_BIND, BIT(i), now_us))
			return;
	}
}

/* As many as one request takes, or one that is to be asked for alone. */
static uint64_t collect(const struct turn_client *c, uint64_t now_us)
{
	uint64_t peers = 0;

	for (int i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		const struct tc_peer *p = &c->peers[i];

		if (!is_due(p, &p->permission, now_us))
			continue;
		if (p->alone)
			return peers != 0 ? peers : BIT(i);
		peers |= BIT(i);
		if (count_addresses(c, peers) == ADDRESSES_PER_REQUEST)
			break;
	}
	return peers;
}

static void install_permissions(struct turn_client *c, uint64_t now_us)
{
	uint64_t peers = collect(c, now_us);

	while (peers != 0 && start(c, TURN_CREATE_PERMISSION, peers, now_us))
		peers = collect(c, now_us);
}

void tc_peer_upkeep(struct turn_client *c, uint64_t now_us)
{
	if (c->phase != TC_ALIVE)
		return;
	bind_channels(c, now_us);
	install_permissions(c, now_us);
}

static uint64_t sooner(const struct tc_grant *g, uint64_t than_us)
{
	return !g->busy && g->due_us < than_us ? g->due_us : than_us;
}

uint64_t tc_peer_deadline(const struct turn_client *c)
{
	uint64_t at_us = TC_NEVER;

	/* With all requests busy, one of their ends comes first. */
	if (c->phase != TC_ALIVE || tc_request_free((struct turn_client *)c, 0) == NULL)
		return TC_NEVER;
	for (size_t i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		if (!is_live(&c->peers[i]))
			continue;
		at_us = sooner(&c->peers[i].permission, at_us);
		at_us = sooner(&c->peers[i].channel, at_us);
	}
	return at_us;
}
