#include "turnd_conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf_check.h"
#include "server_rows.h"

#define FIELD(field)    OPT_FIELD(struct turnd_conf, field)
#define LISTENER(field) OPT_FIELD(struct turnd_conf_listener, field)
#define USER(field)     OPT_FIELD(struct turnd_conf_user, field)
#define REALM(field)    OPT_FIELD(struct turnd_conf_realm, field)
#define RELOAD          OPT_RELOADABLE

/* clang-format off */

/* The same keys above all sections, AT(base.x), and in a realm, AT(x). */
#define CREDENTIAL_ROWS(AT) \
	{ .name = "password-file", .type = OPT_STR, .offset = AT(password_file), .flags = RELOAD, \
	  .value = "FILE", .help = "users and their keys, as --add-user writes them" }, \
	{ .name = "auth-secret-file", .type = OPT_FILE, .offset = AT(auth_secret_file), \
	  .flags = RELOAD | OPT_SECRET_FILE, .value = "FILE", \
	  .help = "secrets of time-limited credentials, one a line, up to 4" }, \
	{ .name = "user-database", .type = OPT_FILE, .offset = AT(user_database), \
	  .flags = RELOAD, .value = "FILE", .help = "SQLite database of users and their keys" }, \
	{ .name = "oauth-key-file", .type = OPT_FILE, .offset = AT(oauth_key_file), \
	  .flags = RELOAD | OPT_SECRET_FILE, .value = "FILE", \
	  .help = "keys of access tokens (RFC 7635)" }, \
	{ .name = "oauth-server-name", .type = OPT_STR, .offset = AT(oauth_server_name), \
	  .flags = RELOAD, .value = "NAME", .check = conf_check_token_name, \
	  .help = "name that access tokens are made for" }

#define RULE_ROWS(AT, WHOM, FIELDS, TEXT) \
	{ .name = "allow-" WHOM, .type = OPT_CIDR_LIST, .offset = AT(FIELDS.allow), \
	  .flags = RELOAD, .help = TEXT "that are allowed; the longest prefix wins" }, \
	{ .name = "deny-" WHOM, .type = OPT_CIDR_LIST, .offset = AT(FIELDS.deny), \
	  .flags = RELOAD, .help = TEXT "that are denied, also where both are as long" }, \
	{ .name = "allow-" WHOM "-country", .type = OPT_STR_LIST, \
	  .offset = AT(FIELDS.allow_country), .flags = RELOAD, .value = "CODE", \
	  .check = conf_check_country, .help = TEXT "of these countries only" }, \
	{ .name = "deny-" WHOM "-country", .type = OPT_STR_LIST, \
	  .offset = AT(FIELDS.deny_country), .flags = RELOAD, .value = "CODE", \
	  .check = conf_check_country, .help = TEXT "of all but these countries" }, \
	{ .name = "allow-" WHOM "-network", .type = OPT_STR_LIST, \
	  .offset = AT(FIELDS.allow_network), .flags = RELOAD, .value = "AS", \
	  .check = conf_check_network, .help = TEXT "of these autonomous systems only" }, \
	{ .name = "deny-" WHOM "-network", .type = OPT_STR_LIST, \
	  .offset = AT(FIELDS.deny_network), .flags = RELOAD, .value = "AS", \
	  .check = conf_check_network, .help = TEXT "of all but these autonomous systems" }

/* LIMIT(FALLBACK): the fallback, or that there is none. */
#define LIMIT_ROWS(AT, LIMIT) \
	{ .name = "user-quota", .type = OPT_INT, .offset = AT(user_quota), LIMIT("128"), \
	  .min = 0, .max = 1000000000, .value = "N", \
	  .help = "allocations of one user; 0: no limit" }, \
	{ .name = "token-quota", .type = OPT_INT, .offset = AT(token_quota), LIMIT("0"), \
	  .min = 0, .max = 1000000000, .value = "N", \
	  .help = "allocations of all who have access tokens; 0: no limit" }, \
	{ .name = "realm-quota", .type = OPT_INT, .offset = AT(realm_quota), LIMIT("0"), \
	  .min = 0, .max = 1000000000, .value = "N", \
	  .help = "allocations of one realm; 0: no limit" }, \
	{ .name = "user-bandwidth", .type = OPT_BYTES, .offset = AT(user_bandwidth), LIMIT("0"), \
	  .min = 0, .max = 1000000000000, \
	  .help = "per second and way, of one user; 0: no limit" }, \
	{ .name = "allocation-bandwidth", .type = OPT_BYTES, .offset = AT(allocation_bandwidth), \
	  LIMIT("0"), .min = 0, .max = 1000000000000, \
	  .help = "per second and way, of one allocation; 0: no limit" }, \
	{ .name = "max-permissions", .type = OPT_INT, .offset = AT(max_permissions), \
	  LIMIT("128"), .min = 0, .max = 65535, .value = "N", \
	  .help = "addresses that one allocation may reach; 0: no limit" }, \
	{ .name = "max-channels", .type = OPT_INT, .offset = AT(max_channels), LIMIT("128"), \
	  .min = 0, .max = 16384, .value = "N", \
	  .help = "channels of one allocation; 0: no limit" }, \
	{ .name = "max-tcp-connections", .type = OPT_INT, .offset = AT(max_tcp_connections), \
	  LIMIT("32"), .min = 0, .max = 65535, .value = "N", \
	  .help = "to peers, of one allocation (see tcp-relay); 0: no limit" }, \
	{ .name = "lifetime", .type = OPT_MS, .offset = AT(lifetime_ms), LIMIT("10m"), \
	  .min = 60000, .max = 86400000, \
	  .help = "of an allocation whose client asks for no more" }, \
	{ .name = "max-lifetime", .type = OPT_MS, .offset = AT(max_lifetime_ms), LIMIT("1h"), \
	  .min = 60000, .max = 86400000, .help = "that a client may ask for at once" }

#define BASE(field)      FIELD(base.field)
#define PLAIN(value)     .flags = RELOAD, .fallback = value
#define INHERITED(value) .flags = RELOAD | OPT_OPTIONAL

static const struct opt table[] = {
	{ .help = "Where to listen" },
	{ .name = "listen", .letter = 'l', .type = OPT_ADDR_LIST, .offset = FIELD(listen),
	  .value = "ADDRESS[:PORT]", .help = "serve on this address; default: all of them" },
	{ .name = "alternate", .letter = 'a', .type = OPT_ADDR_LIST, .offset = FIELD(alternate),
	  .value = "ADDRESS", .help = "second address of this host, for nat-discovery" },
	SERVER_ROWS_PORTS(struct turnd_conf),
	{ .name = "udp", .type = OPT_FLAG, .offset = FIELD(udp), .fallback = "on",
	  .help = "listen on UDP" },
	{ .name = "tcp", .type = OPT_FLAG, .offset = FIELD(tcp), .fallback = "on",
	  .help = "listen on TCP" },
	SERVER_ROWS_TLS(struct turnd_conf),
	{ .name = "proxy-from", .type = OPT_CIDR_LIST, .offset = FIELD(proxy_from),
	  .help = "who may send PROXY headers, where a listener wants them" },
	{ .help = "What to relay" },
	{ .name = "relay-address", .letter = 'r', .type = OPT_STR_LIST,
	  .offset = FIELD(relay_address), .flags = RELOAD, .value = "LOCAL[ public PUBLIC]",
	  .check = conf_check_relay,
	  .help = "address, interface or name to relay from, and what the world sees of it" },
	{ .name = "relay-ports", .type = OPT_STR, .offset = FIELD(relay_ports),
	  .fallback = "49152-65535", .value = "LOW-HIGH", .check = conf_check_ports,
	  .help = "ports to relay from" },
	{ .name = "resolve-every", .type = OPT_MS, .offset = FIELD(resolve_every_ms),
	  .flags = RELOAD, .fallback = "5m", .min = 1000, .max = 86400000,
	  .help = "look names of relay-address up again" },
	{ .help = "Who may use it" },
	{ .name = "realm", .type = OPT_STR, .offset = FIELD(realm), .value = "NAME",
	  .check = conf_check_realm,
	  .help = "name of the default realm, usually your domain" },
	CREDENTIAL_ROWS(BASE),
	{ .name = "auth-secret-hash", .type = OPT_ENUM, .offset = FIELD(auth_secret_hash),
	  .flags = RELOAD, .fallback = "sha1", .choices = "sha1|sha256",
	  .help = "that makes time-limited passwords" },
	{ .name = "auth-secret-separator", .type = OPT_STR, .offset = FIELD(auth_secret_separator),
	  .flags = RELOAD, .fallback = ":", .value = "CHARACTER", .check = conf_check_separator,
	  .help = "between expiry and name in time-limited user names" },
	{ .name = "strict-expiry", .type = OPT_FLAG, .offset = FIELD(strict_expiry),
	  .flags = RELOAD, .fallback = "off",
	  .help = "credentials whose time is over refresh nothing" },
	{ .name = "refresh-every", .type = OPT_MS, .offset = FIELD(refresh_every_ms),
	  .flags = RELOAD, .fallback = "1m", .min = 1000, .max = 86400000,
	  .help = "read user-database again" },
	{ .name = "nonce-key-file", .type = OPT_FILE, .offset = FIELD(nonce_key_file),
	  .flags = RELOAD | OPT_SECRET_FILE, .value = "FILE",
	  .help = "one or two keys of nonces, for servers that share them" },
	{ .name = "nonce-lifetime", .type = OPT_MS, .offset = FIELD(nonce_lifetime_ms),
	  .flags = RELOAD, .fallback = "1h", .min = 10000, .max = 3600000,
	  .help = "how long a nonce is good" },
	RULE_ROWS(BASE, "client", clients, "clients "),
	{ .help = "Whom it may reach" },
	RULE_ROWS(BASE, "peer", peers, "peers "),
	{ .name = "geo-database", .type = OPT_STR_LIST, .offset = FIELD(geo_database),
	  .flags = RELOAD, .value = "FILE",
	  .help = "countries and networks of addresses, in MaxMind's format" },
	{ .name = "nat64-prefix", .type = OPT_CIDR_LIST, .offset = FIELD(nat64_prefix),
	  .flags = RELOAD, .help = "of a translator in reach: peers in it are judged as IPv4 too" },
	{ .help = "Limits" },
	LIMIT_ROWS(BASE, PLAIN),
	{ .name = "source-quota", .type = OPT_INT, .offset = FIELD(source_quota),
	  .flags = RELOAD, .fallback = "1024", .min = 0, .max = 1000000000, .value = "N",
	  .help = "allocations of one IPv4 address or IPv6 /64; 0: no limit" },
	{ .name = "total-quota", .type = OPT_INT, .offset = FIELD(total_quota),
	  .flags = RELOAD, .fallback = "0", .min = 0, .max = 1000000000, .value = "N",
	  .help = "allocations at once; 0: as many as there are relay ports" },
	{ .name = "total-bandwidth", .type = OPT_BYTES, .offset = FIELD(total_bandwidth),
	  .flags = RELOAD, .fallback = "0", .min = 0, .max = 1000000000000,
	  .help = "per second and way, of all; 0: no limit" },
	{ .name = "error-rate", .type = OPT_INT, .offset = FIELD(error_rate),
	  .flags = RELOAD, .fallback = "30", .min = 0, .max = 1000000000, .value = "N",
	  .help = "error answers per second and source; 0: no limit" },
	{ .name = "error-burst", .type = OPT_INT, .offset = FIELD(error_burst),
	  .flags = RELOAD, .fallback = "200", .min = 1, .max = 1000000000, .value = "N",
	  .help = "error answers that a quiet source may get at once" },
	SERVER_ROWS_CONNECTIONS(struct turnd_conf, "256", "connections without allocation", "4MiB",
				" for clients"),
	{ .help = "What is offered" },
	{ .name = "tcp-relay", .type = OPT_FLAG, .offset = FIELD(tcp_relay), .flags = RELOAD,
	  .fallback = "off", .help = "TCP connections to peers (RFC 6062)" },
	{ .name = "mobility", .type = OPT_FLAG, .offset = FIELD(mobility), .flags = RELOAD,
	  .fallback = "off", .help = "clients may take allocations along (RFC 8016)" },
	{ .name = "rfc5766-channels", .type = OPT_FLAG, .offset = FIELD(rfc5766_channels),
	  .flags = RELOAD, .fallback = "off",
	  .help = "channel numbers 0x5000 to 0x7FFE, for clients from before 2020" },
	{ .name = "nat-discovery", .type = OPT_FLAG, .offset = FIELD(nat_discovery),
	  .flags = RELOAD, .fallback = "off",
	  .help = "tell STUN clients how their NAT behaves (RFC 5780); takes alternate" },
	{ .name = "rfc3489", .type = OPT_FLAG, .offset = FIELD(rfc3489), .flags = RELOAD,
	  .fallback = "off", .help = "answer STUN clients from before 2008 in their dialect" },
	SERVER_ROW_SOFTWARE(struct turnd_conf),
	{ .name = "alternate-server", .type = OPT_STR_LIST, .offset = FIELD(alternate_server),
	  .flags = RELOAD, .value = "ADDRESS[:PORT][ TRANSPORT][ DOMAIN]",
	  .check = conf_check_alternate,
	  .help = "send clients there who want to allocate (300)" },
	{ .name = "draining", .type = OPT_FLAG, .offset = FIELD(draining), .flags = RELOAD,
	  .fallback = "off", .help = "take no new allocations" },
	{ .help = "Running" },
	SERVER_ROW_WORKERS(struct turnd_conf, TURND_WORKERS_MAX, "serve"),
	SERVER_ROW_USER(struct turnd_conf),
	SERVER_ROW_ADMIN(struct turnd_conf, "/metrics, /healthz and /readyz"),
	{ .name = "control", .type = OPT_STR, .offset = FIELD(control), .value = "PATH",
	  .check = conf_check_control,
	  .help = "Unix socket for --sessions, --kick and --drain" },
	SERVER_ROWS_LOG(struct turnd_conf),
	{ .help = "Command line only" },
	SERVER_ROWS_CONFIG(struct turnd_conf),
	{ .name = "add-user", .type = OPT_STR, .offset = FIELD(add_user),
	  .flags = OPT_CLI_ONLY, .value = "NAME",
	  .help = "ask for a password, put its keys into password-file, and exit" },
	{ .name = "remove-user", .type = OPT_STR, .offset = FIELD(remove_user),
	  .flags = OPT_CLI_ONLY, .value = "NAME",
	  .help = "take that user out of password-file, and exit" },
	{ .name = "make-credential", .type = OPT_STR, .offset = FIELD(make_credential),
	  .flags = OPT_CLI_ONLY, .value = "NAME",
	  .help = "print a time-limited credential as JSON, and exit" },
	{ .name = "ttl", .type = OPT_MS, .offset = FIELD(ttl_ms), .flags = OPT_CLI_ONLY,
	  .fallback = "1d", .min = 1000, .max = 31536000000, .help = "of that credential" },
	{ .name = "uri", .type = OPT_STR_LIST, .offset = FIELD(uris), .flags = OPT_CLI_ONLY,
	  .value = "URI", .check = conf_check_uri,
	  .help = "of that credential; default: those of this configuration" },
	{ .name = "sessions", .type = OPT_FLAG, .offset = FIELD(sessions),
	  .flags = OPT_CLI_ONLY, .help = "list the allocations of the turnd at control, and exit" },
	{ .name = "kick", .type = OPT_STR, .offset = FIELD(kick), .flags = OPT_CLI_ONLY,
	  .value = "ID", .check = conf_check_kick, .help = "end one of them, and exit" },
	{ .name = "drain", .type = OPT_FLAG, .offset = FIELD(drain), .flags = OPT_CLI_ONLY,
	  .help = "have it take no new ones, and exit" },
	{ .name = "undrain", .type = OPT_FLAG, .offset = FIELD(undrain), .flags = OPT_CLI_ONLY,
	  .help = "have it take new ones again, and exit" },
	OPT_ROW_HELP(struct turnd_conf),
	OPT_ROW_VERSION(struct turnd_conf),
	{ 0 },
};

static const struct opt realm_table[] = {
	{ .name = "server-name", .type = OPT_STR_LIST, .offset = REALM(server_names),
	  .flags = RELOAD, .value = "NAME", .check = conf_check_server_name,
	  .help = "names by which TLS and DTLS clients choose this realm" },
	{ .name = "cert-file", .type = OPT_FILE, .offset = REALM(cert_file), .flags = RELOAD,
	  .value = "FILE", .help = "certificate for these names; default: the one above" },
	{ .name = "key-file", .type = OPT_FILE, .offset = REALM(key_file),
	  .flags = RELOAD | OPT_SECRET_FILE, .value = "FILE", .help = "its private key" },
	CREDENTIAL_ROWS(REALM),
	RULE_ROWS(REALM, "client", clients, "clients "),
	RULE_ROWS(REALM, "peer", peers, "peers "),
	LIMIT_ROWS(REALM, INHERITED),
	{ 0 },
};

static const struct opt user_table[] = {
	{ .name = "password", .type = OPT_STR, .offset = USER(password),
	  .flags = RELOAD | OPT_SECRET, .value = "TEXT", .help = "of this user" },
	{ .name = "realm", .type = OPT_STR, .offset = USER(realm), .flags = RELOAD,
	  .value = "NAME", .check = conf_check_realm,
	  .help = "that this user belongs to; default: the one above" },
	{ 0 },
};

static const struct opt listener_table[] = {
	{ .name = "address", .type = OPT_ADDR, .offset = LISTENER(address),
	  .value = "ADDRESS[:PORT]", .help = "to listen on" },
	{ .name = "realm", .type = OPT_STR, .offset = LISTENER(realm), .value = "NAME",
	  .check = conf_check_realm, .help = "of its clients; default: the one above" },
	{ .name = "udp", .type = OPT_FLAG, .offset = LISTENER(udp), .fallback = "on",
	  .help = "listen on UDP" },
	{ .name = "tcp", .type = OPT_FLAG, .offset = LISTENER(tcp), .fallback = "on",
	  .help = "listen on TCP" },
	{ .name = "tls", .type = OPT_FLAG, .offset = LISTENER(tls), .fallback = "on",
	  .help = "listen on TLS, where there is a certificate" },
	{ .name = "dtls", .type = OPT_FLAG, .offset = LISTENER(dtls), .fallback = "on",
	  .help = "listen on DTLS, where there is a certificate" },
	{ .name = "proxy", .type = OPT_FLAG, .offset = LISTENER(proxy), .fallback = "off",
	  .help = "each connection begins with a PROXY header; see proxy-from" },
	{ 0 },
};
/* clang-format on */

static const struct opt_section sections[] = {
	{ .word = "realm",
	  .table = realm_table,
	  .size = sizeof(struct turnd_conf_realm),
	  .name_offset = REALM(name),
	  .list_offset = FIELD(realms),
	  .flags = RELOAD },
	{ .word = "user",
	  .table = user_table,
	  .size = sizeof(struct turnd_conf_user),
	  .name_offset = USER(name),
	  .list_offset = FIELD(users),
	  .flags = RELOAD },
	{ .word = "listener",
	  .table = listener_table,
	  .size = sizeof(struct turnd_conf_listener),
	  .name_offset = LISTENER(name),
	  .list_offset = FIELD(listeners) },
	{ 0 },
};

const struct opt_program turnd_program = {
	.name = "turnd",
	.synopsis = "[OPTION]...",
	.summary = "TURN server: relays packets for clients that cannot reach each other",
	.table = table,
	.sections = sections,
	.size = sizeof(struct turnd_conf),
};

bool turnd_conf_load(int argc, char **argv, struct turnd_conf *out, struct opt_error *err)
{
	const struct opt_program *p = &turnd_program;

	if (!opt_read_command(p, argc, argv, out, err))
		return false;
	if (out->help || out->version)
		return true;
	if (out->config != NULL && !opt_read_below(p, out->config, argc, argv, out, err))
		return false;
	if (conf_check(out, err))
		return true;
	opt_locate(out->config, err);
	return false;
}

/* Passwords that stood in the file shall not stay in memory. */
static void wipe_passwords(struct turnd_conf *conf)
{
	struct turnd_conf_user *users = conf->users.items;

	for (size_t i = 0; i < conf->users.count; i++) {
		if (users[i].password != NULL)
			explicit_bzero(users[i].password, strlen(users[i].password));
	}
}

void turnd_conf_clear(struct turnd_conf *conf)
{
	wipe_passwords(conf);
	opt_clear(&turnd_program, conf);
}

size_t turnd_conf_realm_count(const struct turnd_conf *conf)
{
	return 1 + conf->realms.count;
}

static void inherit_list(struct opt_list *list, const struct opt_list *base)
{
	if (list->count == 0)
		*list = *base;
}

static void inherit_rules(struct turnd_conf_rules *rules, const struct turnd_conf_rules *base)
{
	inherit_list(&rules->allow, &base->allow);
	inherit_list(&rules->deny, &base->deny);
	inherit_list(&rules->allow_country, &base->allow_country);
	inherit_list(&rules->deny_country, &base->deny_country);
	inherit_list(&rules->allow_network, &base->allow_network);
	inherit_list(&rules->deny_network, &base->deny_network);
}

static void inherit_int(int64_t *value, int64_t base)
{
	if (*value == OPT_UNSET_INT)
		*value = base;
}

static void inherit_amount(uint64_t *value, uint64_t base)
{
	if (*value == OPT_UNSET_AMOUNT)
		*value = base;
}

struct turnd_conf_realm turnd_conf_realm_at(const struct turnd_conf *conf, size_t i)
{
	const struct turnd_conf_realm *base = &conf->base;
	struct turnd_conf_realm r = *base;

	r.name = conf->realm;
	r.cert_file = conf->cert_file;
	r.key_file = conf->key_file;
	if (i == 0)
		return r;
	r = ((const struct turnd_conf_realm *)conf->realms.items)[i - 1];
	inherit_rules(&r.peers, &base->peers);
	inherit_rules(&r.clients, &base->clients);
	inherit_int(&r.user_quota, base->user_quota);
	inherit_int(&r.token_quota, base->token_quota);
	inherit_int(&r.realm_quota, base->realm_quota);
	inherit_int(&r.max_permissions, base->max_permissions);
	inherit_int(&r.max_channels, base->max_channels);
	inherit_int(&r.max_tcp_connections, base->max_tcp_connections);
	inherit_amount(&r.allocation_bandwidth, base->allocation_bandwidth);
	inherit_amount(&r.user_bandwidth, base->user_bandwidth);
	inherit_amount(&r.lifetime_ms, base->lifetime_ms);
	inherit_amount(&r.max_lifetime_ms, base->max_lifetime_ms);
	return r;
}
