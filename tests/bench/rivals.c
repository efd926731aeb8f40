#include <config.h>

#include "tests/bench/rivals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/floor_relay.h"
#include "tests/bench/procs.h"

#define START_TRIES 50 /* of PROBE_MS each, or until it has ended */
#define PROBE_MS    100

#define USER     "bench"
#define PASSWORD "as public as can be"
#define REALM    "bench.example"
#define PEERS    "127.64.0.0/10"

/* Each has an address to relay from, so that no port is in anybody's way. */
#define TURND_RELAY  "127.0.2.1"
#define COTURN_RELAY "127.0.2.2"

const char *const rival_names[RIVALS] = { "turnd", "coturn", "floor" };

/* A port of 127.0.0.1 that nobody has now. */
static bool free_port(struct addr *at)
{
	struct addr any = addr_ipv4(127, 0, 0, 1, 0);
	struct udp_options options = { 0 };
	int fd = udp_open(&any, &options, at);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A password stands in a file, never in an argument. */
static bool write_conf(struct rival *r, const char *at)
{
	const char *dir = getenv("TMPDIR");
	FILE *f = NULL;
	int fd;

	if (asprintf(&r->file, "%s/bench_relay.XXXXXX", dir != NULL ? dir : "/tmp") < 0) {
		r->file = NULL;
		return false;
	}
	fd = mkstemp(r->file);
	if (fd >= 0)
		f = fdopen(fd, "w");
	if (f == NULL)
		return false;
	(void)fprintf(f,
		      "listen = %s\ntcp = off\nworkers = 1\nlog-level = warn\nerror-rate = "
		      "0\nuser-quota = 0\n"
		      "relay-address = " TURND_RELAY "\nallow-peer = " PEERS "\n"
		      "realm = " REALM "\n[user " USER "]\npassword = " PASSWORD "\n",
		      at);
	return fclose(f) == 0;
}

static const char *start_turnd(struct rival *r, const struct rivals_config *config)
{
	char at[ADDR_TEXT_MAX];
	char *argv[] = { (char *)(uintptr_t)config->turnd, "--config", NULL, NULL };

	if (!write_conf(r, addr_print(&r->at, at)))
		return "no configuration file";
	argv[2] = r->file;
	r->pid = procs_start(argv, config->loud);
	return NULL;
}

/* UDP only, loopback allowed; all else in its defaults. No file is read or written. */
static const char *start_coturn(struct rival *r, const struct rivals_config *config)
{
	char port[8];
	char *argv[] = { (char *)(uintptr_t)config->coturn,
			 "-n",
			 "--listening-ip=127.0.0.1",
			 "--listening-port",
			 port,
			 "--relay-ip=" COTURN_RELAY,
			 "--lt-cred-mech",
			 "--user=" USER ":" PASSWORD,
			 "--realm=" REALM,
			 "--allow-loopback-peers",
			 "--no-tcp",
			 "--no-tls",
			 "--no-dtls",
			 "--no-cli",
			 "--no-rfc5780",
			 "--log-file=/dev/null",
			 "--userdb=/dev/null",
			 "--pidfile=/dev/null",
			 NULL };

	(void)snprintf(port, sizeof(port), "%u", r->at.port);
	r->pid = procs_start(argv, config->loud);
	return NULL;
}

static int run_floor(void *arg)
{
	return floor_relay_run(arg);
}

static const char *start_floor(struct rival *r, const struct rivals_config *config)
{
	struct addr relay = addr_ipv4(127, 0, 2, 3, 0);
	struct floor_relay *f = floor_relay_open(&r->at, &relay, r->load, config->flows);

	if (f == NULL)
		return strerror(errno);
	r->pid = procs_fork(run_floor, f);
	floor_relay_close(f); /* the child has it all */
	return NULL;
}

static const char *await_answers(struct rival *r)
{
	static const struct load_until once = { PROBE_MS, 1, PROBE_MS };

	for (int i = 0; i < START_TRIES && procs_is_alive(r->pid); i++) {
		struct load_result result = load_turn_cycle(r->load, &once);

		if (result.done == 1)
			return NULL;
		if (result.wrong > 0)
			return "refuses to relay";
	}
	return procs_is_alive(r->pid) ? "does not answer" : "has ended";
}

const char *rival_start(struct rival *r, uint8_t kind, const struct rivals_config *config)
{
	static const char *(*const start[RIVALS])(struct rival *, const struct rivals_config *) = {
		start_turnd,
		start_coturn,
		start_floor,
	};
	struct load_turn_config load = { .clients = addr_ipv4(127, 16, 0, 1, 0),
					 .peers = addr_ipv4(127, 64, 0, 1, 0),
					 .username = BYTES(USER),
					 .realm = BYTES(REALM),
					 .password = BYTES(PASSWORD),
					 .flows = config->flows,
					 .window = config->window,
					 .payload = config->payload };
	const char *why;

	*r = (struct rival){ .kind = kind };
	if ((kind == RIVAL_TURND && config->turnd[0] == '\0') ||
	    (kind == RIVAL_COTURN && config->coturn[0] == '\0'))
		return NULL;
	if (!free_port(&r->at))
		return "no free port";
	load.server = r->at;
	r->load = load_turn_open(&load);
	if (r->load == NULL)
		return strerror(errno);
	why = start[kind](r, config);
	if (why != NULL || kind == RIVAL_FLOOR)
		return why;
	return await_answers(r);
}

void rival_stop(struct rival *r)
{
	procs_stop(r->pid);
	load_turn_close(r->load);
	if (r->file != NULL)
		(void)unlink(r->file);
	free(r->file);
	*r = (struct rival){ .kind = r->kind };
}
