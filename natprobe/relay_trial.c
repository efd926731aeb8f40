#include "relay_trial.h"

#include <assert.h>
#include <stdlib.h>

#include "relay_state.h"

#define CLOSE_US (3500000)
#define MAGIC    0x6e6b7274 /* "nkrt" */

/* A diagnosis does not wait for 39.5 seconds: 7.6 are plenty for any path that is of use. */
static const struct stun_txn_timing datagram_timing = { .rto_us = 400000, .rc = 5, .rm = 4 };
static const struct stun_txn_timing stream_timing = { .ti_us = 8000000, .reliable = true };

int rt_family(uint8_t family)
{
	return family == ADDR_IPV6 ? RELAY_IPV6 : RELAY_IPV4;
}

uint8_t rt_addr_family(int family)
{
	return family == RELAY_IPV6 ? ADDR_IPV6 : ADDR_IPV4;
}

struct addr rt_relayed(const struct rt_end *e, int family)
{
	for (size_t i = 0; e->is_allocated && i < ARRAY_LEN(e->allocated.relayed); i++) {
		if (e->allocated.relayed[i].family == rt_addr_family(family))
			return e->allocated.relayed[i];
	}
	return (struct addr){ 0 };
}

struct bytes rt_packet_make(struct relay_trial *t, const struct rt_packet *p)
{
	struct wire_out out = wire_write(t->packet, t->config.length);

	wire_put_u32(&out, MAGIC);
	wire_put_mem(&out, t->run_id, sizeof(t->run_id));
	wire_put_u8(&out, p->kind);
	wire_put_u8(&out, p->family);
	wire_put_u32(&out, p->number);
	wire_put_u64(&out, p->sent_us);
	wire_put_zeros(&out, t->config.length - out.len);
	return wire_written(&out);
}

bool rt_packet_read(const struct relay_trial *t, struct bytes in, struct rt_packet *out)
{
	struct wire w = wire_read(in);
	bool is_ours =
		wire_get_u32(&w) == MAGIC && bytes_equal(wire_get_bytes(&w, sizeof(t->run_id)),
							 bytes_of(t->run_id, sizeof(t->run_id)));

	out->kind = wire_get_u8(&w);
	out->family = wire_get_u8(&w);
	out->number = wire_get_u32(&w);
	out->sent_us = wire_get_u64(&w);
	return is_ours && !w.failed && in.len == t->config.length && out->family < RELAY_FAMILIES;
}

bool rt_send(struct relay_trial *t, uint8_t end, const struct rt_peer *peer, struct bytes data,
	     uint64_t now_us, struct relay_action *out)
{
	struct bytes framed;

	if (t->ends[end].state != RT_END_OPEN || peer->number == RT_NO_PEER ||
	    turn_client_send(t->ends[end].client, peer->number, data, false, now_us, t->out,
			     sizeof(t->out), &framed) != TURN_CLIENT_FRAMED)
		return false;
	*out = (struct relay_action){ .kind = RELAY_SEND, .end = end, .data = framed };
	return true;
}

void rt_add_peer(struct relay_trial *t, uint8_t end, struct rt_peer *peer, const struct addr *addr,
		 bool channel, uint64_t now_us)
{
	t->has_new_peer = true;
	*peer = (struct rt_peer){ .number = turn_client_add_peer(t->ends[end].client, addr, channel,
								 now_us),
				  .permission = RT_PERMISSION_ASKED,
				  .is_settled = !channel };
	if (peer->number < 0) /* a relayed address that is none */
		*peer = (struct rt_peer){ .number = RT_NO_PEER,
					  .permission = RT_PERMISSION_REFUSED };
}

static void keep(struct relay_trial *t, struct bytes *view, size_t *used)
{
	assert(view->len <= sizeof(t->secrets) - *used);
	if (view->len > 0)
		memcpy(t->secrets + *used, view->data, view->len);
	*view = bytes_of(t->secrets + *used, view->len);
	*used += view->len;
}

static void configure_client(struct relay_trial *t)
{
	bool is_stream = turn_transport_is_stream(t->config.transport);
	struct turn_client_credentials *c = &t->config.credentials;
	size_t used = 0;

	keep(t, &c->username, &used);
	keep(t, c->access_token.len > 0 ? &c->mac_key : &c->password, &used);
	if (c->access_token.len == 0)
		c->mac_key = (struct bytes){ 0 };
	else
		c->password = (struct bytes){ 0 };
	keep(t, &c->access_token, &used);
	t->client_config = (struct turn_client_config){
		.server = t->config.to,
		.reliable = is_stream,
		.secure = turn_transport_is_secure(t->config.transport),
		.credentials = *c,
		.timing = is_stream ? &stream_timing : &datagram_timing,
		.random = t->config.random,
		.random_arg = t->config.random_arg,
	};
	assert(turn_client_check(&t->client_config) == NULL);
}

struct relay_trial *relay_trial_new(const struct relay_trial_config *config, uint64_t now_us)
{
	struct relay_trial *t = calloc(1, sizeof(*t));

	assert(config->rate > 0 && config->rate <= RELAY_RATE_MAX && config->count > 0 &&
	       config->count <= RELAY_COUNT_MAX && config->length >= RELAY_LENGTH_MIN &&
	       config->length <= RELAY_LENGTH_MAX);
	if (t == NULL)
		return NULL;
	t->config = *config;
	configure_client(t);
	config->random(config->random_arg, t->run_id, sizeof(t->run_id));
	t->deadline_us = now_us + config->timeout_us;
	t->result.transport = config->transport;
	t->result.to = config->to;
	t->result.packet_len = config->length;
	t->result.verdict = RELAY_INCONCLUSIVE;
	t->local.peer.number = t->local.answer.number = RT_NO_PEER;
	for (size_t i = 0; i < RELAY_ENDS; i++) {
		t->ends[i].state = RT_END_TO_OPEN;
		t->ends[i].to = config->to;
		t->ends[i].families = TURN_CLIENT_FAMILY_BOTH;
		for (size_t f = 0; f < RELAY_FAMILIES; f++)
			t->ends[i].peers[f].number = RT_NO_PEER;
	}
	if (!rt_loop_new(t)) {
		relay_trial_free(t);
		return NULL;
	}
	return t;
}

void relay_trial_free(struct relay_trial *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < RELAY_ENDS; i++)
		turn_client_free(t->ends[i].client);
	rt_loop_free(t);
	explicit_bzero(t->secrets, sizeof(t->secrets));
	free(t);
}

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

static bool ends_next(struct relay_trial *t, uint64_t now_us, struct relay_action *out,
		      uint64_t *deadline_us)
{
	for (uint8_t i = 0; i < RELAY_ENDS; i++) {
		if (transport_next(&t->ends[i], i, now_us, out) ||
		    client_next(t, i, now_us, out, deadline_us))
			return true;
	}
	return false;
}

static bool is_settled(const struct rt_end *e)
{
	return e->is_allocated || e->is_failed;
}

static void begin_closing(struct relay_trial *t, uint64_t now_us)
{
	t->phase = RT_CLOSING;
	t->close_by_us = now_us + CLOSE_US;
	for (size_t i = 0; i < RELAY_ENDS; i++) {
		struct rt_end *e = &t->ends[i];

		if (e->state == RT_END_OPEN) {
			turn_client_close(e->client, now_us);
		} else if (e->state != RT_END_OVER) {
			e->must_close = e->must_close || e->state == RT_END_OPENING;
			e->state = RT_END_OVER;
		}
	}
}

static void begin_testing(struct relay_trial *t, uint64_t now_us)
{
	uint8_t lead = t->ends[0].is_allocated && !t->ends[0].is_failed ? 0 : 1;

	t->phase = RT_TESTING;
	if (t->ends[0].is_allocated && t->ends[1].is_allocated)
		rt_loop_begin(t, now_us);
	rt_local_begin(t, lead, now_us);
}

static bool all_failed(const struct relay_trial *t)
{
	return t->ends[0].is_failed && t->ends[1].is_failed;
}

/* Goes to the next phase where it is time. True: it did. */
static bool advance(struct relay_trial *t, uint64_t now_us)
{
	bool is_late = now_us >= t->deadline_us;

	switch (t->phase) {
	case RT_ALLOCATING:
		if (!is_settled(&t->ends[0]) || !is_settled(&t->ends[1])) {
			t->is_cut = is_late;
			if (!is_late)
				return false;
		}
		if (t->is_cut || all_failed(t))
			begin_closing(t, now_us);
		else
			begin_testing(t, now_us);
		return true;
	case RT_TESTING:
		if (!(rt_loop_is_over(t) && rt_local_is_over(t)) && !all_failed(t)) {
			t->is_cut = is_late;
			if (!is_late)
				return false;
		}
		begin_closing(t, now_us);
		return true;
	case RT_CLOSING:
		if (t->ends[0].state == RT_END_OVER && t->ends[1].state == RT_END_OVER) {
			t->phase = RT_OVER;
		} else if (now_us >= t->close_by_us) {
			for (size_t i = 0; i < RELAY_ENDS; i++) {
				t->ends[i].must_close = t->ends[i].state != RT_END_OVER;
				t->ends[i].state = RT_END_OVER;
			}
		} else {
			return false;
		}
		return true;
	default:
		return false;
	}
}

static uint64_t own_deadline(const struct relay_trial *t)
{
	return t->phase == RT_CLOSING ? t->close_by_us : t->deadline_us;
}

static bool tests_next(struct relay_trial *t, uint64_t now_us, struct relay_action *out,
		       uint64_t *deadline_us)
{
	return rt_loop_next(t, now_us, out, deadline_us) ||
	       rt_local_next(t, now_us, out, deadline_us);
}

enum relay_action_kind relay_trial_next(struct relay_trial *t, uint64_t now_us,
					struct relay_action *out)
{
	uint64_t deadline_us;

	do {
		deadline_us = UINT64_MAX;
		t->has_new_peer = false;
		if (ends_next(t, now_us, out, &deadline_us) ||
		    (t->phase == RT_TESTING && tests_next(t, now_us, out, &deadline_us)))
			return out->kind;
	} while (advance(t, now_us) || t->has_new_peer);
	if (t->phase == RT_OVER) {
		rt_judge(t);
		*out = (struct relay_action){ .kind = RELAY_DONE };
		return RELAY_DONE;
	}
	if (own_deadline(t) < deadline_us)
		deadline_us = own_deadline(t);
	*out = (struct relay_action){ .kind = RELAY_WAIT,
				      .deadline_us =
					      deadline_us > now_us ? deadline_us : now_us + 1 };
	return RELAY_WAIT;
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

void relay_trial_on_local(struct relay_trial *t, struct bytes in, const struct addr *from,
			  uint64_t now_us)
{
	if (t->phase == RT_TESTING)
		rt_local_on_datagram(t, in, from, now_us);
}

void relay_trial_stop(struct relay_trial *t, uint64_t now_us)
{
	if (t->phase == RT_ALLOCATING || t->phase == RT_TESTING) {
		t->is_cut = true;
		begin_closing(t, now_us);
	}
}

const struct relay_result *relay_trial_result(const struct relay_trial *t)
{
	return &t->result;
}
