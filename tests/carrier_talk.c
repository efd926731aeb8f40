/*
 * carrier_talk - one end of a carrier, for scripts.
 *
 *	carrier_talk URIS TOPIC [say TEXT]... [hear N] [state] [clock] [for SECONDS]
 *
 * Subscribes, and says its texts again and again; prints each message as "heard TEXT", states as "up"
 * and "down WHY", clocks as "clock NAME OFFSET ERROR". Ends with 0 once N different messages, a state or
 * a clock have come, as it was told; with 1 when time is over; with 2 where the carrier cannot be.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "natprobe/meet/carrier.h"

#define SAY_MAX   32
#define HEARD_MAX 64

struct talk {
	struct event_base *base;
	struct event *over; /* time is */
	struct carrier *carrier;
	const char *topic;
	const char *say[SAY_MAX];
	size_t say_count;
	long hear;
	char *heard[HEARD_MAX];
	size_t heard_count;
	bool wants_state, wants_clock;
	int status;
};

static void end(struct talk *t, int status)
{
	t->status = status;
	event_base_loopbreak(t->base);
}

static bool is_new(struct talk *t, struct bytes data)
{
	for (size_t i = 0; i < t->heard_count; i++) {
		if (bytes_equal(bytes_of_str(t->heard[i]), data))
			return false;
	}
	if (t->heard_count < HEARD_MAX)
		t->heard[t->heard_count++] = strndup((const char *)data.data, data.len);
	return true;
}

/* The other side is to hear us, too. */
static void on_message(void *arg, const char *topic, struct bytes data, uint64_t now_us)
{
	static const struct timeval linger = { .tv_usec = 400000 };
	struct talk *t = arg;

	printf("heard %.*s\n", (int)data.len, (const char *)data.data);
	fflush(stdout);
	if (is_new(t, data) && t->hear > 0 && --t->hear == 0) {
		t->status = 0;
		event_add(t->over, &linger);
	}
}

static void on_state(void *arg, bool is_up, const char *why)
{
	struct talk *t = arg;

	printf("%s %s\n", is_up ? "up" : "down", is_up ? "" : why);
	fflush(stdout);
	if (t->wants_state)
		end(t, 0);
}

static void on_server_time(void *arg, const char *name, int64_t offset_us, uint64_t error_us)
{
	struct talk *t = arg;

	printf("clock %s %lld %llu\n", name, (long long)offset_us, (unsigned long long)error_us);
	fflush(stdout);
	if (t->wants_clock)
		end(t, 0);
}

static void on_time(evutil_socket_t fd, short events, void *arg)
{
	struct talk *t = arg;

	end(t, t->status);
}

/* Again and again: what a meeting does until it is answered. */
static void on_say(evutil_socket_t fd, short events, void *arg)
{
	struct talk *t = arg;

	for (size_t i = 0; i < t->say_count; i++)
		(void)carrier_publish(t->carrier, t->topic, bytes_of_str(t->say[i]));
}

static bool read_words(struct talk *t, char **words, int count, long *seconds)
{
	for (int i = 0; i < count; i++) {
		const char *value = i + 1 < count ? words[i + 1] : "";

		if (strcmp(words[i], "say") == 0 && t->say_count < SAY_MAX && ++i)
			t->say[t->say_count++] = value;
		else if (strcmp(words[i], "hear") == 0 && ++i)
			t->hear = strtol(value, NULL, 10);
		else if (strcmp(words[i], "for") == 0 && ++i)
			*seconds = strtol(value, NULL, 10);
		else if (strcmp(words[i], "state") == 0)
			t->wants_state = true;
		else if (strcmp(words[i], "clock") == 0)
			t->wants_clock = true;
		else
			return false;
	}
	return true;
}

static int run(struct talk *t, const char *uris, long seconds)
{
	const struct carrier_hooks hooks = { .on_message = on_message,
					     .on_state = on_state,
					     .on_server_time = on_server_time,
					     .arg = t };
	const struct timeval all = { .tv_sec = seconds }, again = { .tv_usec = 150000 },
			     now = { 0 };
	struct event *first = evtimer_new(t->base, on_say, t);
	struct event *say = event_new(t->base, -1, EV_PERSIST, on_say, t);
	const char *why;

	t->over = evtimer_new(t->base, on_time, t);
	t->carrier = carrier_open(t->base, uris, &hooks, &why);
	if (t->carrier == NULL) {
		printf("cannot %s\n", why);
		t->status = 2;
	} else {
		(void)carrier_subscribe(t->carrier, t->topic);
		event_add(t->over, &all);
		event_add(first, &now);
		event_add(say, &again);
		event_base_dispatch(t->base);
	}
	carrier_close(t->carrier);
	while (t->heard_count > 0)
		free(t->heard[--t->heard_count]);
	event_free(t->over);
	event_free(first);
	event_free(say);
	return t->status;
}

int main(int argc, char **argv)
{
	struct talk t = { .status = 1 };
	long seconds = 10;
	int rc;

	if (argc < 3 || !read_words(&t, argv + 3, argc - 3, &seconds)) {
		fprintf(stderr,
			"usage: carrier_talk URIS TOPIC [say TEXT] [hear N] [state] [clock] "
			"[for SECONDS]\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	t.topic = argv[2];
	t.base = event_base_new();
	rc = run(&t, argv[1], seconds);
	event_base_free(t.base);
	return rc;
}
