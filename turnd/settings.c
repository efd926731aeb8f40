#include "settings.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "settings_parts.h"

static bool wrong(struct opt_error *err, const char *what)
{
	snprintf(err->text, sizeof(err->text), "%s", what);
	return false;
}

struct settings_file settings_look_at(const char *path)
{
	struct settings_file f = { 0 };
	struct stat st;

	if (path == NULL || stat(path, &st) != 0)
		return f;
	f.changed_s = st.st_mtim.tv_sec;
	f.changed_ns = st.st_mtim.tv_nsec;
	f.size = st.st_size;
	return f;
}

static uint32_t seconds(uint64_t ms)
{
	return (uint32_t)(ms / 1000);
}

static struct realm_limits limits_of(const struct turnd_conf_realm *c)
{
	return (struct realm_limits){
		.lifetime_s = seconds(c->lifetime_ms),
		.lifetime_max_s = seconds(c->max_lifetime_ms),
		.permissions = (uint32_t)c->max_permissions,
		.channels = (uint32_t)c->max_channels,
		.tcp_connections = (uint32_t)c->max_tcp_connections,
		.user_allocations = (uint32_t)c->user_quota,
		.token_allocations = (uint32_t)c->token_quota,
		.realm_allocations = (uint32_t)c->realm_quota,
		.allocation_bytes_per_s = c->allocation_bandwidth,
		.user_bytes_per_s = c->user_bandwidth,
	};
}

static bool add_realm(const struct turnd_conf *conf, size_t i, struct settings_parts *p,
		      const struct addresses *host, struct opt_error *err)
{
	struct turnd_conf_realm c = turnd_conf_realm_at(conf, i);
	struct realm *r = &p->realms[i];

	p->realm_count = i + 1;
	p->databases[i] = settings_look_at(c.user_database);
	r->limits = limits_of(&c);
	r->strict_expiry = conf->strict_expiry;
	if (!settings_add_users(conf, i, p->users_key, r, err) ||
	    !settings_add_tokens(conf, i, r, err) ||
	    !settings_add_policies(conf, i, p, host, r, err))
		return false;
	for (size_t other = 0; other < i; other++) {
		if (p->realms[other].id == r->id)
			return settings_wrong(conf, i, "realm",
					      "is too like another one; give it another name", err);
	}
	return true;
}

static bool add_realms(const struct turnd_conf *conf, struct settings_parts *p,
		       const struct addresses *host, struct opt_error *err)
{
	size_t count = turnd_conf_realm_count(conf);

	p->realms = calloc(count, sizeof(*p->realms));
	p->databases = calloc(count, sizeof(*p->databases));
	if (p->realms == NULL || p->databases == NULL)
		return wrong(err, "out of memory");
	for (size_t i = 0; i < count; i++) {
		if (!add_realm(conf, i, p, host, err))
			return false;
	}
	return true;
}

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

static bool add_relays(const struct turnd_conf *conf, const struct settings *before,
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
static bool add_alternates(const struct turnd_conf *conf, struct settings_parts *p)
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

static bool fill_plain(const struct turnd_conf *conf, struct snapshot *s)
{
	s->stun.nat_discovery = conf->nat_discovery;
	s->stun.rfc3489 = conf->rfc3489;
	if (conf->software != NULL) {
		s->stun.software = strdup(conf->software);
		if (s->stun.software == NULL)
			return false;
	}
	s->source_allocations = (uint32_t)conf->source_quota;
	s->total_allocations = (uint32_t)conf->total_quota;
	s->total_bytes_per_s = conf->total_bandwidth;
	s->error_rate = (uint32_t)conf->error_rate;
	s->error_burst = (uint32_t)conf->error_burst;
	s->tcp_relay = conf->tcp_relay;
	s->mobility = conf->mobility;
	s->rfc5766_channels = conf->rfc5766_channels;
	s->draining = conf->draining;
	return true;
}

static bool take_users_key(const struct settings *before, struct settings_parts *p)
{
	if (before == NULL)
		return RAND_bytes(p->users_key, sizeof(p->users_key)) == 1;
	memcpy(p->users_key, before->parts->users_key, sizeof(p->users_key));
	return true;
}

/* The parts, once they are whole, as the snapshot shows them. */
static void show(struct settings *s)
{
	const struct settings_parts *p = s->parts;

	s->snapshot.realms = p->realms;
	s->snapshot.realm_count = p->realm_count;
	s->snapshot.relays = p->relays;
	s->snapshot.relay_count = p->relay_count;
	s->snapshot.alternates = p->alternates;
	s->snapshot.alternate_count = p->alternate_count;
	s->names = p->names;
	s->name_count = p->name_count;
	s->snapshot.geo = p->geo;
	s->geo = p->geo;
}

static bool fill(struct settings *s, const struct turnd_conf *conf, const struct settings *before,
		 const struct names *fresh, struct opt_error *err)
{
	struct settings_parts *p = s->parts;
	struct addresses *host = malloc(sizeof(*host));
	bool ok = false;
	int rc;

	if (host == NULL || !fill_plain(conf, &s->snapshot)) {
		free(host);
		return wrong(err, "out of memory");
	}
	rc = addresses_read(host);
	if (rc != 0)
		snprintf(err->text, sizeof(err->text), "cannot list the addresses of this host: %s",
			 strerror(-rc));
	else if (!take_users_key(before, p))
		wrong(err, "the system has no randomness");
	else
		ok = settings_open_geo(conf, p, err) &&
		     add_relays(conf, before, fresh, host, p, err) &&
		     add_realms(conf, p, host, err) && settings_add_names(conf, p, err) &&
		     (add_alternates(conf, p) || wrong(err, "out of memory")) &&
		     settings_add_keys(conf, before, s, (uint64_t)time(NULL), err);
	free(host);
	show(s);
	return ok;
}

static bool check(const struct settings *s, const struct turnd_conf *conf, struct opt_error *err)
{
	if (!settings_has_users(s) || s->snapshot.relay_count > 0)
		return true;
	return wrong(err, conf->relay_address.count > 0
				  ? "relay-address: comes to no address; name one of this host"
				  : "relay-address: this host has no address to relay from but "
				    "loopback; name one");
}

struct settings *settings_new_named(const struct turnd_conf *conf, const struct settings *before,
				    const struct names *fresh, struct opt_error *err)
{
	struct settings *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->parts = calloc(1, sizeof(*s->parts));
	if (s == NULL || s->parts == NULL) {
		free(s);
		wrong(err, "out of memory");
		return NULL;
	}
	atomic_init(&s->parts->holders, 1);
	if (fill(s, conf, before, fresh, err) && check(s, conf, err))
		return s;
	opt_locate(conf->config, err);
	settings_release(s);
	return NULL;
}

struct settings *settings_new(const struct turnd_conf *conf, const struct settings *before,
			      struct opt_error *err)
{
	return settings_new_named(conf, before, NULL, err);
}

struct settings *settings_retain(struct settings *s)
{
	atomic_fetch_add(&s->parts->holders, 1);
	return s;
}

static void free_realm(const struct realm *r)
{
	users_free((struct users *)(uintptr_t)r->users);
	token_keys_free((struct token_keys *)(uintptr_t)r->tokens);
	policy_free((struct policy *)(uintptr_t)r->peers);
	policy_free((struct policy *)(uintptr_t)r->clients);
}

static void free_parts(struct settings_parts *p)
{
	for (size_t i = 0; i < p->realm_count; i++)
		free_realm(&p->realms[i]);
	for (size_t i = 0; i < p->alternate_count; i++)
		free((char *)(uintptr_t)p->alternates[i].domain);
	for (size_t i = 0; i < p->name_count; i++) {
		free((char *)(uintptr_t)p->names[i].server_name);
		SSL_CTX_free(p->names[i].tls);
		SSL_CTX_free(p->names[i].dtls);
	}
	geo_free(p->geo);
	free(p->realms);
	free(p->databases);
	free(p->alternates);
	free(p->names);
	OPENSSL_cleanse(p->users_key, sizeof(p->users_key));
	free(p);
}

void settings_release(struct settings *s)
{
	if (s == NULL || atomic_fetch_sub(&s->parts->holders, 1) != 1)
		return;
	free_parts(s->parts);
	free((char *)(uintptr_t)s->snapshot.stun.software);
	nonce_keys_wipe(&s->snapshot.nonces);
	ticket_keys_wipe(&s->snapshot.tickets);
	free(s);
}

const struct names *settings_looked_up(const struct settings *s)
{
	return &s->parts->looked_up;
}

bool settings_is_outdated(const struct settings *s, const struct turnd_conf *conf)
{
	for (size_t i = 0; i < s->parts->realm_count && i < turnd_conf_realm_count(conf); i++) {
		const struct settings_file *was = &s->parts->databases[i];
		struct settings_file is =
			settings_look_at(turnd_conf_realm_at(conf, i).user_database);

		if (is.changed_s != was->changed_s || is.changed_ns != was->changed_ns ||
		    is.size != was->size)
			return true;
	}
	return false;
}

bool settings_has_users(const struct settings *s)
{
	for (size_t i = 0; i < s->snapshot.realm_count; i++) {
		const struct realm *r = &s->snapshot.realms[i];

		if (r->tokens != NULL || (r->users != NULL && users_has_any(r->users)))
			return true;
	}
	return false;
}

bool settings_wants_other_relays(const struct settings *s)
{
	return s->parts->other_relays;
}
