/* natprobe punch: a path to another natprobe through the NATs of both, or why there is none. */
#include <config.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "natprobe/meet/own_key.h"
#include "natprobe/pair/pair_run.h"
#include "natprobe/pair/punch_code.h"
#include "natprobe/trial/trial_html.h"
#include "natprobe/trial/trial_json.h"
#include "natprobe/trial/trial_text.h"

static int complain(int rc, const char *what)
{
	fprintf(stderr, "natprobe: punch: %s\n", what);
	return rc;
}

static int usage(const char *what)
{
	return complain(EXIT_USAGE, what);
}

static struct report_style style_of(const struct punch_options *o)
{
	return (struct report_style){ .colour = command_has_colour(),
				      .utf8 = command_has_utf8(),
				      .quiet = o->quiet,
				      .verbose = o->verbose };
}

static void on_trial(void *arg, const struct trial_record *r)
{
	const struct pair_run *run = arg;
	const struct report_style style = style_of(run->options);

	if (run->options->json)
		return;
	trial_text_one(r, &style, stdout);
	(void)fflush(stdout);
}

/* In a line of its own, so that a script can take it; with --json standard output is JSON's. */
static void show_code(const struct punch_code *code, const struct punch_options *o)
{
	FILE *out = o->json ? stderr : stdout;

	if (!code->is_new || o->code_file != NULL)
		return;
	if (!o->quiet && isatty(STDERR_FILENO))
		fprintf(stderr, "On the other side: natprobe punch CODE, and the code is\n");
	fprintf(out, "%s\n", code->text);
	(void)fflush(out);
}

static void set_time(struct trial_run *t)
{
	const time_t now = time(NULL);
	struct tm utc;

	(void)snprintf(t->program, sizeof(t->program), "natprobe " PACKAGE_VERSION);
	if (gmtime_r(&now, &utc) != NULL)
		(void)strftime(t->time, sizeof(t->time), "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* All of the run. Returns 0 or an exit code. */
static int report(struct pair_run *run)
{
	const struct punch_options *o = run->options;
	const struct report_style style = style_of(o);
	bool ok = true;

	set_time(&run->trials);
	if (o->json)
		ok = trial_json(&run->trials, stdout);
	else
		trial_text_summary(&run->trials, &style, stdout);
	if (!ok || fflush(stdout) != 0 || ferror(stdout))
		return complain(EXIT_FAILED, "cannot write the report");
	return o->html != NULL ? trial_html_write(&run->trials, o->html) : 0;
}

static int run_trials(struct pair_run *run)
{
	int rc, written = 0;

	run->command = "punch";
	run->on_trial = on_trial;
	run->arg = run;
	rc = pair_run_all(run);
	if (run->trials.count > 0)
		written = report(run);
	if (rc == 0 && run->trials.count > 0)
		rc = (int)trial_exit(&run->trials);
	pair_run_clear(run);
	return written != 0 ? written : rc;
}

static int punch_by_code(const struct punch_options *o, char *operand)
{
	struct punch_code code = { 0 };
	struct pair_run run = { .options = o, .code = code.text };
	int rc;

	run.command = "punch";
	rc = pair_run_open(&run);
	if (rc == 0)
		rc = punch_code_find("punch", operand, o->code_file, &code);
	if (rc == 0) {
		show_code(&code, o);
		rc = run_trials(&run);
	} else {
		pair_run_clear(&run);
	}
	punch_code_clear(&code);
	return rc;
}

static int punch_by_address(const struct punch_options *o, const char *text)
{
	struct address address;
	struct pair_run run = { .options = o, .invites = &address };
	const char *why;

	if (!address_parse(text, &address, &why))
		return usage(why);
	if (address.is_once)
		return usage("this is an offer by hand: natprobe punch --answer TOKEN");
	return run_trials(&run);
}

static void fill_random(void *arg, void *buf, size_t len)
{
	if (RAND_bytes(buf, (int)len) != 1)
		abort(); /* without it nothing is safe */
}

static int open_door(const struct punch_options *o, struct meet_door **door)
{
	struct own_key key;
	int rc = own_key_read(&key, o->key_file);

	if (rc == 0)
		*door = meet_door_new(key.private_key, fill_random, NULL, clock_us());
	own_key_clear(&key);
	if (rc != 0)
		return usage("the key of our address cannot be read; natprobe address says why");
	return *door != NULL ? 0 : complain(EXIT_FAILED, "out of memory");
}

/* One inviter after the other; what goes wrong with one is no reason to leave the others alone. */
static int accept_all(const struct punch_options *o)
{
	struct meet_door *door = NULL;
	int rc = open_door(o, &door);

	for (int64_t i = 0; door != NULL && i < o->accept_max; i++) {
		struct pair_run run = { .options = o, .accepts = door };

		rc = run_trials(&run);
		if (run.is_interrupted || run.is_alone || rc == EXIT_USAGE || rc == EXIT_NO_SERVER)
			break;
	}
	meet_door_free(door);
	return rc;
}

static int punch_by_offer(const struct punch_options *o)
{
	struct meet_door *door = NULL;
	struct own_key key;
	struct pair_run run = { .options = o, .offers = &key };
	int rc = own_key_make(&key);

	if (rc == 0)
		door = meet_door_new(key.private_key, fill_random, NULL, clock_us());
	OPENSSL_cleanse(key.private_key, sizeof(key.private_key));
	run.accepts = door;
	rc = door != NULL ? run_trials(&run) : complain(EXIT_FAILED, "out of memory");
	own_key_clear(&key);
	meet_door_free(door);
	return rc;
}

/* As far as it goes, or until it is whole. */
static void read_offer(char text[static ADDRESS_TEXT_MAX], struct address *a)
{
	const char *why;
	size_t len = 0;
	ssize_t n;

	do {
		n = read(STDIN_FILENO, text + len, ADDRESS_TEXT_MAX - 1 - len);
		len += n > 0 ? (size_t)n : 0;
		text[len] = '\0';
	} while (n > 0 && len + 1 < ADDRESS_TEXT_MAX && !address_parse(text, a, &why));
}

static int punch_by_answer(const struct punch_options *o)
{
	char typed[ADDRESS_TEXT_MAX];
	const char *text = o->answer, *why;
	struct address offer = { 0 };
	struct pair_run run = { .options = o, .answers = &offer };

	if (strcmp(text, "-") == 0) {
		read_offer(typed, &offer);
		text = typed;
	}
	if (!address_parse(text, &offer, &why))
		return usage(why);
	if (!offer.is_once || offer.offer_len == 0)
		return usage("this is an address, and no offer: natprobe punch ADDRESS");
	return run_trials(&run);
}

static int punch(const struct punch_options *o, char *operand)
{
	if ((o->offer || o->answer != NULL) && (operand != NULL || o->code_file != NULL))
		return usage(
			"by hand there is no code: --offer on one side, --answer on the other");
	if (o->offer)
		return punch_by_offer(o);
	if (o->answer != NULL)
		return punch_by_answer(o);
	if (o->accept && (operand != NULL || o->code_file != NULL))
		return usage("--accept takes no code: others know our address");
	if (o->accept)
		return accept_all(o);
	if (operand != NULL && strncmp(operand, "natkit:", strlen("natkit:")) == 0)
		return punch_by_address(o, operand);
	return punch_by_code(o, operand);
}

/* Returns -1 to go on, or an exit code. */
static int read_options(struct punch_options *o, int argc, char **argv, char **code)
{
	const char *conflict;
	struct opt_error err;
	size_t count;

	*code = NULL;
	if (!opt_defaults(&punch_program, o, &err) ||
	    !command_read_args(&punch_program, argc, argv, o, code, 1, &count, &err))
		return usage(err.text);
	if (o->help) {
		opt_print_help(&punch_program, stdout);
		return EXIT_REACHED;
	}
	conflict = punch_options_conflict(o);
	return conflict != NULL ? usage(conflict) : -1;
}

int cmd_punch(int argc, char **argv, const struct command *all)
{
	struct punch_options o = { 0 };
	char *operand;
	int rc = read_options(&o, argc, argv, &operand);

	if (rc < 0)
		rc = punch(&o, operand);
	opt_clear(&punch_program, &o);
	return rc;
}
