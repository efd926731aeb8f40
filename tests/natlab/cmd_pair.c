/* natlab pair: two hosts, each behind a profile of its own, and a command on each. */
#include "command.h"

#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "spaces.h"

static const struct {
	const char *box, *host;
} sides[] = { { "nat-a", "a" }, { "nat-b", "b" } };

static struct session_command command_of(const char *host, char **argv)
{
	bool is_one_word = argv[0] != NULL && argv[1] == NULL;

	return (struct session_command){ .node = host,
					 .argv = argv,
					 .command = is_one_word ? argv[0] : NULL };
}

/* Cuts "A... -- B..." in two. */
static bool split(char **rest, struct session_command commands[2], struct lab_error *err)
{
	char **b = rest;

	while (*b != NULL && strcmp(*b, "--") != 0)
		b++;
	if (*b == NULL || b == rest || b[1] == NULL)
		return lab_fail(err, "pair: two commands are needed: -- COMMAND_A -- COMMAND_B");
	*b++ = NULL;
	for (char **word = b; *word != NULL; word++) {
		if (strcmp(*word, "--") == 0)
			return lab_fail(err,
					"pair: put a command that has a -- itself into quotes: "
					"one word is run by sh -c");
	}
	commands[0] = command_of(sides[0].host, rest);
	commands[1] = command_of(sides[1].host, b);
	return true;
}

static bool make_plan(const struct request *r, struct lab_plan *plan, struct lab_error *err)
{
	plan->seed = request_seed(r);
	for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
		size_t first = plan->box_count;

		if (!lab_add_profile(plan, r->profiles[i], sides[i].box, sides[i].host, err) ||
		    !request_apply(r, i, plan, first, err))
			return false;
	}
	return true;
}

static int run(const struct request *r, struct lab_plan *plan)
{
	struct session_command commands[2];
	struct lab_error err;

	if (!split(r->rest, commands, &err) || !make_plan(r, plan, &err)) {
		fprintf(stderr, "natlab: %s\n", err.text);
		return EXIT_OURS;
	}
	return session_run(plan, r, commands, 2);
}

int cmd_pair(int argc, char **argv)
{
	struct lab_plan *plan = calloc(1, sizeof(*plan));
	struct request r;
	int status = EXIT_OURS;

	if (!request_read(&r, options_pair(), 2, argc, argv) || plan == NULL) {
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
