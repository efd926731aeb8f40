/* listen: workers that share their clients' limits, as many as there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "sockaddr.h"
#include "stund/listen.h"

#define WORKERS 4
#define CLIENTS 32

/* All workers in this thread; the kernel chooses one for each client. */
static struct {
	struct event_base *base;
	struct stund_conf conf;
	struct layout layout;
	struct listen_common common;
	struct policy *policy;
	struct listen *workers[WORKERS];
	int clients[CLIENTS];
} f;

static void close_workers(void)
{
	for (int i = 0; i < WORKERS; i++)
		listen_close(f.workers[i]);
	listen_common_close(&f.common);
	policy_release(f.policy);
	stund_conf_clear(&f.conf);
	memset(f.workers, 0, sizeof(f.workers));
	f.policy = NULL;
}

/* Returns 0, or -EADDRINUSE where the port is one of others. */
static int try_open(uint16_t port, const char *most, const char *most_of_one)
{
	char port_text[8];
	char *argv[] = { "stund",
			 "--listen=127.0.0.1",
			 "-p",
			 port_text,
			 "--max-connections",
			 (char *)(uintptr_t)most,
			 "--max-connections-per-source",
			 (char *)(uintptr_t)most_of_one,
			 NULL };
	struct opt_error err;
	int rc = 0;

	snprintf(port_text, sizeof(port_text), "%u", port);
	if (!stund_conf_load(8, argv, &f.conf, &err) || !layout_make(&f.conf, &f.layout, &err))
		fail_msg("%s", err.text);
	f.policy = policy_new(&f.conf, &err);
	assert_non_null(f.policy);
	assert_int_equal(listen_common_open(&f.common, &f.conf, &f.layout, WORKERS), 0);
	for (size_t i = 0; i < WORKERS && rc == 0; i++)
		rc = listen_open(f.base, &f.common, f.policy, i + 1, &f.workers[i]);
	if (rc != 0)
		close_workers();
	return rc;
}

static void open_workers(const char *most, const char *most_of_one)
{
	int rc = -EADDRINUSE;

	f.base = event_base_new();
	assert_non_null(f.base);
	for (int i = 0; i < CLIENTS; i++)
		f.clients[i] = -1;
	for (uint16_t port = 21000; port < 21100 && rc == -EADDRINUSE; port++)
		rc = try_open((uint16_t)(port + getpid() % 100 * 100), most, most_of_one);
	assert_int_equal(rc, 0);
}

static void pump(void)
{
	for (int i = 0; i < 5; i++)
		assert_true(event_base_loop(f.base, EVLOOP_NONBLOCK) >= 0);
}

static int end(void **state)
{
	for (int i = 0; i < CLIENTS; i++) {
		if (f.clients[i] >= 0)
			close(f.clients[i]);
	}
	close_workers();
	event_base_free(f.base);
	return 0;
}

static void hang_up(int i)
{
	close(f.clients[i]);
	f.clients[i] = -1;
}

/* Returns whether it may stay. */
static bool dial(int i, uint8_t from)
{
	struct addr source = addr_ipv4(127, 0, 0, from, 0);
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&source, &sa);
	char byte;

	f.clients[i] = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(f.clients[i] >= 0);
	assert_int_equal(bind(f.clients[i], (struct sockaddr *)&sa, len), 0);
	len = sockaddr_from_addr(&f.layout.sockets[0].local, &sa);
	assert_int_equal(connect(f.clients[i], (struct sockaddr *)&sa, len), 0);
	pump();
	if (recv(f.clients[i], &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN)
		return true;
	hang_up(i);
	return false;
}

static uint64_t sum_of(size_t offset)
{
	uint64_t sum = 0;

	for (int i = 0; i < WORKERS; i++) {
		const uint8_t *stats = (const uint8_t *)listen_stream_stats(f.workers[i]);

		sum += counter_read((const _Atomic uint64_t *)(const void *)(stats + offset));
	}
	return sum;
}

static void a_source_has_its_most_over_all_workers(void **state)
{
	int stay = 0;

	open_workers("100", "3");
	for (int i = 0; i < CLIENTS - 1; i++)
		stay += dial(i, 1);
	assert_int_equal(stay, 3);
	assert_int_equal(sum_of(offsetof(struct stream_stats, refused_source)), CLIENTS - 4);
	assert_true(dial(CLIENTS - 1, 2)); /* another one does not pay for it */

	hang_up(0);
	pump();
	assert_true(dial(0, 1));
	hang_up(0);
}

/* Also where one worker gets more of them than another. */
static void all_that_may_be_there_find_a_place(void **state)
{
	enum { MOST = 12 };
	int stay = 0;

	open_workers("12", "12");
	for (int i = 0; i < MOST; i++)
		assert_true(dial(i, (uint8_t)(1 + i % 5)));
	for (int i = MOST; i < CLIENTS; i++)
		stay += dial(i, 9);
	assert_int_equal(stay, 0);
	assert_int_equal(sum_of(offsetof(struct stream_stats, refused_total)), CLIENTS - MOST);
	assert_int_equal(sum_of(offsetof(struct stream_stats, open)), MOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_source_has_its_most_over_all_workers, end),
		cmocka_unit_test_teardown(all_that_may_be_there_find_a_place, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
