#include "turn_client_state.h"

#define CALL_US (30 * TC_SECOND) /* the server waits no longer (RFC 6062, section 5.4) */

static bool is_link(int link)
{
	return link >= 0 && link < TURN_CLIENT_LINKS_MAX;
}

static int find_free(const struct turn_client *c)
{
	for (int i = 0; i < TURN_CLIENT_LINKS_MAX; i++) {
		const struct tc_link *l = &c->links[i];

		if (l->state == TC_LINK_FREE && !l->tell && !l->close)
			return i;
	}
	return -1;
}

static bool is_connecting(const struct turn_client *c, const struct addr *peer)
{
	for (size_t i = 0; i < TURN_CLIENT_LINKS_MAX; i++) {
		if (c->links[i].state == TC_LINK_CONNECTING && addr_equal(&c->links[i].peer, peer))
			return true;
	}
	return false;
}

int turn_client_connect(struct turn_client *c, const struct addr *peer, uint64_t now_us)
{
	int i = find_free(c);

	if (c->phase != TC_ALIVE || !c->options.tcp || i < 0 || addr_ip_len(peer->family) == 0 ||
	    is_connecting(c, peer))
		return -1;
	c->links[i] = (struct tc_link){ .state = TC_LINK_CONNECTING, .peer = *peer };
	tc_link_upkeep(c, now_us);
	return i;
}

void turn_client_accept(struct turn_client *c, int link)
{
	if (is_link(link) && c->links[link].state == TC_LINK_CALLING)
		c->links[link].state = TC_LINK_WANTED;
}

static void forget(struct turn_client *c, int link)
{
	for (size_t i = 1; i < TC_REQUESTS_MAX; i++) {
		struct tc_request *r = &c->requests[i];

		if (r->busy && r->link == link)
			tc_request_drop(r);
	}
}

static bool has_stream(const struct tc_link *l)
{
	return l->state == TC_LINK_OPENING || l->state == TC_LINK_BINDING ||
	       l->state == TC_LINK_OPEN;
}

void turn_client_hang_up(struct turn_client *c, int link)
{
	struct tc_link *l;

	if (!is_link(link))
		return;
	l = &c->links[link];
	forget(c, link);
	l->close |= has_stream(l);
	l->state = TC_LINK_FREE;
	l->tell = l->busy = false;
}

static void fail(struct turn_client *c, int link, const struct turn_client_failure *f)
{
	struct tc_link *l = &c->links[link];

	turn_client_hang_up(c, link);
	l->failure = *f;
	l->tell = true;
}

void tc_link_drop_all(struct turn_client *c, bool tell)
{
	static const struct turn_client_failure lost = { .cause = TURN_CLIENT_REFUSED,
							 .code = 437 };

	for (int i = 0; i < TURN_CLIENT_LINKS_MAX; i++) {
		if (c->links[i].state == TC_LINK_FREE)
			continue;
		if (tell)
			fail(c, i, &lost);
		else
			turn_client_hang_up(c, i);
	}
}

static bool start(struct turn_client *c, uint8_t link, uint16_t method, uint64_t now_us)
{
	struct tc_request *r = tc_request_free(c, method);

	if (r == NULL)
		return false;
	r->peers = 0;
	c->links[link].busy = true;
	tc_request_start(c, r, method, link, now_us);
	return true;
}

void tc_link_put(struct turn_client *c, const struct tc_request *r, struct stun_builder *b)
{
	const struct tc_link *l = &c->links[r->link];

	if (r->method == TURN_CONNECT)
		(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, &l->peer);
	else
		(void)stun_attr_put_u32(b, STUN_ATTR_CONNECTION_ID, l->id);
}

void turn_client_on_link_connected(struct turn_client *c, int link, uint64_t now_us)
{
	if (!is_link(link) || c->links[link].state != TC_LINK_OPENING)
		return;
	c->links[link].state = TC_LINK_BINDING;
	tc_link_upkeep(c, now_us);
}

void turn_client_on_link_closed(struct turn_client *c, int link)
{
	struct tc_link *l;
	bool failed;

	if (!is_link(link) || !has_stream(&c->links[link]))
		return;
	l = &c->links[link];
	failed = l->state != TC_LINK_OPEN || l->tell;
	turn_client_hang_up(c, link);
	l->close = false;
	l->tell = failed;
	l->failure = (struct turn_client_failure){ .cause = TURN_CLIENT_TRANSPORT };
}

static bool get_id(const struct stun_msg *msg, uint32_t *out)
{
	struct bytes value;

	return stun_msg_find(msg, STUN_ATTR_CONNECTION_ID, &value) &&
	       stun_attr_get_u32(value, out) == STUN_OK;
}

static bool is_lost(struct turn_client *c, const struct tc_outcome *o)
{
	if (o->failure.cause != TURN_CLIENT_REFUSED || o->failure.code != 437)
		return false;
	tc_lose(c, o->now_us);
	return true;
}

void tc_connect_done(struct turn_client *c, uint8_t link, const struct tc_outcome *o)
{
	struct turn_client_failure f = o->failure;
	struct tc_link *l = &c->links[link];

	if (is_lost(c, o))
		return;
	l->busy = false;
	if (f.cause == TURN_CLIENT_FINE && !get_id(o->msg, &l->id))
		f.cause = TURN_CLIENT_PROTOCOL;
	if (f.cause == TURN_CLIENT_FINE)
		l->state = TC_LINK_WANTED;
	else
		fail(c, link, &f);
}

void tc_bind_done(struct turn_client *c, uint8_t link, const struct tc_outcome *o)
{
	struct tc_link *l = &c->links[link];

	l->busy = false;
	if (o->failure.cause != TURN_CLIENT_FINE) {
		fail(c, link, &o->failure);
		return;
	}
	l->state = TC_LINK_OPEN;
	l->tell = true;
}

static bool is_known_id(const struct turn_client *c, uint32_t id)
{
	for (size_t i = 0; i < TURN_CLIENT_LINKS_MAX; i++) {
		const struct tc_link *l = &c->links[i];

		if (l->state > TC_LINK_CONNECTING && l->id == id)
			return true;
	}
	return false;
}

/* A peer has connected to our relayed address (RFC 6062, section 4.4). */
void tc_on_attempt(struct turn_client *c, const struct stun_msg *msg, uint64_t now_us)
{
	int i = find_free(c);
	struct bytes value;
	struct addr peer;
	uint32_t id;

	if (i < 0 || !c->options.tcp || c->phase != TC_ALIVE || !get_id(msg, &id) ||
	    is_known_id(c, id))
		return;
	if (!stun_msg_find(msg, STUN_ATTR_XOR_PEER_ADDRESS, &value) ||
	    stun_attr_get_xor_addr(value, &msg->tid, &peer) != STUN_OK ||
	    tc_peer_of_ip(c, &peer, now_us) == NULL)
		return;
	c->links[i] = (struct tc_link){ .state = TC_LINK_CALLING,
					.tell = true,
					.peer = peer,
					.id = id,
					.until_us = now_us + CALL_US };
}

void turn_client_on_link_bytes(struct turn_client *c, int link, struct bytes in, uint64_t now_us)
{
	struct stun_msg msg;

	if (!is_link(link) || stun_msg_parse(in, &msg) != STUN_OK ||
	    (msg.fingerprint != 0 && stun_auth_check_fingerprint(&msg) != STUN_AUTH_OK))
		return;
	tc_on_response(c, &msg, (uint8_t)link, now_us);
}

void tc_link_upkeep(struct turn_client *c, uint64_t now_us)
{
	for (uint8_t i = 0; i < TURN_CLIENT_LINKS_MAX; i++) {
		struct tc_link *l = &c->links[i];

		if (l->state == TC_LINK_CALLING && now_us >= l->until_us)
			turn_client_hang_up(c, i);
		if (c->phase != TC_ALIVE || l->busy)
			continue;
		if (l->state == TC_LINK_CONNECTING)
			(void)start(c, i, TURN_CONNECT, now_us);
		else if (l->state == TC_LINK_BINDING)
			(void)start(c, i, TURN_CONNECTION_BIND, now_us);
	}
}

uint64_t tc_link_deadline(const struct turn_client *c)
{
	uint64_t at_us = TC_NEVER;

	for (size_t i = 0; i < TURN_CLIENT_LINKS_MAX; i++) {
		if (c->links[i].state == TC_LINK_CALLING && c->links[i].until_us < at_us)
			at_us = c->links[i].until_us;
	}
	return at_us;
}

/* Streams to close and to open. */
bool tc_link_next(struct turn_client *c, struct turn_client_action *action)
{
	for (uint8_t i = 0; i < TURN_CLIENT_LINKS_MAX; i++) {
		struct tc_link *l = &c->links[i];

		if (l->close) {
			l->close = false;
			*action = (struct turn_client_action){ .kind = TURN_CLIENT_LINK_CLOSE,
							       .link = i };
			return true;
		}
		if (l->state == TC_LINK_WANTED) {
			l->state = TC_LINK_OPENING;
			*action = (struct turn_client_action){ .kind = TURN_CLIENT_LINK_OPEN,
							       .link = i,
							       .to = c->server };
			return true;
		}
	}
	return false;
}
