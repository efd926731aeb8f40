/* natprobe check: options in, report out. */
#include <config.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "check_options.h"
#include "check_output.h"
#include "check_servers.h"
#include "check_turn.h"
#include "clock.h"
#include "command.h"

#define VERSION_TEXT "natprobe " PACKAGE_VERSION
#define PROBES_MAX   64
#define PROBE_MIN_MS 250 /* left to the probes, however long DNS took */

/* All that a run owns. */
struct run {
	struct check_options options;
	struct expect expect; /* of --expect */
	struct event_base *base;
	struct check_servers servers;
	struct check_turn turn;                      /* of --turn */
	struct geo *geo;                             /* NULL: no database is given */
	struct iface_choice choices[PROBES_MAX + 1]; /* the last one shows that there are more */
	size_t choice_count;
	struct check *check;
	/* One more for each interface that was named and cannot be used. */
	struct report_probe *probes;
	size_t probe_count;
	uint64_t started_ms;
};

static int usage(const char *what, const char *why)
{
	fprintf(stderr, "natprobe: %s: %s\n", what, why);
	return EXIT_USAGE;
}

static int failure(const char *what)
{
	fprintf(stderr, "natprobe: %s\n", what);
	return EXIT_FAILED;
}

static int choose_interfaces(struct run *run)
{
	const struct check_options *o = &run->options;
	struct iface_list list;
	struct iface_filter filter = {
		.names = (const char *const *)o->interfaces.items,
		.name_count = o->interfaces.count,
		.ipv4 = o->ipv4,
		.ipv6 = o->ipv6,
		.loopback = check_servers_are_loopback(&run->servers),
	};
	int rc = iface_list_open(&list);

	if (rc != 0) {
		fprintf(stderr, "natprobe: cannot list interfaces: %s\n", strerror(-rc));
		return EXIT_FAILED;
	}
	run->choice_count =
		iface_select(list.items, list.count, &filter, run->choices, PROBES_MAX + 1);
	iface_list_close(&list);
	if (run->choice_count > PROBES_MAX) {
		run->choice_count = PROBES_MAX;
		fprintf(stderr,
			"natprobe: warning: only the first %d interfaces and families are probed; "
			"--interface chooses others\n",
			PROBES_MAX);
	}
	return 0;
}

static int check_interface_names(const struct run *run)
{
	char *const *names = run->options.interfaces.items;

	for (size_t i = 0; i < run->options.interfaces.count; i++) {
		if (!iface_exists(names[i]))
			return usage(names[i], "there is no such interface; `ip link` lists them");
	}
	return 0;
}

static uint64_t time_left_ms(const struct run *run)
{
	uint64_t used = clock_ms() - run->started_ms;

	if (used + PROBE_MIN_MS >= run->options.timeout_ms)
		return PROBE_MIN_MS;
	return run->options.timeout_ms - used;
}

static bool is_chosen(const struct run *run, const char *name)
{
	for (size_t i = 0; i < run->choice_count; i++) {
		if (strcmp(run->choices[i].name, name) == 0)
			return true;
	}
	return false;
}

static int probe(struct run *run)
{
	struct check_config config = {
		.probe = { .base = run->base,
			   .servers = run->servers.items,
			   .server_count = run->servers.count,
			   .portal = run->servers.has_portal ? &run->servers.portal : NULL,
			   .turn = run->turn.server.name != NULL ? &run->turn.server : NULL,
			   .geo = run->geo,
			   .timeout_ms = time_left_ms(run),
			   .confidence = check_options_confidence(&run->options),
			   .local_port = (uint16_t)run->options.local_port,
			   .asks_upnp = run->options.upnp,
			   .is_gentle = run->servers.are_public },
		.choices = run->choices,
		.choice_count = run->choice_count,
		.shows_progress = !run->options.quiet && isatty(STDERR_FILENO),
	};
	char *const *names = run->options.interfaces.items;
	size_t most = run->choice_count + run->options.interfaces.count;

	memcpy(config.probe.portal_at, run->servers.portal_at, sizeof(config.probe.portal_at));
	run->check = check_new(&config);
	run->probes = calloc(most + 1, sizeof(*run->probes));
	if (run->check == NULL || run->probes == NULL)
		return failure("out of memory");
	check_run(run->check);
	for (size_t i = 0; i < run->choice_count; i++)
		run->probes[run->probe_count++] = check_probes(run->check)[i];
	for (size_t i = 0; i < run->options.interfaces.count; i++) {
		if (is_chosen(run, names[i]))
			continue;
		run->probes[run->probe_count++] = (struct report_probe){
			.interface = names[i],
			.family = run->options.ipv4 ? ADDR_IPV4 : ADDR_IPV6,
			.why = "it is down, or has no address to probe from",
		};
	}
	return 0;
}

static int report(const struct run *run)
{
	struct report r = {
		.program = VERSION_TEXT,
		.servers = run->servers.items,
		.server_count = run->servers.count,
		.probes = run->probes,
		.probe_count = run->probe_count,
		.why = run->probe_count == 0 ? "no interface is up with a usable address" : NULL,
		.elapsed_ms = clock_ms() - run->started_ms,
	};
	struct report_style style = {
		.colour = command_has_colour(),
		.quiet = run->options.quiet,
		.verbose = run->options.verbose,
		.explain = run->options.explain,
		.rfc = run->options.rfc,
	};

	return check_output(&r, &run->options, &run->expect, &style);
}

static int open_databases(struct run *run)
{
	char *const *paths = run->options.geo.items;
	const char *why;

	if (run->options.geo.count == 0)
		return 0;
	run->geo = geo_new();
	if (run->geo == NULL)
		return failure("out of memory");
	for (size_t i = 0; i < run->options.geo.count; i++) {
		if (!geo_add(run->geo, paths[i], &why))
			return usage(paths[i], why);
	}
	return 0;
}

static void warn(const struct run *run)
{
	if (run->options.local_port == 0)
		return;
	fprintf(stderr,
		"natprobe: warning: what a NAT still keeps of earlier use of local port %u passes\n"
		"natprobe: warning: for its behaviour; leave the port alone for minutes first\n",
		(unsigned int)run->options.local_port);
}

static int check(struct run *run)
{
	int rc = check_output_prepare(&run->options, &run->expect);

	if (rc == 0)
		rc = check_interface_names(run);
	if (rc == 0)
		rc = check_servers_choose(&run->servers, &run->options);
	if (rc == 0)
		rc = check_turn_read(&run->turn, &run->options);
	if (rc == 0)
		rc = open_databases(run);
	if (rc != 0)
		return rc;
	warn(run);
	run->base = event_base_new();
	if (run->base == NULL)
		return failure("no event loop");
	rc = check_servers_resolve(&run->servers, &run->options, run->base);
	if (rc == 0)
		rc = check_turn_resolve(&run->turn, &run->options, run->base);
	if (rc == 0)
		rc = choose_interfaces(run);
	if (rc == 0)
		rc = probe(run);
	return rc == 0 ? report(run) : rc;
}

static void clear(struct run *run)
{
	check_free(run->check);
	expect_free(&run->expect);
	geo_free(run->geo);
	check_turn_clear(&run->turn);
	if (run->base != NULL)
		event_base_free(run->base);
	opt_clear(&check_program, &run->options);
	free(run->probes);
	check_servers_clear(&run->servers);
}

/* Returns -1 to go on, or an exit code. */
static int read_options(struct run *run, int argc, char **argv, const struct command *all)
{
	struct check_options *o = &run->options;
	struct opt_error err;
	int first = argc;

	if (!opt_defaults(&check_program, o, &err) ||
	    !opt_read_args(&check_program, argc, argv, o, &first, &err)) {
		fprintf(stderr, "natprobe: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (o->help) {
		opt_print_help(&check_program, stdout);
		command_print_all(all, stdout);
		return EXIT_REACHED;
	}
	if (o->version) {
		puts(VERSION_TEXT);
		return EXIT_REACHED;
	}
	if (first < argc)
		return usage(argv[first], "check takes options only; servers go behind --server");
	if (o->quiet && (o->verbose || o->explain || o->rfc))
		return usage("--quiet", "does not go with --verbose, --explain and --rfc");
	if (o->redact && (o->expect != NULL || o->save != NULL || o->tap || o->junit != NULL))
		return usage("--redact", "goes with text and --json only");
	if (o->json && o->tap)
		return usage("--tap", "does not go with --json; --junit does");
	if (!o->ipv4 && !o->ipv6)
		o->ipv4 = o->ipv6 = true;
	return -1;
}

int cmd_check(int argc, char **argv, const struct command *all)
{
	struct run run = { .started_ms = clock_ms() };
	int rc = read_options(&run, argc, argv, all);

	if (rc < 0)
		rc = check(&run);
	clear(&run);
	return rc;
}
