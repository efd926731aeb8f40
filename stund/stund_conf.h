/*
 * stund_conf - the options of stund: one table, one struct, checked as a whole.
 */
#ifndef NATKIT_STUND_CONF_H
#define NATKIT_STUND_CONF_H

#include "opt.h"

#define STUND_WORKERS_MAX     256
#define STUND_PARTNER_PORT    3480
#define STUND_RENDEZVOUS_PORT 80

struct stund_conf {
	/* Command line only. */
	bool help, version, check_config, print_config;
	char *config; /* path, or NULL */

	/* Where to listen; layout.h makes sockets of it. */
	struct opt_list listen;     /* struct addr; port 0: `port`. Empty: all addresses */
	struct opt_list alternate;  /* struct addr without port */
	struct opt_list public_map; /* char *: "LOCAL=PUBLIC" */
	int64_t port, alternate_port;
	int64_t tls_port, alternate_tls_port;
	struct addr partner; /* whose second address is used; none: nobody's */
	int64_t partner_port;
	char *partner_key_file;
	bool tcp;
	char *cert_file, *key_file; /* both or none */

	/* What to answer. */
	bool nat_discovery, rfc3489;
	char *software; /* or NULL */

	/* What to do for clients that ask for more (coop_server.h). */
	bool cooperate;
	int64_t cooperate_orders, cooperate_orders_per_source;
	uint64_t cooperate_rate; /* bytes per second and source */

	/* Where peers leave messages for each other (rendezvous.h). */
	struct opt_list rendezvous; /* struct addr; empty: nowhere */
	int64_t rendezvous_topics, rendezvous_topics_per_source;
	uint64_t rendezvous_memory;
	int64_t rendezvous_rate; /* requests per second and source; 0: no limit */
	uint64_t rendezvous_expiry_ms;

	struct opt_list geo_database; /* char *: paths */

	/* How much. */
	int64_t rate_limit, rate_burst; /* per second and source; rate_limit 0: no limit */
	int64_t max_connections, max_connections_per_source;
	uint64_t idle_timeout_ms;
	uint64_t receive_buffer;
	int64_t workers; /* 0: one per core */

	/* How to run. */
	char *user;  /* or NULL */
	char *admin; /* [ADDRESS:]PORT, or NULL */
	bool self_check;
	int log_level, log_format;
};

extern const struct opt_program stund_program;

/*
 * Fills *out from the fallbacks, the file that the command line names, and the command line,
 * in rising precedence, and checks it as a whole. --help and its like are set in *out and
 * left to the caller; with --help or --version the file is not read.
 * Returns false with *err set; *out is to be cleared with stund_conf_clear in either case.
 */
bool stund_conf_load(int argc, char **argv, struct stund_conf *out, struct opt_error *err);

void stund_conf_clear(struct stund_conf *conf);

#endif
