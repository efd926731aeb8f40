#include "carrier_lookup.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nat64.h"
#include "natprobe/deep/nat64_search.h"
#include "natprobe/net/dns.h"
#include "sockaddr.h"

#define PATIENCE_S 8

struct carrier_lookup {
	struct event_base *base;
	struct dns *dns;
	struct nat64_search *nat64;
	struct event *done;
	carrier_lookup_fn on_done;
	void *arg;
	uint16_t port;
	unsigned asked;
	bool is_over;
	size_t count;
	struct addr found[2 * DNS_ADDRS_MAX];
};

/* Whether the system knows a way there; nothing is sent. */
static bool has_route(const struct addr *to)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from_addr(to, &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM, 0);
	bool has = fd >= 0 && connect(fd, (struct sockaddr *)&ss, len) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

static size_t reachable(const struct carrier_lookup *l, struct addr out[static CARRIER_LOOKUP_MAX])
{
	size_t count = 0;

	for (uint8_t family = ADDR_IPV6; family >= ADDR_IPV4; family--) {
		for (size_t i = 0; i < l->count && count < CARRIER_LOOKUP_MAX; i++) {
			if (l->found[i].family == family && has_route(&l->found[i]))
				out[count++] = l->found[i];
		}
	}
	return count;
}

static void finish(struct carrier_lookup *l)
{
	struct addr list[CARRIER_LOOKUP_MAX];
	size_t count = reachable(l, list);
	const char *why = NULL;

	if (l->is_over)
		return;
	l->is_over = true;
	if (l->count == 0)
		why = "its name has no address, or no name server answers; check the spelling and "
		      "the connection";
	else if (count == 0)
		why = "this host has no route to it; check the connection";
	l->on_done(l->arg, list, count, why); /* may free us */
}

static void on_nat64(void *arg, const struct addr *prefix, uint8_t len)
{
	struct carrier_lookup *l = arg;
	struct addr made;

	for (size_t i = 0, count = l->count; i < count && l->count < ARRAY_LEN(l->found); i++) {
		if (nat64_embed(prefix, len, &l->found[i], &made))
			l->found[l->count++] = made;
	}
	event_active(l->done, EV_TIMEOUT, 0);
}

static void on_done(evutil_socket_t fd, short events, void *arg)
{
	struct carrier_lookup *l = arg;
	struct timeval patience = { .tv_sec = PATIENCE_S };
	struct addr list[CARRIER_LOOKUP_MAX];

	if (l->count > 0 && reachable(l, list) == 0 && l->nat64 == NULL) {
		event_add(l->done, &patience);
		l->nat64 = nat64_search_new(l->base, on_nat64, l);
		if (l->nat64 != NULL)
			return;
	}
	finish(l);
}

static void on_addr(void *arg, const struct addr *found, size_t count, const char *why)
{
	struct carrier_lookup *l = arg;

	for (size_t i = 0; i < count && l->count < ARRAY_LEN(l->found); i++)
		l->found[l->count++] = addr_with_port(&found[i], l->port);
	if (--l->asked == 0 && l->done != NULL)
		event_active(l->done, EV_TIMEOUT, 0);
}

static bool ask(struct carrier_lookup *l, const struct carrier_uri *uri)
{
	if (uri->at.ip.family != ADDR_NONE) {
		l->found[l->count++] = uri->at.ip;
		event_active(l->done, EV_TIMEOUT, 0);
		return true;
	}
	if (strcmp(uri->at.host, "localhost") == 0) { /* RFC 6761, section 6.3 */
		(void)addr_parse_ip("::1", l->port, &l->found[l->count++]);
		(void)addr_parse_ip("127.0.0.1", l->port, &l->found[l->count++]);
		event_active(l->done, EV_TIMEOUT, 0);
		return true;
	}
	if (dns_open(l->base, &l->dns) != 0)
		return false;
	l->asked = 2;
	dns_find_addr(l->dns, uri->at.host, ADDR_IPV6, on_addr, l);
	dns_find_addr(l->dns, uri->at.host, ADDR_IPV4, on_addr, l);
	return true;
}

struct carrier_lookup *carrier_lookup_new(struct event_base *base, const struct carrier_uri *uri,
					  carrier_lookup_fn on_result, void *arg)
{
	struct carrier_lookup *l = calloc(1, sizeof(*l));
	struct timeval patience = { .tv_sec = PATIENCE_S };

	if (l == NULL)
		return NULL;
	l->base = base;
	l->on_done = on_result;
	l->arg = arg;
	l->port = uri->at.port;
	l->done = evtimer_new(base, on_done, l);
	if (l->done != NULL && event_add(l->done, &patience) == 0 && ask(l, uri))
		return l;
	carrier_lookup_free(l);
	return NULL;
}

void carrier_lookup_free(struct carrier_lookup *l)
{
	if (l == NULL)
		return;
	l->is_over = true;
	nat64_search_free(l->nat64);
	if (l->done != NULL)
		event_free(l->done);
	l->done = NULL;
	dns_close(l->dns); /* calls on_addr */
	free(l);
}
