/* forward_spec and forward_wire: what is told, and what two of them say to each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "natprobe/forward/forward_wire.h"

static void targets_have_one_form(void **state)
{
	static const struct {
		const char *text, *form; /* NULL: refused */
	} cases[] = {
		{ "localhost:80", "localhost:80" },
		{ "LocalHost.:80", "localhost:80" },
		{ "localhost:80/tcp", "localhost:80" },
		{ "localhost:53/udp", "localhost:53/udp" },
		{ "192.0.2.1:65535", "192.0.2.1:65535" },
		{ "[2001:DB8:0::1]:22", "[2001:db8::1]:22" },
		{ "[::ffff:192.0.2.1]:22", "192.0.2.1:22" },
		{ "my_host-1.example:1", "my_host-1.example:1" },
		{ "", NULL },
		{ ":80", NULL },
		{ "localhost", NULL },
		{ "localhost:", NULL },
		{ "localhost:0", NULL },
		{ "localhost:65536", NULL },
		{ "localhost:00080x", NULL },
		{ "localhost:-1", NULL },
		{ "localhost:80/sctp", NULL },
		{ "*:80", NULL },
		{ "localhost:*", NULL },
		{ "a b:80", NULL },
		{ "a..b:80", NULL },
		{ ".:80", NULL },
		{ "127.1:80", NULL },
		{ "2130706433:80", NULL },
		{ "0x7f000001:80", NULL },
		{ "127.0.0.01:80", NULL },
		{ "2001:db8::1:80", NULL },
		{ "[localhost]:80", NULL },
		{ "[127.0.0.1]:80", NULL },
		{ "[::1:80", NULL },
		{ "h\n:80", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct forward_target t, again;
		char form[FORWARD_TARGET_MAX];
		const char *why = forward_target_read(bytes_of_str(cases[i].text), &t);

		if ((why == NULL) != (cases[i].form != NULL))
			fail_msg("%s: %s", cases[i].text, why != NULL ? why : "accepted");
		if (why != NULL)
			continue;
		assert_string_equal(forward_target_print(&t, form), cases[i].form);
		assert_null(forward_target_read(bytes_of_str(form), &again));
		assert_true(forward_target_equal(&t, &again));
	}
}

static void names_may_be_long_but_not_too_long(void **state)
{
	char host[FORWARD_HOST_MAX + 2], out[FORWARD_HOST_MAX + 1];

	memset(host, 'a', sizeof(host));
	assert_true(forward_host_read(bytes_of(host, FORWARD_HOST_MAX), out));
	assert_false(forward_host_read(bytes_of(host, FORWARD_HOST_MAX + 1), out));
}

static void specs_name_a_port_here_and_a_target_there(void **state)
{
	static const struct {
		const char *text, *listen, *target; /* NULL: refused */
	} cases[] = {
		{ "8080:localhost:80", "127.0.0.1:8080", "localhost:80" },
		{ "5353:localhost:53/udp", "127.0.0.1:5353", "localhost:53/udp" },
		{ "0.0.0.0:8080:10.0.0.1:80", "0.0.0.0:8080", "10.0.0.1:80" },
		{ "[::1]:8080:[fd00::1]:80", "[::1]:8080", "[fd00::1]:80" },
		{ "localhost:8080:web:80", "127.0.0.1:8080", "web:80" },
		{ "8080", NULL, NULL },
		{ "localhost:80", NULL, NULL },
		{ "0:localhost:80", NULL, NULL },
		{ "8080:localhost:0", NULL, NULL },
		{ "web:8080:localhost:80", NULL, NULL },
		{ "*:8080:localhost:80", NULL, NULL },
		{ "1:2:3:4:5", NULL, NULL },
		{ "8080::80", NULL, NULL },
		{ "8080:::1:80", NULL, NULL },
		{ "natkit:abcdef", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct forward_spec s;
		char text[FORWARD_TARGET_MAX];
		const char *why = forward_spec_read(bytes_of_str(cases[i].text), &s);

		if ((why == NULL) != (cases[i].listen != NULL))
			fail_msg("%s: %s", cases[i].text, why != NULL ? why : "accepted");
		if (why != NULL)
			continue;
		assert_string_equal(addr_print(&s.listen, text), cases[i].listen);
		assert_string_equal(forward_target_print(&s.target, text), cases[i].target);
	}
}

static void tcp_and_udp_of_a_port_are_two_targets(void **state)
{
	struct forward_target tcp, udp;

	assert_null(forward_target_read(BYTES("localhost:53"), &tcp));
	assert_null(forward_target_read(BYTES("localhost:53/udp"), &udp));
	assert_false(forward_target_equal(&tcp, &udp));
}

static void messages_are_read_as_they_were_written(void **state)
{
	const struct forward_msg msgs[] = {
		{ .kind = FORWARD_OPEN,
		  .target = { .host = "localhost", .port = 53, .is_udp = true },
		  .data = BYTES("query") },
		{ .kind = FORWARD_OK },
		{ .kind = FORWARD_REFUSED, .data = BYTES(FORWARD_NOT_ALLOWED) },
		{ .kind = FORWARD_DATA, .data = BYTES("answer") },
		{ .kind = FORWARD_DATA }, /* a datagram may be empty */
	};

	for (size_t i = 0; i < ARRAY_LEN(msgs); i++) {
		uint8_t buf[256];
		struct forward_msg got;
		size_t len = forward_msg_write(&msgs[i], buf, sizeof(buf));

		assert_true(len > FORWARD_HEAD);
		assert_int_equal(buf[0] << 8 | buf[1], len - FORWARD_HEAD);
		assert_true(forward_msg_read(bytes_of(buf + FORWARD_HEAD, len - FORWARD_HEAD), true,
					     &got));
		assert_int_equal(got.kind, msgs[i].kind);
		assert_true(bytes_equal(got.data, msgs[i].data));
		assert_string_equal(got.target.host, msgs[i].target.host);
		assert_int_equal(forward_msg_write(&msgs[i], buf, len - 1), 0);
	}
}

static void messages_that_nobody_may_send(void **state)
{
	static const struct {
		const char *why;
		struct bytes bytes;
		bool is_udp;
	} cases[] = {
		{ "empty", { NULL, 0 }, true },
		{ "no kind", BYTES("\x00"), true },
		{ "a kind too many", BYTES("\x05"), true },
		{ "port 0", BYTES("\x01\x00\x00\x01h"), false },
		{ "no host", BYTES("\x01\x00\x50\x00"), false },
		{ "a short host", BYTES("\x01\x00\x50\x05host"), false },
		{ "a host in another form", BYTES("\x01\x00\x50\x04HOST"), false },
		{ "a pattern", BYTES("\x01\x00\x50\x01*"), false },
		{ "a host with a zero", BYTES("\x01\x00\x50\x03h\0t"), false },
		{ "data behind an open of TCP", BYTES("\x01\x00\x50\x01hx"), false },
		{ "data of TCP", BYTES("\x04x"), false },
		{ "ok, and more", BYTES("\x02x"), false },
		{ "refused without a word", BYTES("\x03"), false },
		{ "refused with an escape", BYTES("\x03\x1b[2J"), false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct forward_msg m;

		if (forward_msg_read(cases[i].bytes, cases[i].is_udp, &m))
			fail_msg("%s: accepted", cases[i].why);
	}
}

static void every_word_has_a_text(void **state)
{
	assert_non_null(strstr(forward_word_text(FORWARD_NOT_ALLOWED), "--allow"));
	assert_string_equal(forward_word_text("new-word"), "new-word");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_have_one_form),
		cmocka_unit_test(names_may_be_long_but_not_too_long),
		cmocka_unit_test(specs_name_a_port_here_and_a_target_there),
		cmocka_unit_test(tcp_and_udp_of_a_port_are_two_targets),
		cmocka_unit_test(messages_are_read_as_they_were_written),
		cmocka_unit_test(messages_that_nobody_may_send),
		cmocka_unit_test(every_word_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
