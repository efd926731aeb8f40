#include "nat64_lookup.h"

#include "dns.h"
#include "nat64.h"

/* Exists in IPv4 only: whoever tells an IPv6 address for it has made that (RFC 7050, section 3). */
#define NAME "ipv4only.arpa"

struct lookup {
	struct event_base *base;
	struct nat64_found found;
	bool is_over, is_closing;
};

static void on_late(evutil_socket_t fd, short events, void *arg)
{
	struct lookup *l = arg;

	event_base_loopbreak(l->base);
}

static void on_addr(void *arg, const struct addr *found, size_t count, const char *why)
{
	struct lookup *l = arg;

	l->is_over = true;
	if (l->is_closing)
		return;
	l->found.asked = count > 0 || dns_is_absence(why);
	for (size_t i = 0; i < count && l->found.len == 0; i++) {
		for (uint8_t last = 170; last <= 171 && l->found.len == 0; last++) {
			struct addr known = addr_ipv4(192, 0, 0, last, 0);

			l->found.len = nat64_find_length(&found[i], &known);
			if (l->found.len > 0)
				l->found.prefix = nat64_prefix(&found[i], l->found.len);
		}
	}
	event_base_loopbreak(l->base);
}

struct nat64_found nat64_lookup(struct event_base *base, uint64_t timeout_ms)
{
	struct timeval tv = { .tv_sec = (time_t)(timeout_ms / 1000),
			      .tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000) };
	struct lookup l = { .base = base };
	struct event *timer = evtimer_new(base, on_late, &l);
	struct dns *dns = NULL;

	if (timer == NULL || dns_open(base, &dns) != 0) {
		if (timer != NULL)
			event_free(timer);
		return l.found;
	}
	dns_find_addr(dns, NAME, ADDR_IPV6, on_addr, &l);
	event_add(timer, &tv);
	if (!l.is_over)
		event_base_dispatch(base);
	l.is_closing = true;
	dns_close(dns);
	event_free(timer);
	return l.found;
}
