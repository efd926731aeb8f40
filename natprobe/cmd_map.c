/* natprobe map: has the gateway open a port, keeps it open, closes it. */
#include <config.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "natprobe/map/map_run.h"

#define VERSION_TEXT "natprobe " PACKAGE_VERSION

static int usage(const char *what, const char *why)
{
	fprintf(stderr, "natprobe: map: %s: %s\n", what, why);
	return EXIT_USAGE;
}

static int read_ports(struct map_run *run, char **operands, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!map_port_read(operands[i], &run->ports[i]))
			return usage(operands[i],
				     "not a port; write 4900/udp or 4900/tcp, or 4900 for both");
	}
	run->port_count = count;
	return -1;
}

/* What does not go together. Returns -1 to go on, or an exit code. */
static int check_options(const struct map_options *o, size_t count)
{
	if (o->list && (o->delete || o->keep || count > 0))
		return usage("--list", "stands alone");
	if (o->delete && o->keep)
		return usage("--delete", "does not go with --keep");
	if (!o->list && count == 0)
		return usage("no port", "name one, as 4900/udp");
	if (o->external != 0 && (count != 1 || o->delete))
		return usage("--external", "goes with one port that is to be opened");
	if (o->json && o->quiet)
		return usage("--quiet", "does not go with --json");
	return -1;
}

static int read_options(struct map_run *run, struct map_options *o, int argc, char **argv)
{
	char *operands[MAP_PORTS_MAX];
	struct opt_error err;
	size_t count;
	int rc;

	if (!opt_defaults(&map_program, o, &err) ||
	    !command_read_args(&map_program, argc, argv, o, operands, MAP_PORTS_MAX, &count,
			       &err)) {
		fprintf(stderr, "natprobe: map: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (o->help) {
		opt_print_help(&map_program, stdout);
		return EXIT_REACHED;
	}
	rc = check_options(o, count);
	return rc < 0 ? read_ports(run, operands, count) : rc;
}

static int map(struct map_run *run)
{
	int rc;

	(void)signal(SIGPIPE, SIG_IGN); /* a device may close while we write to it */
	run->base = event_base_new();
	if (run->base == NULL) {
		fprintf(stderr, "natprobe: map: no event loop\n");
		return EXIT_FAILED;
	}
	rc = map_find_paths(run);
	if (rc != 0)
		return rc;
	if (run->options->list)
		return map_print_list(run);
	return run->options->delete ? map_close(run) : map_open(run);
}

int cmd_map(int argc, char **argv, const struct command *all)
{
	struct map_options options;
	struct map_run run = { .options = &options, .program = VERSION_TEXT };
	int rc = read_options(&run, &options, argc, argv);

	if (rc < 0)
		rc = map(&run);
	map_run_clear(&run);
	opt_clear(&map_program, &options);
	return rc;
}
