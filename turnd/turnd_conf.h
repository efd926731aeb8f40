/*
 * turnd_conf - the options of turnd: one table, one struct, checked as a whole.
 *
 * Keys without a section are the default realm and what all realms share; [realm NAME] makes one
 * more, [user NAME] a user with a password, [listener NAME] one more address to listen on.
 */
#ifndef NATKIT_TURND_CONF_H
#define NATKIT_TURND_CONF_H

#include "opt.h"

#define TURND_WORKERS_MAX   255 /* ports.h numbers them by a byte */
#define TURND_LISTENERS_MAX 64
#define TURND_RELAYS_MAX    32
#define TURND_REALMS_MAX    1000

/* What one address serves: sections, and the plain keys as the first ones. */
struct turnd_listener {
	struct addr local;
	const char *realm; /* NULL: the default one */
	bool udp, tcp;     /* plain STUN and TURN */
	bool tls, dtls; /* where there is a certificate; told from plain ones by the first byte */
	bool proxy;     /* TCP: each connection begins with a PROXY header, v1 or v2 */
	/* One of four that follow each other, a site of stun_server.h, and its number there. */
	bool in_site;
	uint8_t number;
};

/* [listener NAME] */
struct turnd_conf_listener {
	char *name;
	struct addr address; /* port 0: that of the plain keys */
	char *realm;
	bool udp, tcp, tls, dtls, proxy;
};

/* [user NAME] */
struct turnd_conf_user {
	char *name;
	char *password; /* NULL once settings_keep_keys has made the keys of it */
	char *realm;    /* NULL: the default one */
	uint8_t md5[16], sha256[32];
};

/* Whom a policy allows and denies. */
struct turnd_conf_rules {
	struct opt_list allow, deny;                 /* struct opt_cidr */
	struct opt_list allow_country, deny_country; /* char * */
	struct opt_list allow_network, deny_network; /* char * */
};

/* [realm NAME], and the plain keys that mean the same for the default realm. */
struct turnd_conf_realm {
	char *name;
	struct opt_list server_names; /* char * */
	char *cert_file, *key_file;
	char *password_file, *auth_secret_file, *user_database;
	char *oauth_key_file, *oauth_server_name;
	struct turnd_conf_rules peers, clients;
	/* In a section OPT_UNSET_INT and OPT_UNSET_AMOUNT: as in the plain keys. */
	int64_t user_quota, token_quota, realm_quota;
	int64_t max_permissions, max_channels, max_tcp_connections;
	uint64_t allocation_bandwidth, user_bandwidth; /* bytes per second, each way */
	uint64_t lifetime_ms, max_lifetime_ms;
};

struct turnd_conf {
	/* Command line only. */
	bool help, version, check_config, print_config;
	char *config;
	char *add_user, *remove_user, *make_credential; /* tools that run instead of the server */
	uint64_t ttl_ms;                                /* of make_credential */
	struct opt_list uris;                           /* char *: of make_credential */
	bool sessions, drain, undrain; /* what the control socket of a running turnd is told */
	char *kick;                    /* WORKER.NUMBER, as --sessions has it */

	/* Where to listen. */
	struct opt_list listen;    /* struct addr; empty: all addresses */
	struct opt_list listeners; /* struct turnd_conf_listener: sections */
	struct opt_list alternate; /* struct addr: their second ones, for NAT discovery */
	int64_t port, alternate_port, tls_port;
	bool udp, tcp;
	char *cert_file, *key_file;
	struct opt_list proxy_from; /* struct opt_cidr: who may send PROXY headers */

	/* What to relay. */
	struct opt_list
		relay_address; /* char *: ADDRESS, NAME or INTERFACE [public ADDRESS|NAME] */
	char *relay_ports;     /* "49152-65535" */
	uint64_t resolve_every_ms;

	/* Who may use it. */
	char *realm;
	struct turnd_conf_realm base; /* without name and server_names, cert_file and key_file */
	struct opt_list realms;       /* struct turnd_conf_realm: sections */
	struct opt_list users;        /* struct turnd_conf_user: sections */
	int auth_secret_hash;         /* enum users_hash */
	char *auth_secret_separator;
	bool strict_expiry;
	char *nonce_key_file;
	uint64_t nonce_lifetime_ms;
	uint64_t refresh_every_ms; /* read databases again */

	/* Whom it reaches; see also base.peers. */
	struct opt_list geo_database; /* char *: paths */
	struct opt_list nat64_prefix; /* struct opt_cidr */

	/* How much. */
	int64_t source_quota, total_quota; /* 0: no limit */
	uint64_t total_bandwidth;          /* bytes per second, each way; 0: no limit */
	int64_t error_rate, error_burst;   /* per second and source; error_rate 0: no limit */
	int64_t max_connections, max_connections_per_source;
	uint64_t idle_timeout_ms;
	uint64_t receive_buffer;

	/* What is offered. */
	bool tcp_relay, mobility, rfc5766_channels;
	bool nat_discovery, rfc3489;
	char *software;                   /* or NULL */
	struct opt_list alternate_server; /* char *: "ADDRESS[:PORT] [udp|tcp|tls|dtls] [DOMAIN]" */
	bool draining;

	/* How to run. */
	int64_t workers; /* 0: one per core */
	char *user, *admin, *control;
	int log_level, log_format;
};

extern const struct opt_program turnd_program;

/* As stund_conf_load (the same rules of precedence). */
bool turnd_conf_load(int argc, char **argv, struct turnd_conf *out, struct opt_error *err);
void turnd_conf_clear(struct turnd_conf *conf);

/*
 * The listeners that a configuration comes to. Borrowed strings.
 * Returns how many, or -1 with *err set.
 */
int turnd_conf_listeners(const struct turnd_conf *conf,
			 struct turnd_listener out[static TURND_LISTENERS_MAX],
			 struct opt_error *err);

/* Lowest and highest port to relay from. */
void turnd_conf_relay_ports(const struct turnd_conf *conf, uint16_t *low, uint16_t *high);

/* The default realm, and the sections. */
size_t turnd_conf_realm_count(const struct turnd_conf *conf);

/*
 * Realm number `i`, 0 being the default one, with what it takes over from the plain keys: rules
 * and limits that it does not set, never credentials. All borrowed.
 */
struct turnd_conf_realm turnd_conf_realm_at(const struct turnd_conf *conf, size_t i);

/* Some realm has a certificate. */
bool turnd_conf_has_tls(const struct turnd_conf *conf);

#define TURND_WORD_MAX 256

/* One of relay-address: two words, the second one empty where nothing is said of the public. */
struct turnd_relay_text {
	char local[TURND_WORD_MAX], seen_as[TURND_WORD_MAX];
};

bool turnd_conf_relay_text(const char *text, struct turnd_relay_text *out);

/* One of alternate-server. */
struct turnd_alternate_text {
	struct addr addr;
	int transport;               /* enum stun_transport; -1: all of them */
	char domain[TURND_WORD_MAX]; /* empty: none */
};

bool turnd_conf_alternate_text(const char *text, uint16_t default_port,
			       struct turnd_alternate_text *out);

#endif
