#include "link_run.h"

#include <stdio.h>

#include "natprobe/pair/pair_ways.h"
#include "natprobe/transport/transport.h"

bool link_run_is_built(const char *command)
{
	if (transport_is_built())
		return true;
	fprintf(stderr,
		"natprobe: %s: this natprobe was built without libusrsctp; build it with "
		"libusrsctp-dev installed\n",
		command);
	return false;
}

static int run_with(const struct link_run_config *c, struct pair_run *run, struct link_host *h)
{
	int rc = c->name != NULL ? link_host_listen(h, c->name) : 0;

	if (rc != 0)
		return rc;
	run->again_hooks.is_patient = !c->is_short;
	if (c->on_begin != NULL)
		c->on_begin(c->arg, h);
	rc = pair_run_all(run);
	if (rc == 0 && c->is_short && !link_host_has_ended(h))
		rc = EXIT_FAILED; /* interrupted, while a path was made */
	if (c->on_over != NULL)
		c->on_over(c->arg);
	return rc;
}

static int run_link(struct pair_run *run)
{
	const struct link_run_config *c = run->arg;
	struct link_host_config host = {
		.run = run, .is_short = c->is_short, .on_path = c->on_path, .arg = c->arg
	};
	struct link_host *h;
	int rc = pair_run_open(run);

	if (rc == 0) {
		h = link_host_new(&host);
		rc = h != NULL ? run_with(c, run, h) : EXIT_FAILED;
		link_host_free(h);
	}
	pair_run_clear(run);
	return rc;
}

/* pair_ways tells no more than the options, of which ours is a copy. */
struct way {
	struct punch_options punch; /* first */
	const struct link_run_config *config;
};

static void show_code(const struct punch_code *code, const struct punch_options *o)
{
	const struct way *w = (const struct way *)(const void *)o;

	if (w->config->show_code != NULL)
		w->config->show_code(o, code->text);
}

int link_run(const struct link_run_config *config)
{
	struct way way = { .punch = config->options->punch, .config = config };
	const struct pair_ways ways = {
		.like = { .command = config->command,
			  .options = &way.punch,
			  .lent_base = config->base,
			  .arg = (void *)(uintptr_t)config },
		.show_code = show_code,
		.run = run_link,
	};

	if (!link_run_is_built(config->command))
		return EXIT_FAILED;
	way.punch.accept_max = 1;
	return pair_ways_run(&ways, config->operand);
}
