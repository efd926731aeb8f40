/* natprobe watch: repeats a diagnosis, and tells what changes. */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "command.h"
#include "natprobe/check/diagnosis.h"
#include "file.h"
#include "option_rows.h"
#include "natprobe/report/report_diff.h"
#include "natprobe/report/report_json.h"
#include "natprobe/report/report_prom.h"
#include "natprobe/report/report_read.h"
#include "natprobe/report/report_text.h"

#define PUBLIC_EVERY_MIN_MS 60000 /* built-in servers are other people's */
#define ROWS_MAX            48

struct watch_options {
	struct check_options check; /* first: rows of its table fit */
	uint64_t every_ms;
	int64_t count;
	char *log;
	char *prom;
};

static const struct opt own_rows[] = {
	{ .name = "every",
	  .type = OPT_MS,
	  .offset = OPT_FIELD(struct watch_options, every_ms),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "5m",
	  .min = 1000,
	  .max = 86400000,
	  .value = "TIME",
	  .help = "from the begin of one run to that of the next" },
	{ .name = "count",
	  .letter = 'n',
	  .type = OPT_INT,
	  .offset = OPT_FIELD(struct watch_options, count),
	  .flags = OPT_CLI_ONLY,
	  .min = 1,
	  .max = INT32_MAX,
	  .value = "N",
	  .help = "end after N runs; without it, when interrupted" },
	{ .name = "log",
	  .type = OPT_STR,
	  .offset = OPT_FIELD(struct watch_options, log),
	  .flags = OPT_CLI_ONLY,
	  .value = "FILE",
	  .help = "append the report of each run to FILE, as one line of JSON" },
	{ .name = "prom",
	  .type = OPT_STR,
	  .offset = OPT_FIELD(struct watch_options, prom),
	  .flags = OPT_CLI_ONLY,
	  .value = "FILE",
	  .help = "write the last report to FILE, for node_exporter's textfile collector" },
};

/* Options of check that say how to look; those that say how to print are none of watch's. */
static const char *const shared[] = {
	"server",        "interface",  "ipv4",    "ipv6",     "timeout", "confidence",
	"local-port",    "upnp",       "portal",  "geo",      "turn",    "user",
	"password-file", "token-file", "ca-file", "insecure", "help",    "version",
};

static struct opt rows[ROWS_MAX];

static const struct opt_program program = {
	.name = "natprobe",
	.synopsis = "watch [OPTION]...",
	.summary = "Repeats natprobe check, and prints what changes.",
	.table = rows,
	.size = sizeof(struct watch_options),
};

static bool is_shared(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(shared); i++) {
		if (strcmp(name, shared[i]) == 0)
			return true;
	}
	return false;
}

static void make_rows(void)
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(own_rows); i++)
		rows[count++] = own_rows[i];
	for (const struct opt *row = check_program.table; row->name != NULL; row++) {
		if (is_shared(row->name) && count + 1 < ROWS_MAX)
			rows[count++] = *row;
	}
	rows[count] = (struct opt){ 0 };
}

struct watch {
	struct watch_options options;
	struct diagnosis *diagnosis;
	struct report_document *before; /* of the last run; NULL: there was none */
	struct report_prom_totals totals;
	struct event *interrupt, *terminate;
	bool stopped, is_waiting;
};

static int usage(const char *what, const char *why)
{
	fprintf(stderr, "natprobe: watch: %s: %s\n", what, why);
	return EXIT_USAGE;
}

static int failure(const char *what, const char *why)
{
	fprintf(stderr, "natprobe: %s: %s\n", what, why);
	return EXIT_FAILED;
}

/* A run that is under way ends by SIGINT, as in natprobe check; its report would be half of one. */
static void on_signal(evutil_socket_t number, short events, void *arg)
{
	struct watch *w = arg;

	w->stopped = true;
	if (w->is_waiting)
		event_base_loopbreak(diagnosis_base(w->diagnosis));
	else if (number == SIGTERM)
		raise(SIGINT);
}

static bool listen_to_signals(struct watch *w)
{
	struct event_base *base = diagnosis_base(w->diagnosis);

	w->interrupt = evsignal_new(base, SIGINT, on_signal, w);
	w->terminate = evsignal_new(base, SIGTERM, on_signal, w);
	return w->interrupt != NULL && w->terminate != NULL && event_add(w->interrupt, NULL) == 0 &&
	       event_add(w->terminate, NULL) == 0;
}

static void print_time(const char *time)
{
	printf("%s\n", time);
}

static void print_first(const struct report *r)
{
	struct report_style style = { .quiet = true };

	print_time(r->time);
	report_text(r, &style, stdout);
}

/* Returns false when memory runs out. */
static bool print_changes(struct watch *w, const struct report *r)
{
	struct report_diff d;
	bool ok = report_diff_make(report_document_report(w->before), r, &d);

	if (ok && d.differs) {
		w->totals.changes++;
		print_time(r->time);
		report_diff_text(&d, stdout);
	}
	report_diff_clear(&d);
	return ok;
}

static int append(const char *path, const char *line, size_t len)
{
	FILE *out = fopen(path, "ae");
	bool ok;

	if (out == NULL)
		return failure(path, strerror(errno));
	ok = fwrite(line, 1, len, out) == len;
	if (fclose(out) != 0)
		ok = false;
	return ok ? 0 : failure(path, "cannot write to it");
}

static int write_prom(const struct watch *w, const struct report *r)
{
	struct metrics m = { 0 };
	int rc;

	report_prom(r, &w->totals, &m);
	rc = m.failed ? -ENOMEM : file_write(w->options.prom, m.text, m.len);
	metrics_free(&m);
	return rc == 0 ? 0 : failure(w->options.prom, strerror(-rc));
}

/* What this run found is what the next one is compared with. */
static bool keep(struct watch *w, const char *line, size_t len)
{
	struct report_read_error error;

	report_document_free(w->before);
	w->before = report_read((struct bytes){ (const uint8_t *)line, len }, &error);
	return w->before != NULL;
}

static int tell(struct watch *w, const struct report *r, const char *line, size_t len)
{
	int rc = 0;

	w->totals.runs++;
	w->totals.ended_s = (uint64_t)time(NULL);
	if (w->before == NULL)
		print_first(r);
	else if (!print_changes(w, r))
		return failure("report", "out of memory");
	if (fflush(stdout) != 0 || ferror(stdout))
		return failure("standard output", "cannot write to it");
	if (w->options.log != NULL)
		rc = append(w->options.log, line, len);
	if (rc == 0 && w->options.prom != NULL)
		rc = write_prom(w, r);
	if (rc == 0 && !keep(w, line, len))
		rc = failure("report", "out of memory");
	return rc;
}

/* Returns 0 or an exit code. */
static int run_once(struct watch *w)
{
	char now[40];
	time_t ended;
	struct tm tm;
	struct report r;
	char *line = NULL;
	size_t len = 0;
	FILE *out;
	int rc = diagnosis_run(w->diagnosis, &r);

	if (rc != 0 || w->stopped || diagnosis_was_interrupted(w->diagnosis))
		return rc;
	ended = time(NULL);
	if (gmtime_r(&ended, &tm) == NULL || strftime(now, sizeof(now), "%FT%TZ", &tm) == 0)
		return failure("clock", "shows no time");
	r.time = now;
	out = open_memstream(&line, &len);
	if (out == NULL)
		return failure("report", "out of memory");
	rc = report_json_line(&r, out) ? 0 : EXIT_FAILED;
	if (fclose(out) != 0 || rc != 0)
		rc = failure("report", "out of memory");
	else
		rc = tell(w, &r, line, len);
	free(line);
	return rc;
}

static void wait_until(struct watch *w, uint64_t at_ms)
{
	uint64_t now_ms = clock_ms();
	uint64_t ms = at_ms > now_ms ? at_ms - now_ms : 0;
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
			      .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	if (ms == 0)
		return;
	w->is_waiting = true;
	event_base_loopexit(diagnosis_base(w->diagnosis), &tv);
	event_base_dispatch(diagnosis_base(w->diagnosis));
	w->is_waiting = false;
}

static int watch(struct watch *w)
{
	uint64_t next_ms = clock_ms();
	int rc = diagnosis_prepare(w->diagnosis);

	if (rc == 0 && !listen_to_signals(w))
		rc = failure("signals", "cannot be waited for");
	for (int64_t run = 0; rc == 0 && !w->stopped; run++) {
		if (w->options.count > 0 && run == w->options.count)
			break;
		if (run > 0)
			wait_until(w, next_ms);
		if (w->stopped)
			break;
		next_ms = clock_ms() + w->options.every_ms;
		rc = run_once(w);
	}
	return rc;
}

static void clear(struct watch *w)
{
	if (w->interrupt != NULL)
		event_free(w->interrupt);
	if (w->terminate != NULL)
		event_free(w->terminate);
	report_document_free(w->before);
	diagnosis_free(w->diagnosis);
	opt_clear(&program, &w->options);
}

/* Returns -1 to go on, or an exit code. */
static int read_options(struct watch_options *o, int argc, char **argv)
{
	struct opt_error err;
	int first = argc;

	if (!opt_defaults(&program, o, &err) ||
	    !opt_read_args(&program, argc, argv, o, &first, &err)) {
		fprintf(stderr, "natprobe: watch: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (o->check.help) {
		opt_print_help(&program, stdout);
		return EXIT_REACHED;
	}
	if (o->check.version) {
		puts("natprobe " PACKAGE_VERSION);
		return EXIT_REACHED;
	}
	if (first < argc)
		return usage(argv[first], "watch takes options only");
	if (o->check.servers.count == 0 && getenv("NATPROBE_SERVER") == NULL &&
	    o->every_ms < PUBLIC_EVERY_MIN_MS)
		return usage("--every",
			     "public servers are asked once a minute at most; name a --server of "
			     "yours for more");
	if (!o->check.ipv4 && !o->check.ipv6)
		o->check.ipv4 = o->check.ipv6 = true;
	o->check.quiet = true;
	return -1;
}

int cmd_watch(int argc, char **argv, const struct command *all)
{
	struct watch w = { 0 };
	int rc;

	make_rows();
	rc = read_options(&w.options, argc, argv);
	if (rc < 0) {
		w.diagnosis = diagnosis_new(&w.options.check);
		rc = w.diagnosis != NULL ? watch(&w) : failure("natprobe", "out of memory");
	}
	clear(&w);
	return rc;
}
