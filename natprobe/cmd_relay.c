/* natprobe relay: does a TURN server relay, over which transports, how well, and why not? */
#include <config.h>

#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "command.h"
#include "dial.h"
#include "natprobe/net/random.h"
#include "natprobe/relay/relay_lookup.h"
#include "natprobe/relay/relay_mask.h"
#include "natprobe/relay/relay_options.h"
#include "natprobe/relay/relay_run.h"
#include "natprobe/relay/relay_secrets.h"

#define VERSION_TEXT  "natprobe " PACKAGE_VERSION
#define LOOKUP_MAX_MS 5000

/* All that a run owns. */
struct run {
	struct relay_options options;
	const char *uri_text;
	struct stun_uri uri;
	struct relay_secrets secrets;
	struct event_base *base;
	struct turn_resolve *resolve;
	SSL_CTX *tls, *dtls;
	struct turn_candidate candidates[RELAY_RUN_MAX];
	size_t count;
	struct relay_row *rows;
	uint64_t started_ms;
};

static int usage(const char *what, const char *why)
{
	fprintf(stderr, "natprobe: relay: %s: %s\n", what, why);
	return EXIT_USAGE;
}

static int failure(const char *what)
{
	fprintf(stderr, "natprobe: relay: %s\n", what);
	return EXIT_FAILED;
}

/* Addresses of one transport and family that are tried, at most. */
#define EACH_MAX 2

static bool is_enough(const struct run *run, const struct turn_candidate *c)
{
	size_t same = 0;

	for (size_t i = 0; i < run->count; i++) {
		same += run->candidates[i].transport == c->transport &&
			run->candidates[i].to.family == c->to.family;
	}
	return same >= EACH_MAX || run->count == RELAY_RUN_MAX;
}

static void choose(struct run *run)
{
	size_t count;
	const struct turn_candidate *list = turn_resolve_list(run->resolve, &count);

	for (size_t i = 0; i < count; i++) {
		if (!is_enough(run, &list[i]))
			run->candidates[run->count++] = list[i];
	}
}

static int resolve(struct run *run)
{
	const struct relay_options *o = &run->options;
	struct turn_resolve_config config = {
		.uri = run->uri, .ipv4 = o->ipv4, .ipv6 = o->ipv6, .random = random_draw
	};
	uint64_t limit_ms = o->timeout_ms < LOOKUP_MAX_MS ? o->timeout_ms : LOOKUP_MAX_MS;
	const char *why;
	int rc;

	config.transport_count = relay_options_transports(o, config.transports);
	why = turn_resolve_check(&config);
	if (why != NULL)
		return usage(run->uri_text, why);
	run->resolve = turn_resolve_new(&config);
	if (run->resolve == NULL)
		return failure("out of memory");
	rc = relay_lookup(run->base, run->resolve, limit_ms);
	if (rc != 0)
		return failure(strerror(-rc));
	choose(run);
	return 0;
}

static bool has_transport(const struct run *run, uint8_t transport)
{
	for (size_t i = 0; i < run->count; i++) {
		if (run->candidates[i].transport == transport)
			return true;
	}
	return false;
}

/* A CA file that cannot be read is told at once, whether it is needed or not. */
static int open_contexts(struct run *run)
{
	const char *ca_file = run->options.ca_file;
	struct tls_error err;

	if (ca_file != NULL || has_transport(run, TURN_OVER_TLS)) {
		run->tls = dial_context_new(TLS_STREAM, ca_file, &err);
		if (run->tls == NULL)
			return usage("certificates", err.text);
	}
	if (has_transport(run, TURN_OVER_DTLS)) {
		run->dtls = dial_context_new(TLS_DATAGRAM, ca_file, &err);
		if (run->dtls == NULL)
			return usage("certificates", err.text);
	}
	return 0;
}

static uint32_t packet_count(const struct relay_options *o)
{
	uint64_t count = (uint64_t)o->rate * o->duration_ms / 1000;

	return count > 0 ? (uint32_t)count : 1;
}

static int try_all(struct run *run)
{
	const struct relay_options *o = &run->options;
	const struct relay_run_config config = {
		.base = run->base,
		.candidates = run->candidates,
		.count = run->count,
		.domain = run->uri.host,
		.tls = run->tls,
		.dtls = run->dtls,
		.insecure = o->insecure,
		.trial = { .credentials = run->secrets.credentials,
			   .rate = (uint32_t)o->rate,
			   .count = packet_count(o),
			   .length = (uint16_t)o->length,
			   .timeout_us = (o->timeout_ms + o->duration_ms) * 1000,
			   .unix_s = (uint64_t)time(NULL) },
	};
	int rc;

	run->rows = calloc(run->count + 1, sizeof(*run->rows));
	if (run->rows == NULL)
		return failure("out of memory");
	rc = relay_run(&config, run->rows);
	return rc == 0 ? 0 : failure(strerror(-rc));
}

/* Returns the URI as it may be shown. */
static const char *redact(struct run *run, char uri[static STUN_URI_TEXT_MAX])
{
	struct mask mask = { 0 };

	for (size_t i = 0; i < run->count; i++)
		relay_mask(&mask, &run->rows[i]);
	return mask_name(&mask, run->uri_text, uri);
}

static int report(struct run *run)
{
	char uri[STUN_URI_TEXT_MAX];
	const struct relay_report r = {
		.program = VERSION_TEXT,
		.uri = run->options.redact ? redact(run, uri) : run->uri_text,
		.rows = run->rows,
		.count = run->count,
		.why = run->count == 0 ? turn_resolve_why(run->resolve) : NULL,
		.elapsed_ms = clock_ms() - run->started_ms,
	};
	const struct report_style style = { .colour = command_has_colour(),
					    .quiet = run->options.quiet };

	if (run->options.json) {
		if (!relay_json(&r, stdout))
			return failure("cannot write the report");
	} else {
		relay_text(&r, &style, stdout);
	}
	if (fflush(stdout) != 0 || ferror(stdout))
		return failure("cannot write the report");
	return (int)relay_report_exit(&r);
}

static int relay(struct run *run)
{
	int rc;

	(void)signal(SIGPIPE, SIG_IGN); /* a server may close while we write */
	run->base = event_base_new();
	if (run->base == NULL)
		return failure("no event loop");
	rc = resolve(run);
	if (rc == 0)
		rc = open_contexts(run);
	if (rc == 0 && run->count > 0)
		rc = try_all(run);
	return rc == 0 ? report(run) : rc;
}

static int read_secrets(struct run *run)
{
	const struct relay_options *o = &run->options;
	const char *what, *why;

	if (o->token_file != NULL && (o->user != NULL || o->password_file != NULL))
		return usage("--token-file", "takes the place of user name and password");
	if (o->password_file != NULL && o->user == NULL)
		return usage("--password-file", "whose password? name a --user");
	if (!relay_secrets_read(&run->secrets, o->user, o->password_file, o->token_file, &what,
				&why))
		return usage(what, why);
	return -1;
}

/* Returns -1 to go on, or an exit code. */
static int read_options(struct run *run, int argc, char **argv)
{
	struct relay_options *o = &run->options;
	struct opt_error err;
	char *operand;
	size_t count;
	const char *why;

	if (!opt_defaults(&relay_program, o, &err) ||
	    !command_read_args(&relay_program, argc, argv, o, &operand, 1, &count, &err)) {
		fprintf(stderr, "natprobe: relay: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (o->help) {
		opt_print_help(&relay_program, stdout);
		return EXIT_REACHED;
	}
	if (count == 0)
		return usage("no server", "name one, as turn:HOST or turns:HOST");
	run->uri_text = operand;
	if (!stun_uri_parse(bytes_of_str(operand), &run->uri, &why))
		return usage(operand, why);
	if (o->json && o->quiet)
		return usage("--quiet", "does not go with --json");
	if (!o->ipv4 && !o->ipv6)
		o->ipv4 = o->ipv6 = true;
	return read_secrets(run);
}

static void clear(struct run *run)
{
	turn_resolve_free(run->resolve);
	SSL_CTX_free(run->tls);
	SSL_CTX_free(run->dtls);
	if (run->base != NULL)
		event_base_free(run->base);
	free(run->rows);
	opt_clear(&relay_program, &run->options);
	relay_secrets_clear(&run->secrets);
}

int cmd_relay(int argc, char **argv, const struct command *all)
{
	struct run run = { .started_ms = clock_ms() };
	int rc = read_options(&run, argc, argv);

	if (rc < 0)
		rc = relay(&run);
	clear(&run);
	return rc;
}
