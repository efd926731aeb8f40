#include "layout.h"

#include <stdio.h>
#include <string.h>

#include "alternate.h"

#define SECOND_IP   2
#define SECOND_PORT 1

static const struct addr wildcards[] = { { .family = ADDR_IPV4 }, { .family = ADDR_IPV6 } };

static bool wrong(struct opt_error *err, const char *key, const struct addr *a, const char *what)
{
	char text[ADDR_TEXT_MAX];

	snprintf(err->text, sizeof(err->text), "%s: %s %s", key, addr_print_ip(a, text), what);
	return false;
}

static const struct addr *addrs(const struct opt_list *list)
{
	return list->items;
}

static bool parse_mapping(const char *text, struct addr *local, struct addr *seen)
{
	const char *sign = strchr(text, '=');
	char left[ADDR_TEXT_MAX];
	size_t len;

	if (sign == NULL)
		return false;
	len = (size_t)(sign - text);
	while (len > 0 && text[len - 1] == ' ')
		len--;
	if (len >= sizeof(left))
		return false;
	memcpy(left, text, len);
	left[len] = '\0';
	return addr_parse_ip(left, 0, local) &&
	       addr_parse_ip(sign + 1 + strspn(sign + 1, " "), 0, seen);
}

bool layout_check_mapping(const char *text, struct opt_error *err)
{
	struct addr local, seen;
	const char *what = NULL;

	if (!parse_mapping(text, &local, &seen))
		what = "is no pair of addresses; write LOCAL=PUBLIC";
	else if (local.family != seen.family)
		what = "maps to another family; both must be IPv4 or IPv6";
	else if (addr_is_any(&seen))
		what = "maps to no address; write LOCAL=PUBLIC";
	if (what != NULL)
		snprintf(err->text, sizeof(err->text), "`%.200s` %s", text, what);
	return what == NULL;
}

/* The address of `local` as clients see it: its public one where there is a mapping. */
static bool is_mapped(const struct stund_conf *conf, const struct addr *local, struct addr *seen)
{
	char *const *map = conf->public_map.items;
	struct addr from, to;

	for (size_t i = 0; i < conf->public_map.count; i++) {
		if (!parse_mapping(map[i], &from, &to) || !addr_equal_ip(&from, local))
			continue;
		*seen = addr_with_port(&to, local->port);
		return true;
	}
	return false;
}

static bool is_ours(const struct stund_conf *c, const struct addr *a)
{
	for (size_t i = 0; i < c->listen.count; i++) {
		if (addr_equal_ip(&addrs(&c->listen)[i], a))
			return true;
	}
	for (size_t i = 0; i < c->alternate.count; i++) {
		if (addr_equal_ip(&addrs(&c->alternate)[i], a))
			return true;
	}
	return false;
}

static bool check_mappings(const struct stund_conf *c, struct opt_error *err)
{
	char *const *map = c->public_map.items;
	struct addr local, seen;

	for (size_t i = 0; i < c->public_map.count; i++) {
		if (parse_mapping(map[i], &local, &seen) && !is_ours(c, &local))
			return wrong(err, "public", &local,
				     "is neither a listen nor an alternate address; name the local "
				     "one on the left");
	}
	return true;
}

/* The two differ, or the alternate ports would be the first ones again. */
static bool check_ports(const struct stund_conf *c, struct opt_error *err)
{
	if (c->alternate.count == 0 && c->partner.family == ADDR_NONE)
		return true;
	if (c->port == c->alternate_port) {
		snprintf(err->text, sizeof(err->text),
			 "alternate-port: is the same as port; choose another one");
		return false;
	}
	if (c->cert_file != NULL && c->tls_port == c->alternate_tls_port) {
		snprintf(err->text, sizeof(err->text),
			 "alternate-tls-port: is the same as tls-port; choose another one");
		return false;
	}
	return true;
}

static bool add_socket(struct layout *l, uint8_t number, const struct addr *local,
		       struct opt_error *err)
{
	struct layout_site *s = &l->sites[l->site_count];

	for (size_t i = 0; i < l->socket_count; i++) {
		char text[ADDR_TEXT_MAX];

		if (!addr_equal(&l->sockets[i].local, local))
			continue;
		snprintf(err->text, sizeof(err->text),
			 "listen: %s would be opened twice; give each address once, and let the "
			 "ports differ",
			 addr_print(local, text));
		return false;
	}
	s->local[number] = *local;
	s->site.has[number] = true;
	l->sockets[l->socket_count++] =
		(struct layout_socket){ .local = *local, .site = l->site_count, .number = number };
	return true;
}

/* The first listen address of each family shares the partner's. */
static bool is_partnered(const struct stund_conf *c, const struct addr *first)
{
	if (c->partner.family == ADDR_NONE)
		return false;
	for (size_t i = 0; i < c->listen.count; i++) {
		const struct addr *a = &addrs(&c->listen)[i];

		if (a->family == first->family)
			return a == first;
	}
	return false;
}

/* One socket; two where the partner has as many; four where there is a second address. */
static bool add_site(const struct stund_conf *c, struct layout *l, const struct addr *first,
		     const struct addr *second, const uint16_t ports[2], struct opt_error *err)
{
	struct layout_site *s = &l->sites[l->site_count];

	if (l->site_count == LAYOUT_SITES_MAX)
		return wrong(err, "listen", first,
			     "is one address too many; leave some out, or all: then stund "
			     "listens on every address");
	s->first_socket = l->socket_count;
	s->any = addr_is_any(first);
	s->partnered = is_partnered(c, first);
	for (uint8_t number = 0; number < STUN_SITE_SOCKETS; number++) {
		const struct addr *ip = number & SECOND_IP ? second : first;
		struct addr local;

		if (second == NULL && number > (s->partnered ? SECOND_PORT : 0))
			break;
		local = addr_with_port(ip, ports[number & SECOND_PORT]);
		if (!add_socket(l, number, &local, err))
			return false;
		if (!is_mapped(c, &local, &s->site.seen_as[number]))
			s->site.seen_as[number] = local;
	}
	l->site_count++;
	return true;
}

static bool has_tls_site(const struct layout *l, const struct addr *ip)
{
	for (size_t i = 0; i < l->site_count; i++) {
		if (l->sites[i].tls_ports && addr_equal_ip(&l->sites[i].local[0], ip))
			return true;
	}
	return false;
}

static uint16_t port_of(const struct stund_conf *c, const struct addr *listen)
{
	return listen->port != 0 ? listen->port : (uint16_t)c->port;
}

/* Every port takes TLS and DTLS, so that nothing is lost where tls-port is one of listen's. */
static bool is_asked_for(const struct stund_conf *c, const struct addr *ip, uint16_t port)
{
	for (size_t i = 0; i < c->listen.count; i++) {
		const struct addr *a = &addrs(&c->listen)[i];

		if (addr_equal_ip(a, ip) && port_of(c, a) == port)
			return true;
	}
	return c->listen.count == 0 && c->port == port;
}

static bool add_sites(const struct stund_conf *c, struct layout *l, const struct addr *first,
		      const struct addr *second, struct opt_error *err)
{
	const uint16_t ports[2] = { port_of(c, first), (uint16_t)c->alternate_port };
	const uint16_t tls_ports[2] = { (uint16_t)c->tls_port, (uint16_t)c->alternate_tls_port };

	if (!add_site(c, l, first, second, ports, err))
		return false;
	if (c->cert_file == NULL || has_tls_site(l, first) || is_asked_for(c, first, tls_ports[0]))
		return true;
	l->sites[l->site_count].tls_ports = true;
	return add_site(c, l, first, second, tls_ports, err);
}

bool layout_make(const struct stund_conf *conf, struct layout *out, struct opt_error *err)
{
	memset(out, 0, sizeof(*out));
	if (!alternate_check(&conf->listen, &conf->alternate, err) || !check_ports(conf, err) ||
	    !check_mappings(conf, err))
		return false;
	for (size_t i = 0; i < conf->listen.count; i++) {
		const struct addr *first = &addrs(&conf->listen)[i];
		const struct addr *second = alternate_of(&conf->listen, &conf->alternate, i);

		if (!add_sites(conf, out, first, second, err))
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(wildcards) && conf->listen.count == 0; i++) {
		if (!add_sites(conf, out, &wildcards[i], NULL, err))
			return false;
	}
	return true;
}

const struct addr *layout_partner_local(const struct stund_conf *c)
{
	for (size_t i = 0; i < c->listen.count; i++) {
		const struct addr *a = &addrs(&c->listen)[i];

		if (a->family == c->partner.family)
			return a;
	}
	return NULL;
}

bool layout_check_partner(const struct stund_conf *c, struct opt_error *err)
{
	const struct addr *local = layout_partner_local(c);

	for (size_t i = 0; i < c->listen.count; i++) {
		if (addr_is_any(&addrs(&c->listen)[i]))
			local = NULL;
	}
	if (local == NULL)
		return wrong(err, "partner", &c->partner,
			     "takes an address of ours beside it; set listen to one of this host, "
			     "of the same family");
	if (is_ours(c, &c->partner))
		return wrong(err, "partner", &c->partner,
			     "is this host itself; name the other one");
	return true;
}

const struct layout_socket *layout_find(const struct layout *l, const struct addr *local)
{
	const struct layout_socket *any = NULL;

	for (size_t i = 0; i < l->socket_count; i++) {
		const struct layout_socket *s = &l->sockets[i];

		if (addr_equal(&s->local, local))
			return s;
		if (s->local.family == local->family && s->local.port == local->port &&
		    addr_is_any(&s->local))
			any = s;
	}
	return any;
}

bool layout_has_family(const struct layout *l, enum addr_family family)
{
	for (size_t i = 0; i < l->socket_count; i++) {
		if (l->sockets[i].local.family == family)
			return true;
	}
	return false;
}

bool layout_has_full_site(const struct layout *l, enum addr_family family)
{
	for (size_t i = 0; i < l->site_count; i++) {
		const struct layout_site *s = &l->sites[i];

		if (!s->tls_ports && s->local[0].family == family && stun_site_is_full(&s->site))
			return true;
	}
	return false;
}

bool layout_has_partner(const struct layout *l, enum addr_family family)
{
	for (size_t i = 0; i < l->site_count; i++) {
		if (l->sites[i].partnered && l->sites[i].local[0].family == family)
			return true;
	}
	return false;
}
