#include "addresses.h"

#include <errno.h>
#include <ifaddrs.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockaddr.h"

/* Any global address will do: nothing is sent there. */
static const struct addr outside[2] = {
	{ .family = ADDR_IPV4, .port = 9, .ip = { 198, 41, 0, 4 } },
	{ .family = ADDR_IPV6,
	  .port = 9,
	  .ip = { 0x20, 0x01, 0x05, 0x03, 0xba, 0x3e, [15] = 0x30 } },
};

/* The address that the routing table chooses for packets to the world. */
static struct addr ask_route(const struct addr *toward)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from_addr(toward, &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct addr source = { 0 };

	if (fd < 0)
		return source;
	if (connect(fd, (struct sockaddr *)&ss, len) == 0) {
		len = sizeof(ss);
		if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0 ||
		    !sockaddr_to_addr((struct sockaddr *)&ss, &source))
			source = (struct addr){ 0 };
	}
	close(fd);
	source.port = 0;
	return source;
}

int addresses_read(struct addresses *out)
{
	struct ifaddrs *list;

	memset(out, 0, sizeof(*out));
	if (getifaddrs(&list) != 0)
		return -errno;
	for (const struct ifaddrs *at = list; at != NULL; at = at->ifa_next) {
		struct address *a = &out->list[out->count];

		if (out->count == ADDRESSES_MAX)
			break;
		if (at->ifa_addr == NULL || !sockaddr_to_addr(at->ifa_addr, &a->addr))
			continue;
		a->addr.port = 0;
		strncpy(a->interface, at->ifa_name, sizeof(a->interface) - 1);
		out->count++;
	}
	freeifaddrs(list);
	for (size_t i = 0; i < 2; i++)
		out->outward[i] = ask_route(&outside[i]);
	return 0;
}

static bool has_interface(const struct addresses *host, const char *name)
{
	for (size_t i = 0; i < host->count; i++) {
		if (strcmp(host->list[i].interface, name) == 0)
			return true;
	}
	return false;
}

static bool wrong(struct opt_error *err, const char *text, const char *what)
{
	snprintf(err->text, sizeof(err->text), "relay-address: `%.120s` %s", text, what);
	return false;
}

static bool is_name(const char *word)
{
	struct addr a;

	return word[0] != '\0' && !addr_parse_ip(word, 0, &a);
}

bool addresses_names(const struct turnd_conf *conf, const struct addresses *host, struct names *out,
		     struct opt_error *err)
{
	char *const *texts = conf->relay_address.items;
	struct turnd_relay_text r;

	for (size_t i = 0; i < conf->relay_address.count; i++) {
		if (!turnd_conf_relay_text(texts[i], &r))
			return wrong(err, texts[i], "does not read");
		if (is_name(r.local) && !has_interface(host, r.local) && !names_add(out, r.local))
			return wrong(err, r.local, "is one name too many");
		if (is_name(r.seen_as) && !names_add(out, r.seen_as))
			return wrong(err, r.seen_as, "is one name too many");
	}
	return true;
}

/* Relay addresses as they are gathered. */
struct relays {
	struct snapshot_relay *list;
	size_t count;
	struct opt_error *err;
};

/* Two of one public address would give one port to two clients. */
static bool add(struct relays *r, const struct addr *local, const struct addr *seen_as)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < r->count; i++) {
		if (addr_equal_ip(&r->list[i].local, local))
			return wrong(r->err, addr_print_ip(local, text),
				     "stands twice; give each address once");
		if (addr_equal_ip(&r->list[i].seen_as, seen_as))
			return wrong(r->err, addr_print_ip(seen_as, text),
				     "is what two addresses would be seen as; name one of them");
	}
	if (r->count == TURND_RELAYS_MAX)
		return wrong(r->err, addr_print_ip(local, text), "is one address too many");
	r->list[r->count++] = (struct snapshot_relay){ .local = *local, .seen_as = *seen_as };
	return true;
}

static struct addr of_family(const struct name *n, uint8_t family)
{
	static const struct addr none = { 0 };

	if (n == NULL)
		return none;
	return family == ADDR_IPV4 ? n->ipv4 : n->ipv6;
}

/* What a local address is seen as: itself, where nothing is said of its family. */
static struct addr seen_as(const char *word, const struct addr *local, const struct names *names)
{
	struct addr seen;

	if (word[0] == '\0')
		return *local;
	if (!addr_parse_ip(word, 0, &seen))
		seen = of_family(names_find(names, word), local->family);
	return seen.family == local->family ? seen : *local;
}

static bool is_usable(const struct addr *a)
{
	return !addr_is_link_local(a);
}

static bool add_interface(struct relays *r, const struct addresses *host,
			  const struct turnd_relay_text *t, const struct names *names)
{
	size_t before = r->count;

	for (size_t i = 0; i < host->count; i++) {
		const struct address *a = &host->list[i];

		if (strcmp(a->interface, t->local) != 0 || !is_usable(&a->addr))
			continue;
		struct addr seen = seen_as(t->seen_as, &a->addr, names);
		if (!add(r, &a->addr, &seen))
			return false;
	}
	return r->count > before ||
	       wrong(r->err, t->local, "is an interface without address; name another one");
}

static bool add_name(struct relays *r, const struct turnd_relay_text *t, const struct names *names)
{
	const struct name *n = names_find(names, t->local);
	const struct addr locals[2] = { of_family(n, ADDR_IPV4), of_family(n, ADDR_IPV6) };
	size_t before = r->count;

	for (size_t i = 0; i < 2; i++) {
		if (locals[i].family == ADDR_NONE)
			continue;
		struct addr seen = seen_as(t->seen_as, &locals[i], names);
		if (!add(r, &locals[i], &seen))
			return false;
	}
	return r->count > before ||
	       wrong(r->err, t->local,
		     "is neither an interface nor a name that DNS knows now; check it");
}

static bool add_text(struct relays *r, const char *text, const struct addresses *host,
		     const struct names *names)
{
	struct turnd_relay_text t;
	struct addr local, seen;

	if (!turnd_conf_relay_text(text, &t))
		return wrong(r->err, text, "does not read");
	if (is_name(t.seen_as)) {
		const struct name *n = names_find(names, t.seen_as);

		if (n == NULL || (n->ipv4.family == ADDR_NONE && n->ipv6.family == ADDR_NONE))
			return wrong(r->err, t.seen_as,
				     "is a name that DNS does not know now; check it");
	}
	if (!addr_parse_ip(t.local, 0, &local))
		return has_interface(host, t.local) ? add_interface(r, host, &t, names)
						    : add_name(r, &t, names);
	seen = seen_as(t.seen_as, &local, names);
	if (is_name(t.seen_as) && addr_equal(&seen, &local) &&
	    of_family(names_find(names, t.seen_as), local.family).family == ADDR_NONE)
		return wrong(r->err, t.seen_as, "has no address of that family; give it one");
	return add(r, &local, &seen);
}

static bool has_local(const struct relays *r, const struct addr *a)
{
	for (size_t i = 0; i < r->count; i++) {
		if (addr_equal_ip(&r->list[i].local, a))
			return true;
	}
	return false;
}

/* For a listener on all addresses: the one that the world is reached from, else the first one. */
static const struct addr *find_outward(const struct addresses *host, uint8_t family)
{
	if (host->outward[family - 1].family == family)
		return &host->outward[family - 1];
	for (size_t i = 0; i < host->count; i++) {
		const struct addr *a = &host->list[i].addr;

		if (a->family == family && is_usable(a) && !addr_is_loopback(a))
			return a;
	}
	return NULL;
}

/* Without relay-address: what turnd listens on, but for what NAT discovery alone needs. */
static bool add_listeners(struct relays *r, const struct turnd_conf *conf,
			  const struct addresses *host)
{
	struct turnd_listener listeners[TURND_LISTENERS_MAX];
	int count = turnd_conf_listeners(conf, listeners, r->err);

	for (int i = 0; i < count; i++) {
		const struct addr *a = &listeners[i].local;
		struct addr local;

		if (addr_is_any(a))
			a = find_outward(host, a->family);
		if (a == NULL || listeners[i].number >= 2 || r->count == TURND_RELAYS_MAX)
			continue;
		local = addr_with_port(a, 0);
		if (!has_local(r, &local) && !add(r, &local, &local))
			return false;
	}
	return count >= 0;
}

int addresses_relays(const struct turnd_conf *conf, const struct addresses *host,
		     const struct names *names, struct snapshot_relay *out, struct opt_error *err)
{
	struct relays r = { .list = out, .err = err };
	char *const *texts = conf->relay_address.items;

	for (size_t i = 0; i < conf->relay_address.count; i++) {
		if (!add_text(&r, texts[i], host, names))
			return -1;
	}
	if (conf->relay_address.count == 0 && !add_listeners(&r, conf, host))
		return -1;
	return (int)r.count;
}

size_t addresses_expand(const struct addresses *host, const struct addr *local,
			struct addr out[static ADDRESSES_MAX])
{
	size_t count = 0;

	if (!addr_is_any(local)) {
		out[0] = *local;
		return 1;
	}
	for (size_t i = 0; i < host->count; i++) {
		if (host->list[i].addr.family == local->family)
			out[count++] = addr_with_port(&host->list[i].addr, local->port);
	}
	return count;
}
