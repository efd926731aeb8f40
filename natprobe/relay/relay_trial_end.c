/* The two clients: their transports, what they ask for, and what they are told. */
#include "relay_state.h"

static void fail_end(struct rt_end *e, const struct turn_client_failure *f)
{
	if (e->is_failed)
		return;
	e->is_failed = true;
	e->failure = *f;
}

static bool start_client(struct relay_trial *t, struct rt_end *e)
{
	static const struct turn_client_failure no_memory = { .cause = TURN_CLIENT_TRANSPORT };

	t->client_config.options.families = e->families;
	t->client_config.server = e->to;
	turn_client_free(e->client);
	e->client = turn_client_new(&t->client_config);
	if (e->client == NULL)
		fail_end(e, &no_memory);
	return e->client != NULL;
}

void relay_trial_on_open(struct relay_trial *t, uint8_t end, uint64_t now_us)
{
	struct rt_end *e = &t->ends[end];

	if (e->state != RT_END_OPENING)
		return;
	e->state = RT_END_OPEN;
	if (end == 0 && t->result.connect_us == 0 && t->config.transport != TURN_OVER_UDP)
		t->result.connect_us = now_us - e->opened_us;
	if (e->client != NULL)
		turn_client_on_connected(e->client, now_us);
	else if (!start_client(t, e))
		e->state = RT_END_OVER;
}

void relay_trial_on_close(struct relay_trial *t, uint8_t end, const struct dial_failure *why,
			  uint64_t now_us)
{
	struct rt_end *e = &t->ends[end];

	if (e->state == RT_END_OVER)
		return;
	e->state = RT_END_OVER;
	e->must_close = false;
	if (t->phase == RT_CLOSING || t->phase == RT_OVER)
		return;
	if (e->dial.cause == DIAL_FINE)
		e->dial = *why;
	fail_end(e, &(struct turn_client_failure){ .cause = TURN_CLIENT_TRANSPORT });
}

/*
 * A server that cannot do two families may say so in many ways. Returns what to ask for next, or
 * TURN_CLIENT_FAMILY_BOTH for nothing more.
 */
static uint8_t fewer_families(const struct rt_end *e, const struct turn_client_failure *f)
{
	static const uint16_t codes[] = { 400, 420, 440, 442, 443, 508 };
	bool is_about_it = false;

	if (f->cause != TURN_CLIENT_REFUSED)
		return TURN_CLIENT_FAMILY_BOTH;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		is_about_it = is_about_it || codes[i] == f->code;
	if (e->families == TURN_CLIENT_FAMILY_BOTH && is_about_it)
		return TURN_CLIENT_FAMILY_ANY;
	if (e->families == TURN_CLIENT_FAMILY_ANY && f->code == 440)
		return TURN_CLIENT_FAMILY_IPV6;
	return TURN_CLIENT_FAMILY_BOTH;
}

/* Returns true where another attempt is made. */
static bool try_fewer_families(struct relay_trial *t, struct rt_end *e,
			       const struct turn_client_failure *f)
{
	uint8_t next = fewer_families(e, f);

	if (e->is_allocated || next == TURN_CLIENT_FAMILY_BOTH)
		return false;
	e->families = next;
	e->other_refused = f->code;
	return start_client(t, e);
}

static struct rt_peer *find_peer(struct relay_trial *t, uint8_t end, int number)
{
	struct rt_end *e = &t->ends[end];

	for (size_t f = 0; f < RELAY_FAMILIES; f++) {
		if (e->peers[f].number == number)
			return &e->peers[f];
	}
	if (end != t->local.lead)
		return NULL;
	if (t->local.peer.number == number)
		return &t->local.peer;
	return t->local.answer.number == number ? &t->local.answer : NULL;
}

static void on_peer_event(struct relay_trial *t, uint8_t end, const struct turn_client_event *x)
{
	struct rt_peer *p = find_peer(t, end, x->peer);

	if (p == NULL)
		return;
	switch (x->kind) {
	case TURN_CLIENT_PERMITTED:
		p->permission = RT_PERMITTED;
		break;
	case TURN_CLIENT_PERMISSION_REFUSED:
		if (x->failure->cause == TURN_CLIENT_TIMEOUT)
			break; /* it is asked for again */
		p->permission = RT_PERMISSION_REFUSED;
		p->code = x->failure->code;
		break;
	default: /* bound, or refused: then indications are used */
		p->is_settled = true;
		break;
	}
}

/* Returns true where the client is another one now. */
static bool on_event(struct relay_trial *t, uint8_t end, const struct turn_client_event *x)
{
	struct rt_end *e = &t->ends[end];

	switch (x->kind) {
	case TURN_CLIENT_ALLOCATED:
		e->is_allocated = true;
		e->allocated = *x->allocated;
		return false;
	case TURN_CLIENT_FAILED: {
		struct turn_client_failure f = *x->failure;

		if (try_fewer_families(t, e, &f))
			return true;
		fail_end(e, &f);
		return false;
	}
	case TURN_CLIENT_PERMITTED:
	case TURN_CLIENT_PERMISSION_REFUSED:
	case TURN_CLIENT_CHANNEL_BOUND:
	case TURN_CLIENT_CHANNEL_REFUSED:
		on_peer_event(t, end, x);
		return false;
	default:
		return false;
	}
}

static void reopen(struct relay_trial *t, struct rt_end *e, const struct turn_client_action *x)
{
	e->to = x->to;
	e->has_domain = x->domain != NULL;
	if (e->has_domain) {
		size_t len = strnlen(x->domain, sizeof(e->domain) - 1);

		memcpy(e->domain, x->domain, len);
		e->domain[len] = '\0';
	}
	e->state = RT_END_TO_OPEN;
	e->must_close = true;
	t->result.redirected = x->to;
}

/* Open and close. */
static bool transport_next(struct rt_end *e, uint8_t end, uint64_t now_us, struct relay_action *out)
{
	if (e->must_close) {
		e->must_close = false;
		*out = (struct relay_action){ .kind = RELAY_CLOSE, .end = end };
		return true;
	}
	if (e->state != RT_END_TO_OPEN)
		return false;
	e->state = RT_END_OPENING;
	e->opened_us = now_us;
	*out = (struct relay_action){ .kind = RELAY_OPEN,
				      .end = end,
				      .to = e->to,
				      .domain = e->has_domain ? e->domain : NULL };
	return true;
}

/* What a client wants, or the time when it wants something. */
static bool client_next(struct relay_trial *t, uint8_t end, uint64_t now_us,
			struct relay_action *out, uint64_t *deadline_us)
{
	struct rt_end *e = &t->ends[end];
	struct turn_client_action x;

	while (e->state == RT_END_OPEN) {
		switch (turn_client_next(e->client, now_us, &x)) {
		case TURN_CLIENT_SEND:
			*out = (struct relay_action){ .kind = RELAY_SEND,
						      .end = end,
						      .data = x.data };
			return true;
		case TURN_CLIENT_TELL:
			(void)on_event(t, end, &x.event);
			break;
		case TURN_CLIENT_RECONNECT:
			reopen(t, e, &x);
			return transport_next(e, end, now_us, out);
		case TURN_CLIENT_DONE:
			e->state = RT_END_OVER;
			e->must_close = true;
			return transport_next(e, end, now_us, out);
		case TURN_CLIENT_WAIT:
			*deadline_us = x.deadline_us < *deadline_us ? x.deadline_us : *deadline_us;
			return false;
		default:
			break; /* links, which nobody asked for */
		}
	}
	return false;
}

bool rt_ends_next(struct relay_trial *t, uint64_t now_us, struct relay_action *out,
		  uint64_t *deadline_us)
{
	for (uint8_t i = 0; i < RELAY_ENDS; i++) {
		if (transport_next(&t->ends[i], i, now_us, out) ||
		    client_next(t, i, now_us, out, deadline_us))
			return true;
	}
	return false;
}

/* An allocation that is given without proof of who asks is given to everybody. */
static void note_open_relay(struct rt_end *e, struct bytes in)
{
	struct stun_msg msg;

	if (!e->is_allocated && stun_msg_parse(in, &msg) == STUN_OK &&
	    msg.method == TURN_ALLOCATE && msg.class == STUN_SUCCESS && msg.integrity == 0 &&
	    msg.integrity_sha256 == 0)
		e->is_open_relay = true;
}

void relay_trial_on_bytes(struct relay_trial *t, uint8_t end, struct bytes in, uint64_t now_us)
{
	struct rt_end *e = &t->ends[end];
	struct turn_client_data data;
	struct rt_packet p;

	if (e->state != RT_END_OPEN)
		return;
	e->was_answered = true;
	note_open_relay(e, in);
	if (turn_client_on_bytes(e->client, in, now_us, &data) != TURN_CLIENT_DATA ||
	    t->phase != RT_TESTING || !rt_packet_read(t, data.data, &p))
		return;
	if (p.kind == RT_IN && end == t->local.lead)
		rt_local_on_relayed(t, &data.from, now_us);
	else
		rt_loop_on_packet(t, end, &p, now_us);
}
