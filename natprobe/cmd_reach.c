/* natprobe reach: is a port of this host open from outside, and if not, what keeps it closed? */
#include <config.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "natprobe/check/check_servers.h"
#include "clock.h"
#include "command.h"
#include "natprobe/reach/gateway_ask.h"
#include "natprobe/map/lease_file.h"
#include "natprobe/map/map_options.h"
#include "natprobe/report/mask.h"
#include "natprobe/reach/reach_options.h"
#include "natprobe/reach/reach_report.h"
#include "natprobe/reach/reach_run.h"

#define VERSION_TEXT "natprobe " PACKAGE_VERSION

struct run {
	struct reach_options options;
	struct event_base *base;
	struct check_servers servers;
	struct own_path path;
	uint8_t transport;
	uint16_t port;
	struct reach_report report;
	char server[STUN_URI_TEXT_MAX]; /* its name, masked */
	uint64_t started_ms;
};

static int usage(const char *what, const char *why)
{
	fprintf(stderr, "natprobe: reach: %s: %s\n", what, why);
	return EXIT_USAGE;
}

static int failure(const char *what)
{
	fprintf(stderr, "natprobe: reach: %s\n", what);
	return EXIT_FAILED;
}

static int find_servers(struct run *run)
{
	const struct reach_options *o = &run->options;
	const struct check_options like = {
		.servers = o->servers, .ipv4 = o->ipv4, .ipv6 = o->ipv6, .timeout_ms = o->timeout_ms
	};
	int rc = check_servers_choose(&run->servers, &like);

	return rc == 0 ? check_servers_resolve(&run->servers, &like, run->base) : rc;
}

/* The port outside: as the user says, as natprobe map had it opened, or the same. */
static void find_external(struct run *run)
{
	const struct addr local = addr_with_port(&run->path.source.local, run->port);
	const struct lease_record *r = NULL;
	struct lease_file file;

	run->report.port = run->options.external != 0 ? (uint16_t)run->options.external : run->port;
	if (lease_file_open(&file) == 0)
		r = lease_book_find(&file.book, run->transport, &local, &run->path.gateway);
	if (r != NULL && (run->options.external == 0 || r->external.port == run->report.port)) {
		run->report.is_mapped = true;
		run->report.port = r->external.port;
	}
	(void)lease_file_close(&file, false);
}

/* Returns 0 or an exit code. is_asked: an answer came, so that no other server is needed. */
static int try_server(struct run *run, const char *name, const struct addr *to, bool *is_asked)
{
	struct reach_run_config config = { .base = run->base,
					   .path = &run->path,
					   .server = *to,
					   .transport = run->transport,
					   .port = run->port,
					   .timeout_ms = run->options.timeout_ms };
	struct reach_report *r = &run->report;
	int rc;

	if (own_path_find(to->family, to, run->options.interface, &run->path) != 0)
		return 0;
	find_external(run);
	config.external = r->port;
	rc = reach_run(&config, &r->facts, &r->tap_error);
	if (rc != 0)
		return failure(strerror(-rc));
	r->server = name;
	r->to = *to;
	*is_asked = r->facts.server > REACH_SERVER_OTHER;
	return 0;
}

/* The first server that cooperates, over IPv4 before IPv6. */
static int try_servers(struct run *run)
{
	bool is_asked = false;
	int rc = 0;

	for (int f = 0; f < SERVER_FAMILIES; f++) {
		for (size_t i = 0; i < run->servers.count && rc == 0 && !is_asked; i++) {
			const struct server *s = &run->servers.items[i];

			if (clock_ms() - run->started_ms >= run->options.timeout_ms)
				return 0;
			if (!s->tls && s->udp[f].family != ADDR_NONE)
				rc = try_server(run, s->name, &s->udp[f], &is_asked);
		}
	}
	return rc;
}

static bool is_worth_asking(const struct run *run)
{
	const struct reach_facts *f = &run->report.facts;

	return f->server == REACH_SERVER_TRIED && !f->is_heard && f->outcome != COOP_CONNECTED &&
	       f->mapped.family == ADDR_IPV4 && !addr_equal_ip(&f->mapped, &f->local);
}

static void redact(struct run *run)
{
	struct reach_report *r = &run->report;
	struct mask *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return;
	r->server = mask_name(m, r->server, run->server);
	mask_addr(m, &r->to);
	mask_addr(m, &r->facts.local);
	mask_addr(m, &r->facts.mapped);
	mask_addr(m, &r->facts.external);
	free(m);
}

static int report(struct run *run)
{
	const struct report_style style = { .colour = command_has_colour(),
					    .quiet = run->options.quiet };
	struct reach_report *r = &run->report;
	bool ok = true;

	r->facts.stands_in = run->options.listen;
	reach_judge(&r->facts, &r->verdict);
	r->elapsed_ms = clock_ms() - run->started_ms;
	if (run->options.redact)
		redact(run);
	if (run->options.json)
		ok = reach_json(r, stdout);
	else
		reach_text(r, &style, stdout);
	if (!ok || fflush(stdout) != 0 || ferror(stdout))
		return failure("cannot write the report");
	return (int)reach_report_exit(r);
}

static int reach(struct run *run)
{
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);
	run->base = event_base_new();
	if (run->base == NULL)
		return failure("no event loop");
	run->report.facts.transport = run->transport;
	run->report.facts.local.port = run->report.port = run->port;
	run->report.program = VERSION_TEXT;
	rc = find_servers(run);
	if (rc == 0)
		rc = try_servers(run);
	if (rc != 0)
		return rc;
	if (is_worth_asking(run))
		run->report.facts.external = gateway_ask(run->base, &run->path, run->options.upnp);
	return report(run);
}

/* Returns -1 to go on, or an exit code. */
static int read_options(struct run *run, int argc, char **argv)
{
	struct reach_options *o = &run->options;
	struct opt_error err;
	struct map_port port;
	char *operand;
	size_t count;

	if (!opt_defaults(&reach_program, o, &err) ||
	    !command_read_args(&reach_program, argc, argv, o, &operand, 1, &count, &err)) {
		fprintf(stderr, "natprobe: reach: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (o->help) {
		opt_print_help(&reach_program, stdout);
		return EXIT_REACHED;
	}
	if (count == 0)
		return usage("no port", "name one, as 4900/udp");
	if (!map_port_read(operand, &port) || port.udp == port.tcp)
		return usage(operand, "not a port; write 4900/udp or 4900/tcp");
	if (o->json && o->quiet)
		return usage("--quiet", "does not go with --json");
	if (o->interface != NULL && !iface_exists(o->interface))
		return usage(o->interface, "there is no such interface; `ip link` lists them");
	if (!o->ipv4 && !o->ipv6)
		o->ipv4 = o->ipv6 = true;
	run->port = port.port;
	run->transport = port.udp ? PORTMAP_UDP : PORTMAP_TCP;
	return -1;
}

int cmd_reach(int argc, char **argv, const struct command *all)
{
	struct run run = { .started_ms = clock_ms() };
	int rc = read_options(&run, argc, argv);

	if (rc < 0)
		rc = reach(&run);
	check_servers_clear(&run.servers);
	if (run.base != NULL)
		event_base_free(run.base);
	opt_clear(&reach_program, &run.options);
	return rc;
}
