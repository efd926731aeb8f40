#include "turn_resolve.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "turn_resolve_state.h"

#define DEPTH_MAX 5   /* NAPTR records that lead to each other */
#define STEPS_MAX 512 /* places that one look at all answers visits */

static const struct {
	const char *word;
	const char *tag;
	const char *service;
	bool is_stream, is_secure;
} transports[TURN_TRANSPORTS] = {
	[TURN_OVER_UDP] = { "udp", "turn.udp", "_turn._udp", false, false },
	[TURN_OVER_TCP] = { "tcp", "turn.tcp", "_turn._tcp", true, false },
	[TURN_OVER_TLS] = { "tls", "turn.tls", "_turns._tcp", true, true },
	[TURN_OVER_DTLS] = { "dtls", "turn.dtls", "_turns._udp", false, true },
};

const char *turn_transport_word(uint8_t transport)
{
	return transport < TURN_TRANSPORTS ? transports[transport].word : "unknown";
}

bool turn_transport_is_stream(uint8_t transport)
{
	return transport < TURN_TRANSPORTS && transports[transport].is_stream;
}

bool turn_transport_is_secure(uint8_t transport)
{
	return transport < TURN_TRANSPORTS && transports[transport].is_secure;
}

/* Of turns: over TCP, TLS, and so on (RFC 5928, table 1; RFC 7350, section 4.6.1). */
static bool fits_uri(const struct stun_uri *u, uint8_t transport)
{
	if (stun_uri_is_secure(u) != turn_transport_is_secure(transport))
		return false;
	return u->transport == STUN_URI_ANY ||
	       (u->transport == STUN_URI_TCP) == turn_transport_is_stream(transport);
}

/* Without records of its own a domain says nothing about transports but what the URI says. */
static bool may_use_naptr(const struct stun_uri *u)
{
	return u->ip.family == ADDR_NONE && u->port == 0 && u->transport == STUN_URI_ANY;
}

static bool is_named_by_naptr(const struct stun_uri *u, uint8_t transport)
{
	return !stun_uri_is_secure(u) || turn_transport_is_secure(transport);
}

const char *turn_resolve_check(const struct turn_resolve_config *config)
{
	const struct stun_uri *u = &config->uri;

	if (u->scheme != STUN_URI_TURN && u->scheme != STUN_URI_TURNS)
		return "not a TURN server; write turn:HOST or turns:HOST";
	if (!config->ipv4 && !config->ipv6)
		return "neither IPv4 nor IPv6 is wanted";
	if (u->ip.family == ADDR_IPV4 ? !config->ipv4 : u->ip.family == ADDR_IPV6 && !config->ipv6)
		return "an address of the family that was left out";
	for (size_t i = 0; i < config->transport_count; i++) {
		if (fits_uri(u, config->transports[i]) ||
		    (may_use_naptr(u) && is_named_by_naptr(u, config->transports[i])))
			return NULL;
	}
	return stun_uri_is_secure(u) ? "turns: means TLS and DTLS, which are not wanted"
				     : "turn: means UDP and TCP, which are not wanted";
}

static uint16_t default_port(uint8_t transport)
{
	return turn_transport_is_secure(transport) ? 5349 : 3478;
}

static void add_candidate(struct turn_resolve *r, uint8_t transport, struct addr to)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->list[i].transport == transport && addr_equal(&r->list[i].to, &to))
			return;
	}
	if (r->count < TURN_RESOLVE_CANDIDATES_MAX && to.port != 0)
		r->list[r->count++] = (struct turn_candidate){ transport, to };
}

/*
 * What is known about a name; what is not asked yet will be. NULL: not answered yet, or there is
 * no room for more questions.
 */
static const struct tr_question *look_up(struct turn_resolve *r, uint8_t kind, const char *name)
{
	struct tr_question *q;

	for (size_t i = 0; i < r->question_count; i++) {
		q = &r->questions[i];
		if (q->kind == kind && strcasecmp(q->name, name) == 0)
			return q->state == TR_ANSWERED ? q : NULL;
	}
	if (r->question_count == TR_QUESTIONS_MAX)
		return NULL;
	q = &r->questions[r->question_count++];
	q->kind = kind;
	q->state = TR_NEW;
	(void)snprintf(q->name, sizeof(q->name), "%s", name);
	return NULL;
}

static bool has_step(struct turn_resolve *r)
{
	return r->steps++ < STEPS_MAX;
}

static void look_at_host(struct turn_resolve *r, const char *host, uint16_t port, uint8_t transport)
{
	static const uint8_t kinds[] = { TURN_ASK_A, TURN_ASK_AAAA };

	for (size_t i = 0; i < ARRAY_LEN(kinds) && has_step(r); i++) {
		const struct tr_question *q;

		if (!(kinds[i] == TURN_ASK_A ? r->config.ipv4 : r->config.ipv6))
			continue;
		q = look_up(r, kinds[i], host);
		for (size_t k = 0; q != NULL && k < q->count; k++)
			add_candidate(r, transport, addr_with_port(&q->is.addrs[k], port));
	}
}

static bool is_no_service(const char *target)
{
	return target[0] == '\0' || strcmp(target, ".") == 0;
}

/* otherwise  the host where there are no such records; NULL: none */
static void look_at_srv(struct turn_resolve *r, const char *name, uint8_t transport,
			const char *otherwise)
{
	const struct tr_question *q = has_step(r) ? look_up(r, TURN_ASK_SRV, name) : NULL;

	if (q == NULL)
		return;
	if (q->count == 0 && otherwise != NULL)
		look_at_host(r, otherwise, default_port(transport), transport);
	for (size_t i = 0; i < q->count; i++) {
		const struct turn_srv *s = &q->is.srv[i];

		if (is_no_service(s->target))
			r->is_absent = true;
		else
			look_at_host(r, s->target, s->port, transport);
	}
}

/* Steps 3 and 5 of RFC 5928. */
static void look_at_services(struct turn_resolve *r)
{
	const struct turn_resolve_config *c = &r->config;

	for (size_t i = 0; i < c->transport_count; i++) {
		uint8_t transport = c->transports[i];
		char name[TURN_RESOLVE_NAME_MAX];

		if (!fits_uri(&c->uri, transport))
			continue;
		(void)snprintf(name, sizeof(name), "%s.%s", transports[transport].service,
			       c->uri.host);
		look_at_srv(r, name, transport, c->uri.host);
	}
}

/* "RELAY:turn.udp:turn.tcp" has this tag. Their order is of no meaning (RFC 3958, section 6.5). */
static bool has_tag(const char *services, const char *tag)
{
	const char *at = strchr(services, ':');
	size_t len = strlen(tag);

	while (at != NULL) {
		at++;
		if (strncasecmp(at, tag, len) == 0 && (at[len] == ':' || at[len] == '\0'))
			return true;
		at = strchr(at, ':');
	}
	return false;
}

static bool has_flag(const struct turn_naptr *n, const char *flag)
{
	return strcasecmp(n->flags, flag) == 0;
}

static void look_at_naptr(struct turn_resolve *r, const struct turn_naptr *n, uint8_t transport,
			  unsigned int depth);

/* All records of a domain that are about one transport. */
static void look_at_domain(struct turn_resolve *r, const char *domain, uint8_t transport,
			   unsigned int depth)
{
	const struct tr_question *q = has_step(r) ? look_up(r, TURN_ASK_NAPTR, domain) : NULL;

	for (size_t i = 0; q != NULL && i < q->count; i++) {
		if (has_tag(q->is.naptr[i].services, transports[transport].tag))
			look_at_naptr(r, &q->is.naptr[i], transport, depth);
	}
}

static void look_at_naptr(struct turn_resolve *r, const struct turn_naptr *n, uint8_t transport,
			  unsigned int depth)
{
	if (is_no_service(n->replacement))
		return;
	if (has_flag(n, "s"))
		look_at_srv(r, n->replacement, transport, NULL);
	else if (has_flag(n, "a"))
		look_at_host(r, n->replacement, default_port(transport), transport);
	else if (has_flag(n, "") && depth < DEPTH_MAX)
		look_at_domain(r, n->replacement, transport, depth + 1);
}

static bool is_same_rank(const struct turn_naptr *a, const struct turn_naptr *b)
{
	return a->order == b->order && a->preference == b->preference;
}

/* The records `first` to `end` rank the same: our own preference decides (step 4). */
static void look_at_rank(struct turn_resolve *r, const struct tr_question *q, size_t first,
			 size_t end, unsigned int wanted)
{
	const struct turn_resolve_config *c = &r->config;

	for (size_t t = 0; t < c->transport_count; t++) {
		uint8_t transport = c->transports[t];

		if ((wanted & 1u << transport) == 0)
			continue;
		for (size_t i = first; i < end; i++) {
			const struct turn_naptr *n = &q->is.naptr[i];

			if (!has_tag(n->services, transports[transport].tag))
				continue;
			r->is_other = false;
			look_at_naptr(r, n, transport, 1);
		}
	}
}

/* wanted  a bit for each transport */
static void look_at_set(struct turn_resolve *r, const struct tr_question *q, unsigned int wanted)
{
	size_t first = 0;

	r->is_other = true;
	for (size_t i = 1; i <= q->count; i++) {
		if (i < q->count && is_same_rank(&q->is.naptr[first], &q->is.naptr[i]))
			continue;
		look_at_rank(r, q, first, i, wanted);
		first = i;
	}
}

static unsigned int only_tagged(unsigned int wanted, const char *services)
{
	for (uint8_t t = 0; t < TURN_TRANSPORTS; t++) {
		if (!has_tag(services, transports[t].tag))
			wanted &= ~(1u << t);
	}
	return wanted;
}

/*
 * Step 4; what has no record about relays goes on with step 5. One record that hands all on to
 * another domain ranks nothing: the first set that does is that domain's (RFC 5928, section 4.2).
 */
static void look_at_pointers(struct turn_resolve *r)
{
	const struct turn_resolve_config *c = &r->config;
	const struct tr_question *q = look_up(r, TURN_ASK_NAPTR, c->uri.host);
	unsigned int wanted = 0;

	for (size_t i = 0; i < c->transport_count; i++) {
		if (is_named_by_naptr(&c->uri, c->transports[i]))
			wanted |= 1u << c->transports[i];
	}
	if (q != NULL && q->count == 0) {
		look_at_services(r);
		return;
	}
	for (unsigned int depth = 1; q != NULL; depth++) {
		const struct turn_naptr *only = &q->is.naptr[0];

		if (q->count != 1 || !has_flag(only, "") || is_no_service(only->replacement) ||
		    depth == DEPTH_MAX) {
			look_at_set(r, q, wanted);
			return;
		}
		wanted = only_tagged(wanted, only->services);
		r->is_other = wanted == 0;
		q = look_up(r, TURN_ASK_NAPTR, only->replacement);
	}
}

/* Steps 1 and 2. */
static void look_at_uri(struct turn_resolve *r)
{
	const struct turn_resolve_config *c = &r->config;
	uint16_t port = stun_uri_port(&c->uri);

	for (size_t i = 0; i < c->transport_count; i++) {
		uint8_t transport = c->transports[i];

		if (!fits_uri(&c->uri, transport))
			continue;
		if (c->uri.ip.family != ADDR_NONE)
			add_candidate(r, transport, addr_with_port(&c->uri.ip, port));
		else
			look_at_host(r, c->uri.host, port, transport);
	}
}

void tr_look(struct turn_resolve *r)
{
	const struct stun_uri *u = &r->config.uri;

	r->count = 0;
	r->steps = 0;
	r->is_absent = r->is_other = false;
	if (u->ip.family != ADDR_NONE || u->port != 0)
		look_at_uri(r);
	else if (may_use_naptr(u))
		look_at_pointers(r);
	else
		look_at_services(r);
}

struct turn_resolve *turn_resolve_new(const struct turn_resolve_config *config)
{
	struct turn_resolve *r = calloc(1, sizeof(*r));

	assert(turn_resolve_check(config) == NULL);
	if (r == NULL)
		return NULL;
	r->config = *config;
	tr_look(r);
	return r;
}

void turn_resolve_free(struct turn_resolve *r)
{
	free(r);
}

bool turn_resolve_next(struct turn_resolve *r, struct turn_question *out)
{
	for (size_t i = 0; i < r->question_count; i++) {
		struct tr_question *q = &r->questions[i];

		if (q->state != TR_NEW)
			continue;
		q->state = TR_ASKED;
		*out = (struct turn_question){ .kind = q->kind, .id = (uint16_t)i };
		memcpy(out->name, q->name, sizeof(out->name));
		return true;
	}
	return false;
}

bool turn_resolve_is_done(const struct turn_resolve *r)
{
	for (size_t i = 0; i < r->question_count; i++) {
		if (r->questions[i].state != TR_ANSWERED)
			return false;
	}
	return true;
}

const struct turn_candidate *turn_resolve_list(const struct turn_resolve *r, size_t *count)
{
	*count = r->count;
	return r->list;
}

const char *turn_resolve_why(const struct turn_resolve *r)
{
	if (r->is_absent)
		return "its domain says that it has no such service";
	if (r->is_other)
		return "its domain names other transports only";
	if (!turn_resolve_is_done(r))
		return "DNS did not answer in time";
	if (r->why_ipv4 != NULL)
		return r->why_ipv4;
	return r->why != NULL ? r->why : "it has no address in DNS";
}
