/* natprobe forward: ports here lead to services over there, and the other way round. */
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "natprobe/forward/forward_report.h"
#include "natprobe/link/link_code.h"
#include "natprobe/link/link_user.h"
#include "natprobe/report/report.h"

#define SPECS_MAX  32
#define ALLOWS_MAX 64

struct forward_run {
	const struct punch_options *meeting;
	struct link_user *user;
	struct forward *forward;
	bool is_told; /* to end, by one of them */
	struct forward_report report;
	struct forward_spec specs[SPECS_MAX];
	size_t spec_count;
	struct forward_target allows[ALLOWS_MAX];
	size_t allow_count;
};

static int usage(const char *what)
{
	fprintf(stderr, "natprobe: forward: %s\n", what);
	return EXIT_USAGE;
}

static int usage_of(const char *text, const char *what)
{
	fprintf(stderr, "natprobe: forward: %s: %s\n", text, what);
	return EXIT_USAGE;
}

static bool attach(void *arg, const char *line, const struct link_user_stream *stream)
{
	struct forward_run *r = arg;

	return link_user_attach(r->user, line, stream);
}

static void on_event(void *arg, const struct forward_event *e)
{
	struct forward_run *r = arg;

	forward_report_event(&r->report, e);
}

static void on_code(void *arg, const char *code)
{
	const struct forward_run *r = arg;

	link_code_show(r->meeting, "forward CODE ...", code, stdout);
}

static void on_path(void *arg, bool is_up, const char *what)
{
	struct forward_run *r = arg;

	forward_report_path(&r->report, is_up, what);
}

static void fail(struct forward_run *r, const char *what, const char *why)
{
	fprintf(stderr, "natprobe: forward: %s: %s\n", what, why);
	link_user_end(r->user, EXIT_FAILED);
}

static void begin(struct forward_run *r)
{
	const struct forward_spec *failed = NULL;
	char at[ADDR_TEXT_MAX], why[128];
	int rc = forward_listen(r->forward, &failed);

	if (rc != 0) {
		(void)snprintf(why, sizeof(why), "%s; choose another port or address",
			       strerror(-rc));
		fail(r, addr_print(&failed->listen, at), why);
		return;
	}
	for (size_t i = 0; i < r->allow_count; i++)
		forward_report_allow(&r->report, &r->allows[i]);
	forward_serve(r->forward);
}

/* The link ends by itself, once nothing more is fed to it. */
static void on_interrupt(void *arg)
{
	struct forward_run *r = arg;

	r->is_told = true;
	if (r->forward != NULL)
		forward_stop(r->forward);
}

static void clear(struct forward_run *r)
{
	forward_free(r->forward);
}

static void on_begin(void *arg, struct link_user *user)
{
	struct forward_run *r = arg;
	const struct forward_config config = {
		.base = link_user_base(user),
		.attach = attach,
		.on_event = on_event,
		.arg = r,
		.specs = r->specs,
		.spec_count = r->spec_count,
		.allows = r->allows,
		.allow_count = r->allow_count,
	};

	r->user = user;
	r->forward = forward_new(&config);
	if (r->forward == NULL) {
		fail(r, "start", "out of memory");
		return;
	}
	begin(r);
}

static int run(const struct link_options *o, struct forward_run *r, char *operand)
{
	const struct link_user_config config = {
		.command = "forward",
		.options = o,
		.operand = operand,
		.on_code = on_code,
		.on_begin = on_begin,
		.on_path = on_path,
		.on_interrupt = on_interrupt,
		.arg = r,
	};
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);
	rc = link_user_run(&config);
	clear(r);
	return rc == EXIT_FAILED && r->is_told ? EXIT_REACHED : rc;
}

/* --- what it is told --- */

/* Neither a code nor an address is one of [ADDRESS:]PORT:HOST:PORT, nor what is mistyped for one. */
static bool is_code(const char *operand)
{
	return strchr(operand, ':') == NULL || strncmp(operand, "natkit:", 7) == 0;
}

static int read_specs(struct forward_run *r, char **operands, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *why =
			forward_spec_read(bytes_of_str(operands[i]), &r->specs[r->spec_count]);

		if (why != NULL)
			return usage_of(operands[i], why);
		r->spec_count++;
	}
	return -1;
}

static int read_allows(struct forward_run *r, const struct link_options *o)
{
	char *const *texts = o->allow.items;

	if (o->allow.count > ALLOWS_MAX)
		return usage("there are too many --allow; 64 are possible");
	for (size_t i = 0; i < o->allow.count; i++) {
		const char *why = forward_target_read(bytes_of_str(texts[i]), &r->allows[i]);

		if (why != NULL)
			return usage_of(texts[i], why);
		r->allow_count++;
	}
	return -1;
}

/* Returns -1 to go on, or an exit code. */
static int read_operands(struct forward_run *r, const struct link_options *o, char **operands,
			 size_t count, char **code)
{
	const bool has_code = count > 0 && is_code(operands[0]);
	int rc;

	*code = has_code ? operands[0] : NULL;
	if (count - has_code > SPECS_MAX)
		return usage("there are too many ports; 32 are possible");
	rc = read_specs(r, operands + has_code, count - has_code);
	if (rc < 0)
		rc = read_allows(r, o);
	if (rc < 0 && r->spec_count == 0 && r->allow_count == 0)
		return usage("nothing is to be forwarded: name PORT:HOST:PORT, or what the other "
			     "side may reach by --allow HOST:PORT");
	return rc;
}

/* Returns -1 to go on, or an exit code. */
static int read_options(struct link_options *o, struct forward_run *r, int argc, char **argv,
			char **code)
{
	char *operands[SPECS_MAX + 1];
	const char *conflict;
	struct opt_error err;
	size_t count;

	if (!opt_defaults(&forward_program, o, &err) ||
	    !command_read_args(&forward_program, argc, argv, o, operands, SPECS_MAX + 1, &count,
			       &err))
		return usage(err.text);
	if (o->punch.help) {
		opt_print_help(&forward_program, stdout);
		return EXIT_REACHED;
	}
	conflict = punch_options_conflict(&o->punch);
	if (conflict != NULL)
		return usage(conflict);
	return read_operands(r, o, operands, count, code);
}

int cmd_forward(int argc, char **argv, const struct command *all)
{
	struct forward_run *r = calloc(1, sizeof(*r));
	struct link_options o = { 0 };
	char *code = NULL;
	int rc;

	if (r == NULL) {
		fprintf(stderr, "natprobe: forward: out of memory\n");
		return EXIT_FAILED;
	}
	rc = read_options(&o, r, argc, argv, &code);
	r->meeting = &o.punch;
	r->report.json = o.punch.json;
	r->report.quiet = o.punch.quiet;
	if (rc < 0)
		rc = run(&o, r, code);
	opt_clear(&forward_program, &o);
	free(r);
	return rc;
}
