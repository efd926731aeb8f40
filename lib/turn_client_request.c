#include "turn_client_state.h"

struct tc_request *tc_request_free(struct turn_client *c, uint16_t method)
{
	size_t first = 1, end = TC_REQUESTS_MAX;

	if (method == TURN_ALLOCATE || method == TURN_REFRESH) {
		first = 0;
		end = 1;
	}
	for (size_t i = first; i < end; i++) {
		if (!c->requests[i].busy)
			return &c->requests[i];
	}
	return NULL;
}

static void put_body(struct turn_client *c, const struct tc_request *r, struct stun_builder *b)
{
	switch (r->method) {
	case TURN_ALLOCATE:
		tc_alloc_put(c, r, b);
		break;
	case TURN_REFRESH:
		tc_refresh_put(c, r, b);
		break;
	case TURN_CREATE_PERMISSION:
	case TURN_CHANNEL_BIND:
		tc_peer_put(c, r, b);
		break;
	default:
		tc_link_put(c, r, b);
		break;
	}
}

static struct stun_txn_timing timing_of(const struct turn_client *c, const struct tc_request *r)
{
	struct stun_txn_timing t = c->timing;

	t.reliable = c->reliable || r->link != TC_NO_LINK;
	return t;
}

/* A new transaction, with the credentials of now. */
static void make(struct turn_client *c, struct tc_request *r, uint64_t now_us)
{
	struct stun_txn_timing timing = timing_of(c, r);
	uint8_t random[12];
	struct stun_tid tid;
	struct stun_builder b;
	struct bytes out;

	c->random(c->random_arg, random, sizeof(random));
	tid = stun_tid_make(random);
	b = stun_build(r->bytes, sizeof(r->bytes), r->method, STUN_REQUEST, &tid);
	put_body(c, r, &b);
	r->is_signed = tc_auth_sign(c, &b, r->method);
	r->generation = c->auth.generation;
	r->len = stun_build_finish(&b, &out) == STUN_OK ? out.len : 0;
	r->violated = r->send_now = false;
	r->claimed = 0;
	stun_txn_start(&r->txn, &tid, &timing, now_us);
}

void tc_request_start(struct turn_client *c, struct tc_request *r, uint16_t method, uint8_t link,
		      uint64_t now_us)
{
	r->busy = true;
	r->tries = 0;
	r->method = method;
	r->link = link;
	make(c, r, now_us);
}

void tc_request_drop(struct tc_request *r)
{
	r->busy = r->send_now = false;
	stun_txn_end(&r->txn);
}

void tc_request_drop_all(struct turn_client *c)
{
	for (size_t i = 0; i < TC_REQUESTS_MAX; i++)
		tc_request_drop(&c->requests[i]);
}

static void finish(struct turn_client *c, struct tc_request *r, const struct tc_outcome *o)
{
	uint64_t peers = r->peers;
	uint8_t link = r->link;

	/* First: what comes next may take its place. */
	tc_request_drop(r);
	switch (r->method) {
	case TURN_ALLOCATE:
		tc_alloc_done(c, o);
		break;
	case TURN_REFRESH:
		tc_refresh_done(c, r->lifetime_s, o);
		break;
	case TURN_CREATE_PERMISSION:
		tc_permission_done(c, peers, o);
		break;
	case TURN_CHANNEL_BIND:
		tc_channel_done(c, peers, o);
		break;
	case TURN_CONNECT:
		tc_connect_done(c, link, o);
		break;
	default:
		tc_bind_done(c, link, o);
		break;
	}
}

static void finish_unanswered(struct turn_client *c, struct tc_request *r, uint8_t cause,
			      uint64_t now_us)
{
	struct tc_outcome o = { .started_us = r->txn.started_us, .now_us = now_us };

	o.failure.cause = cause;
	if (cause == TURN_CLIENT_INTEGRITY)
		o.failure.code = r->claimed;
	finish(c, r, &o);
}

static void step(struct turn_client *c, struct tc_request *r, uint64_t now_us)
{
	if (r->len == 0) {
		finish_unanswered(c, r, TURN_CLIENT_TOO_LARGE, now_us);
		return;
	}
	switch (stun_txn_step(&r->txn, now_us)) {
	case STUN_TXN_SEND:
		r->send_now = true;
		break;
	case STUN_TXN_TIMEOUT:
		/* RFC 8489, section 9.2.5: not a timeout if all answers were thrown away. */
		finish_unanswered(c, r, r->violated ? TURN_CLIENT_INTEGRITY : TURN_CLIENT_TIMEOUT,
				  now_us);
		break;
	case STUN_TXN_WAIT:
	case STUN_TXN_ENDED:
		break;
	}
}

void tc_request_step_all(struct turn_client *c, uint64_t now_us)
{
	for (size_t i = 0; i < TC_REQUESTS_MAX; i++) {
		if (c->requests[i].busy)
			step(c, &c->requests[i], now_us);
	}
}

static bool is_known(uint16_t type)
{
	return stun_attr_info(type) != NULL;
}

/* Nothing in it that must be understood and is not. */
bool tc_is_sound(const struct stun_msg *msg)
{
	uint16_t type;

	return stun_msg_unknown(msg, is_known, &type, 1) == 0;
}

static bool get_error(const struct stun_msg *msg, struct stun_error *out)
{
	struct bytes value;

	return stun_msg_find(msg, STUN_ATTR_ERROR_CODE, &value) &&
	       stun_attr_get_error(value, out) == STUN_OK;
}

static void keep_reason(struct turn_client_failure *f, struct bytes reason)
{
	size_t len = reason.len < TURN_CLIENT_REASON_MAX ? reason.len : TURN_CLIENT_REASON_MAX;

	/* Never half a character. */
	while (len > 0 && len < reason.len && (reason.data[len] & 0xc0) == 0x80)
		len--;
	if (len > 0)
		memcpy(f->reason, reason.data, len);
	f->reason[len] = '\0';
}

static void say_who_authorizes(struct turn_client_failure *f, const struct stun_msg *msg)
{
	struct bytes value, name;

	if (stun_msg_find(msg, STUN_ATTR_THIRD_PARTY_AUTHORIZATION, &value) &&
	    stun_attr_get_bytes(STUN_ATTR_THIRD_PARTY_AUTHORIZATION, value, &name) == STUN_OK)
		keep_reason(f, name);
}

static void finish_answered(struct turn_client *c, struct tc_request *r, const struct stun_msg *msg,
			    uint8_t cause, uint64_t now_us)
{
	struct tc_outcome o = { .msg = msg, .started_us = r->txn.started_us, .now_us = now_us };
	uint64_t rtt_us = now_us - r->txn.started_us;
	struct stun_error error;

	if (r->txn.sent == 1 && rtt_us < UINT32_MAX)
		o.rtt_us = (uint32_t)rtt_us;
	o.failure.cause = cause;
	if (msg->class == STUN_ERROR && get_error(msg, &error)) {
		o.failure.code = error.code;
		keep_reason(&o.failure, error.reason);
		if (cause == TURN_CLIENT_FINE)
			o.failure.cause = TURN_CLIENT_REFUSED;
	} else if (cause == TURN_CLIENT_FINE && !tc_is_sound(msg)) {
		o.failure.cause = TURN_CLIENT_PROTOCOL;
	}
	if (cause == TURN_CLIENT_ANONYMOUS)
		say_who_authorizes(&o.failure, msg);
	finish(c, r, &o);
}

static void retry(struct turn_client *c, struct tc_request *r, uint64_t now_us)
{
	r->tries++;
	make(c, r, now_us);
}

static void violated(struct turn_client *c, struct tc_request *r, const struct stun_msg *msg,
		     bool ends, uint64_t now_us)
{
	struct stun_error error;

	r->violated = true;
	if (msg->class == STUN_ERROR && get_error(msg, &error))
		r->claimed = error.code;
	/* Nothing else can come on a stream (RFC 8489, section 9.2.5). */
	if (ends && r->txn.timing.reliable)
		finish_unanswered(c, r, TURN_CLIENT_INTEGRITY, now_us);
}

static void judge(struct turn_client *c, struct tc_request *r, const struct stun_msg *msg,
		  uint64_t now_us)
{
	uint8_t cause = TURN_CLIENT_FINE;

	switch (tc_auth_judge(c, r, msg, &cause)) {
	case TC_BELIEVED:
	case TC_HOPELESS:
		finish_answered(c, r, msg, cause, now_us);
		break;
	case TC_DISCARDED:
		violated(c, r, msg, false, now_us);
		break;
	case TC_VIOLATED:
		violated(c, r, msg, true, now_us);
		break;
	case TC_RETRY:
		retry(c, r, now_us);
		break;
	}
}

void tc_on_response(struct turn_client *c, const struct stun_msg *msg, uint8_t link,
		    uint64_t now_us)
{
	struct tc_text nonce = c->auth.nonce;

	for (size_t i = 0; i < TC_REQUESTS_MAX; i++) {
		struct tc_request *r = &c->requests[i];
		uint8_t came_by = r->method == TURN_CONNECTION_BIND ? r->link : TC_NO_LINK;

		if (!r->busy || r->txn.sent == 0 || came_by != link ||
		    !stun_txn_matches(&r->txn, r->method, msg))
			continue;
		judge(c, r, msg, now_us);
		break;
	}
	/* Nonces may be bound to the client's port: that of a link is for its own request alone. */
	if (link != TC_NO_LINK)
		c->auth.nonce = nonce;
}
