#include "conf_check.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alternate.h"
#include "stun_server.h"
#include "wire.h"

static const struct turnd_conf_realm *realms_of(const struct turnd_conf *c)
{
	return c->realms.items;
}

static const struct turnd_conf_user *users_of(const struct turnd_conf *c)
{
	return c->users.items;
}

static const struct turnd_conf_listener *listeners_of(const struct turnd_conf *c)
{
	return c->listeners.items;
}

/* "[realm NAME] " where it is one of the sections, and "" for the plain keys. */
static const char *place(const struct turnd_conf *c, size_t i, char buf[static 160])
{
	buf[0] = '\0';
	if (i > 0)
		snprintf(buf, 160, "[realm %.140s] ", realms_of(c)[i - 1].name);
	return buf;
}

bool turnd_conf_has_tls(const struct turnd_conf *c)
{
	for (size_t i = 0; i < c->realms.count; i++) {
		if (realms_of(c)[i].cert_file != NULL)
			return true;
	}
	return c->cert_file != NULL;
}

static bool has_realm(const struct turnd_conf *c, const char *name)
{
	for (size_t i = 0; i < c->realms.count; i++) {
		if (strcmp(realms_of(c)[i].name, name) == 0)
			return true;
	}
	return c->realm != NULL && strcmp(c->realm, name) == 0;
}

static bool check_tls(const struct turnd_conf *c, size_t i, const struct turnd_conf_realm *r,
		      struct opt_error *err)
{
	char where[160];

	if (r->cert_file != NULL && r->key_file == NULL)
		return conf_wrong(err, "%scert-file: stands alone; set key-file to its private key",
				  place(c, i, where));
	if (r->cert_file == NULL && r->key_file != NULL)
		return conf_wrong(err, "%skey-file: stands alone; set cert-file to its certificate",
				  place(c, i, where));
	if (i == 0)
		return true;
	if (r->cert_file != NULL && r->server_names.count == 0)
		return conf_wrong(err,
				  "%scert-file: nobody would get it; set server-name to the names "
				  "it is for",
				  place(c, i, where));
	if (r->server_names.count > 0 && r->cert_file == NULL && c->cert_file == NULL)
		return conf_wrong(err,
				  "%sserver-name: there is no certificate; set cert-file and "
				  "key-file",
				  place(c, i, where));
	return true;
}

static bool has_server_name(const struct turnd_conf_realm *r, size_t count, const char *name)
{
	char *const *names = r->server_names.items;

	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static bool check_server_names(const struct turnd_conf *c, size_t i,
			       const struct turnd_conf_realm *r, struct opt_error *err)
{
	char *const *names = r->server_names.items;
	char where[160];

	for (size_t n = 0; n < r->server_names.count; n++) {
		bool taken = has_server_name(r, n, names[n]);

		for (size_t other = 0; other + 1 < i && !taken; other++)
			taken = has_server_name(&realms_of(c)[other],
						realms_of(c)[other].server_names.count, names[n]);
		if (taken)
			return conf_wrong(err,
					  "%sserver-name: %.100s stands twice; a name leads to one "
					  "realm",
					  place(c, i, where), names[n]);
	}
	return true;
}

static bool check_tokens(const struct turnd_conf *c, size_t i, const struct turnd_conf_realm *r,
			 struct opt_error *err)
{
	char where[160];

	if (r->oauth_key_file != NULL && r->oauth_server_name == NULL)
		return conf_wrong(err,
				  "%soauth-key-file: set oauth-server-name, too: tokens are made "
				  "for a name",
				  place(c, i, where));
	if (r->oauth_key_file == NULL && r->oauth_server_name != NULL)
		return conf_wrong(err, "%soauth-server-name: set oauth-key-file, too",
				  place(c, i, where));
	return true;
}

static bool check_limits(const struct turnd_conf *c, size_t i, const struct turnd_conf_realm *r,
			 struct opt_error *err)
{
	char where[160];

	return r->lifetime_ms <= r->max_lifetime_ms ||
	       conf_wrong(err, "%slifetime: is longer than max-lifetime; lower it",
			  place(c, i, where));
}

static bool check_places(const struct turnd_conf *c, size_t i, const char *key,
			 const struct turnd_conf_rules *rules, struct opt_error *err)
{
	bool any = rules->allow_country.count + rules->deny_country.count +
			   rules->allow_network.count + rules->deny_network.count >
		   0;
	char where[160];

	return !any || c->geo_database.count > 0 ||
	       conf_wrong(err, "%s%s: countries and networks need a database; set geo-database",
			  place(c, i, where), key);
}

/* The key that is set, of one or the other. */
static const char *set_key(const char *prefix, const struct turnd_conf_rules *r,
			   char buf[static 40])
{
	const char *kind = r->allow_country.count > 0  ? "country"
			   : r->deny_country.count > 0 ? "country"
						       : "network";
	bool allow = r->allow_country.count > 0 ||
		     (r->deny_country.count == 0 && r->allow_network.count > 0);

	snprintf(buf, 40, "%s-%s-%s", allow ? "allow" : "deny", prefix, kind);
	return buf;
}

static bool check_realm(const struct turnd_conf *c, size_t i, struct opt_error *err)
{
	struct turnd_conf_realm r = turnd_conf_realm_at(c, i);
	char where[160], peer[40], client[40];

	if (i > 0 && !conf_check_realm(r.name, err)) {
		struct opt_error why = *err;

		return conf_wrong(err, "%s: %.300s", place(c, i, where), why.text);
	}
	if (i > 0 && c->realm != NULL && strcmp(c->realm, r.name) == 0)
		return conf_wrong(err,
				  "[realm %.140s]: is the default realm; set its keys above all "
				  "sections",
				  r.name);
	return check_tls(c, i, &r, err) && check_server_names(c, i, &r, err) &&
	       check_tokens(c, i, &r, err) && check_limits(c, i, &r, err) &&
	       check_places(c, i, set_key("peer", &r.peers, peer), &r.peers, err) &&
	       check_places(c, i, set_key("client", &r.clients, client), &r.clients, err);
}

static bool check_user(const struct turnd_conf *c, const struct turnd_conf_user *u,
		       struct opt_error *err)
{
	if (u->password == NULL)
		return conf_wrong(err, "[user %.140s]: has no password; set password", u->name);
	if (u->realm != NULL && !has_realm(c, u->realm))
		return conf_wrong(err,
				  "[user %.140s] realm: there is no [realm %.140s]; name one that "
				  "is there",
				  u->name, u->realm);
	if (u->realm == NULL && c->realm == NULL)
		return conf_wrong(err,
				  "[user %.140s]: the default realm has no name; set realm, to "
				  "your domain for example",
				  u->name);
	return true;
}

/* Credentials are made for a realm, so that it must have a name. */
static bool check_realm_name(const struct turnd_conf *c, struct opt_error *err)
{
	const struct turnd_conf_realm *b = &c->base;
	const char *key = b->password_file != NULL      ? "password-file"
			  : b->auth_secret_file != NULL ? "auth-secret-file"
			  : b->user_database != NULL    ? "user-database"
			  : b->oauth_key_file != NULL   ? "oauth-key-file"
							: NULL;

	if (c->realm != NULL || key == NULL)
		return true;
	return conf_wrong(err, "%s: belongs to a realm; set realm, to your domain for example",
			  key);
}

static bool add(struct turnd_listener out[static TURND_LISTENERS_MAX], int *count,
		const struct turnd_listener *l, const char *key, struct opt_error *err)
{
	char text[ADDR_TEXT_MAX];

	for (int i = 0; i < *count; i++) {
		if (addr_equal(&out[i].local, &l->local))
			return conf_wrong(
				err,
				"%s: %s would be opened twice; give each address once, and "
				"let the ports differ",
				key, addr_print(&l->local, text));
	}
	if (*count == TURND_LISTENERS_MAX)
		return conf_wrong(err,
				  "%s: %s is one address too many; leave some out, or all: then "
				  "turnd listens on every address",
				  key, addr_print(&l->local, text));
	out[(*count)++] = *l;
	return true;
}

/* Is that address and port one of `listen` itself? Then tls-port brings no other. */
static bool is_asked_for(const struct turnd_conf *c, const struct addr *local)
{
	const struct addr *listen = c->listen.items;

	for (size_t i = 0; i < c->listen.count; i++) {
		uint16_t port = listen[i].port != 0 ? listen[i].port : (uint16_t)c->port;

		if (addr_equal_ip(&listen[i], local) && port == local->port)
			return true;
	}
	return c->listen.count == 0 && c->port == local->port;
}

static bool has_tls_port(const struct turnd_listener *out, int count, const struct addr *local)
{
	for (int i = 0; i < count; i++) {
		if (addr_equal(&out[i].local, local))
			return true;
	}
	return false;
}

/* Beside an address the rest of its site: its second port, and both ports of the second one. */
static bool add_site(const struct turnd_conf *c, struct turnd_listener *first,
		     const struct addr *second,
		     struct turnd_listener out[static TURND_LISTENERS_MAX], int *count,
		     struct opt_error *err)
{
	const struct addr *ips[] = { &first->local, second };
	const uint16_t ports[] = { first->local.port, (uint16_t)c->alternate_port };

	first->in_site = true;
	for (uint8_t n = 0; n < STUN_SITE_SOCKETS; n++) {
		struct turnd_listener l = *first;

		l.number = n;
		l.local = addr_with_port(ips[n / 2], ports[n % 2]);
		if (!add(out, count, &l, n == 0 ? "listen" : "alternate", err))
			return false;
	}
	return true;
}

/*
 * An address of `listen`, on its port, and on tls-port where there is a certificate.
 * second  its alternate address; NULL: none
 */
static bool add_plain(const struct turnd_conf *c, const struct addr *local,
		      const struct addr *second,
		      struct turnd_listener out[static TURND_LISTENERS_MAX], int *count,
		      struct opt_error *err)
{
	bool tls = turnd_conf_has_tls(c);
	struct turnd_listener l = { .local = *local,
				    .udp = c->udp,
				    .tcp = c->tcp,
				    .tls = tls && c->tcp,
				    .dtls = tls && c->udp };

	if (l.local.port == 0)
		l.local.port = (uint16_t)c->port;
	if (second != NULL ? !add_site(c, &l, second, out, count, err)
			   : !add(out, count, &l, "listen", err))
		return false;
	l.in_site = false;
	l.local.port = (uint16_t)c->tls_port;
	if (!tls || is_asked_for(c, &l.local) || has_tls_port(out, *count, &l.local))
		return true;
	return add(out, count, &l, "tls-port", err);
}

static bool add_section(const struct turnd_conf *c, const struct turnd_conf_listener *s,
			struct turnd_listener out[static TURND_LISTENERS_MAX], int *count,
			struct opt_error *err)
{
	bool tls = turnd_conf_has_tls(c);
	struct turnd_listener l = { .local = s->address,
				    .realm = s->realm,
				    .udp = s->udp,
				    .tcp = s->tcp,
				    .tls = tls && s->tls,
				    .dtls = tls && s->dtls,
				    .proxy = s->proxy };
	char key[180];

	snprintf(key, sizeof(key), "[listener %.140s] address", s->name);
	if (l.local.family == ADDR_NONE)
		return conf_wrong(err, "[listener %.140s]: has no address; set address", s->name);
	if (l.local.port == 0)
		l.local.port = (uint16_t)c->port;
	if (l.realm != NULL && !has_realm(c, l.realm))
		return conf_wrong(err,
				  "[listener %.140s] realm: there is no [realm %.140s]; name one "
				  "that is there",
				  s->name, l.realm);
	if (l.realm != NULL && c->realm != NULL && strcmp(l.realm, c->realm) == 0)
		l.realm = NULL;
	if (!l.udp && !l.tcp && !l.tls && !l.dtls)
		return conf_wrong(
			err,
			"[listener %.140s]: has no transport; switch one of udp, tcp, tls "
			"and dtls on (the latter need a certificate)",
			s->name);
	if (s->proxy && c->proxy_from.count == 0)
		return conf_wrong(err,
				  "[listener %.140s] proxy: whose headers are true? Set proxy-from "
				  "to the addresses of your proxies",
				  s->name);
	return add(out, count, &l, key, err);
}

int turnd_conf_listeners(const struct turnd_conf *conf,
			 struct turnd_listener out[static TURND_LISTENERS_MAX],
			 struct opt_error *err)
{
	static const struct addr wildcards[] = { { .family = ADDR_IPV4 }, { .family = ADDR_IPV6 } };
	const struct addr *listen = conf->listen.items;
	int count = 0;

	if (!conf->udp && !conf->tcp && conf->listeners.count == 0) {
		conf_wrong(err, "udp: is off, and so is tcp; switch one of them on");
		return -1;
	}
	for (size_t i = 0; i < conf->listen.count; i++) {
		const struct addr *second = alternate_of(&conf->listen, &conf->alternate, i);

		if (!add_plain(conf, &listen[i], second, out, &count, err))
			return -1;
	}
	/* Whoever names addresses in sections alone has said where to listen. */
	for (size_t i = 0; i < ARRAY_LEN(wildcards); i++) {
		if (conf->listen.count + conf->listeners.count == 0 &&
		    !add_plain(conf, &wildcards[i], NULL, out, &count, err))
			return -1;
	}
	for (size_t i = 0; i < conf->listeners.count; i++) {
		if (!add_section(conf, &listeners_of(conf)[i], out, &count, err))
			return -1;
	}
	return count;
}

static bool check_tools(const struct turnd_conf *c, struct opt_error *err)
{
	const char *user = c->add_user != NULL      ? "--add-user"
			   : c->remove_user != NULL ? "--remove-user"
						    : NULL;
	bool talks = c->sessions || c->kick != NULL || c->drain || c->undrain;

	if (user != NULL && c->base.password_file == NULL)
		return conf_wrong(err, "%s: in which file? Name it with --password-file", user);
	if (user != NULL && c->realm == NULL)
		return conf_wrong(err, "%s: of which realm? Name it with --realm", user);
	if (c->make_credential != NULL && c->base.auth_secret_file == NULL)
		return conf_wrong(err, "--make-credential: by which secret? Name its file with "
				       "--auth-secret-file, or in the file of --config");
	if (talks && c->control == NULL)
		return conf_wrong(err, "which turnd? Name its socket with --control, or the file "
				       "that has it with --config");
	return true;
}

/* RFC 5780: answers leave from another address, and from another port. */
static bool check_alternates(const struct turnd_conf *c, struct opt_error *err)
{
	if (!alternate_check(&c->listen, &c->alternate, err))
		return false;
	if (c->alternate.count > 0 && c->port == c->alternate_port)
		return conf_wrong(err, "alternate-port: is the same as port; choose another one");
	if (c->nat_discovery && c->alternate.count == 0)
		return conf_wrong(err, "nat-discovery: takes two addresses; set listen to one of "
				       "this host, and alternate to another one");
	return !c->nat_discovery || c->udp ||
	       conf_wrong(err, "nat-discovery: is about UDP; switch udp on");
}

bool conf_check(const struct turnd_conf *c, struct opt_error *err)
{
	struct turnd_listener listeners[TURND_LISTENERS_MAX];

	if (!check_tools(c, err) || !check_realm_name(c, err))
		return false;
	if (c->realms.count >= TURND_REALMS_MAX)
		return conf_wrong(err, "there are more than %d realms; leave some out",
				  TURND_REALMS_MAX - 1);
	for (size_t i = 0; i < turnd_conf_realm_count(c); i++) {
		if (!check_realm(c, i, err))
			return false;
	}
	for (size_t i = 0; i < c->users.count; i++) {
		if (!check_user(c, &users_of(c)[i], err))
			return false;
	}
	return check_alternates(c, err) && turnd_conf_listeners(c, listeners, err) >= 0 &&
	       opt_check_files(&turnd_program, c, err);
}
