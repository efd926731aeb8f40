/* forward: two of them whose link is socketpairs, with services and clients on loopback. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "natprobe/forward/forward.h"
#include "natprobe/forward/forward_wire.h"
#include "sockaddr.h"

#define TURNS   20000
#define WAITERS 256

struct waiter {
	char line[64];
	struct link_user_stream stream;
};

struct side {
	struct world *world;
	struct forward *forward;
	struct forward_spec spec;
	struct forward_target allow;
	struct waiter waiters[WAITERS];
	size_t waiting;
	int counts[FORWARD_CLOSED + 1];
	char word[PIPE_WORD_MAX + 1];
};

struct world {
	struct event_base *base;
	struct side asks, serves;
	struct event *matcher;
	bool is_linked;
	int service; /* listens, or has datagrams */
	struct addr service_at;
};

/* --- the link --- */

static bool take(struct side *s, const char *line, struct link_user_stream *out)
{
	for (size_t i = 0; i < s->waiting; i++) {
		if (strcmp(s->waiters[i].line, line) != 0)
			continue;
		*out = s->waiters[i].stream;
		s->waiting--;
		memmove(&s->waiters[i], &s->waiters[i + 1],
			(s->waiting - i) * sizeof(s->waiters[0]));
		return true;
	}
	return false;
}

static struct bufferevent *end_of(struct world *w, int fd)
{
	(void)evutil_make_socket_nonblocking(fd);
	return bufferevent_socket_new(w->base, fd, BEV_OPT_CLOSE_ON_FREE);
}

static bool match(struct world *w, const char *line, bool datagrams)
{
	struct link_user_stream one, other;
	int pair[2];

	if (!take(&w->asks, line, &one))
		return false;
	assert_true(take(&w->serves, "accept forward", &other));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	one.on_stream(one.arg, end_of(w, pair[0]), datagrams);
	other.on_stream(other.arg, end_of(w, pair[1]), datagrams);
	return true;
}

static void on_match(evutil_socket_t fd, short events, void *arg)
{
	struct world *w = arg;

	while (w->is_linked &&
	       (match(w, "connect forward", false) || match(w, "connect forward datagrams", true)))
		;
}

static bool attach(void *arg, const char *line, const struct link_user_stream *stream)
{
	struct side *s = arg;

	if (s->waiting == WAITERS)
		return false;
	(void)snprintf(s->waiters[s->waiting].line, sizeof(s->waiters[0].line), "%s", line);
	s->waiters[s->waiting++].stream = *stream;
	event_active(s->world->matcher, EV_TIMEOUT, 0);
	return true;
}

static void on_event(void *arg, const struct forward_event *e)
{
	struct side *s = arg;

	s->counts[e->kind]++;
	(void)snprintf(s->word, sizeof(s->word), "%s", e->word != NULL ? e->word : "fine");
}

/* --- loopback --- */

static int open_socket(int type, struct addr *at)
{
	const struct addr any = addr_ipv4(127, 0, 0, 1, 0);
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from_addr(&any, &ss);
	int fd = socket(AF_INET, type, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	assert_true(sockaddr_to_addr((struct sockaddr *)&ss, at));
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 256), 0);
	return fd;
}

static int connect_to(int type, const struct addr *to)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from_addr(to, &ss);
	int fd = socket(AF_INET, type, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	(void)evutil_make_socket_nonblocking(fd);
	return fd;
}

static void turn(struct world *w)
{
	(void)event_base_loop(w->base, EVLOOP_NONBLOCK);
}

/* Runs until something is there to read, or an end. */
static bool await_input(struct world *w, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (int i = 0; i < TURNS; i++) {
		if (poll(&p, 1, 0) == 1)
			return true;
		turn(w);
	}
	return false;
}

static const char *hear(struct world *w, int fd)
{
	static char text[256];
	ssize_t n;

	assert_true(await_input(w, fd));
	n = recv(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return strerror(errno);
	text[n] = '\0';
	return text;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
}

static int take_call(struct world *w)
{
	int fd;

	assert_true(await_input(w, w->service));
	fd = accept(w->service, NULL, NULL);
	assert_true(fd >= 0);
	return fd;
}

/* --- a world --- */

static void make_side(struct world *w, struct side *s, size_t specs, size_t allows)
{
	const struct forward_config config = {
		.base = w->base,
		.attach = attach,
		.on_event = on_event,
		.arg = s,
		.specs = &s->spec,
		.spec_count = specs,
		.allows = &s->allow,
		.allow_count = allows,
	};

	s->world = w;
	s->forward = forward_new(&config);
	assert_non_null(s->forward);
	forward_serve(s->forward);
}

/* A port that was free a moment ago. */
static struct addr free_port(int type)
{
	struct addr at;

	close(open_socket(type, &at));
	return at;
}

static void set_target(struct forward_target *t, const char *host, const struct world *w,
		       bool is_udp)
{
	(void)snprintf(t->host, sizeof(t->host), "%s", host);
	t->port = w->service_at.port;
	t->is_udp = is_udp;
}

static void begin(struct world *w, bool is_udp, size_t allows)
{
	const int type = is_udp ? SOCK_DGRAM : SOCK_STREAM;
	const struct forward_spec *failed;

	w->service = open_socket(type, &w->service_at);
	set_target(&w->asks.spec.target, "localhost", w, is_udp);
	set_target(&w->serves.allow, "localhost", w, is_udp);
	w->asks.spec.listen = free_port(type);
	make_side(w, &w->asks, 1, 0);
	make_side(w, &w->serves, 0, allows);
	assert_int_equal(forward_listen(w->asks.forward, &failed), 0);
	w->is_linked = true;
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	(void)signal(SIGPIPE, SIG_IGN);
	w->base = event_base_new();
	w->matcher = evtimer_new(w->base, on_match, w);
	w->service = -1;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	forward_free(w->asks.forward);
	forward_free(w->serves.forward);
	event_free(w->matcher);
	turn(w); /* what was deferred holds memory */
	if (w->service >= 0)
		close(w->service);
	event_base_free(w->base);
	free(w);
	return 0;
}

/* --- TCP --- */

static void each_direction_of_a_connection_ends_on_its_own(void **state)
{
	struct world *w = *state;
	int client, call;

	begin(w, false, 1);
	client = connect_to(SOCK_STREAM, &w->asks.spec.listen);
	say(client, "request");
	call = take_call(w);
	assert_string_equal(hear(w, call), "request");
	(void)shutdown(client, SHUT_WR);
	assert_string_equal(hear(w, call), "");
	say(call, "answer");
	assert_string_equal(hear(w, client), "answer");
	close(call);
	assert_string_equal(hear(w, client), "");
	for (int i = 0; i < 100; i++)
		turn(w);
	assert_int_equal(w->asks.counts[FORWARD_OPENED], 1);
	assert_int_equal(w->asks.counts[FORWARD_CLOSED], 1);
	assert_int_equal(w->serves.counts[FORWARD_CLOSED], 1);
	assert_string_equal(w->asks.word, "fine");
	close(client);
}

static void a_reset_goes_through(void **state)
{
	const struct linger at_once = { .l_onoff = 1 };
	struct world *w = *state;
	int client, call;

	begin(w, false, 1);
	client = connect_to(SOCK_STREAM, &w->asks.spec.listen);
	say(client, "request");
	call = take_call(w);
	assert_string_equal(hear(w, call), "request");
	(void)setsockopt(call, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(call);
	assert_string_equal(hear(w, client), strerror(ECONNRESET));
	assert_string_equal(w->asks.word, FORWARD_RESET);
	close(client);
}

static void what_is_not_allowed_is_refused(void **state)
{
	struct world *w = *state;
	int client;

	begin(w, false, 1);
	(void)snprintf(w->serves.allow.host, sizeof(w->serves.allow.host), "127.0.0.1");
	client = connect_to(SOCK_STREAM, &w->asks.spec.listen);
	assert_string_equal(hear(w, client), strerror(ECONNRESET));
	assert_string_equal(w->asks.word, FORWARD_NOT_ALLOWED);
	assert_int_equal(w->serves.counts[FORWARD_FAILED], 1);
	close(client);
}

static void nothing_is_allowed_without_being_told(void **state)
{
	struct world *w = *state;
	int client;

	begin(w, false, 0);
	client = connect_to(SOCK_STREAM, &w->asks.spec.listen);
	assert_string_equal(hear(w, client), strerror(ECONNRESET));
	assert_string_equal(w->asks.word, FORWARD_NOT_ALLOWED);
	close(client);
}

static void a_service_that_is_not_there_is_told(void **state)
{
	struct world *w = *state;
	int client;

	begin(w, false, 1);
	close(w->service);
	w->service = -1;
	client = connect_to(SOCK_STREAM, &w->asks.spec.listen);
	assert_string_equal(hear(w, client), strerror(ECONNRESET));
	assert_string_equal(w->asks.word, FORWARD_CONN_REFUSED);
	close(client);
}

static void a_slow_service_makes_its_client_wait(void **state)
{
	static const char block[65536];
	struct world *w = *state;
	size_t sent = 0, got = 0;
	static char sink[262144];
	int client, call;
	ssize_t n;

	begin(w, false, 1);
	client = connect_to(SOCK_STREAM, &w->asks.spec.listen);
	call = take_call(w);
	for (int idle = 0; idle < 200; turn(w)) {
		n = send(client, block, sizeof(block), 0);
		sent += n > 0 ? (size_t)n : 0;
		idle = n > 0 ? 0 : idle + 1;
		assert_true(sent < 64 << 20);
	}
	(void)shutdown(client, SHUT_WR);
	(void)evutil_make_socket_nonblocking(call);
	for (int i = 0; i < TURNS && n != 0; i++) {
		n = recv(call, sink, sizeof(sink), 0);
		got += n > 0 ? (size_t)n : 0;
		turn(w);
	}
	assert_int_equal(got, sent);
	close(client);
	close(call);
}

static void many_connections_at_once(void **state)
{
	struct world *w = *state;
	int clients[20], calls[20];
	char text[16];

	begin(w, false, 1);
	for (int i = 0; i < 20; i++) {
		clients[i] = connect_to(SOCK_STREAM, &w->asks.spec.listen);
		calls[i] = take_call(w);
	}
	for (int i = 0; i < 20; i++) {
		(void)snprintf(text, sizeof(text), "%d", i);
		say(clients[i], text);
	}
	for (int i = 0; i < 20; i++) {
		(void)snprintf(text, sizeof(text), "%d", i);
		assert_string_equal(hear(w, calls[i]), text);
		close(calls[i]);
		close(clients[i]);
	}
}

static void a_burst_waits_and_one_too_many_is_refused(void **state)
{
	struct world *w = *state;
	int clients[FORWARD_CONNS_MAX + 1], calls[FORWARD_CONNS_MAX];

	begin(w, false, 1);
	w->is_linked = false;
	for (size_t i = 0; i < FORWARD_CONNS_MAX + 1; i++) {
		clients[i] = connect_to(SOCK_STREAM, &w->asks.spec.listen);
		turn(w);
	}
	assert_string_equal(hear(w, clients[FORWARD_CONNS_MAX]), strerror(ECONNRESET));
	assert_string_equal(w->asks.word, FORWARD_BUSY);
	assert_int_equal(w->asks.counts[FORWARD_FAILED], 1);
	w->is_linked = true;
	event_active(w->matcher, EV_TIMEOUT, 0);
	for (size_t i = 0; i < FORWARD_CONNS_MAX; i++)
		calls[i] = take_call(w);
	assert_int_equal(w->asks.counts[FORWARD_FAILED], 1);
	for (size_t i = 0; i < FORWARD_CONNS_MAX; i++) {
		close(clients[i]);
		close(calls[i]);
	}
	close(clients[FORWARD_CONNS_MAX]);
}

static void a_stranger_gets_nowhere(void **state)
{
	struct world *w = *state;
	struct link_user_stream other;
	uint8_t heard[64];
	int pair[2];

	begin(w, false, 1);
	assert_true(take(&w->serves, "accept forward", &other));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	other.on_stream(other.arg, end_of(w, pair[1]), false);
	say(pair[0], "GET / HTTP/1.0\r\n\r\n");
	assert_true(await_input(w, pair[0]));
	assert_true(recv(pair[0], heard, sizeof(heard), 0) > 3);
	assert_int_equal(heard[2], FORWARD_REFUSED);
	assert_int_equal(w->serves.counts[FORWARD_OPENED], 0);
	close(pair[0]);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Asks for a target that nobody allowed, another one each time; the word that it is refused by. */
static const char *ask_for(struct world *w, uint16_t port)
{
	struct forward_msg open = { .kind = FORWARD_OPEN, .target = { .host = "h", .port = port } };
	struct link_user_stream other;
	static char word[64];
	uint8_t text[64];
	size_t len = forward_msg_write(&open, text, sizeof(text));
	ssize_t n;
	int pair[2];

	assert_true(take(&w->serves, "accept forward", &other));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	other.on_stream(other.arg, end_of(w, pair[1]), false);
	assert_int_equal(write(pair[0], text, len), len);
	assert_true(await_input(w, pair[0]));
	n = recv(pair[0], word, sizeof(word) - 1, 0);
	assert_true(n > FORWARD_HEAD && word[FORWARD_HEAD] == FORWARD_REFUSED);
	word[n] = '\0';
	close(pair[0]);
	return word + FORWARD_HEAD + 1;
}

static void one_who_asks_without_end_is_not_even_told_of(void **state)
{
	const uint64_t begin_ms = now_ms();
	struct world *w = *state;
	bool is_busy = false;

	begin(w, false, 1);
	for (uint16_t i = 1; i <= 500; i++) {
		const char *word = ask_for(w, i);

		is_busy = is_busy || strcmp(word, FORWARD_BUSY) == 0;
		assert_true(is_busy || strcmp(word, FORWARD_NOT_ALLOWED) == 0);
	}
	assert_true(is_busy || now_ms() - begin_ms > 5000);
	assert_true((uint64_t)w->serves.counts[FORWARD_FAILED] <=
		    201 + (now_ms() - begin_ms) * 50 / 1000);
	assert_int_equal(w->serves.counts[FORWARD_OPENED], 0);
}

static void a_port_that_is_taken_is_told(void **state)
{
	struct world *w = *state;
	const struct forward_spec *failed = NULL;
	int other;

	other = open_socket(SOCK_STREAM, &w->asks.spec.listen);
	make_side(w, &w->asks, 1, 0);
	assert_int_equal(forward_listen(w->asks.forward, &failed), -EADDRINUSE);
	assert_ptr_equal(failed, &w->asks.spec);
	close(other);
}

/* --- UDP --- */

static void answer(struct world *w, const char *expected, const char *text)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	char got[64];
	ssize_t n;

	assert_true(await_input(w, w->service));
	n = recvfrom(w->service, got, sizeof(got) - 1, 0, (struct sockaddr *)&from, &len);
	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, expected);
	n = sendto(w->service, text, strlen(text), 0, (struct sockaddr *)&from, len);
	assert_int_equal(n, strlen(text));
}

static void each_source_of_datagrams_has_its_own_answers(void **state)
{
	struct world *w = *state;
	int one, other;

	begin(w, true, 1);
	one = connect_to(SOCK_DGRAM, &w->asks.spec.listen);
	other = connect_to(SOCK_DGRAM, &w->asks.spec.listen);
	say(one, "query 1");
	answer(w, "query 1", "answer 1");
	say(other, "query 2");
	answer(w, "query 2", "answer 2");
	assert_string_equal(hear(w, other), "answer 2");
	assert_string_equal(hear(w, one), "answer 1");
	say(one, "query 3");
	answer(w, "query 3", "answer 3");
	assert_string_equal(hear(w, one), "answer 3");
	assert_int_equal(w->asks.counts[FORWARD_OPENED], 2);
	assert_int_equal(w->serves.counts[FORWARD_OPENED], 2);
	close(one);
	close(other);
}

static void the_longest_silent_source_makes_room(void **state)
{
	struct world *w = *state;
	int clients[2 * FORWARD_FLOWS_MAX]; /* open to the end: no port comes twice */

	begin(w, true, 1);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		clients[i] = connect_to(SOCK_DGRAM, &w->asks.spec.listen);
		say(clients[i], "query");
		answer(w, "query", "answer");
		assert_string_equal(hear(w, clients[i]), "answer");
	}
	assert_int_equal(w->asks.counts[FORWARD_FAILED], 0);
	assert_int_equal(w->asks.counts[FORWARD_CLOSED], FORWARD_FLOWS_MAX);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		close(clients[i]);
}

static void datagrams_wait_for_the_link(void **state)
{
	struct world *w = *state;
	int client;

	begin(w, true, 1);
	w->is_linked = false;
	client = connect_to(SOCK_DGRAM, &w->asks.spec.listen);
	say(client, "early");
	for (int i = 0; i < 10; i++)
		turn(w);
	w->is_linked = true;
	event_active(w->matcher, EV_TIMEOUT, 0);
	answer(w, "early", "here");
	assert_string_equal(hear(w, client), "here");
	close(client);
}

static void refused_datagrams_ask_once(void **state)
{
	struct world *w = *state;
	int client;

	begin(w, true, 0);
	client = connect_to(SOCK_DGRAM, &w->asks.spec.listen);
	for (int i = 0; i < 100; i++) {
		say(client, "again");
		turn(w);
	}
	assert_int_equal(w->asks.counts[FORWARD_FAILED], 1);
	assert_string_equal(w->asks.word, FORWARD_NOT_ALLOWED);
	assert_int_equal(w->serves.counts[FORWARD_FAILED], 1);
	close(client);
}

static void an_address_that_refuses_is_not_the_last_one(void **state)
{
	struct world *w = *state;
	int client, service;

	begin(w, true, 1);
	/* Only ::1 has the service: localhost is 127.0.0.1 first. */
	close(w->service);
	service = socket(AF_INET6, SOCK_DGRAM, 0);
	w->service = service;
	w->service_at.port = w->asks.spec.target.port;
	struct sockaddr_in6 at = { .sin6_family = AF_INET6,
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				   .sin6_port = htons(w->service_at.port) };
	if (service < 0 || bind(service, (struct sockaddr *)&at, sizeof(at)) != 0)
		skip();
	client = connect_to(SOCK_DGRAM, &w->asks.spec.listen);
	say(client, "query");
	answer(w, "query", "answer");
	assert_string_equal(hear(w, client), "answer");
	close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(each_direction_of_a_connection_ends_on_its_own),
		TEST(a_reset_goes_through),
		TEST(what_is_not_allowed_is_refused),
		TEST(nothing_is_allowed_without_being_told),
		TEST(a_service_that_is_not_there_is_told),
		TEST(a_slow_service_makes_its_client_wait),
		TEST(many_connections_at_once),
		TEST(a_burst_waits_and_one_too_many_is_refused),
		TEST(a_stranger_gets_nowhere),
		TEST(one_who_asks_without_end_is_not_even_told_of),
		TEST(a_port_that_is_taken_is_told),
		TEST(each_source_of_datagrams_has_its_own_answers),
		TEST(the_longest_silent_source_makes_room),
		TEST(datagrams_wait_for_the_link),
		TEST(refused_datagrams_ask_once),
		TEST(an_address_that_refuses_is_not_the_last_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
