/* address_watch: which addresses it takes for gone. That it tells of changes: sys_link.sh, `moved`. */
#include "natprobe/net/address_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void on_change(void *arg)
{
	fail_msg("nothing has changed");
}

static struct addr ip_of(const char *text)
{
	struct addr ip;

	assert_true(addr_parse_ip(text, 0, &ip));
	return ip;
}

static void what_is_not_watched_is_not_gone(void **state)
{
	static const char *const others[] = { "127.0.0.1", "127.8.8.8", "::1", "169.254.1.2",
					      "fe80::1" };
	struct event_base *base = event_base_new();
	struct address_watch *w = address_watch_new(base, on_change, NULL);
	const struct addr nobodys = ip_of("192.0.2.77");

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const struct addr ip = ip_of(others[i]);

		assert_true(address_watch_has(w, &ip));
	}
	if (w != NULL)
		assert_false(address_watch_has(w, &nobodys));
	else
		assert_true(address_watch_has(w, &nobodys)); /* the system does not tell */
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	address_watch_free(w);
	event_base_free(base);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_watched_is_not_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
