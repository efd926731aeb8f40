#include "stun_server.h"

#include "stun_attr.h"
#include "stun_auth.h"

/* Socket numbers are 2 * address + port, so the other of either is one bit away. */
#define OTHER_PORT 1u
#define OTHER_IP   2u
#define OTHER_BOTH (OTHER_IP | OTHER_PORT)

/* Longer lists of unknown attributes are cut: nobody needs them to see what went wrong. */
#define UNKNOWN_MAX 32

#define ATTR_HEADER_LEN 4
#define FINGERPRINT_LEN 8 /* with its header */

/* What this listener offers to this query, beyond the bare Binding. */
struct offer {
	bool classic;  /* RFC 3489 dialect */
	bool others;   /* RESPONSE-ORIGIN, OTHER-ADDRESS: RFC 5780 at a full site */
	bool requests; /* CHANGE-REQUEST, RESPONSE-PORT, PADDING: the same over UDP */
};

/* What the request asks for. */
struct asked {
	bool malformed;
	bool has_change, has_port, has_padding;
	bool padded; /* there is a PADDING, offered or not */
	struct stun_change change;
	uint16_t port;
};

/* Comprehension-required types that are not offered, each once. */
struct unknown {
	size_t count;
	uint16_t types[UNKNOWN_MAX]; /* UNKNOWN_MAX is even: see put_unknown */
};

/* One request on its way to an answer. */
struct exchange {
	const struct stun_server_policy *policy;
	const struct stun_query *q;
	struct stun_msg msg;
	struct offer offer;
	struct asked asked;
	struct unknown unknown;
	bool fingerprint; /* mirrored: the request had a good one */
	uint8_t *buf;
	size_t cap;
};

bool stun_site_is_full(const struct stun_site *site)
{
	return site->has[0] && site->has[1] && site->has[2] && site->has[3];
}

const char *stun_outcome_name(enum stun_outcome outcome)
{
	static const char *const names[STUN_OUTCOMES] = {
		[STUN_REPLY] = "reply",          [STUN_REPLY_ERROR] = "error",
		[STUN_DROP_FOREIGN] = "foreign", [STUN_DROP_UNASKED] = "unasked",
		[STUN_DROP_CLASSIC] = "classic", [STUN_DROP_METHOD] = "method",
		[STUN_DROP_CHANGE] = "change",   [STUN_DROP_NO_ROOM] = "no_room",
	};

	return (unsigned int)outcome < STUN_OUTCOMES ? names[outcome] : "unknown";
}

/* Guards in the order of RFC 8489, section 6.3: whatever fails them is met with silence. */
static enum stun_outcome screen(const struct stun_server_policy *policy, const struct stun_query *q,
				struct stun_msg *msg)
{
	if (q->from.port == 0 || stun_msg_parse(q->datagram, msg) != STUN_OK)
		return STUN_DROP_FOREIGN;
	bool classic = stun_tid_is_classic(&msg->tid);

	/* RFC 8489, section 11: whatever the method is. */
	if (classic && q->transport == STUN_DTLS && msg->class == STUN_REQUEST)
		return STUN_REPLY_ERROR;
	if (classic && q->transport != STUN_UDP)
		return STUN_DROP_FOREIGN;
	if (classic && !policy->rfc3489)
		return STUN_DROP_CLASSIC;
	if (msg->class != STUN_REQUEST)
		return STUN_DROP_UNASKED;
	if (msg->method != STUN_BINDING)
		return STUN_DROP_METHOD;
	/* RFC 3489 knows no FINGERPRINT; there its number is an optional attribute. */
	if (!classic && stun_auth_check_fingerprint(msg) == STUN_AUTH_WRONG)
		return STUN_DROP_FOREIGN;
	return STUN_REPLY;
}

static struct offer offer_to(const struct stun_server_policy *policy, const struct stun_query *q,
			     bool classic)
{
	bool others = policy->nat_discovery && q->site != NULL && stun_site_is_full(q->site);

	return (struct offer){
		.classic = classic,
		.others = others,
		.requests = others && q->transport == STUN_UDP,
	};
}

/*
 * Attributes of RFC 8489 that may stand in a Binding request; this usage needs none of them
 * (section 12: no credentials), so those that are not expected are ignored (section 6.3).
 */
static bool is_stun_attr(uint16_t type)
{
	switch (type) {
	case STUN_ATTR_MAPPED_ADDRESS:
	case STUN_ATTR_USERNAME:
	case STUN_ATTR_MESSAGE_INTEGRITY:
	case STUN_ATTR_ERROR_CODE:
	case STUN_ATTR_UNKNOWN_ATTRIBUTES:
	case STUN_ATTR_REALM:
	case STUN_ATTR_NONCE:
	case STUN_ATTR_MESSAGE_INTEGRITY_SHA256:
	case STUN_ATTR_PASSWORD_ALGORITHM:
	case STUN_ATTR_USERHASH:
	case STUN_ATTR_XOR_MAPPED_ADDRESS:
		return true;
	default:
		return false;
	}
}

static bool is_known(const struct offer *o, uint16_t type)
{
	if (o->classic) /* RESPONSE-ADDRESS included: known, and never honoured */
		return type >= STUN_ATTR_MAPPED_ADDRESS && type <= STUN_ATTR_REFLECTED_FROM;

	switch (type) {
	case STUN_ATTR_CHANGE_REQUEST:
	case STUN_ATTR_RESPONSE_PORT:
	case STUN_ATTR_PADDING:
		return o->requests;
	default:
		return is_stun_attr(type);
	}
}

static void note_unknown(struct unknown *u, uint16_t type)
{
	for (size_t i = 0; i < u->count; i++) {
		if (u->types[i] == type)
			return;
	}
	if (u->count < UNKNOWN_MAX)
		u->types[u->count++] = type;
}

/* The first of duplicates counts. */
static void note_known(struct asked *a, const struct stun_attr *attr)
{
	switch (attr->type) {
	case STUN_ATTR_CHANGE_REQUEST:
		if (!a->has_change && stun_attr_get_change(attr->value, &a->change) != STUN_OK)
			a->malformed = true;
		a->has_change = true;
		break;
	case STUN_ATTR_RESPONSE_PORT:
		if (!a->has_port && stun_attr_get_u16(attr->value, &a->port) != STUN_OK)
			a->malformed = true;
		a->has_port = true;
		break;
	case STUN_ATTR_PADDING:
		a->has_padding = true;
		break;
	default:
		break;
	}
}

static void gather(struct exchange *x)
{
	struct stun_walk walk = stun_msg_walk(&x->msg);
	struct stun_attr attr;

	x->asked = (struct asked){ 0 };
	x->unknown.count = 0;
	while (stun_walk_next(&walk, &attr)) {
		if (!stun_attr_is_required(attr.type))
			continue;
		if (attr.type == STUN_ATTR_PADDING)
			x->asked.padded = true;
		if (is_known(&x->offer, attr.type))
			note_known(&x->asked, &attr);
		else
			note_unknown(&x->unknown, attr.type);
	}
}

static bool is_bad(const struct asked *a)
{
	if (a->malformed || (a->has_port && a->port == 0))
		return true;
	return a->has_port && a->has_padding; /* RFC 5780, section 6.1 */
}

static bool wants_change(const struct asked *a)
{
	return a->change.address || a->change.port;
}

/* The socket the answer leaves from. */
static uint8_t reply_socket(const struct exchange *x)
{
	unsigned int change = 0;

	if (x->asked.change.address)
		change |= OTHER_IP;
	if (x->asked.change.port)
		change |= OTHER_PORT;
	return (uint8_t)(x->q->socket ^ change);
}

/* Every failed put shows here. */
static enum stun_outcome finish(const struct exchange *x, struct stun_builder *b,
				enum stun_outcome outcome, struct stun_reply *out)
{
	if (x->fingerprint)
		(void)stun_auth_put_fingerprint(b);
	return stun_build_finish(b, &out->msg) == STUN_OK ? outcome : STUN_DROP_NO_ROOM;
}

static void put_unknown(struct stun_builder *b, bool classic, struct unknown *u)
{
	size_t n = u->count;

	if (n == 0)
		return;
	/* RFC 3489 has no padding: an odd list repeats one (section 11.2.10). */
	if (classic && n % 2 == 1) {
		u->types[n] = u->types[n - 1];
		n++;
	}
	(void)stun_attr_put_types(b, u->types, n);
}

static enum stun_outcome refuse(struct exchange *x, uint16_t code, struct stun_reply *out)
{
	const char *reason = x->q->transport == STUN_UDP ? "" : stun_error_reason(code);
	struct stun_builder b = stun_build(x->buf, x->cap, x->msg.method, STUN_ERROR, &x->msg.tid);

	out->to = x->q->from;
	out->socket = x->q->socket;
	(void)stun_attr_put_error(&b, code, bytes_of_str(reason));
	put_unknown(&b, x->offer.classic, &x->unknown);
	return finish(x, &b, STUN_REPLY_ERROR, out);
}

static void put_classic(const struct exchange *x, struct stun_builder *b, const struct addr *mapped,
			const struct stun_reply *reply)
{
	const struct stun_query *q = x->q;
	const struct addr *source = x->offer.others ? &q->site->seen_as[reply->socket] : q->local;

	(void)stun_attr_put_addr(b, STUN_ATTR_MAPPED_ADDRESS, mapped);
	if (source != NULL && source->family != ADDR_NONE)
		(void)stun_attr_put_addr(b, STUN_ATTR_SOURCE_ADDRESS, source);
	if (x->offer.others)
		(void)stun_attr_put_addr(b, STUN_ATTR_CHANGED_ADDRESS,
					 &q->site->seen_as[q->socket ^ OTHER_BOTH]);
}

static void put_modern(const struct exchange *x, struct stun_builder *b, const struct addr *mapped,
		       const struct stun_reply *reply)
{
	const struct stun_query *q = x->q;

	(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_MAPPED_ADDRESS, mapped);
	if (!x->offer.others)
		return;
	(void)stun_attr_put_addr(b, STUN_ATTR_MAPPED_ADDRESS, mapped);
	(void)stun_attr_put_addr(b, STUN_ATTR_RESPONSE_ORIGIN, &q->site->seen_as[reply->socket]);
	(void)stun_attr_put_addr(b, STUN_ATTR_OTHER_ADDRESS,
				 &q->site->seen_as[q->socket ^ OTHER_BOTH]);
}

/* Fills what is left of the answer. Without room for an empty PADDING the build fails. */
static void put_padding(const struct exchange *x, struct stun_builder *b)
{
	size_t others = b->len + ATTR_HEADER_LEN + (x->fingerprint ? FINGERPRINT_LEN : 0);
	size_t len = others < b->cap ? (b->cap - others) & ~(size_t)3 : 0;
	uint8_t *value = stun_build_attr(b, STUN_ATTR_PADDING, len);

	if (value != NULL)
		memset(value, 0, len);
}

static enum stun_outcome succeed(const struct exchange *x, struct stun_reply *out)
{
	const struct stun_query *q = x->q;
	struct stun_builder b = stun_build(x->buf, x->cap, STUN_BINDING, STUN_SUCCESS, &x->msg.tid);
	struct addr mapped = addr_unmap(&q->from);

	out->to = q->from;
	if (x->asked.has_port)
		out->to.port = x->asked.port;
	out->socket = reply_socket(x);
	if (x->offer.classic)
		put_classic(x, &b, &mapped, out);
	else
		put_modern(x, &b, &mapped, out);
	if (x->policy->software != NULL)
		(void)stun_attr_put_bytes(&b, STUN_ATTR_SOFTWARE,
					  bytes_of_str(x->policy->software));
	if (x->asked.has_padding)
		put_padding(x, &b);
	return finish(x, &b, STUN_REPLY, out);
}

/* A well-formed Binding request, and what it asks for. */
static enum stun_outcome respond(struct exchange *x, struct stun_reply *out)
{
	const struct asked *a = &x->asked;
	enum stun_outcome outcome;

	if (x->unknown.count > 0)
		return refuse(x, 420, out);
	if (is_bad(a))
		return refuse(x, 400, out);
	/* Classic clients send CHANGE-REQUEST always, and take any answer for a success. */
	if (wants_change(a) && !x->offer.requests)
		return STUN_DROP_CHANGE;
	outcome = succeed(x, out);
	if (outcome == STUN_DROP_NO_ROOM && a->has_padding)
		return refuse(x, 400, out); /* too short to be answered in kind */
	return outcome;
}

enum stun_outcome stun_server_answer(const struct stun_server_policy *policy,
				     const struct stun_query *q, uint8_t *buf, size_t cap,
				     struct stun_reply *out)
{
	struct exchange x; /* not zeroed as a whole: that would take longer than most answers */
	enum stun_outcome outcome = screen(policy, q, &x.msg);

	if (outcome != STUN_REPLY && outcome != STUN_REPLY_ERROR)
		return outcome;
	x.policy = policy;
	x.q = q;
	x.buf = buf;
	x.cap = cap;
	x.offer = offer_to(policy, q, stun_tid_is_classic(&x.msg.tid));
	x.fingerprint = !x.offer.classic && x.msg.fingerprint != 0;
	gather(&x);
	if (outcome == STUN_REPLY_ERROR) {
		x.unknown.count = 0;
		return refuse(&x, 500, out);
	}
	/* With PADDING nothing we say is longer than what was asked: it cannot amplify. */
	if (x.asked.padded && q->transport == STUN_UDP && q->datagram.len < cap)
		x.cap = q->datagram.len;
	return respond(&x, out);
}
