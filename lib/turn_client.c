#include "turn_client.h"

#include <assert.h>
#include <stdlib.h>

#include "turn_client_state.h"

static const char *check_credentials(const struct turn_client_credentials *c)
{
	if (c->username.len > TC_USERNAME_MAX)
		return "the user name is too long";
	if (c->password.len > TC_PASSWORD_MAX || c->mac_key.len > TC_PASSWORD_MAX)
		return "the password or key is too long";
	if (c->access_token.len > TURN_CLIENT_TOKEN_MAX)
		return "the access token is too long";
	if (c->access_token.len > 0 && (c->username.len == 0 || c->mac_key.len == 0))
		return "an access token comes with a key and its name";
	return NULL;
}

static const char *check_options(const struct turn_client_options *o, bool reliable)
{
	if (o->tcp && !reliable)
		return "TCP to peers takes TCP or TLS to the server";
	if (o->tcp &&
	    (o->even_port != TURN_CLIENT_PORT_ANY || o->use_reservation || o->dont_fragment))
		return "even ports, reservations and DONT-FRAGMENT are for UDP to peers";
	if (o->tcp && o->mobile)
		return "mobility is for UDP to peers";
	if (o->use_reservation &&
	    (o->even_port != TURN_CLIENT_PORT_ANY || o->families != TURN_CLIENT_FAMILY_ANY))
		return "a reservation settles port and family already";
	if (o->families == TURN_CLIENT_FAMILY_BOTH && o->even_port == TURN_CLIENT_PORT_EVEN_RESERVE)
		return "two families and a reservation do not go together";
	return NULL;
}

const char *turn_client_check(const struct turn_client_config *config)
{
	const char *why = check_credentials(&config->credentials);

	if (addr_ip_len(config->server.family) == 0 || config->server.port == 0)
		return "the server has no address or port";
	if (config->random == NULL)
		return "there is no source of randomness";
	return why != NULL ? why : check_options(&config->options, config->reliable);
}

struct turn_client *turn_client_new(const struct turn_client_config *config)
{
	struct turn_client *c = calloc(1, sizeof(*c));

	assert(turn_client_check(config) == NULL);
	if (c == NULL)
		return NULL;
	c->server = config->server;
	c->reliable = config->reliable;
	c->secure = config->secure;
	c->options = config->options;
	c->timing = config->timing != NULL ? *config->timing
					   : stun_txn_timing_default(config->reliable);
	c->random = config->random;
	c->random_arg = config->random_arg;
	tc_auth_forget(c);
	tc_auth_use(c, &config->credentials);
	return c;
}

void turn_client_free(struct turn_client *c)
{
	if (c == NULL)
		return;
	tc_auth_wipe(c);
	free(c);
}

void turn_client_use(struct turn_client *c, const struct turn_client_credentials *credentials)
{
	assert(check_credentials(credentials) == NULL);
	tc_auth_use(c, credentials);
}

uint64_t tc_random_between(struct turn_client *c, uint64_t low, uint64_t high)
{
	uint64_t v;

	c->random(c->random_arg, &v, sizeof(v));
	return low + v % (high - low + 1);
}

static bool take(bool *flag)
{
	bool was = *flag;

	*flag = false;
	return was;
}

static void set_event(struct turn_client_action *action, uint8_t kind)
{
	*action = (struct turn_client_action){ .kind = TURN_CLIENT_TELL, .event.kind = kind };
}

static bool tell_allocation(struct turn_client *c, struct turn_client_action *action)
{
	if (take(&c->tell_lost))
		set_event(action, TURN_CLIENT_LOST);
	else if (take(&c->tell_allocated))
		set_event(action, TURN_CLIENT_ALLOCATED);
	else if (take(&c->tell_moved))
		set_event(action, TURN_CLIENT_MOVED);
	else if (take(&c->tell_refreshed))
		set_event(action, TURN_CLIENT_REFRESHED);
	else
		return false;
	if (action->event.kind != TURN_CLIENT_LOST)
		action->event.allocated = &c->allocated;
	return true;
}

static bool tell_peer(struct tc_peer *p, uint8_t number, struct turn_client_action *action)
{
	static const struct {
		uint8_t bit;
		uint8_t kind;
	} tells[] = {
		{ TC_TELL_PERMITTED, TURN_CLIENT_PERMITTED },
		{ TC_TELL_PERMISSION_REFUSED, TURN_CLIENT_PERMISSION_REFUSED },
		{ TC_TELL_CHANNEL_BOUND, TURN_CLIENT_CHANNEL_BOUND },
		{ TC_TELL_CHANNEL_REFUSED, TURN_CLIENT_CHANNEL_REFUSED },
	};

	for (size_t i = 0; i < ARRAY_LEN(tells); i++) {
		if ((p->tell & tells[i].bit) == 0)
			continue;
		p->tell &= (uint8_t)~tells[i].bit;
		set_event(action, tells[i].kind);
		action->event.peer = number;
		action->event.addr = p->addr;
		if (tells[i].bit == TC_TELL_PERMISSION_REFUSED)
			action->event.failure = &p->permission_failure;
		if (tells[i].bit == TC_TELL_CHANNEL_REFUSED)
			action->event.failure = &p->channel_failure;
		return true;
	}
	return false;
}

static void tell_link(struct tc_link *l, uint8_t number, struct turn_client_action *action)
{
	switch (l->state) {
	case TC_LINK_CALLING:
		set_event(action, TURN_CLIENT_PEER_CALLS);
		break;
	case TC_LINK_OPEN:
		set_event(action, TURN_CLIENT_LINKED);
		break;
	default:
		set_event(action, TURN_CLIENT_LINK_FAILED);
		action->event.failure = &l->failure;
		break;
	}
	l->tell = false;
	action->event.link = number;
	action->event.addr = l->peer;
}

static bool tell(struct turn_client *c, struct turn_client_action *action)
{
	if (tell_allocation(c, action))
		return true;
	for (uint8_t i = 0; i < TURN_CLIENT_PEERS_MAX; i++) {
		if (c->peers[i].tell != 0 && tell_peer(&c->peers[i], i, action))
			return true;
	}
	for (uint8_t i = 0; i < TURN_CLIENT_LINKS_MAX; i++) {
		if (c->links[i].tell) {
			tell_link(&c->links[i], i, action);
			return true;
		}
	}
	if (!take(&c->tell_failed))
		return false;
	set_event(action, TURN_CLIENT_FAILED);
	action->event.failure = &c->failure;
	return true;
}

static bool send_next(struct turn_client *c, struct turn_client_action *action)
{
	for (size_t i = 0; i < TC_REQUESTS_MAX; i++) {
		struct tc_request *r = &c->requests[i];
		bool by_link = r->method == TURN_CONNECTION_BIND;

		if (!r->busy || !take(&r->send_now))
			continue;
		*action = (struct turn_client_action){
			.kind = by_link ? TURN_CLIENT_LINK_SEND : TURN_CLIENT_SEND,
			.link = by_link ? r->link : 0,
			.data = bytes_of(r->bytes, r->len),
		};
		return true;
	}
	return false;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t deadline(const struct turn_client *c)
{
	uint64_t at_us = least(tc_peer_deadline(c), tc_link_deadline(c));

	for (size_t i = 0; i < TC_REQUESTS_MAX; i++) {
		if (c->requests[i].busy)
			at_us = least(at_us, c->requests[i].txn.next_us);
	}
	if (c->phase == TC_ALIVE || c->phase == TC_MOVING) {
		at_us = least(at_us, c->expires_us);
		if (!c->requests[0].busy)
			at_us = least(at_us, c->refresh_us);
	}
	return c->phase == TC_CLOSING ? least(at_us, c->close_by_us) : at_us;
}

static void upkeep(struct turn_client *c, uint64_t now_us)
{
	if (c->phase == TC_START)
		tc_allocate(c, now_us);
	tc_request_step_all(c, now_us);
	tc_alloc_upkeep(c, now_us);
	tc_peer_upkeep(c, now_us);
	tc_link_upkeep(c, now_us);
	/* Those that were just made leave at once. */
	tc_request_step_all(c, now_us);
}

enum turn_client_kind turn_client_next(struct turn_client *c, uint64_t now_us,
				       struct turn_client_action *action)
{
	upkeep(c, now_us);
	*action = (struct turn_client_action){ 0 };
	if (tell(c, action) || tc_link_next(c, action) || send_next(c, action))
		return action->kind;
	if (take(&c->reconnect)) {
		*action = (struct turn_client_action){
			.kind = TURN_CLIENT_RECONNECT,
			.to = c->server,
			.domain = c->has_domain ? c->domain : NULL,
		};
	} else if (c->phase == TC_ENDED) {
		action->kind = TURN_CLIENT_DONE;
	} else {
		action->kind = TURN_CLIENT_WAIT;
		action->deadline_us = deadline(c);
		if (action->deadline_us <= now_us) /* what just ended made something due */
			action->deadline_us = now_us + 1;
	}
	return action->kind;
}

void turn_client_on_connected(struct turn_client *c, uint64_t now_us)
{
	if (c->phase == TC_RECONNECTING && !c->reconnect)
		tc_allocate(c, now_us);
}

void turn_client_on_disconnected(struct turn_client *c, uint64_t now_us)
{
	if (c->phase == TC_CLOSING) {
		c->phase = TC_ENDED;
		tc_request_drop_all(c);
	} else if (c->phase != TC_ENDED) {
		tc_fail(c, &(struct turn_client_failure){ .cause = TURN_CLIENT_TRANSPORT });
	}
}

enum turn_client_input turn_client_on_bytes(struct turn_client *c, struct bytes in, uint64_t now_us,
					    struct turn_client_data *out)
{
	bool is_up = c->phase == TC_ALIVE || c->phase == TC_MOVING;
	struct stun_msg msg;

	if (in.len > 0 && in.data[0] >= 0x40)
		return is_up ? tc_on_channel(c, in, now_us, out) : TURN_CLIENT_NOTHING;
	if (stun_msg_parse(in, &msg) != STUN_OK || stun_tid_is_classic(&msg.tid) ||
	    (msg.fingerprint != 0 && stun_auth_check_fingerprint(&msg) != STUN_AUTH_OK))
		return TURN_CLIENT_NOTHING;
	if (msg.class == STUN_SUCCESS || msg.class == STUN_ERROR) {
		tc_on_response(c, &msg, TC_NO_LINK, now_us);
		return TURN_CLIENT_NOTHING;
	}
	if (msg.class != STUN_INDICATION || !is_up || !tc_is_sound(&msg))
		return TURN_CLIENT_NOTHING;
	if (msg.method == TURN_DATA)
		return tc_on_data(c, &msg, now_us, out);
	if (msg.method == TURN_CONNECTION_ATTEMPT)
		tc_on_attempt(c, &msg, now_us);
	return TURN_CLIENT_NOTHING;
}
