/* natlab run: one host behind one profile, and one command on it. */
#include "command.h"

#include <stdlib.h>

#include "session.h"
#include "spaces.h"

#define HOST_NAME "host"
#define BOX_NAME  "nat"

static int run(const struct request *r, struct lab_plan *plan)
{
	struct session_command command = { .node = HOST_NAME, .argv = r->rest };
	struct lab_error err;

	plan->seed = request_seed(r);
	if (!lab_add_profile(plan, r->profiles[0], BOX_NAME, HOST_NAME, &err) ||
	    !request_apply(r, 0, plan, 0, &err)) {
		fprintf(stderr, "natlab: %s\n", err.text);
		return EXIT_OURS;
	}
	return session_run(plan, r, &command, 1);
}

int cmd_run(int argc, char **argv)
{
	struct lab_plan *plan = calloc(1, sizeof(*plan));
	struct request r;
	int status = EXIT_OURS;

	if (!request_read(&r, options_run(), 1, argc, argv) || plan == NULL) {
		status = EXIT_OURS;
	} else if (r.help) {
		opt_print_help(r.program, stdout);
		status = 0;
	} else {
		status = run(&r, plan);
	}
	request_clear(&r);
	free(plan);
	return status;
}
