#include "turn_client_state.h"

#define PROTO_TCP      6
#define PROTO_UDP      17
#define ADDRESSES_MAX  3 /* of ours that are tried against 437 (RFC 8656, section 7.4) */
#define LOSSES_MAX     3 /* in a row, without a refresh in between */
#define CLOSE_US       (3 * TC_SECOND)
#define CLOSE_SENDS    3
#define RETRY_MIN_US   TC_SECOND
#define LIFETIME_MAX_S (UINT32_C(365) * 24 * 3600) /* for our own sums; servers say an hour */

static void put_families(const struct turn_client *c, struct stun_builder *b)
{
	switch (c->options.families) {
	case TURN_CLIENT_FAMILY_IPV4:
		(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, ADDR_IPV4);
		break;
	case TURN_CLIENT_FAMILY_IPV6:
		(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, ADDR_IPV6);
		break;
	case TURN_CLIENT_FAMILY_BOTH:
		(void)stun_attr_put_u8(b, STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, ADDR_IPV6);
		break;
	default:
		break;
	}
}

void tc_alloc_put(struct turn_client *c, const struct tc_request *r, struct stun_builder *b)
{
	const struct turn_client_options *o = &c->options;

	(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_TRANSPORT, o->tcp ? PROTO_TCP : PROTO_UDP);
	if (o->lifetime_s != 0)
		(void)stun_attr_put_u32(b, STUN_ATTR_LIFETIME, o->lifetime_s);
	put_families(c, b);
	if (o->even_port != TURN_CLIENT_PORT_ANY)
		(void)stun_attr_put_even_port(b, o->even_port == TURN_CLIENT_PORT_EVEN_RESERVE);
	if (o->use_reservation)
		(void)stun_attr_put_bytes(b, STUN_ATTR_RESERVATION_TOKEN,
					  bytes_of(o->reservation, sizeof(o->reservation)));
	if (o->dont_fragment)
		(void)stun_attr_put_flag(b, STUN_ATTR_DONT_FRAGMENT);
	if (o->mobile)
		(void)stun_build_attr(b, STUN_ATTR_MOBILITY_TICKET, 0);
}

void tc_refresh_put(struct turn_client *c, const struct tc_request *r, struct stun_builder *b)
{
	uint8_t *to;

	if (r->lifetime_s != 0 || c->phase == TC_CLOSING)
		(void)stun_attr_put_u32(b, STUN_ATTR_LIFETIME, r->lifetime_s);
	if (c->phase != TC_MOVING)
		return;
	to = stun_build_attr(b, STUN_ATTR_MOBILITY_TICKET, c->ticket_len);
	if (to != NULL)
		memcpy(to, c->ticket, c->ticket_len);
}

void tc_allocate(struct turn_client *c, uint64_t now_us)
{
	c->phase = TC_ALLOCATING;
	tc_request_start(c, &c->requests[0], TURN_ALLOCATE, TC_NO_LINK, now_us);
}

void tc_fail(struct turn_client *c, const struct turn_client_failure *f)
{
	c->failure = *f;
	c->tell_failed = true;
	c->phase = TC_ENDED;
	c->reconnect = false;
	tc_request_drop_all(c);
	tc_link_drop_all(c, false);
}

static void fail_for(struct turn_client *c, uint8_t cause)
{
	tc_fail(c, &(struct turn_client_failure){ .cause = cause });
}

static void start_delete(struct turn_client *c, uint64_t now_us)
{
	struct stun_txn_timing timing = c->timing;

	c->phase = TC_CLOSING;
	c->close_by_us = now_us + CLOSE_US;
	if (c->timing.rc > CLOSE_SENDS)
		c->timing.rc = CLOSE_SENDS;
	c->requests[0].lifetime_s = 0;
	tc_request_start(c, &c->requests[0], TURN_REFRESH, TC_NO_LINK, now_us);
	c->timing = timing;
}

/* What we cannot use is given back (RFC 8656, section 7.3). */
static void fail_and_delete(struct turn_client *c, uint8_t cause, uint64_t now_us)
{
	fail_for(c, cause);
	start_delete(c, now_us);
}

/* Well before half of the lifetime is over, and not when all others do. */
static uint64_t jittered(struct turn_client *c, uint64_t from_us, uint32_t lifetime_s)
{
	uint64_t lifetime_us = lifetime_s * TC_SECOND;

	return from_us + tc_random_between(c, lifetime_us * 35 / 100, lifetime_us / 2);
}

static bool take_lifetime(struct turn_client *c, const struct tc_outcome *o)
{
	struct bytes value;
	uint32_t lifetime_s;

	if (!stun_msg_find(o->msg, STUN_ATTR_LIFETIME, &value) ||
	    stun_attr_get_u32(value, &lifetime_s) != STUN_OK || lifetime_s == 0)
		return false;
	if (lifetime_s > LIFETIME_MAX_S)
		lifetime_s = LIFETIME_MAX_S;
	/* Counted from the request: the server cannot have started earlier. */
	c->allocated.lifetime_s = lifetime_s;
	c->expires_us = o->started_us + lifetime_s * TC_SECOND;
	c->refresh_us = jittered(c, o->started_us, lifetime_s);
	return true;
}

static void take_ticket(struct turn_client *c, const struct stun_msg *msg)
{
	struct bytes ticket;

	c->ticket_len = 0;
	c->allocated.mobile = false;
	if (!c->options.mobile || !stun_msg_find(msg, STUN_ATTR_MOBILITY_TICKET, &ticket) ||
	    ticket.len == 0 || ticket.len > sizeof(c->ticket))
		return;
	memcpy(c->ticket, ticket.data, ticket.len);
	c->ticket_len = ticket.len;
	c->allocated.mobile = true;
}

/* A relay address that a peer could be told. */
static bool is_usable(const struct addr *a)
{
	return a->port != 0 && !addr_is_any(a);
}

static bool is_wanted(const struct turn_client *c, uint8_t family)
{
	switch (c->options.families) {
	case TURN_CLIENT_FAMILY_IPV4:
		return family == ADDR_IPV4;
	case TURN_CLIENT_FAMILY_IPV6:
		return family == ADDR_IPV6;
	default:
		return true;
	}
}

static bool take_relayed(struct turn_client *c, const struct stun_msg *msg)
{
	struct turn_client_allocated *out = &c->allocated;
	struct stun_walk walk = stun_msg_walk(msg);
	struct stun_attr attr;
	struct addr a;

	while (stun_walk_next(&walk, &attr)) {
		if (attr.type != STUN_ATTR_XOR_RELAYED_ADDRESS)
			continue;
		if (stun_attr_get_xor_addr(attr.value, &msg->tid, &a) != STUN_OK || !is_usable(&a))
			return false;
		if (!is_wanted(c, a.family))
			return false;
		if (out->relayed[0].family == ADDR_NONE)
			out->relayed[0] = a;
		else if (out->relayed[1].family == ADDR_NONE && a.family != out->relayed[0].family)
			out->relayed[1] = a;
	}
	return out->relayed[0].family != ADDR_NONE;
}

static bool take_addresses(struct turn_client *c, const struct stun_msg *msg)
{
	struct stun_error error;
	struct bytes value;
	uint8_t family;

	if (!stun_msg_find(msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value) ||
	    stun_attr_get_xor_addr(value, &msg->tid, &c->allocated.mapped) != STUN_OK)
		return false;
	if (stun_msg_find(msg, STUN_ATTR_ADDRESS_ERROR_CODE, &value) &&
	    stun_attr_get_addr_error(value, &family, &error) == STUN_OK)
		c->allocated.other_refused = error.code;
	return take_relayed(c, msg);
}

static void take_allocation(struct turn_client *c, const struct tc_outcome *o)
{
	struct bytes value, token;

	c->allocated = (struct turn_client_allocated){ .rtt_us = o->rtt_us };
	if (!take_addresses(c, o->msg) || !take_lifetime(c, o)) {
		fail_and_delete(c, TURN_CLIENT_PROTOCOL, o->now_us);
		return;
	}
	take_ticket(c, o->msg);
	c->allocated.dont_fragment = c->options.dont_fragment;
	if (stun_msg_find(o->msg, STUN_ATTR_RESERVATION_TOKEN, &value) &&
	    stun_attr_get_bytes(STUN_ATTR_RESERVATION_TOKEN, value, &token) == STUN_OK) {
		c->allocated.has_reservation = true;
		memcpy(c->allocated.reservation, token.data, sizeof(c->allocated.reservation));
	}
	c->phase = TC_ALIVE;
	c->mismatches = 0;
	c->tell_allocated = true;
	tc_peer_reset(c, o->now_us);
}

static bool rejects_dont_fragment(const struct stun_msg *msg)
{
	uint16_t types[16];
	struct bytes value;
	size_t count;

	if (!stun_msg_find(msg, STUN_ATTR_UNKNOWN_ATTRIBUTES, &value) ||
	    stun_attr_get_types(value, types, ARRAY_LEN(types), &count) != STUN_OK)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (types[i] == STUN_ATTR_DONT_FRAGMENT)
			return true;
	}
	return false;
}

static void on_refused(struct turn_client *c, const struct tc_outcome *o)
{
	switch (o->failure.code) {
	case 300:
		tc_follow(c, o);
		return;
	case 405: /* no mobility here (RFC 8016, section 3.1.2) */
		if (!c->options.mobile)
			break;
		c->options.mobile = false;
		tc_allocate(c, o->now_us);
		return;
	case 420:
		if (!c->options.dont_fragment || !rejects_dont_fragment(o->msg))
			break;
		c->options.dont_fragment = false;
		tc_allocate(c, o->now_us);
		return;
	case 437:
		if (++c->mismatches >= ADDRESSES_MAX)
			break;
		tc_reconnect(c);
		return;
	default:
		break;
	}
	tc_fail(c, &o->failure);
}

void tc_alloc_done(struct turn_client *c, const struct tc_outcome *o)
{
	if (o->failure.cause == TURN_CLIENT_FINE)
		take_allocation(c, o);
	else if (o->failure.cause == TURN_CLIENT_REFUSED)
		on_refused(c, o);
	else if (o->failure.cause == TURN_CLIENT_PROTOCOL && o->msg->class == STUN_SUCCESS)
		fail_and_delete(c, TURN_CLIENT_PROTOCOL, o->now_us);
	else
		tc_fail(c, &o->failure);
}

/* The server knows nothing of our allocation (437): what hung on it is gone, and we start anew. */
void tc_lose(struct turn_client *c, uint64_t now_us)
{
	if (++c->losses > LOSSES_MAX) {
		tc_fail(c,
			&(struct turn_client_failure){ .cause = TURN_CLIENT_REFUSED, .code = 437 });
		return;
	}
	c->tell_lost = true;
	c->tell_refreshed = c->tell_moved = false;
	tc_request_drop_all(c);
	tc_link_drop_all(c, true);
	tc_allocate(c, now_us);
}

static void refreshed(struct turn_client *c, const struct tc_outcome *o)
{
	bool has_moved = c->phase == TC_MOVING;

	if (!take_lifetime(c, o)) {
		tc_lose(c, o->now_us);
		return;
	}
	c->losses = 0;
	c->allocated.rtt_us = o->rtt_us;
	if (!has_moved) {
		c->tell_refreshed = true;
		return;
	}
	take_ticket(c, o->msg);
	c->phase = TC_ALIVE;
	c->tell_moved = true;
	tc_peer_redo(c, o->now_us);
}

/* There is time left: a server in trouble, and answers of strangers, end nothing. */
static bool may_pass(const struct turn_client_failure *f)
{
	return f->cause == TURN_CLIENT_TIMEOUT || f->cause == TURN_CLIENT_INTEGRITY ||
	       (f->cause == TURN_CLIENT_REFUSED && f->code >= 500 && f->code < 600);
}

void tc_refresh_done(struct turn_client *c, uint32_t asked_s, const struct tc_outcome *o)
{
	uint64_t left_us = c->expires_us > o->now_us ? c->expires_us - o->now_us : 0;

	if (c->phase == TC_CLOSING) {
		c->phase = TC_ENDED;
	} else if (o->failure.cause == TURN_CLIENT_FINE) {
		refreshed(c, o);
	} else if (o->failure.cause == TURN_CLIENT_REFUSED && o->failure.code == 437) {
		tc_lose(c, o->now_us);
	} else if (may_pass(&o->failure)) {
		c->refresh_us = o->now_us + RETRY_MIN_US + left_us / 16;
	} else {
		tc_fail(c, &o->failure);
	}
}

void tc_alloc_upkeep(struct turn_client *c, uint64_t now_us)
{
	struct tc_request *r = &c->requests[0];

	if (c->phase == TC_CLOSING && now_us >= c->close_by_us) {
		c->phase = TC_ENDED;
		tc_request_drop_all(c);
	}
	if (c->phase != TC_ALIVE && c->phase != TC_MOVING)
		return;
	if (now_us >= c->expires_us) {
		fail_for(c, TURN_CLIENT_EXPIRED);
	} else if (now_us >= c->refresh_us && !r->busy) {
		r->lifetime_s = c->options.lifetime_s;
		tc_request_start(c, r, TURN_REFRESH, TC_NO_LINK, now_us);
	}
}

bool turn_client_move(struct turn_client *c, uint64_t now_us)
{
	if ((c->phase != TC_ALIVE && c->phase != TC_MOVING) || c->ticket_len == 0)
		return false;
	tc_request_drop_all(c);
	c->phase = TC_MOVING;
	c->refresh_us = now_us;
	tc_alloc_upkeep(c, now_us);
	return true;
}

void turn_client_close(struct turn_client *c, uint64_t now_us)
{
	/* An Allocate that is under way may have succeeded. */
	bool may_exist = c->phase == TC_ALIVE || c->phase == TC_MOVING ||
			 (c->phase == TC_ALLOCATING && c->requests[0].txn.sent > 0);

	if (c->phase == TC_CLOSING || c->phase == TC_ENDED)
		return;
	c->reconnect = false;
	tc_request_drop_all(c);
	tc_link_drop_all(c, false);
	if (may_exist)
		start_delete(c, now_us);
	else
		c->phase = TC_ENDED;
}
