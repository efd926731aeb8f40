/* A time server on loopback that tells a time, lies, or asks not to be asked. */
#include "natprobe/meet/sntp_io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "sockaddr.h"

#define AHEAD_S UINT64_C(0xe8000000) /* of the server's clock before ours */

struct rig {
	struct event_base *base;
	int fd;
	struct event *readable;
	char name[ADDR_TEXT_MAX];
	uint8_t stratum;
	bool leaps;   /* every other answer is a second off */
	bool is_mute; /* it does not answer */
	unsigned asked;
	bool is_done, has_best;
	struct sntp_sample best;
	char why[128];
};

static uint64_t server_time(void)
{
	uint64_t us = clock_us();

	return (AHEAD_S + us / 1000000) << 32 | (us % 1000000 << 32) / 1000000;
}

static void on_asked(evutil_socket_t fd, short events, void *arg)
{
	struct rig *r = arg;
	uint8_t request[SNTP_LEN], answer[SNTP_LEN];
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	struct wire_out w = wire_write(answer, sizeof(answer));
	uint64_t now = server_time();

	assert_int_equal(recvfrom(fd, request, sizeof(request), 0, (struct sockaddr *)&from, &len),
			 SNTP_LEN);
	if (r->asked++ % 2 == 1 && r->leaps)
		now += UINT64_C(1) << 32;
	wire_put_u8(&w, 0x24);
	wire_put_u8(&w, r->stratum);
	wire_put_zeros(&w, 22);
	wire_put_mem(&w, request + 40, 8);
	wire_put_u64(&w, now);
	wire_put_u64(&w, now);
	if (!r->is_mute)
		assert_int_equal(
			sendto(fd, answer, sizeof(answer), 0, (struct sockaddr *)&from, len),
			SNTP_LEN);
}

static void on_done(void *arg, const struct sntp_sample *best, const char *why)
{
	struct rig *r = arg;

	assert_false(r->is_done);
	assert_true((best != NULL) == (why == NULL));
	r->is_done = true;
	r->has_best = best != NULL;
	if (best != NULL)
		r->best = *best;
	else
		snprintf(r->why, sizeof(r->why), "%s", why);
	event_base_loopbreak(r->base);
}

static void rig_open(struct rig *r)
{
	struct addr at = addr_ipv4(127, 0, 0, 1, 0);
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from_addr(&at, &ss);

	*r = (struct rig){ .base = event_base_new(), .stratum = 2 };
	r->fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(r->fd, (struct sockaddr *)&ss, len), 0);
	assert_int_equal(getsockname(r->fd, (struct sockaddr *)&ss, &len), 0);
	assert_true(sockaddr_to_addr((struct sockaddr *)&ss, &at));
	addr_print(&at, r->name);
	r->readable = event_new(r->base, r->fd, EV_READ | EV_PERSIST, on_asked, r);
	assert_int_equal(event_add(r->readable, NULL), 0);
}

static void rig_close(struct rig *r)
{
	event_free(r->readable);
	close(r->fd);
	event_base_free(r->base);
}

static void ask(struct rig *r)
{
	const struct sntp_io_config config = { .base = r->base,
					       .server = r->name,
					       .samples = 3,
					       .interval_ms = 1,
					       .on_done = on_done,
					       .arg = r };
	const char *why;
	struct sntp_io *s = sntp_io_new(&config, &why);

	assert_non_null(s);
	assert_false(r->is_done);
	event_base_dispatch(r->base);
	assert_true(r->is_done);
	sntp_io_free(s);
}

static void the_offset_is_what_the_server_is_ahead(void **state)
{
	int64_t apart;
	struct rig r;

	rig_open(&r);
	ask(&r);
	assert_true(r.has_best);
	assert_int_equal(r.asked, 3);
	apart = r.best.offset_us - (int64_t)(AHEAD_S * 1000000);
	assert_true((uint64_t)(apart < 0 ? -apart : apart) <= r.best.error_us);
	assert_true(r.best.error_us < 1000000);
	rig_close(&r);
}

static void one_that_leaps_is_not_believed(void **state)
{
	struct rig r;

	rig_open(&r);
	r.leaps = true;
	ask(&r);
	assert_false(r.has_best);
	assert_non_null(strstr(r.why, "cannot all be true"));
	rig_close(&r);
}

static void a_kiss_of_death_ends_it_at_once(void **state)
{
	struct rig r;

	rig_open(&r);
	r.stratum = 0;
	ask(&r);
	assert_false(r.has_best);
	assert_non_null(strstr(r.why, "asks not to be asked"));
	assert_in_range(r.asked, 1, 3);
	rig_close(&r);
}

static void one_without_a_clock_says_so(void **state)
{
	struct rig r;

	rig_open(&r);
	r.stratum = 16;
	ask(&r);
	assert_false(r.has_best);
	assert_non_null(strstr(r.why, "does not know the time"));
	rig_close(&r);
}

static void a_name_that_is_none_is_refused(void **state)
{
	struct sntp_io_config config = { .base = event_base_new(), .on_done = on_done };
	static const char *const wrong[] = { "", "exa mple.org", "stun:example.org", "x:99999" };

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const char *why = NULL;

		config.server = wrong[i];
		assert_null(sntp_io_new(&config, &why));
		assert_non_null(why);
	}
	event_base_free(config.base);
}

static void one_may_be_freed_while_it_waits(void **state)
{
	struct rig r;
	const char *why;
	struct sntp_io_config config = { .on_done = on_done, .arg = &r };
	struct sntp_io *s;

	rig_open(&r);
	r.is_mute = true;
	config.base = r.base;
	config.server = r.name;
	s = sntp_io_new(&config, &why);
	assert_non_null(s);
	while (r.asked == 0)
		event_base_loop(r.base, EVLOOP_ONCE);
	sntp_io_free(s);
	event_base_loop(r.base, EVLOOP_NONBLOCK);
	assert_false(r.is_done);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_offset_is_what_the_server_is_ahead),
		cmocka_unit_test(one_that_leaps_is_not_believed),
		cmocka_unit_test(a_kiss_of_death_ends_it_at_once),
		cmocka_unit_test(one_without_a_clock_says_so),
		cmocka_unit_test(a_name_that_is_none_is_refused),
		cmocka_unit_test(one_may_be_freed_while_it_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
