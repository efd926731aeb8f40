#include "request.h"

#include "addr_special.h"
#include "auth.h"
#include "limit.h"
#include "mobility.h"

#define UNKNOWN_MAX 16 /* longer lists of unknown attributes are cut */

struct method {
	uint16_t number;
	uint8_t place;     /* enum stats_method */
	bool is_of_alloc;  /* speaks about the allocation of its 5-tuple */
	bool is_tcp_relay; /* RFC 6062: unknown where that is off */
	uint16_t (*take)(struct request *r);
};

static const struct method methods[] = {
	{ TURN_ALLOCATE, STATS_ALLOCATE, false, false, req_allocate },
	{ TURN_REFRESH, STATS_REFRESH, true, false, req_refresh },
	{ TURN_CREATE_PERMISSION, STATS_CREATE_PERMISSION, true, false, req_permission },
	{ TURN_CHANNEL_BIND, STATS_CHANNEL_BIND, true, false, req_channel },
	{ TURN_CONNECT, STATS_CONNECT, true, true, req_connect },
	{ TURN_CONNECTION_BIND, STATS_CONNECTION_BIND, false, true, req_connection_bind },
};

static const struct method *find_method(const struct turnd *t, uint16_t number)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (methods[i].number == number)
			return !methods[i].is_tcp_relay || t->snapshot->tcp_relay ? &methods[i]
										  : NULL;
	}
	return NULL;
}

static size_t find_unknown(const struct request *r, uint16_t types[static UNKNOWN_MAX])
{
	return stun_msg_unknown(&r->msg, turn_attr_is_known, types, UNKNOWN_MAX);
}

/* Without users there is nobody to relay for: this is a STUN server then. */
static bool is_for_nobody(const struct realm *realm)
{
	return realm == NULL || realm->users == NULL ||
	       (!users_has_any(realm->users) && realm->tokens == NULL);
}

static bool is_welcome(const struct request *r)
{
	const struct addr *client = &r->in->tuple.client;

	return r->realm == NULL ||
	       policy_judge_address(r->realm->clients, client, NULL) == POLICY_ALLOWED;
}

static bool fits(const struct snapshot_alternate *a, const struct five_tuple *tuple)
{
	struct addr client = addr_unmap(&tuple->client);

	return a->transport == tuple->transport && a->addr.family == client.family;
}

/* One of those for clients like this, each as often as any other; NULL: there is none. */
static const struct snapshot_alternate *pick_alternate(const struct request *r)
{
	const struct snapshot *s = r->t->snapshot;
	const struct snapshot_alternate *picked = NULL;
	uint32_t seen = 0, random;

	for (size_t i = 0; i < s->alternate_count; i++) {
		if (!fits(&s->alternates[i], &r->in->tuple))
			continue;
		r->t->io->random(r->t->io->arg, &random, sizeof(random));
		if (random % ++seen == 0)
			picked = &s->alternates[i];
	}
	return picked;
}

/* A new allocation: here, or elsewhere? One that exists is answered for again. */
static uint16_t check_place(struct request *r)
{
	if (r->msg.method != TURN_ALLOCATE || r->alloc != NULL)
		return 0;
	r->alternate = pick_alternate(r);
	if (r->alternate != NULL)
		return 300;
	return r->t->snapshot->draining || r->t->shared->drains ? 508 : 0;
}

static uint16_t check_owner(const struct request *r, const struct method *m)
{
	const struct alloc *a = r->alloc;

	if (!m->is_of_alloc)
		return 0;
	if (a != NULL)
		return a->user == r->user && a->realm == r->realm->id ? 0 : 441;
	/* RFC 8016: a ticket names an allocation of another 5-tuple. */
	return m->number == TURN_REFRESH && r->attrs.has_ticket ? 0 : 437;
}

static bool is_tunneled(const struct addr *client)
{
	struct addr_embedded inner[ADDR_EMBEDDED_MAX];
	size_t count = addr_find_embedded(client, inner);

	for (size_t i = 0; i < count; i++) {
		if (inner[i].disguise == ADDR_6TO4 || inner[i].disguise == ADDR_TEREDO_SERVER ||
		    inner[i].disguise == ADDR_TEREDO_CLIENT)
			return true;
	}
	return false;
}

/* Between a tunnel and a relay packets could go in circles (RFC 8656, section 21.4). */
static uint16_t check_source(const struct request *r, const struct method *m)
{
	bool matters = m->number == TURN_ALLOCATE || m->number == TURN_CHANNEL_BIND;

	return matters && is_tunneled(&r->in->tuple.client) ? 403 : 0;
}

/* In the order of RFC 8489, section 6.3 and 9.2.4. Returns as methods do. */
static uint16_t process(struct request *r, const struct method *m)
{
	uint16_t unknown[UNKNOWN_MAX];
	uint16_t code;

	if (is_for_nobody(r->realm))
		return 403;
	code = auth_check(r);
	if (code != 0)
		return code;
	if (find_unknown(r, unknown) > 0)
		return 420;
	turn_attrs_gather(&r->msg, &r->attrs);
	if (r->attrs.is_malformed)
		return 400;
	code = check_owner(r, m);
	if (code == 0)
		code = check_source(r, m);
	if (code == 0)
		code = check_place(r);
	return code != 0 ? code : m->take(r);
}

/* Kept for the requests to come: those without ACCESS-TOKEN (RFC 7635, section 9). */
static void keep_token_key(struct request *r)
{
	struct alloc_token *token = r->by_token ? mobility_find_token(r->t, &r->in->tuple) : NULL;

	if (token == NULL)
		return;
	token->is_used = true;
	token->key = r->key;
}

static void begin(struct request *r, uint8_t *buf, enum stun_class class)
{
	r->answer = stun_build(buf, TURND_ANSWER_MAX, r->msg.method, class, &r->msg.tid);
}

static void put_reason(struct request *r, uint16_t code)
{
	/* A datagram's source may be forged: whoever has proven nothing gets no more than it takes. */
	bool is_short = !r->has_key && r->in->tuple.transport == STUN_UDP;
	const char *reason = r->reason != NULL ? r->reason : stun_error_reason(code);

	(void)stun_attr_put_error(&r->answer, code, bytes_of_str(is_short ? "" : reason));
}

static void put_alternate(struct request *r)
{
	const struct snapshot_alternate *a = r->alternate;

	(void)stun_attr_put_addr(&r->answer, STUN_ATTR_ALTERNATE_SERVER, &a->addr);
	if (a->domain != NULL)
		(void)stun_attr_put_bytes(&r->answer, STUN_ATTR_ALTERNATE_DOMAIN,
					  bytes_of_str(a->domain));
}

static void put_error(struct request *r, uint8_t *buf, uint16_t code)
{
	uint16_t unknown[UNKNOWN_MAX];

	begin(r, buf, STUN_ERROR);
	put_reason(r, code);
	if (code == 401 || code == 438)
		auth_put_challenge(r);
	else if (code == 420 && r->unsupported != 0)
		(void)stun_attr_put_types(&r->answer, &r->unsupported, 1);
	else if (code == 420)
		(void)stun_attr_put_types(&r->answer, unknown, find_unknown(r, unknown));
	else if (code == 300)
		put_alternate(r);
}

bool request_finish(struct request *r)
{
	const char *software = r->t->snapshot->stun.software;

	if (software != NULL)
		(void)stun_attr_put_bytes(&r->answer, STUN_ATTR_SOFTWARE, bytes_of_str(software));
	if (r->has_key && r->by_sha256)
		(void)stun_auth_put_sha256(&r->answer, &r->key, STUN_SHA256_FULL);
	else if (r->has_key)
		(void)stun_auth_put_integrity(&r->answer, &r->key);
	if (r->msg.fingerprint != 0)
		(void)stun_auth_put_fingerprint(&r->answer);
	return stun_build_finish(&r->answer, &r->out->data) == STUN_OK;
}

static enum turnd_step succeed(struct request *r, const struct method *m)
{
	keep_token_key(r);
	counter_add(&r->t->stats.successes[m->place], 1);
	if (!request_finish(r))
		return TURND_NOTHING;
	return r->out->connection != NULL ? TURND_JOIN : TURND_TO_CLIENT;
}

/* Who guesses from many addresses is told no more than who does so from one. */
static bool may_refuse_name(const struct request *r, uint16_t code)
{
	struct limit *names = r->t->shared->budgets.names;
	uint8_t name[STUN_USERHASH_LEN];

	return names == NULL || code != 401 || !auth_guessed_name(r, name) ||
	       limit_allows_name(names, bytes_of(name, sizeof(name)), r->now_ms);
}

/* Guesses and floods have a budget; who has a right password does not need it. */
static bool may_refuse(const struct request *r, uint16_t code)
{
	struct limit *sources = r->t->shared->budgets.sources;

	if (r->has_key)
		return true;
	return (sources == NULL || limit_allows(sources, &r->in->tuple.client, r->now_ms)) &&
	       may_refuse_name(r, code);
}

static enum turnd_step refuse(struct request *r, uint8_t *buf, uint16_t code)
{
	if (!may_refuse(r, code)) {
		counter_add(&r->t->stats.drops[STATS_DROP_LIMITED], 1);
		return TURND_NOTHING;
	}
	counter_add(&r->t->stats.errors[stats_code(code)], 1);
	put_error(r, buf, code);
	return request_finish(r) ? TURND_TO_CLIENT : TURND_NOTHING;
}

static enum turnd_step answer(struct request *r, const struct method *m, uint8_t *buf)
{
	uint16_t code;

	begin(r, buf, STUN_SUCCESS);
	code = process(r, m);
	switch (code) {
	case 0:
		return succeed(r, m);
	case REQUEST_ASK:
		return TURND_ASK;
	case REQUEST_LATER:
		return TURND_NOTHING;
	default:
		return refuse(r, buf, code);
	}
}

enum turnd_step request_take(struct turnd *t, const struct turnd_in *in, const struct stun_msg *msg,
			     const struct turnd_now *now, uint8_t *buf, struct turnd_out *out)
{
	const struct method *m = find_method(t, msg->method);
	struct request r; /* the builder and the attributes are set before they are used */
	enum turnd_step step;

	if (in->gift == NULL) {
		counter_add(&t->stats.requests[m != NULL ? m->place : STATS_OTHER], 1);
		countries_count(&t->stats.requests_by_country, t->snapshot->geo, &in->tuple.client);
	}
	if (m == NULL) {
		counter_add(&t->stats.drops[STATS_DROP_UNASKED], 1);
		return TURND_NOTHING;
	}
	r = (struct request){
		.t = t,
		.in = in,
		.now = now,
		.now_ms = now->us / 1000,
		.msg = *msg,
		.realm = snapshot_realm(t->snapshot, in->realm),
		.alloc = mobility_find(t, &in->tuple),
		.out = out,
	};
	if (!is_welcome(&r)) {
		counter_add(&t->stats.drops[STATS_DROP_CLIENT], 1);
		return TURND_NOTHING;
	}
	step = answer(&r, m, buf);
	stun_key_wipe(&r.key);
	return step;
}
