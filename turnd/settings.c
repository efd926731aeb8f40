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

/* Where settings come from beside their configuration. */
enum source {
	FROM_FILES,     /* all that it names */
	FROM_DATABASES, /* those that have changed; the rest as it was */
	FROM_MEMORY,    /* all as it was */
};

struct making {
	const struct turnd_conf *conf;
	const struct settings *before; /* NULL: FROM_FILES, and the first ones */
	const struct names *fresh;
	enum source source;
	uint64_t now_s;
};

static bool wrong(struct opt_error *err, const char *what)
{
	snprintf(err->text, sizeof(err->text), "%s", what);
	return false;
}

/* How `path` is now; NULL: no file. */
static struct settings_file look_at(const char *path)
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

static bool has_changed(const struct settings_file *was, const char *path)
{
	struct settings_file is = look_at(path);

	return is.changed_s != was->changed_s || is.changed_ns != was->changed_ns ||
	       is.size != was->size;
}

static bool read_users(const struct making *m, size_t i, struct settings_parts *p,
		       struct opt_error *err)
{
	p->read[i].database = look_at(turnd_conf_realm_at(m->conf, i).user_database);
	return settings_add_users(m->conf, i, p, err);
}

static bool take_users(const struct making *m, size_t i, struct settings_parts *p,
		       struct opt_error *err)
{
	const struct settings_parts *before = m->before->parts;
	const struct settings_realm *was = &before->read[i];
	const char *path = turnd_conf_realm_at(m->conf, i).user_database;

	p->realms[i].id = before->realms[i].id;
	p->realms[i].tokens = before->realms[i].tokens;
	p->read[i].tokens = shared_retain(was->tokens);
	if (m->source == FROM_DATABASES && has_changed(&was->database, path))
		return read_users(m, i, p, err);
	p->realms[i].users = before->realms[i].users;
	p->read[i].users = shared_retain(was->users);
	p->read[i].database = was->database;
	return true;
}

static bool add_realm(const struct making *m, size_t i, struct settings_parts *p,
		      const struct addresses *host, struct opt_error *err)
{
	const struct turnd_conf *conf = m->conf;
	struct turnd_conf_realm c = turnd_conf_realm_at(conf, i);
	struct realm *r = &p->realms[i];

	p->realm_count = i + 1;
	r->limits = limits_of(&c);
	r->strict_expiry = conf->strict_expiry;
	if (m->source != FROM_FILES) {
		if (!take_users(m, i, p, err))
			return false;
	} else if (!read_users(m, i, p, err) || !settings_add_tokens(conf, i, p, err)) {
		return false;
	}
	if (!settings_add_policies(conf, i, p, host, r, err))
		return false;
	for (size_t other = 0; other < i; other++) {
		if (p->realms[other].id == r->id)
			return settings_wrong(conf, i, "realm",
					      "is too like another one; give it another name", err);
	}
	return true;
}

static bool add_realms(const struct making *m, struct settings_parts *p,
		       const struct addresses *host, struct opt_error *err)
{
	size_t count = turnd_conf_realm_count(m->conf);

	p->realms = calloc(count, sizeof(*p->realms));
	p->read = calloc(count, sizeof(*p->read));
	if (p->realms == NULL || p->read == NULL)
		return wrong(err, "out of memory");
	for (size_t i = 0; i < count; i++) {
		if (!add_realm(m, i, p, host, err))
			return false;
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

static bool add_geo(const struct making *m, struct settings_parts *p, struct opt_error *err)
{
	if (m->source == FROM_FILES)
		return settings_open_geo(m->conf, p, err);
	p->geo = m->before->parts->geo;
	p->geo_read = shared_retain(m->before->parts->geo_read);
	return true;
}

static bool add_names(const struct making *m, struct settings_parts *p, struct opt_error *err)
{
	if (m->source == FROM_FILES)
		return settings_add_names(m->conf, p, err);
	return settings_take_names(m->before->parts, p) || wrong(err, "out of memory");
}

static bool fill(struct settings *s, const struct making *m, struct opt_error *err)
{
	const struct turnd_conf *conf = m->conf;
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
	else if (!take_users_key(m->before, p))
		wrong(err, "the system has no randomness");
	else
		ok = add_geo(m, p, err) &&
		     settings_add_relays(conf, m->before, m->fresh, host, p, err) &&
		     add_realms(m, p, host, err) && add_names(m, p, err) &&
		     (settings_add_alternates(conf, p) || wrong(err, "out of memory")) &&
		     settings_add_keys(conf, m->before, m->source == FROM_FILES, s, m->now_s, err);
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

static struct settings *make(const struct making *m, struct opt_error *err)
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
	if (fill(s, m, err) && check(s, m->conf, err))
		return s;
	opt_locate(m->conf->config, err);
	settings_release(s);
	return NULL;
}

struct settings *settings_new(const struct turnd_conf *conf, const struct settings *before,
			      struct opt_error *err)
{
	const struct making m = {
		.conf = conf, .before = before, .source = FROM_FILES, .now_s = (uint64_t)time(NULL)
	};

	return make(&m, err);
}

struct settings *settings_renew(const struct turnd_conf *conf, const struct settings *before,
				const struct names *fresh, uint64_t now_s, struct opt_error *err)
{
	const struct making m = { .conf = conf,
				  .before = before,
				  .fresh = fresh,
				  .source = FROM_MEMORY,
				  .now_s = now_s };

	return make(&m, err);
}

struct settings *settings_renew_users(const struct turnd_conf *conf, const struct settings *before,
				      uint64_t now_s, struct opt_error *err)
{
	const struct making m = {
		.conf = conf, .before = before, .source = FROM_DATABASES, .now_s = now_s
	};

	return make(&m, err);
}

struct settings *settings_retain(struct settings *s)
{
	atomic_fetch_add(&s->parts->holders, 1);
	return s;
}

static void free_realm(const struct realm *r, const struct settings_realm *read)
{
	shared_release(read->users);
	shared_release(read->tokens);
	policy_free((struct policy *)(uintptr_t)r->peers);
	policy_free((struct policy *)(uintptr_t)r->clients);
}

static void free_parts(struct settings_parts *p)
{
	for (size_t i = 0; i < p->realm_count; i++)
		free_realm(&p->realms[i], &p->read[i]);
	for (size_t i = 0; i < p->alternate_count; i++)
		free((char *)(uintptr_t)p->alternates[i].domain);
	for (size_t i = 0; i < p->name_count; i++) {
		free((char *)(uintptr_t)p->names[i].server_name);
		SSL_CTX_free(p->names[i].tls);
		SSL_CTX_free(p->names[i].dtls);
	}
	shared_release(p->geo_read);
	free(p->realms);
	free(p->read);
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
		if (has_changed(&s->parts->read[i].database,
				turnd_conf_realm_at(conf, i).user_database))
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
