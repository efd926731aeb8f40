/* Real HTTP by plain sockets on loopback, against a listener in the same thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin.h"
#include "sockaddr.h"
#include "wire.h"

struct world {
	struct event_base *base;
	struct admin *admin;
	struct addr bound;
	bool healthy;
	int scrapes;
};

static void tell(struct metrics *m, void *arg)
{
	struct world *w = arg;

	w->scrapes++;
	metrics_family(m, "test_scrapes_total", METRICS_COUNTER, "Scrapes.");
	metrics_count(m, NULL, (uint64_t)w->scrapes);
}

static bool is_healthy(void *arg)
{
	return ((struct world *)arg)->healthy;
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct admin_hooks hooks = { .metrics = tell, .is_healthy = is_healthy, .arg = w };
	struct addr local = addr_ipv4(127, 0, 0, 1, 0);

	assert_non_null(w);
	w->base = event_base_new();
	assert_non_null(w->base);
	assert_int_equal(admin_open(w->base, &local, &hooks, &w->bound, &w->admin), 0);
	assert_true(w->bound.port != 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	admin_close(w->admin);
	event_base_free(w->base);
	free(w);
	return 0;
}

static int dial(const struct world *w)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from_addr(&w->bound, &ss);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

/* Reads to the end of the stream while the server works. Returns the text. */
static const char *read_all(const struct world *w, int fd)
{
	static char text[65536];
	size_t len = 0;
	ssize_t n;

	do {
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EAGAIN));
	text[len] = '\0';
	return text;
}

static const char *ask(const struct world *w, const char *request)
{
	int fd = dial(w);

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	const char *answer = read_all(w, fd);
	close(fd);
	return answer;
}

static const char *body_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static void metrics_are_told(void **state)
{
	struct world *w = *state;
	const char *answer = ask(w, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");

	assert_true(starts_with(answer, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(
		strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_non_null(strstr(answer, "Connection: close\r\n"));
	assert_string_equal(body_of(answer), "# HELP test_scrapes_total Scrapes.\n"
					     "# TYPE test_scrapes_total counter\n"
					     "test_scrapes_total 1\n");
	answer = ask(w, "GET /metrics?debug=1 HTTP/1.0\r\n\r\n");
	assert_non_null(strstr(answer, "test_scrapes_total 2\n"));
}

static void head_has_the_length_and_no_body(void **state)
{
	struct world *w = *state;
	const char *answer = ask(w, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");

	assert_true(starts_with(answer, "HTTP/1.1 503 Service Unavailable\r\n"));
	assert_non_null(strstr(answer, "Content-Length: 10\r\n"));
	assert_string_equal(body_of(answer), "");
}

static void health_is_ok_or_503(void **state)
{
	struct world *w = *state;
	const char *answer;

	w->healthy = true;
	answer = ask(w, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(starts_with(answer, "HTTP/1.1 200 OK\r\n"));
	assert_string_equal(body_of(answer), "ok\n");
	w->healthy = false;
	answer = ask(w, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(starts_with(answer, "HTTP/1.1 503 "));
}

static void readiness_is_for_programs_that_know_it(void **state)
{
	struct world *w = *state;
	struct admin_hooks hooks = {
		.metrics = tell, .is_healthy = is_healthy, .is_ready = is_healthy, .arg = w
	};
	static const char request[] = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";

	assert_true(starts_with(ask(w, request), "HTTP/1.1 404 "));
	admin_close(w->admin);
	w->admin = NULL;
	w->bound.port = 0;
	struct addr local = w->bound;
	assert_int_equal(admin_open(w->base, &local, &hooks, &w->bound, &w->admin), 0);
	w->healthy = true;
	assert_true(starts_with(ask(w, request), "HTTP/1.1 200 OK\r\n"));
	w->healthy = false;
	assert_true(starts_with(ask(w, request), "HTTP/1.1 503 "));
}

static void anything_else_is_refused(void **state)
{
	static const struct {
		const char *request, *answer;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 " },
		{ "GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 " },
		{ "GET /../metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 " },
		{ "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
		  "HTTP/1.1 405 " },
		{ "DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 " },
		{ "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 " },
		{ "PUT /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
		  "HTTP/1.1 413 " },
		{ "GARBAGE\r\n\r\n", "HTTP/1." },
		{ "BREW /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1." },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *answer = ask(w, cases[i].request);

		if (!starts_with(answer, cases[i].answer))
			fail_msg("%s: %s", cases[i].request, answer);
	}
	assert_int_equal(w->scrapes, 0);
	assert_non_null(strstr(ask(w, cases[3].request), "Allow: GET, HEAD\r\n"));
}

static void long_headers_are_refused(void **state)
{
	struct world *w = *state;
	static char request[20000] = "GET /metrics HTTP/1.1\r\nX: ";

	memset(request + strlen(request), 'x', sizeof(request) - 1 - strlen(request));
	const char *answer = ask(w, request);
	assert_false(starts_with(answer, "HTTP/1.1 200"));
	assert_int_equal(w->scrapes, 0);
	assert_non_null(strstr(ask(w, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), " 200 OK"));
}

/* Connections that say nothing are closed from the oldest on, and a scrape gets through. */
static void idle_connections_do_not_keep_others_out(void **state)
{
	struct world *w = *state;
	int idle[2 * ADMIN_CONNECTIONS_MAX];
	int closed = 0;

	for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
		idle[i] = dial(w);
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	}
	assert_non_null(strstr(ask(w, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), " 200 OK"));
	for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
		char c;

		event_base_loop(w->base, EVLOOP_NONBLOCK);
		closed += recv(idle[i], &c, 1, 0) == 0;
	}
	assert_int_equal(closed, ADMIN_CONNECTIONS_MAX + 1);
	assert_string_equal(read_all(w, idle[0]), "");
	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		close(idle[i]);
}

static void clients_come_and_go(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 5 * ADMIN_CONNECTIONS_MAX; i++) {
		int fd = dial(w);

		if (i % 3 == 0)
			send(fd, "GET /met", 8, MSG_NOSIGNAL);
		if (i % 3 == 1)
			send(fd, "\1\2\3\r\n\r\n", 7, MSG_NOSIGNAL);
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		close(fd);
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	}
	assert_non_null(strstr(ask(w, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), " 200 OK"));
}

static struct rlimit descriptors;
static int libevent_warnings;

/* Whoever spins until there are descriptors gets them now. */
static void count_warning(int severity, const char *message)
{
	if (++libevent_warnings == 10)
		setrlimit(RLIMIT_NOFILE, &descriptors);
}

/* While there is no descriptor for the one who waits, the loop must not spin. */
static void without_descriptors_it_pauses(void **state)
{
	struct world *w = *state;
	struct rlimit none;
	int fd = dial(w);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
	none = descriptors;
	none.rlim_cur = (rlim_t)fd + 1; /* all numbers up to it are taken */
	libevent_warnings = 0;
	event_set_log_callback(count_warning);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
	event_set_log_callback(NULL);
	close(fd);
	assert_int_equal(libevent_warnings, 0);
	assert_non_null(strstr(ask(w, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), " 200 OK"));
}

static void an_address_that_is_taken_is_told(void **state)
{
	struct world *w = *state;
	struct admin_hooks hooks = { .metrics = tell, .is_healthy = is_healthy, .arg = w };
	struct admin *second = NULL;

	assert_int_equal(admin_open(w->base, &w->bound, &hooks, NULL, &second), -EADDRINUSE);
	assert_null(second);
	admin_close(NULL);
}

static void ipv6_is_ipv6_only(void **state)
{
	struct world *w = *state;
	struct admin_hooks hooks = { .metrics = tell, .is_healthy = is_healthy, .arg = w };
	struct admin *second = NULL;
	struct addr any;

	assert_true(addr_parse_ip("::", w->bound.port, &any));
	int rc = admin_open(w->base, &any, &hooks, NULL, &second);
	if (rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL)
		skip();
	assert_int_equal(rc, 0); /* the same port as the IPv4 listener */
	admin_close(second);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(metrics_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(head_has_the_length_and_no_body, set_up, tear_down),
		cmocka_unit_test_setup_teardown(health_is_ok_or_503, set_up, tear_down),
		cmocka_unit_test_setup_teardown(readiness_is_for_programs_that_know_it, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(anything_else_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_headers_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(idle_connections_do_not_keep_others_out, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(clients_come_and_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_descriptors_it_pauses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ipv6_is_ipv6_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_address_that_is_taken_is_told, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
