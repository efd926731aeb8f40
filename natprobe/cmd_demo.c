/* natprobe demo: a first path to somebody else, step by step, and a few words over it. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "natprobe/net/await.h"
#include "natprobe/pair/chat.h"
#include "natprobe/pair/pair_run.h"
#include "natprobe/pair/punch_code.h"
#include "natprobe/trial/trial_json.h"
#include "natprobe/trial/trial_text.h"

#define OVER_UDP \
	(((1u << PUNCH_STRATEGIES) - 2) & ~(PUNCH_BIT(PUNCH_TCP) | PUNCH_BIT(PUNCH_TCP_LOW_TTL)))
#define ASKS_MAX 5

struct session {
	struct pair_run *run;
	struct chat chat;
	struct event *typed, *heard, *timer;
	int fd; /* -1: by our relay */
	struct addr peer;
	char line[CHAT_LINE_MAX]; /* that is being typed */
	size_t line_len;
	bool is_typed; /* nothing more comes from the keyboard */
	bool is_over;
};

static int usage(const char *what)
{
	fprintf(stderr, "natprobe: demo: %s\n", what);
	return EXIT_USAGE;
}

static void send_one(struct session *s, struct bytes data)
{
	const struct udp_dgram d = { .data = data, .peer = s->peer };

	if (s->fd >= 0)
		(void)udp_send_one(s->fd, &d, NULL);
	else
		punch_io_send_relayed(s->run->io, data);
}

static void finish(struct session *s, const char *why)
{
	if (s->is_over)
		return;
	s->is_over = true;
	printf("-- %s\n", why);
	event_base_loopbreak(s->run->base);
}

/* The next line goes once the one before has arrived; as long nothing more is read. */
static void take_line(struct session *s)
{
	char *end = memchr(s->line, '\n', s->line_len);
	size_t len = end != NULL ? (size_t)(end - s->line) : s->line_len;
	bool is_whole = end != NULL || s->line_len == sizeof(s->line) || s->is_typed;

	if (s->chat.len > 0 || !is_whole || s->line_len == 0)
		return;
	(void)chat_say(&s->chat, bytes_of(s->line, len), clock_us());
	len += end != NULL;
	s->line_len -= len;
	memmove(s->line, s->line + len, s->line_len);
}

static void watch_keyboard(struct session *s)
{
	if (s->is_typed || s->line_len == sizeof(s->line))
		event_del(s->typed);
	else
		event_add(s->typed, NULL);
}

/* All that is due goes out; the timer waits for the rest. */
static void drive(struct session *s)
{
	uint8_t buf[CHAT_BYTES_MAX];
	uint64_t deadline_us, now_us = clock_us();
	struct bytes data;

	take_line(s);
	if (s->is_typed && s->chat.len == 0 && s->line_len == 0)
		chat_leave(&s->chat, now_us);
	data = chat_next(&s->chat, now_us, buf, &deadline_us);
	if (data.len > 0)
		send_one(s, data);
	if (s->chat.is_leaving)
		finish(s, "You have left.");
	else if (chat_is_over(&s->chat, now_us))
		finish(s, s->chat.has_left ? "The other side has left."
					   : "Nothing was heard of the other side for long.");
	watch_keyboard(s);
	await_moment(s->timer, deadline_us);
}

/* From a stranger's terminal to ours: only what can be printed. */
static void show(const uint8_t *line, size_t len)
{
	printf("them: %.*s\n", (int)len, (const char *)line);
	(void)fflush(stdout);
}

static void hear(void *arg, struct bytes data)
{
	struct session *s = arg;
	uint8_t buf[CHAT_BYTES_MAX];
	struct bytes line = chat_hear(&s->chat, data, clock_us(), buf);

	if (line.len > 0) {
		memmove(buf, line.data, line.len);
		show(buf, chat_clean(buf, line.len));
	}
	drive(s);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct session *s = arg;
	uint8_t buf[CHAT_BYTES_MAX];
	struct udp_dgram d;

	for (int i = 0; i < UDP_BATCH && !s->is_over; i++) {
		int rc = udp_recv_one(fd, buf, sizeof(buf), &d);

		if (rc == 0)
			return;
		if (rc == 1 && !d.truncated)
			hear(s, d.data);
	}
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	drive(arg);
}

static void on_typed(evutil_socket_t fd, short events, void *arg)
{
	struct session *s = arg;
	ssize_t n = read((int)fd, s->line + s->line_len, sizeof(s->line) - s->line_len);

	if (n > 0)
		s->line_len += (size_t)n;
	else
		s->is_typed = true;
	drive(s);
}

static bool open_session(struct session *s)
{
	const struct trial_record *r = pair_run_last(s->run);
	struct event_base *base = s->run->base;

	s->peer = r->path.remote;
	s->fd = punch_io_take(s->run->io);
	s->timer = evtimer_new(base, on_timer, s);
	s->typed = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_typed, s);
	if (s->fd >= 0)
		s->heard = event_new(base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
	else
		punch_io_hear_relayed(s->run->io, hear, s);
	return s->timer != NULL && s->typed != NULL && event_add(s->typed, NULL) == 0 &&
	       (s->fd < 0 || (s->heard != NULL && event_add(s->heard, NULL) == 0)) &&
	       chat_start(&s->chat, s->run->application_key, r->is_a, clock_us());
}

static void close_session(struct session *s)
{
	struct event *const events[] = { s->timer, s->typed, s->heard };

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (events[i] != NULL)
			event_free(events[i]);
	}
	if (s->fd >= 0)
		close(s->fd);
	chat_clear(&s->chat);
}

static int chat(struct pair_run *run)
{
	struct session s = { .run = run };
	bool ok = open_session(&s);

	if (ok) {
		printf("\nWhat you type now goes straight to the other side, sealed; ^D ends "
		       "it.\n");
		(void)fflush(stdout);
		drive(&s);
		while (!s.is_over)
			event_base_dispatch(run->base);
	}
	close_session(&s);
	return ok ? EXIT_REACHED : EXIT_FAILED;
}

static int run_path(struct pair_run *run, const char *code)
{
	const struct report_style style = { .colour = command_has_colour() };
	const struct trial_record *r;
	int rc;

	printf("Looking at the NATs of this host, and waiting for the other side...\n");
	(void)fflush(stdout);
	run->code = code;
	rc = pair_run_all(run);
	r = pair_run_last(run);
	if (rc == 0 && r != NULL) {
		trial_text_one(r, &style, stdout);
		rc = r->path.strategy != PUNCH_NONE ? chat(run) : (int)trial_exit(&run->trials);
	}
	return rc;
}

/* A line without its end; false at the end of input. Byte by byte: what follows is the chat's. */
static bool ask(const char *question, char *line, size_t cap)
{
	size_t len = 0;
	char c;

	fputs(question, stdout);
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
		if (len + 1 < cap)
			line[len++] = c;
	}
	line[len] = '\0';
	return len > 0;
}

static int accept_somebody(struct pair_run *run)
{
	struct punch_code code;
	int rc;

	punch_code_make(&code);
	printf("\nTell the other side this code, by telephone say. Nobody else should have it:\n\n"
	       "    %s\n\n"
	       "There they run natprobe demo, choose c, and type it.\n",
	       code.text);
	rc = run_path(run, code.text);
	punch_code_clear(&code);
	return rc;
}

static int connect_to_somebody(struct pair_run *run)
{
	char typed[CODE_MAX];
	struct punch_code code = { 0 };
	int rc = EXIT_USAGE;

	for (int i = 0; i < ASKS_MAX && rc == EXIT_USAGE; i++) {
		if (!ask("\nThe code that the other side sees: ", typed, sizeof(typed)))
			break;
		rc = punch_code_take("demo", typed, &code);
	}
	if (rc == 0)
		rc = run_path(run, code.text);
	punch_code_clear(&code);
	OPENSSL_cleanse(typed, sizeof(typed));
	return rc;
}

static int demo(struct pair_run *run)
{
	char answer[16];

	printf("This makes a path between this host and another one, through the NATs of both.\n"
	       "One side accepts and gets a code; the other one connects with that code.\n\n");
	for (int i = 0; i < ASKS_MAX; i++) {
		if (!ask("[a]ccept or [c]onnect? ", answer, sizeof(answer)))
			break;
		if (answer[0] == 'a' || answer[0] == 'A')
			return accept_somebody(run);
		if (answer[0] == 'c' || answer[0] == 'C')
			return connect_to_somebody(run);
	}
	return usage("neither a nor c was typed");
}

static int demo_with(const struct punch_options *o)
{
	struct pair_run run = {
		.command = "demo", .options = o, .keeps_path = true, .only = OVER_UDP
	};
	int rc = pair_run_open(&run);

	if (rc == 0)
		rc = demo(&run);
	pair_run_clear(&run);
	return rc;
}

int cmd_demo(int argc, char **argv, const struct command *all)
{
	struct punch_options o = { 0 };
	struct opt_error err;
	char *none;
	size_t count;
	int rc = EXIT_REACHED;

	if (!opt_defaults(&demo_program, &o, &err) ||
	    !command_read_args(&demo_program, argc, argv, &o, &none, 0, &count, &err))
		rc = usage(err.text);
	else if (o.help)
		opt_print_help(&demo_program, stdout);
	else
		rc = demo_with(&o);
	opt_clear(&demo_program, &o);
	return rc;
}
