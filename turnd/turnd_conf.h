/*
 * turnd_conf - the options of turnd: one table, one struct, checked as a whole.
 *
 * Keys without a section are the default realm and what all realms share; [realm NAME] makes one
 * more, [user NAME] a user with a password, [listener NAME] one more address to listen on.
 */
#ifndef NATKIT_TURND_CONF_H
#define NATKIT_TURND_CONF_H

#include "opt.h"

#define TURND_WORKERS_MAX   256
#define TURND_LISTENERS_MAX 64
#define TURND_RELAYS_MAX    32

/* What one address serves: sections, and the plain keys as the first ones. */
struct turnd_listener {
	struct addr local;
	const char *realm; /* NULL: the default one */
	bool udp, tcp;     /* plain STUN and TURN */
	bool tls, dtls; /* where there is a certificate; told from plain ones by the first byte */
	bool proxy;     /* TCP: each connection begins with a PROXY header, v1 or v2 */
};

struct turnd_conf {
	/* Command line only. */
	bool help, version, check_config, print_config;
	char *config;
	char *add_user, *make_credential; /* tools that run instead of the server */
	uint64_t ttl_ms;                  /* of make_credential */

	/* Where to listen. */
	struct opt_list listen;    /* struct addr; empty: all addresses */
	struct opt_list listeners; /* struct turnd_conf_listener: sections */
	int64_t port, tls_port;
	bool udp, tcp;
	char *cert_file, *key_file;
	struct opt_list proxy_from; /* struct opt_cidr: who may send PROXY headers */

	/* What to relay. */
	struct opt_list
		relay_address; /* char *: ADDRESS, NAME or INTERFACE [public ADDRESS|NAME] */
	char *relay_ports;     /* "49152-65535" */

	/* Who may use it; see the table in turnd_conf.c for the rest. */
	char *realm;
	struct opt_list realms; /* struct turnd_conf_realm: sections */
	struct opt_list users;  /* struct turnd_conf_user: sections */

	/* How much. */
	int64_t max_connections, max_connections_per_source;
	uint64_t idle_timeout_ms;
	uint64_t receive_buffer;
	int64_t workers; /* 0: one per core */

	/* How to run. */
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

#endif
