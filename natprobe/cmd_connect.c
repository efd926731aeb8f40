/* natprobe connect: makes a path to another natprobe, and hands it over to a program. */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "natprobe/net/bound_port.h"
#include "natprobe/pair/handover.h"
#include "natprobe/pair/pair_ways.h"
#include "natprobe/pair/parting_io.h"
#include "natprobe/pair/relay_proxy.h"
#include "natprobe/trial/trial_json.h"
#include "natprobe/trial/trial_text.h"

#define BIT(s) PUNCH_BIT(PUNCH_##s)
#define OVER_UDP                                                                             \
	(BIT(DIRECT) | BIT(PORT_MAPPING) | BIT(SIMULTANEOUS) | BIT(LOW_TTL) | BIT(DELAYED) | \
	 BIT(PREDICTION) | BIT(BIRTHDAY) | BIT(MIXED) | BIT(RELAY))
#define OVER_SOCKETS (((1u << PUNCH_STRATEGIES) - 2) & ~BIT(RELAY))

#define HAND_LIMIT_US UINT64_C(15000000) /* by hand nobody tells when a side is through */
#define BOUND_US      5000000            /* for our program to have its port */
#define STARTED_US    7000000            /* ... and for the other side to hear that theirs has */
#define BLIND_US      1000000            /* the same, where nothing but the path is common */
#define LOOK_US       5000

/* What stands behind --. */
struct command_line {
	char **words;
	size_t count;
};

/* The program that has the path, while we keep its ports open. */
struct child {
	struct pair_run *run;
	struct relay_proxy *proxy;
	struct event *signals[3];
	pid_t pid;
	int status;
	bool is_over, is_released;
	bool they_serve; /* their program is to be there first */
};

static int usage(const char *what)
{
	fprintf(stderr, "natprobe: connect: %s\n", what);
	return EXIT_USAGE;
}

static int failure(const char *what, const char *why)
{
	fprintf(stderr, "natprobe: connect: %s: %s\n", what, why);
	return EXIT_FAILED;
}

static void on_child(evutil_socket_t number, short events, void *arg)
{
	struct child *c = arg;

	if (waitpid(c->pid, &c->status, WNOHANG) == c->pid)
		c->is_over = true;
	event_base_loopbreak(c->run->base);
}

/*
 * A terminal sends ^C to the program as well; others tell us alone. Until there is one, the run is
 * interrupted: 0 would be all of our process group.
 */
static void on_signal(evutil_socket_t number, short events, void *arg)
{
	const struct child *c = arg;

	if (c->pid > 0 && !c->is_over)
		(void)kill(c->pid, (int)number);
}

static bool watch(struct child *c, size_t i, int number, event_callback_fn callback)
{
	c->signals[i] = evsignal_new(c->run->base, number, callback, c);
	return c->signals[i] != NULL && event_add(c->signals[i], NULL) == 0;
}

static void on_released(void *arg)
{
	struct child *c = arg;

	c->is_released = true;
	event_base_loopbreak(c->run->base);
}

/* Mapped ports and the relay are kept while it runs, and given back then. */
static void wait_for(struct child *c)
{
	while (!c->is_over)
		event_base_dispatch(c->run->base);
	punch_io_release(c->run->io, on_released, c);
	while (!c->is_released)
		event_base_dispatch(c->run->base);
}

static void clear(struct child *c)
{
	for (size_t i = 0; i < ARRAY_LEN(c->signals); i++) {
		if (c->signals[i] != NULL)
			event_free(c->signals[i]);
	}
	relay_proxy_free(c->proxy);
}

/* As our NAT is known, and no longer than the other side's is known to keep its mapping. */
static uint32_t measured_lifetime(const struct pair_run *run, uint8_t path)
{
	uint32_t lifetime_s = 0;

	if (path < run->self.profile.path_count)
		lifetime_s = run->self.profile.paths[path].lifetime_s;
	for (uint8_t i = 0; i < run->theirs.path_count; i++) {
		uint32_t theirs_s = run->theirs.paths[i].lifetime_s;

		if (theirs_s != 0 && theirs_s < lifetime_s)
			lifetime_s = theirs_s;
	}
	return lifetime_s;
}

static uint32_t lifetime_of(const struct pair_run *run, const struct trial_record *r)
{
	uint32_t measured = measured_lifetime(run, r->path.path);

	if (r->quality.survived == VERDICT_YES && r->quality.held_s > measured)
		return r->quality.held_s;
	return measured;
}

/* Lets the base run for a moment. */
static void look_around(struct pair_run *run)
{
	const struct timeval moment = { .tv_usec = LOOK_US };

	event_base_loopexit(run->base, &moment);
	event_base_loop(run->base, EVLOOP_ONCE);
}

static int judge_parting(const struct pair_run *run, enum parting_end end)
{
	switch (end) {
	case PARTING_ALONE:
		if (!run->options->quiet)
			fprintf(stderr,
				"natprobe: connect: the other side is silent at the end: its "
				"program may have started before ours, or not at all\n");
		return 0;
	case PARTING_INTERRUPTED:
		return EXIT_INCONCLUSIVE;
	case PARTING_BROKEN:
		return failure("path", "it was closed before a program could have it");
	case PARTING_TOGETHER:
		break;
	}
	return 0;
}

/* Both sides let go of the path at one moment. */
static int part(struct child *c, const struct handover *h)
{
	struct pair_run *run = c->run;
	const struct trial_record *r = pair_run_last(run);
	struct parting_io_config config = {
		.base = run->base,
		.io = run->io,
		.fd = h->fd,
		.is_tcp = h->is_tcp,
		.peer = h->peer,
		.parting = { .is_a = h->is_a,
			     .serves = run->options->serve,
			     .rtt_us = r->quality.rtt_median_us,
			     .limit_us = pair_hand_is(run) ? HAND_LIMIT_US : PARTING_LIMIT_US },
		.is_interrupted = &run->is_interrupted,
	};
	enum parting_end end = PARTING_BROKEN;

	meet_key(meet_io_meet(run->meet), "parting", config.parting.key);
	if (RAND_bytes(config.parting.random, sizeof(config.parting.random)) == 1)
		end = parting_io_run(&config, &c->they_serve);
	OPENSSL_cleanse(&config, sizeof(config));
	return judge_parting(run, end);
}

/* Theirs goes first: it has its port, or there is nobody to say so. */
static void wait_for_theirs(const struct child *c)
{
	struct pair_run *run = c->run;
	uint64_t until_us = clock_us() + (pair_hand_is(run) ? BLIND_US : STARTED_US);

	if (!c->they_serve || run->options->serve)
		return;
	while (!run->is_peer_started && !run->is_peer_gone && !run->is_interrupted &&
	       clock_us() < until_us)
		look_around(run);
}

/* Ours went first: it is there once it has its port. */
static void tell_started(const struct child *c, const struct handover *h)
{
	struct pair_run *run = c->run;
	const bool is_there = h->pass_as > 0;
	uint64_t until_us = clock_us() + BOUND_US;

	if (!run->options->serve || c->they_serve)
		return;
	while (!is_there && !c->is_over && clock_us() < until_us &&
	       bound_port_udp(h->inner.port) != 1)
		look_around(run);
	pair_run_say_started(run);
}

static void describe(struct child *c, struct handover *h)
{
	struct pair_run *run = c->run;
	const struct trial_record *r = pair_run_last(run);

	*h = (struct handover){ .inner = r->path.local,
				.outer = r->path.outer,
				.peer = r->path.remote,
				.is_a = r->is_a,
				.is_tcp = r->path.is_tcp,
				.lifetime_s = lifetime_of(run, r),
				.pass_as = (int)run->options->fd };
	memcpy(h->key, run->application_key, sizeof(h->key));
	h->fd = punch_io_take(run->io);
}

/* The path is free for a program, which may start now. Returns 0 or an exit code. */
static int let_go(struct child *c, struct handover *h)
{
	int rc = part(c, h);

	if (rc == 0)
		wait_for_theirs(c);
	if (c->run->is_interrupted)
		rc = EXIT_INCONCLUSIVE;
	if (rc != 0 || h->fd >= 0)
		return rc;
	rc = relay_proxy_open(c->run->base, c->run->io, &h->inner, &h->peer, &c->proxy);
	return rc == 0 ? 0 : failure("relay", strerror(-rc));
}

static int spawn(struct child *c, struct handover *h, char *const *command, size_t count)
{
	const char *why;
	char **args = handover_args(h, command, count, &why);
	int rc;

	if (args == NULL)
		return failure(command[0], why);
	rc = handover_start(h, args, &c->pid);
	handover_free_args(args);
	return rc == 0 ? 0 : failure(command[0], strerror(-rc));
}

static int start(struct child *c, char *const *command, size_t count)
{
	struct handover h;
	int rc;

	describe(c, &h);
	rc = let_go(c, &h);
	if (rc == 0)
		rc = spawn(c, &h, command, count);
	if (rc == 0)
		tell_started(c, &h);
	if (h.fd >= 0)
		close(h.fd);
	OPENSSL_cleanse(&h, sizeof(h));
	return rc;
}

static int hand_over(struct pair_run *run, char *const *command, size_t count)
{
	struct child c = { .run = run };
	int rc = EXIT_FAILED;

	/* It may end before we wait for it. */
	if (watch(&c, 0, SIGCHLD, on_child) && watch(&c, 1, SIGTERM, on_signal) &&
	    watch(&c, 2, SIGINT, on_signal))
		rc = start(&c, command, count);
	pair_run_leave(run);
	if (rc == 0) {
		wait_for(&c);
		rc = WIFEXITED(c.status) && WEXITSTATUS(c.status) == 0 ? EXIT_REACHED : EXIT_FAILED;
	}
	clear(&c);
	return rc;
}

/* Standard output is the program's. */
static void show_code(const struct punch_code *code, const struct punch_options *o)
{
	fprintf(stderr, "%s\n", code->text);
}

static int run_path(struct pair_run *run)
{
	const struct report_style style = { .quiet = true };
	const struct command_line *program = run->arg;
	const struct trial_record *r;
	int rc = pair_run_all(run);

	r = pair_run_last(run);
	if (rc == 0 && r != NULL) {
		bool has_path = r->path.strategy != PUNCH_NONE;

		if (!run->options->quiet || !has_path)
			trial_text_one(r, &style, stderr);
		if (!has_path && run->options->fd == 0 && r->overall.reason == REASON_UDP_BLOCKED)
			fprintf(stderr,
				"natprobe: connect: over TCP there may be a path, which --fd "
				"hands over\n");
		rc = has_path ? hand_over(run, program->words, program->count)
			      : (int)trial_exit(&run->trials);
	}
	pair_run_leave(run);
	pair_run_clear(run);
	return rc;
}

static int connect_with(struct punch_options *o, char *operand, struct command_line *program)
{
	const struct pair_ways ways = {
		.like = { .command = "connect",
			  .options = o,
			  .arg = program,
			  .keeps_path = true,
			  .stays = true,
			  .only = o->fd > 0 ? OVER_SOCKETS : OVER_UDP },
		.show_code = show_code,
		.run = run_path,
	};

	o->accept_max = 1;
	return pair_ways_run(&ways, operand);
}

/* Returns -1 to go on, or an exit code. */
static int read_options(struct punch_options *o, int argc, char **argv, char **code)
{
	const char *conflict;
	struct opt_error err;
	size_t count;

	*code = NULL;
	if (!opt_defaults(&connect_program, o, &err) ||
	    !command_read_args(&connect_program, argc, argv, o, code, 1, &count, &err))
		return usage(err.text);
	if (o->help) {
		opt_print_help(&connect_program, stdout);
		return EXIT_REACHED;
	}
	conflict = punch_options_conflict(o);
	return conflict != NULL ? usage(conflict) : -1;
}

static int check_words(const struct command_line *program)
{
	const char *why;

	if (program->count == 0)
		return usage("which program? name it behind --");
	why = handover_check(program->words, program->count);
	if (why != NULL)
		return usage(why);
	/* Where it depends on the path, nobody knows yet. */
	if (strchr(program->words[0], '%') != NULL || handover_finds(program->words[0]))
		return -1;
	fprintf(stderr, "natprobe: connect: %s: there is no such program\n", program->words[0]);
	return EXIT_USAGE;
}

static int find_dashes(int argc, char **argv)
{
	int at = 1;

	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	return at;
}

int cmd_connect(int argc, char **argv, const struct command *all)
{
	struct punch_options o = { 0 };
	int dashes = find_dashes(argc, argv), rest = dashes < argc ? dashes + 1 : argc;
	struct command_line program = { .words = argv + rest, .count = (size_t)(argc - rest) };
	char *operand;
	int rc;

	/* Both sides may share a terminal. */
	(void)setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	handover_begin();
	rc = read_options(&o, dashes, argv, &operand);

	if (rc < 0)
		rc = check_words(&program);
	if (rc < 0)
		rc = connect_with(&o, operand, &program);
	opt_clear(&connect_program, &o);
	return rc;
}
