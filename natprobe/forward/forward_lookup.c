#include "forward_lookup.h"

#include <stdlib.h>

#include "natprobe/net/dns.h"

#define PATIENCE_S 5

struct forward_lookup {
	struct event_base *base;
	struct dns *dns;
	struct event *done;
	forward_lookup_fn on_done;
	void *arg;
	uint16_t port;
	unsigned asked;
	bool is_closing;
	size_t count;
	struct addr found[FORWARD_ADDRS_MAX];
};

_Static_assert(FORWARD_ADDRS_MAX >= 2 * DNS_ADDRS_MAX, "both families");

static void add(struct forward_lookup *l, const struct addr *a)
{
	if (l->count < FORWARD_ADDRS_MAX)
		l->found[l->count++] = addr_with_port(a, l->port);
}

/* IPv6 first. */
static void sort(struct forward_lookup *l)
{
	struct addr sorted[FORWARD_ADDRS_MAX];
	size_t count = 0;

	for (uint8_t family = ADDR_IPV6; family >= ADDR_IPV4; family--) {
		for (size_t i = 0; i < l->count; i++) {
			if (l->found[i].family == family)
				sorted[count++] = l->found[i];
		}
	}
	memcpy(l->found, sorted, count * sizeof(sorted[0]));
}

static void on_done(evutil_socket_t fd, short events, void *arg)
{
	struct forward_lookup *l = arg;

	if (l->dns != NULL)
		sort(l);
	l->on_done(l->arg, l->found, l->count); /* may free us */
}

static void on_addr(void *arg, const struct addr *found, size_t count, const char *why)
{
	struct forward_lookup *l = arg;

	for (size_t i = 0; i < count; i++)
		add(l, &found[i]);
	if (--l->asked > 0 || l->is_closing)
		return;
	event_del(l->done);
	event_active(l->done, EV_TIMEOUT, 0);
}

static bool is_known(struct forward_lookup *l, const char *host)
{
	struct addr a;

	if (strcmp(host, "localhost") == 0) { /* RFC 6761, section 6.3 */
		const struct addr loopback = addr_ipv4(127, 0, 0, 1, 0);

		add(l, &loopback);
		if (addr_parse_ip("::1", 0, &a))
			add(l, &a);
	} else if (addr_parse_ip(host, 0, &a)) {
		add(l, &a);
	}
	return l->count > 0;
}

static bool ask(struct forward_lookup *l, const char *host)
{
	if (is_known(l, host)) {
		event_active(l->done, EV_TIMEOUT, 0);
		return true;
	}
	if (dns_open(l->base, &l->dns) != 0)
		return false;
	l->asked = 2;
	dns_find_addr(l->dns, host, ADDR_IPV6, on_addr, l);
	dns_find_addr(l->dns, host, ADDR_IPV4, on_addr, l);
	return true;
}

struct forward_lookup *forward_lookup_new(struct event_base *base,
					  const struct forward_target *target,
					  forward_lookup_fn callback, void *arg)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct forward_lookup *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->base = base;
	l->on_done = callback;
	l->arg = arg;
	l->port = target->port;
	l->done = evtimer_new(base, on_done, l);
	if (l->done != NULL && event_add(l->done, &patience) == 0 && ask(l, target->host))
		return l;
	forward_lookup_free(l);
	return NULL;
}

void forward_lookup_free(struct forward_lookup *l)
{
	if (l == NULL)
		return;
	l->is_closing = true;
	dns_close(l->dns); /* calls on_addr */
	if (l->done != NULL)
		event_free(l->done);
	free(l);
}
