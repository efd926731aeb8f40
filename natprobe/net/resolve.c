#include "resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "dns.h"

#define GRACE_MS     500  /* least time that slow names get once one is known */
#define LITERAL_MS   1500 /* what names get where some server needs none */
#define GRACE_FACTOR 3    /* and as a multiple of what that one took */

/* Where addresses come from: the host itself, or what its SRV records name. */
enum source { FROM_HOST, FROM_SRV_UDP, FROM_SRV_TCP, SOURCES };

/* What is known of one host: of the server itself, or of one that its SRV records name. */
struct found {
	struct addr addrs[SERVER_FAMILIES][DNS_ADDRS_MAX];
	size_t counts[SERVER_FAMILIES];
};

struct lookup {
	struct resolve *resolve;
	struct server *server;
	struct found found[SOURCES][DNS_SRV_MAX]; /* best first; FROM_HOST has one */
	const char *why;
};

/* An open question, and where its answer goes. */
struct question {
	struct lookup *lookup;
	enum source source;
	size_t host; /* index into found[source] */
	uint16_t port;
	int family;
};

struct resolve {
	struct event_base *base;
	struct dns *dns;
	const struct resolve_options *options;
	struct event *deadline;
	struct lookup *lookups;
	uint64_t started_ms;
	size_t open;
	bool is_found; /* one server is known, and the deadline has been drawn in */
	bool is_over;
};

static const uint8_t family_of[SERVER_FAMILIES] = { ADDR_IPV4, ADDR_IPV6 };

static void on_deadline(evutil_socket_t fd, short events, void *arg)
{
	event_base_loopbreak(((struct resolve *)arg)->base);
}

static void set_deadline(struct resolve *r, uint64_t in_ms)
{
	struct timeval tv = { .tv_sec = (time_t)(in_ms / 1000),
			      .tv_usec = (suseconds_t)(in_ms % 1000 * 1000) };

	event_add(r->deadline, &tv);
}

static void on_found(struct resolve *r)
{
	uint64_t took_ms = clock_ms() - r->started_ms;
	uint64_t grace_ms = took_ms * (GRACE_FACTOR - 1);

	if (r->is_found)
		return;
	r->is_found = true;
	if (grace_ms < GRACE_MS)
		grace_ms = GRACE_MS;
	if (took_ms + grace_ms < r->options->timeout_ms)
		set_deadline(r, grace_ms);
}

static void end_question(struct question *q)
{
	struct resolve *r = q->lookup->resolve;

	free(q);
	r->open--;
	if (r->open == 0)
		event_base_loopbreak(r->base);
}

static void on_addr(void *arg, const struct addr *found, size_t count, const char *why)
{
	struct question *q = arg;
	struct lookup *l = q->lookup;
	struct found *place = &l->found[q->source][q->host];

	if (count > 0) {
		for (size_t i = 0; i < count; i++)
			place->addrs[q->family][i] = addr_with_port(&found[i], q->port);
		place->counts[q->family] = count;
		on_found(l->resolve);
	} else if (l->why == NULL || q->family == SERVER_IPV4) {
		l->why = why; /* that of A says more to most people than that of AAAA */
	}
	end_question(q);
}

static struct question *new_question(const struct question *as)
{
	struct question *q = malloc(sizeof(*q));

	if (q == NULL) {
		as->lookup->why = "out of memory";
		return NULL;
	}
	*q = *as;
	as->lookup->resolve->open++;
	return q;
}

/* of: all but its family is taken. */
static void ask_addrs(const struct question *of, const char *host)
{
	const struct resolve *r = of->lookup->resolve;
	struct question each = *of;

	for (each.family = 0; each.family < SERVER_FAMILIES; each.family++) {
		struct question *q;

		if (!(each.family == SERVER_IPV4 ? r->options->ipv4 : r->options->ipv6))
			continue;
		q = new_question(&each);
		if (q != NULL)
			dns_find_addr(r->dns, host, family_of[each.family], on_addr, q);
	}
}

static void on_srv(void *arg, const struct dns_srv *list, size_t count)
{
	struct question *q = arg;

	for (size_t i = 0; i < count; i++) {
		struct question next = {
			.lookup = q->lookup, .source = q->source, .host = i, .port = list[i].port
		};

		/* While all is being cancelled nothing new is asked. */
		if (list[i].target[0] != '\0' && list[i].target[0] != '.' &&
		    !q->lookup->resolve->is_over)
			ask_addrs(&next, list[i].target);
	}
	end_question(q);
}

static void ask_srv(struct lookup *l, enum source source, const char *service)
{
	char name[DNS_NAME_MAX + 16];
	struct question *q = new_question(&(struct question){ .lookup = l, .source = source });

	snprintf(name, sizeof(name), "%s.%s", service, l->server->uri.host);
	if (q != NULL)
		dns_find_srv(l->resolve->dns, name, on_srv, q);
}

static void ask_all(struct lookup *l)
{
	const struct stun_uri *uri = &l->server->uri;

	if (uri->ip.family != ADDR_NONE)
		return;
	ask_addrs(&(struct question){ .lookup = l, .port = stun_uri_port(uri) }, uri->host);
	if (uri->port != 0)
		return;
	if (stun_uri_is_secure(uri)) {
		ask_srv(l, FROM_SRV_TCP, "_stuns._tcp");
		return;
	}
	ask_srv(l, FROM_SRV_UDP, "_stun._udp");
	ask_srv(l, FROM_SRV_TCP, "_stun._tcp");
}

/* The address with this number among those of all hosts of a source, or NULL. */
static const struct addr *find_number(const struct lookup *l, enum source source, int family,
				      size_t number)
{
	for (size_t i = 0; i < DNS_SRV_MAX; i++) {
		const struct found *found = &l->found[source][i];

		if (number < found->counts[family])
			return &found->addrs[family][number];
		number -= found->counts[family];
	}
	return NULL;
}

/* Takes the addresses of a source that have this number; false where it has none at all. */
static bool take(const struct lookup *l, enum source source, size_t number,
		 struct addr out[SERVER_FAMILIES])
{
	bool has_some = false;

	for (int f = 0; f < SERVER_FAMILIES; f++) {
		const struct addr *a = find_number(l, source, f, number);

		if (a != NULL)
			out[f] = *a;
		has_some = has_some || find_number(l, source, f, 0) != NULL;
	}
	return has_some;
}

static bool is_named(const struct addr a[SERVER_FAMILIES])
{
	return a[SERVER_IPV4].family != ADDR_NONE || a[SERVER_IPV6].family != ADDR_NONE;
}

/* Sets what is known of the addresses with this number; false where there are none. */
static bool take_all(const struct lookup *l, size_t number, struct server *s)
{
	if (!s->tls && !take(l, FROM_SRV_UDP, number, s->udp))
		take(l, FROM_HOST, number, s->udp);
	/* Who names no service over TCP is tried where UDP is. */
	if (!take(l, FROM_SRV_TCP, number, s->tcp) && !take(l, FROM_SRV_UDP, number, s->tcp))
		take(l, FROM_HOST, number, s->tcp);
	return is_named(s->tls ? s->tcp : s->udp);
}

static void conclude(struct lookup *l, struct server *servers, size_t *count)
{
	struct server *s = l->server;

	if (!take_all(l, 0, s) && !is_named(s->tcp))
		s->why = l->why != NULL ? l->why : "DNS did not answer in time";
	for (size_t number = 1; number < RESOLVE_ROOM; number++) {
		struct server more = { .name = s->name, .uri = s->uri, .tls = s->tls };

		if (take_all(l, number, &more))
			servers[(*count)++] = more;
	}
}

/* False where it is of the wrong family. */
static bool take_literal(struct server *s, const struct resolve_options *o)
{
	bool is_ipv4 = s->uri.ip.family == ADDR_IPV4;
	int f = is_ipv4 ? SERVER_IPV4 : SERVER_IPV6;
	struct addr a = addr_with_port(&s->uri.ip, stun_uri_port(&s->uri));

	if (!(is_ipv4 ? o->ipv4 : o->ipv6)) {
		s->why = "an address of the family that was left out";
		return false;
	}
	s->tcp[f] = a;
	if (!s->tls)
		s->udp[f] = a;
	return true;
}

static int run(struct resolve *r, struct server *servers, size_t *count)
{
	const size_t asked = *count;
	int rc = dns_open(r->base, &r->dns);

	if (rc != 0)
		return rc;
	if (r->is_found && r->options->timeout_ms > LITERAL_MS)
		set_deadline(r, LITERAL_MS);
	else
		set_deadline(r, r->options->timeout_ms);
	for (size_t i = 0; i < asked; i++) {
		r->lookups[i] = (struct lookup){ .resolve = r, .server = &servers[i] };
		r->open++; /* keeps an answer at once from ending it all */
		ask_all(&r->lookups[i]);
		r->open--;
	}
	if (r->open > 0)
		event_base_dispatch(r->base);
	r->is_over = true;
	dns_close(r->dns);
	for (size_t i = 0; i < asked; i++) {
		if (servers[i].uri.ip.family == ADDR_NONE)
			conclude(&r->lookups[i], servers, count);
	}
	return 0;
}

int resolve_servers(struct event_base *base, struct server *servers, size_t *count,
		    const struct resolve_options *options)
{
	struct resolve r = { .base = base, .options = options, .started_ms = clock_ms() };
	bool needs_dns = false;
	int rc = -ENOMEM;

	for (size_t i = 0; i < *count; i++) {
		servers[i] = (struct server){ .name = servers[i].name,
					      .uri = servers[i].uri,
					      .tls = stun_uri_is_secure(&servers[i].uri) };
		if (servers[i].uri.ip.family != ADDR_NONE)
			r.is_found = take_literal(&servers[i], options) || r.is_found;
		else
			needs_dns = true;
	}
	if (!needs_dns)
		return 0;
	r.lookups = calloc(*count, sizeof(*r.lookups));
	r.deadline = evtimer_new(base, on_deadline, &r);
	if (r.lookups != NULL && r.deadline != NULL)
		rc = run(&r, servers, count);
	if (r.deadline != NULL)
		event_free(r.deadline);
	free(r.lookups);
	return rc;
}
