/* The part of settings that knows where allocations are, and where else clients may go. */
#include <stdlib.h>
#include <string.h>

#include "settings_parts.h"

static const struct snapshot_relay *find_relay(const struct snapshot_relay *list, size_t count,
					       const struct addr *local)
{
	for (size_t i = 0; i < count; i++) {
		if (addr_equal_ip(&list[i].local, local))
			return &list[i];
	}
	return NULL;
}

/* The local addresses of the start stay, since sockets are open there. */
static void keep_relays(const struct settings_parts *before, struct settings_parts *p)
{
	struct snapshot_relay wanted[TURND_RELAYS_MAX];
	size_t count = p->relay_count;

	memcpy(wanted, p->relays, sizeof(wanted));
	memcpy(p->relays, before->relays, sizeof(p->relays));
	p->relay_count = before->relay_count;
	p->other_relays = count != p->relay_count;
	for (size_t i = 0; i < p->relay_count; i++) {
		const struct snapshot_relay *r = find_relay(wanted, count, &p->relays[i].local);

		if (r != NULL)
			p->relays[i].seen_as = r->seen_as;
		else
			p->other_relays = true;
	}
}

static void take_known(struct names *n, const struct names *known)
{
	for (size_t i = 0; i < n->count; i++) {
		const struct name *k = names_find(known, n->list[i].text);

		if (k != NULL && k->ipv4.family != ADDR_NONE)
			n->list[i].ipv4 = k->ipv4;
		if (k != NULL && k->ipv6.family != ADDR_NONE)
			n->list[i].ipv6 = k->ipv6;
	}
}

bool settings_add_relays(const struct turnd_conf *conf, const struct settings *before,
			 const struct names *fresh, const struct addresses *host,
			 struct settings_parts *p, struct opt_error *err)
{
	int count;

	if (!addresses_names(conf, host, &p->looked_up, err))
		return false;
	if (before != NULL)
		take_known(&p->looked_up, &before->parts->looked_up);
	if (fresh != NULL)
		take_known(&p->looked_up, fresh);
	for (size_t i = 0; i < p->looked_up.count; i++) {
		struct name *n = &p->looked_up.list[i];

		if (n->ipv4.family == ADDR_NONE && n->ipv6.family == ADDR_NONE)
			names_look_up(n);
	}
	count = addresses_relays(conf, host, &p->looked_up, p->relays, err);
	if (count < 0)
		return false;
	p->relay_count = (size_t)count;
	if (before != NULL)
		keep_relays(before->parts, p);
	return true;
}

static bool add_alternate(const struct turnd_alternate_text *a, uint8_t transport,
			  struct settings_parts *p)
{
	struct snapshot_alternate *list =
		realloc(p->alternates, (p->alternate_count + 1) * sizeof(*list));
	char *domain = a->domain[0] != '\0' ? strdup(a->domain) : NULL;

	if (list != NULL)
		p->alternates = list;
	if (list == NULL || (a->domain[0] != '\0' && domain == NULL)) {
		free(domain);
		return false;
	}
	list[p->alternate_count++] = (struct snapshot_alternate){ .addr = a->addr,
								  .domain = domain,
								  .transport = transport };
	return true;
}

/* Without a port it is the usual one of the transport. */
bool settings_add_alternates(const struct turnd_conf *conf, struct settings_parts *p)
{
	char *const *texts = conf->alternate_server.items;
	struct turnd_alternate_text a;

	for (size_t i = 0; i < conf->alternate_server.count; i++) {
		for (int t = STUN_UDP; t <= STUN_DTLS; t++) {
			uint16_t port = t == STUN_UDP || t == STUN_TCP ? 3478 : 5349;

			if (!turnd_conf_alternate_text(texts[i], port, &a))
				continue;
			if ((a.transport < 0 || a.transport == t) &&
			    !add_alternate(&a, (uint8_t)t, p))
				return false;
		}
	}
	return true;
}
