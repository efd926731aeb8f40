#include "relay_lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "natprobe/net/dns.h"

struct lookup {
	struct event_base *base;
	struct turn_resolve *resolve;
	struct dns *dns;
	bool is_over; /* nothing more is asked */
};

/* An open question. */
struct question {
	struct lookup *lookup;
	uint16_t id;
};

static void ask_all(struct lookup *l);

static void end_question(struct question *q)
{
	struct lookup *l = q->lookup;

	free(q);
	if (l->is_over)
		return;
	ask_all(l);
	if (turn_resolve_is_done(l->resolve))
		event_base_loopbreak(l->base);
}

static void on_addr(void *arg, const struct addr *found, size_t count, const char *why)
{
	struct question *q = arg;

	if (!q->lookup->is_over)
		turn_resolve_on_addrs(q->lookup->resolve, q->id, found, count, why);
	end_question(q);
}

static void on_srv(void *arg, const struct dns_srv *list, size_t count)
{
	struct question *q = arg;
	struct turn_srv srv[DNS_SRV_MAX];

	for (size_t i = 0; i < count; i++) {
		srv[i] = (struct turn_srv){ .priority = list[i].priority,
					    .weight = list[i].weight,
					    .port = list[i].port };
		(void)snprintf(srv[i].target, sizeof(srv[i].target), "%s", list[i].target);
	}
	if (!q->lookup->is_over)
		turn_resolve_on_srv(q->lookup->resolve, q->id, srv, count, NULL);
	end_question(q);
}

static void on_naptr(void *arg, const struct dns_naptr *list, size_t count)
{
	struct question *q = arg;
	struct turn_naptr naptr[DNS_NAPTR_MAX];

	for (size_t i = 0; i < count; i++) {
		struct turn_naptr *to = &naptr[i];

		*to = (struct turn_naptr){ .order = list[i].order,
					   .preference = list[i].preference,
					   .has_regexp = list[i].has_regexp };
		(void)snprintf(to->flags, sizeof(to->flags), "%s", list[i].flags);
		(void)snprintf(to->services, sizeof(to->services), "%s", list[i].service);
		(void)snprintf(to->replacement, sizeof(to->replacement), "%s", list[i].replacement);
	}
	if (!q->lookup->is_over)
		turn_resolve_on_naptr(q->lookup->resolve, q->id, naptr, count, NULL);
	end_question(q);
}

static void ask(struct lookup *l, const struct turn_question *about)
{
	struct question *q = malloc(sizeof(*q));

	if (q == NULL) /* it ends by timeout */
		return;
	*q = (struct question){ l, about->id };
	switch (about->kind) {
	case TURN_ASK_NAPTR:
		dns_find_naptr(l->dns, about->name, on_naptr, q);
		break;
	case TURN_ASK_SRV:
		dns_find_srv(l->dns, about->name, on_srv, q);
		break;
	default:
		dns_find_addr(l->dns, about->name,
			      about->kind == TURN_ASK_A ? ADDR_IPV4 : ADDR_IPV6, on_addr, q);
		break;
	}
}

static void ask_all(struct lookup *l)
{
	struct turn_question q;

	while (turn_resolve_next(l->resolve, &q))
		ask(l, &q);
}

int relay_lookup(struct event_base *base, struct turn_resolve *r, uint64_t timeout_ms)
{
	struct lookup l = { .base = base, .resolve = r };
	const struct timeval limit = { .tv_sec = (time_t)(timeout_ms / 1000),
				       .tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000) };
	int rc;

	if (turn_resolve_is_done(r))
		return 0;
	rc = dns_open(base, &l.dns);
	if (rc != 0)
		return rc;
	ask_all(&l);
	if (!turn_resolve_is_done(r)) {
		event_base_loopexit(base, &limit);
		event_base_dispatch(base);
	}
	l.is_over = true;
	dns_close(l.dns);
	return 0;
}
