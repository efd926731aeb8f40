#include "turn_end.h"

#include <string.h>

static void fail(struct turn_end *e, const struct turn_client_failure *f)
{
	if (e->is_failed)
		return;
	e->is_failed = true;
	e->failure = *f;
}

void turn_end_start(struct turn_end *e, const struct turn_client_config *config)
{
	*e = (struct turn_end){
		.config = *config,
		.state = TURN_END_TO_OPEN,
		.to = config->server,
	};
}

static bool start_client(struct turn_end *e)
{
	static const struct turn_client_failure no_memory = { .cause = TURN_CLIENT_TRANSPORT };

	e->config.server = e->to;
	turn_client_free(e->client);
	e->client = turn_client_new(&e->config);
	if (e->client == NULL)
		fail(e, &no_memory);
	return e->client != NULL;
}

void turn_end_on_open(struct turn_end *e, uint64_t now_us)
{
	if (e->state != TURN_END_OPENING)
		return;
	e->state = TURN_END_OPEN;
	if (e->client != NULL)
		turn_client_on_connected(e->client, now_us);
	else if (!start_client(e))
		turn_end_abort(e);
}

void turn_end_on_close(struct turn_end *e, const struct dial_failure *why)
{
	if (e->state != TURN_END_OPENING && e->state != TURN_END_OPEN)
		return;
	e->state = TURN_END_OVER;
	e->must_close = false;
	e->dial = *why;
	fail(e, &(struct turn_client_failure){ .cause = TURN_CLIENT_TRANSPORT });
}

/* A server that has no pairs of ports may say so in many ways. True: a plain port is asked for. */
static bool asks_for_less(struct turn_end *e, const struct turn_client_failure *f)
{
	static const uint16_t codes[] = { 400, 420, 442, 508 };
	bool is_about_it = false;

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		is_about_it = is_about_it || codes[i] == f->code;
	if (e->is_allocated || f->cause != TURN_CLIENT_REFUSED || !is_about_it ||
	    (e->config.options.even_port == TURN_CLIENT_PORT_ANY &&
	     !e->config.options.use_reservation))
		return false;
	e->config.options.even_port = TURN_CLIENT_PORT_ANY;
	e->config.options.use_reservation = false;
	return start_client(e);
}

static void on_permission(struct turn_end *e, const struct turn_client_event *x)
{
	struct turn_end_peer *p = &e->peers[x->peer];

	if (x->kind == TURN_CLIENT_PERMITTED) {
		p->permission = TURN_END_PERMITTED;
	} else if (x->failure->cause != TURN_CLIENT_TIMEOUT) { /* else it is asked for again */
		p->permission = TURN_END_DENIED;
		p->code = x->failure->code;
	}
}

static void on_event(struct turn_end *e, const struct turn_client_event *x)
{
	struct turn_client_failure f;

	switch (x->kind) {
	case TURN_CLIENT_ALLOCATED:
		e->is_allocated = true;
		e->allocated = *x->allocated;
		break;
	case TURN_CLIENT_FAILED:
		f = *x->failure;
		if (!asks_for_less(e, &f))
			fail(e, &f);
		break;
	case TURN_CLIENT_PERMITTED:
	case TURN_CLIENT_PERMISSION_REFUSED:
		on_permission(e, x);
		break;
	case TURN_CLIENT_LINK_FAILED:
		e->unlinked |= UINT32_C(1) << x->link;
		e->link_codes[x->link] = x->failure->code;
		break;
	case TURN_CLIENT_PEER_CALLS:
		turn_client_hang_up(e->client, x->link);
		break;
	default:
		break;
	}
}

static void reopen(struct turn_end *e, const struct turn_client_action *x)
{
	e->to = x->to;
	e->has_domain = x->domain != NULL;
	if (e->has_domain) {
		size_t len = strnlen(x->domain, sizeof(e->domain) - 1);

		memcpy(e->domain, x->domain, len);
		e->domain[len] = '\0';
	}
	e->state = TURN_END_TO_OPEN;
	e->must_close = true;
}

static enum turn_end_kind transport_next(struct turn_end *e, struct turn_end_action *out)
{
	if (e->must_close) {
		e->must_close = false;
		return TURN_END_HANG_UP;
	}
	if (e->state != TURN_END_TO_OPEN)
		return TURN_END_WAIT;
	e->state = TURN_END_OPENING;
	out->to = e->to;
	out->domain = e->has_domain ? e->domain : NULL;
	return TURN_END_DIAL;
}

/* True where `out` has something to send. */
static bool take_action(struct turn_end *e, const struct turn_client_action *x,
			struct turn_end_action *out)
{
	switch (x->kind) {
	case TURN_CLIENT_SEND:
		out->data = x->data;
		return true;
	case TURN_CLIENT_TELL:
		on_event(e, &x->event);
		break;
	case TURN_CLIENT_RECONNECT:
		reopen(e, x);
		break;
	case TURN_CLIENT_LINK_OPEN: /* the relay is connected with the peer: that is all we want */
		e->linked |= UINT32_C(1) << x->link;
		turn_client_hang_up(e->client, x->link);
		break;
	case TURN_CLIENT_DONE:
		turn_end_abort(e);
		break;
	default:
		break;
	}
	return false;
}

enum turn_end_kind turn_end_next(struct turn_end *e, uint64_t now_us, struct turn_end_action *out,
				 uint64_t *deadline_us)
{
	struct turn_client_action x;
	enum turn_end_kind kind;

	for (;;) {
		kind = transport_next(e, out);
		if (kind != TURN_END_WAIT || e->state != TURN_END_OPEN)
			return kind;
		if (turn_client_next(e->client, now_us, &x) == TURN_CLIENT_WAIT)
			break;
		if (take_action(e, &x, out))
			return TURN_END_SAY;
	}
	if (x.deadline_us < *deadline_us)
		*deadline_us = x.deadline_us;
	return TURN_END_WAIT;
}

enum turn_client_input turn_end_on_bytes(struct turn_end *e, struct bytes in, uint64_t now_us,
					 struct turn_client_data *out)
{
	if (e->state != TURN_END_OPEN)
		return TURN_CLIENT_NOTHING;
	return turn_client_on_bytes(e->client, in, now_us, out);
}

int turn_end_peer(struct turn_end *e, const struct addr *peer, uint64_t now_us)
{
	if (e->state != TURN_END_OPEN || !e->is_allocated)
		return TURN_END_NO_PEER;
	return turn_client_add_peer(e->client, peer, false, now_us);
}

void turn_end_close(struct turn_end *e, uint64_t now_us)
{
	if (e->state != TURN_END_OPEN)
		turn_end_abort(e);
	else if (!e->is_closing)
		turn_client_close(e->client, now_us);
	e->is_closing = true;
}

void turn_end_abort(struct turn_end *e)
{
	e->must_close = e->must_close || e->state == TURN_END_OPENING || e->state == TURN_END_OPEN;
	e->state = TURN_END_OVER;
}

void turn_end_clear(struct turn_end *e)
{
	turn_client_free(e->client);
	e->client = NULL;
}
