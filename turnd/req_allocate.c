#include <errno.h>

#include "lifetime.h"
#include "mobility.h"
#include "relay_end.h"
#include "request.h"
#include "reserved.h"

/* What the allocation shall be, once the request has passed all checks. */
struct plan {
	uint8_t family;   /* of the first address */
	bool is_dual;     /* IPv4, and IPv6 as well */
	bool is_reserved; /* the address that a token stands for */
	uint8_t protocol;
	enum relay_want want;
	uint32_t lifetime_s;
	bool lacks_port; /* of this worker's share; others may have one */
};

/* RFC 6062, section 5.1. */
static uint16_t check_tcp(const struct request *r)
{
	if (!r->t->snapshot->tcp_relay)
		return 442;
	if (!five_tuple_is_stream(&r->in->tuple) || r->attrs.dont_fragment ||
	    r->attrs.has_even_port || r->attrs.has_token)
		return 400;
	return 0;
}

static uint16_t check_transport(const struct request *r)
{
	if (!r->attrs.has_transport)
		return 400;
	if (r->attrs.transport == TURN_PROTOCOL_TCP)
		return check_tcp(r);
	return r->attrs.transport == TURN_PROTOCOL_UDP ? 0 : 442;
}

/* Attributes that exclude each other (RFC 8656, section 7.2, checks 5, 6, 8 and 9). */
static bool contradicts(const struct turn_attrs *in)
{
	if (in->has_token && (in->has_even_port || in->has_family || in->has_additional_family))
		return true;
	if (!in->has_additional_family)
		return false;
	return in->has_family || in->additional_family != ADDR_IPV6 ||
	       (in->has_even_port && in->reserve_next);
}

/* RFC 8016, section 3.1.2. */
static uint16_t check_mobility(const struct request *r)
{
	if (!r->attrs.has_ticket)
		return 0;
	if (r->attrs.ticket.len > 0)
		return 400;
	return r->t->snapshot->mobility ? 0 : 405;
}

static uint16_t check_family(const struct request *r, struct plan *p)
{
	p->family = r->attrs.has_family ? r->attrs.family : ADDR_IPV4;
	p->is_dual = r->attrs.has_additional_family;
	p->is_reserved = r->attrs.has_token;
	if (p->is_dual && !relay_end_has_family(r->t, ADDR_IPV4))
		p->family = ADDR_IPV6;
	if (p->is_dual || p->is_reserved)
		return 0;
	return relay_end_has_family(r->t, p->family) ? 0 : 440;
}

/* We do not see DF of what comes in, so that it is lost on the way from IPv4 to IPv6. */
static bool loses_fragment_bit(const struct request *r, uint8_t relay_family)
{
	struct addr client = addr_unmap(&r->in->tuple.client);

	return !five_tuple_is_stream(&r->in->tuple) && client.family == ADDR_IPV4 &&
	       relay_family == ADDR_IPV6;
}

/* RFC 8656, section 3.7: as if DONT-FRAGMENT were unknown. */
static uint16_t check_fragments(struct request *r, uint8_t relay_family)
{
	if (!r->attrs.dont_fragment || !loses_fragment_bit(r, relay_family))
		return 0;
	r->unsupported = STUN_ATTR_DONT_FRAGMENT;
	return 420;
}

static uint8_t most_foreign_family(const struct request *r, const struct plan *p)
{
	return p->is_dual && relay_end_has_family(r->t, ADDR_IPV6) ? ADDR_IPV6 : p->family;
}

static uint16_t check(struct request *r, struct plan *p)
{
	uint16_t code = check_transport(r);

	if (code == 0 && contradicts(&r->attrs))
		code = 400;
	if (code == 0)
		code = check_family(r, p);
	if (code == 0)
		code = check_fragments(r, most_foreign_family(r, p));
	if (code == 0)
		code = check_mobility(r);
	if (code != 0)
		return code;
	p->protocol = r->attrs.transport;
	p->want = r->attrs.has_even_port ? r->attrs.reserve_next ? RELAY_PAIR : RELAY_EVEN
					 : RELAY_ANY;
	p->lifetime_s = lifetime_grant(r);
	return p->lifetime_s == 0 ? 401 : 0;
}

static bool has_gift(const struct request *r, uint8_t family)
{
	const struct turnd_gift *gift = r->t->gift_port;

	return gift != NULL && r->t->snapshot->relays[gift->relay].local.family == family;
}

/* The port that another worker has taken for us. */
static int open_gift(struct request *r, struct relay_end *end, struct ports_token *token)
{
	const struct turnd_gift *gift = r->t->gift_port;
	int rc = relay_end_open_at(r->t, end, gift->worker, gift->relay, gift->port);

	*token = gift->token;
	if (rc == 0)
		r->t->gift_port = NULL;
	return rc;
}

static uint16_t open_one(struct request *r, struct alloc *a, struct relay_end *end, uint8_t family,
			 struct plan *p)
{
	struct ports_token *token = &a->answer.token;
	int rc;

	if (!relay_end_has_family(r->t, family))
		return 440;
	rc = relay_end_open(r->t, end, family, p->want, r->now_ms, token);
	if (rc != 0 && has_gift(r, family))
		rc = open_gift(r, end, token);
	if (rc == -EADDRINUSE)
		p->lacks_port = true;
	return rc == 0 ? 0 : 508;
}

/* Half a success is one too, and says what became of the other half. */
static uint16_t open_dual(struct request *r, struct alloc *a, struct plan *p)
{
	struct relay_end *ends = a->flow.ends;
	uint16_t ipv4 = open_one(r, a, &ends[0], ADDR_IPV4, p);
	uint16_t ipv6 = open_one(r, a, ipv4 == 0 ? &ends[1] : &ends[0], ADDR_IPV6, p);

	if (ipv4 != 0 && ipv6 != 0)
		return ipv4 == 440 && ipv6 == 440 ? 440 : 508;
	a->answer.other_refused = ipv4 != 0 ? ipv4 : ipv6;
	a->answer.other_family = ipv4 != 0 ? ADDR_IPV4 : ADDR_IPV6;
	return 0;
}

/* What the token stands for, of ours or given by another worker. */
static struct reserved *take_reserved(struct request *r)
{
	const struct turnd_gift *gift = r->t->gift_port;

	r->t->gift_port = NULL;
	if (r->in->gift == NULL)
		return reserved_claim(r->t, &r->attrs.token, r->now_ms);
	return gift != NULL ? gift->reserved : NULL;
}

/* Of which family it is, is known only now. */
static uint16_t open_reserved(struct request *r, struct relay_end *end)
{
	struct reserved *held = take_reserved(r);
	uint16_t code;

	if (held == NULL)
		return 508;
	code = check_fragments(r, held->end.local.family);
	if (code == 0)
		reserved_use(r->t, held, end);
	else
		reserved_close(r->t, held);
	return code;
}

static uint16_t open_ends(struct request *r, struct alloc *a, struct plan *p)
{
	uint16_t code;

	a->flow.ends[0].protocol = a->flow.ends[1].protocol = p->protocol;
	if (p->is_reserved)
		return open_reserved(r, &a->flow.ends[0]);
	if (p->is_dual)
		return open_dual(r, a, p);
	code = open_one(r, a, &a->flow.ends[0], p->family, p);
	a->answer.has_token = code == 0 && p->want == RELAY_PAIR;
	return code;
}

static uint16_t hold_quota(const struct request *r, const struct quota_ask *unit,
			   struct quota_share **share)
{
	switch (quota_hold(r->t->shared->quota, unit, share)) {
	case QUOTA_OK:
		return 0;
	case QUOTA_TOTAL:
		return 508;
	default:
		return 486;
	}
}

static struct quota_ask unit_of(const struct request *r)
{
	const struct realm_limits *limits = &r->realm->limits;

	return (struct quota_ask){
		.user = r->user,
		.realm = r->realm->id,
		.source = r->in->tuple.client,
		.user_most = r->by_token ? limits->token_allocations : limits->user_allocations,
		.realm_most = limits->realm_allocations,
		.source_most = r->t->snapshot->source_allocations,
		.total_most = r->t->snapshot->total_allocations,
	};
}

/* Everything but its sockets. RFC 6062 and RFC 8016 do not know of each other. */
static struct alloc *add(struct request *r, const struct plan *p, struct quota_share *share)
{
	struct turnd *t = r->t;
	struct alloc *a = alloc_table_add(t->allocs, &r->in->tuple, t->next_number);

	if (a == NULL)
		return NULL;
	t->next_number++;
	a->flow.link = r->in->link;
	a->flow.realm = r->realm;
	a->flow.share = r->by_token ? NULL : share;
	a->user = r->user;
	a->realm = r->realm->id;
	a->credentials_until_s = r->expires_s;
	a->since_ms = r->now_ms;
	a->answer.tid = r->msg.tid;
	a->answer.lifetime_s = p->lifetime_s;
	a->mobility.is_mobile = r->attrs.has_ticket && p->protocol == TURN_PROTOCOL_UDP;
	return a;
}

static void note_country(struct turnd *t, struct alloc *a)
{
	struct geo_answer at;

	if (t->snapshot->geo == NULL)
		return;
	geo_find(t->snapshot->geo, &a->flow.tuple.client, &at);
	memcpy(a->country, at.country, sizeof(a->country));
	countries_count_code(&t->stats.allocations_by_country, at.country);
}

static uint16_t make(struct request *r, struct plan *p)
{
	struct quota_ask unit = unit_of(r);
	struct quota_share *share = NULL;
	uint16_t code = hold_quota(r, &unit, &share);
	struct alloc *a;

	if (code != 0)
		return code;
	a = add(r, p, share);
	code = a == NULL ? 508 : open_ends(r, a, p);
	if (code != 0) {
		if (a != NULL)
			alloc_table_remove(r->t->allocs, a);
		quota_release(r->t->shared->quota, &unit);
		return code;
	}
	lifetime_begin(r->t, a, p->lifetime_s, r->now_ms);
	counter_add(&r->t->stats.allocations, 1);
	note_country(r->t, a);
	r->alloc = a;
	return 0;
}

/* A token tells whose share its port is of. */
static bool is_elsewhere(const struct request *r, const struct plan *p)
{
	uint16_t worker = ports_token_worker(&r->attrs.token);

	return p->is_reserved && r->in->gift == NULL && worker != r->t->worker &&
	       worker < r->t->shared->workers;
}

/* The next one of the others, none of which is asked twice; our own number: there is none. */
static uint16_t next_worker(const struct request *r)
{
	uint16_t last = r->in->gift != NULL ? r->in->gift->worker : r->t->worker;

	return (uint16_t)((last + 1) % r->t->shared->workers);
}

static uint16_t ask(struct request *r, const struct plan *p)
{
	r->out->ask = (struct turnd_ask){
		.kind = TURND_ASK_PORT,
		.worker = p->is_reserved ? ports_token_worker(&r->attrs.token) : next_worker(r),
		.from = r->t->worker,
		.token = r->attrs.token,
		.family = p->is_reserved ? ADDR_NONE : p->family,
		.want = (uint8_t)p->want,
		.user = r->user,
		.realm = r->realm->id,
		.tid = r->msg.tid,
		.tuple = r->in->tuple,
	};
	return REQUEST_ASK;
}

/* The same for the first answer and all that follow, should it be lost. */
static uint16_t answer(struct request *r)
{
	const struct alloc *a = r->alloc;
	struct stun_builder *b = &r->answer;

	for (size_t i = 0; i < ARRAY_LEN(a->flow.ends); i++) {
		if (a->flow.ends[i].relayed.family != ADDR_NONE)
			(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_RELAYED_ADDRESS,
						     &a->flow.ends[i].relayed);
	}
	(void)stun_attr_put_u32(b, STUN_ATTR_LIFETIME, a->answer.lifetime_s);
	if (a->answer.has_token)
		(void)stun_attr_put_bytes(b, STUN_ATTR_RESERVATION_TOKEN,
					  bytes_of(a->answer.token.bytes, PORTS_TOKEN_LEN));
	(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_MAPPED_ADDRESS, &r->in->tuple.client);
	if (a->answer.other_refused != 0)
		(void)stun_attr_put_addr_error(
			b, a->answer.other_family, a->answer.other_refused,
			bytes_of_str(stun_error_reason(a->answer.other_refused)));
	if (a->mobility.is_mobile)
		mobility_put_ticket(r, a->number, a->mobility.sequence);
	return 0;
}

/* The request that made it, once more. */
static bool is_repeated(const struct request *r)
{
	const struct alloc *a = r->alloc;

	return stun_tid_equal(&a->answer.tid, &r->msg.tid) && a->user == r->user &&
	       a->realm == r->realm->id;
}

/* Allocate (RFC 8656, section 7.2; RFC 6062, section 5.1; RFC 8016, section 3.1.2). */
uint16_t req_allocate(struct request *r)
{
	struct plan plan = { 0 };
	uint16_t code;

	if (r->alloc != NULL)
		return is_repeated(r) ? answer(r) : 437;
	code = check(r, &plan);
	if (code != 0)
		return code;
	if (is_elsewhere(r, &plan))
		return ask(r, &plan);
	code = make(r, &plan);
	/* The range is full when nobody has a port left. */
	if (code == 508 && plan.lacks_port && next_worker(r) != r->t->worker)
		return ask(r, &plan);
	return code != 0 ? code : answer(r);
}
