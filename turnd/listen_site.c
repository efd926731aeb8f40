/* NAT discovery (RFC 5780): two addresses by two ports, and which of them an answer leaves from. */
#include "listen_parts.h"

/* Public addresses of relays are those of listeners at the same address, too. */
static struct addr seen_as(const struct snapshot *s, const struct addr *local)
{
	for (size_t i = 0; i < s->relay_count; i++) {
		if (addr_equal_ip(&s->relays[i].local, local))
			return addr_with_port(&s->relays[i].seen_as, local->port);
	}
	return *local;
}

void listen_site_see(struct listen *l)
{
	struct stun_site *next = l->sites;

	for (size_t i = 0; i < l->common->listener_count; i++) {
		struct listen_socket *s = &l->sockets[i];
		uint8_t number = s->at->number;

		if (!s->at->in_site)
			continue;
		next->seen_as[number] = seen_as(&l->settings->snapshot, &s->at->local);
		next->has[number] = true;
		s->site = next;
		if (number == STUN_SITE_SOCKETS - 1)
			next++;
	}
}

struct addr listen_site_source(struct listen *l, const struct turnd_in *in, uint8_t socket)
{
	const struct listen_socket *asked = listen_find(l, &in->tuple.server);

	/* The four of a site follow each other. */
	return asked == NULL || socket == in->socket ? in->tuple.server
						     : asked[socket - in->socket].at->local;
}
