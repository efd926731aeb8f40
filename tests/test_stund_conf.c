/* stund_conf and layout: from options to sockets, or to a reason why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stund/layout.h"
#include "stund/stund_conf.h"

#define ARGS_MAX 16

/* What --check-config reads of it is for another test. */
#define KEY "--partner-key-file /dev/null"

static struct stund_conf conf;
static struct layout layout;
static struct opt_error err;

/* "-l 127.0.0.1 -t": words in blanks. */
static bool load(const char *words)
{
	char text[512], *argv[ARGS_MAX] = { "stund" }, *save = NULL;
	int argc = 1;

	stund_conf_clear(&conf);
	err.text[0] = '\0';
	snprintf(text, sizeof(text), "%s", words);
	for (char *w = strtok_r(text, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		assert_true(argc < ARGS_MAX - 1);
		argv[argc++] = w;
	}
	return stund_conf_load(argc, argv, &conf, &err) && layout_make(&conf, &layout, &err);
}

static void expect_socket(size_t i, const char *local, size_t site, uint8_t number)
{
	char text[ADDR_TEXT_MAX];

	assert_true(i < layout.socket_count);
	assert_string_equal(addr_print(&layout.sockets[i].local, text), local);
	assert_int_equal(layout.sockets[i].site, site);
	assert_int_equal(layout.sockets[i].number, number);
}

static void expect_seen(size_t site, uint8_t number, const char *seen)
{
	char text[ADDR_TEXT_MAX];

	assert_true(layout.sites[site].site.has[number]);
	assert_string_equal(addr_print(&layout.sites[site].site.seen_as[number], text), seen);
}

static void all_addresses_without_options(void **state)
{
	assert_true(load(""));
	assert_int_equal(layout.socket_count, 2);
	expect_socket(0, "0.0.0.0:3478", 0, 0);
	expect_socket(1, "[::]:3478", 1, 0);
	assert_true(layout.sites[0].any);
	assert_false(stun_site_is_full(&layout.sites[0].site));
	assert_false(layout_has_full_site(&layout, ADDR_IPV4));
}

static void two_addresses_make_a_full_site(void **state)
{
	assert_true(load("-l 192.0.2.1 -a 192.0.2.2"));
	assert_int_equal(layout.site_count, 1);
	assert_int_equal(layout.socket_count, 4);
	expect_socket(0, "192.0.2.1:3478", 0, 0);
	expect_socket(1, "192.0.2.1:3479", 0, 1);
	expect_socket(2, "192.0.2.2:3478", 0, 2);
	expect_socket(3, "192.0.2.2:3479", 0, 3);
	assert_true(stun_site_is_full(&layout.sites[0].site));
	assert_true(layout_has_full_site(&layout, ADDR_IPV4));
	assert_false(layout_has_full_site(&layout, ADDR_IPV6));
	assert_false(layout.sites[0].any);
}

static void families_pair_among_themselves(void **state)
{
	assert_true(load("-l 2001:db8::1 -l 192.0.2.1 -l 192.0.2.9 -a 192.0.2.2 "
			 "-a 2001:db8::2"));
	assert_int_equal(layout.site_count, 3);
	assert_int_equal(layout.socket_count, 9);
	expect_socket(3, "[2001:db8::2]:3479", 0, 3);
	expect_socket(4, "192.0.2.1:3478", 1, 0);
	expect_socket(7, "192.0.2.2:3479", 1, 3);
	expect_socket(8, "192.0.2.9:3478", 2, 0);
	assert_true(stun_site_is_full(&layout.sites[1].site));
	assert_false(stun_site_is_full(&layout.sites[2].site));
}

static void a_partner_takes_two_ports_of_the_first_address(void **state)
{
	assert_true(load("-l 192.0.2.1 -l 192.0.2.9 -l 2001:db8::1 --partner 192.0.2.2 " KEY));
	assert_int_equal(layout.site_count, 3);
	assert_int_equal(layout.socket_count, 5);
	expect_socket(0, "192.0.2.1:3478", 0, 0);
	expect_socket(1, "192.0.2.1:3479", 0, 1);
	expect_socket(2, "192.0.2.9:3478", 1, 0);
	expect_socket(4, "[2001:db8::1]:3479", 2, 1);
	assert_true(layout.sites[0].partnered && !layout.sites[1].partnered);
	assert_false(stun_site_is_full(&layout.sites[0].site));
	assert_true(layout_has_partner(&layout, ADDR_IPV6));
	assert_int_equal(conf.partner.port, 3480);
	assert_true(load("-l 192.0.2.1 --partner [2001:db8::2]:4000 -l 2001:db8::1 " KEY));
	assert_int_equal(conf.partner.port, 4000);
	assert_int_equal(layout_partner_local(&conf)->family, ADDR_IPV6);
	assert_true(load("-l 192.0.2.1"));
	assert_false(layout_has_partner(&layout, ADDR_IPV4));
}

static void ports_can_be_chosen(void **state)
{
	assert_true(load("-l 192.0.2.1 -a 192.0.2.2 --port 1000 --alternate-port 2000"));
	expect_socket(0, "192.0.2.1:1000", 0, 0);
	expect_socket(3, "192.0.2.2:2000", 0, 3);
	assert_true(load("-l 192.0.2.1:53 -l 192.0.2.1 -p 1000"));
	expect_socket(0, "192.0.2.1:53", 0, 0);
	expect_socket(1, "192.0.2.1:1000", 1, 0);
}

static void public_addresses_are_what_clients_see(void **state)
{
	assert_true(load("-l 10.0.0.1 -a 10.0.0.2 --public 10.0.0.1=192.0.2.1 "
			 "--public 10.0.0.2=192.0.2.2"));
	expect_socket(2, "10.0.0.2:3478", 0, 2);
	expect_seen(0, 0, "192.0.2.1:3478");
	expect_seen(0, 1, "192.0.2.1:3479");
	expect_seen(0, 2, "192.0.2.2:3478");
	expect_seen(0, 3, "192.0.2.2:3479");
}

static void a_certificate_brings_the_tls_ports(void **state)
{
	char words[200], path[] = "/tmp/natkit-test-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	snprintf(words, sizeof(words),
		 "-l 192.0.2.1 -l 192.0.2.1:53 -a 192.0.2.2 --cert-file %s --key-file %s", path,
		 path);
	assert_true(load(words));
	assert_int_equal(layout.socket_count, 9);
	expect_socket(4, "192.0.2.1:5349", 1, 0);
	expect_socket(7, "192.0.2.2:5350", 1, 3);
	assert_true(layout.sites[1].tls_ports);
	expect_socket(8, "192.0.2.1:53", 2, 0);
	unlink(path);
}

#define TLS "--cert-file /dev/null --key-file /dev/null" /* nobody reads them here */

static void the_tls_port_may_be_one_that_is_listened_on(void **state)
{
	assert_true(load("-l 127.0.0.1:5349 " TLS));
	assert_int_equal(layout.socket_count, 1);
	assert_true(load("-p 5349 " TLS));
	assert_int_equal(layout.socket_count, 2);
	assert_true(load("-l 127.0.0.1,127.0.0.1:5349 " TLS));
	assert_int_equal(layout.socket_count, 2);
	expect_socket(1, "127.0.0.1:5349", 1, 0);
	/* The second port of another site is not to be had. */
	assert_false(load("-l 127.0.0.1 -a 127.0.0.2 --alternate-port 5349 " TLS));
	assert_non_null(strstr(err.text, "127.0.0.1:5349 would be opened twice"));
}

static void sockets_are_found_by_what_a_client_connected_to(void **state)
{
	struct addr a = addr_ipv4(192, 0, 2, 2, 3479);

	assert_true(load("-l 192.0.2.1 -a 192.0.2.2"));
	assert_int_equal(layout_find(&layout, &a)->number, 3);
	a.port = 3480;
	assert_null(layout_find(&layout, &a));
	assert_true(load(""));
	assert_null(layout_find(&layout, &a));
	a.port = 3478;
	assert_ptr_equal(layout_find(&layout, &a), &layout.sockets[0]);
}

static void contradictions_name_the_key_and_a_remedy(void **state)
{
	static const struct {
		const char *words, *key, *remedy;
	} cases[] = {
		{ "-a 192.0.2.2", "alternate: 192.0.2.2", "set listen" },
		{ "-l 192.0.2.1 -a 2001:db8::2", "alternate: 2001:db8::2", "set listen" },
		{ "-l 0.0.0.0 -a 192.0.2.2", "alternate: 192.0.2.2", "set listen" },
		{ "-l 192.0.2.1 -a 192.0.2.2:3479", "alternate: ", "alternate-port" },
		{ "-l 192.0.2.1 -a 0.0.0.0", "alternate: ", "name one" },
		{ "-l 192.0.2.1 -a 192.0.2.1", "alternate: ", "needs two" },
		{ "-l 192.0.2.1 -a 192.0.2.2 -a 192.0.2.3", "alternate: 192.0.2.3", "set listen" },
		{ "-l 192.0.2.1 -a 192.0.2.2 --alternate-port 3478",
		  "alternate-port: ", "another" },
		{ "-l 192.0.2.1 --partner 192.0.2.2", "partner: ", "set partner-key-file" },
		{ "-l 192.0.2.1 --partner-key-file /dev/null",
		  "partner-key-file: ", "set partner" },
		{ "-l 192.0.2.1 -a 192.0.2.2 --partner 192.0.2.3 " KEY, "partner: ", "leave one" },
		{ "--partner 192.0.2.2 " KEY, "partner: 192.0.2.2", "set listen" },
		{ "-l 2001:db8::1 --partner 192.0.2.2 " KEY, "partner: 192.0.2.2", "set listen" },
		{ "-l 192.0.2.1,:: --partner 192.0.2.2 " KEY, "partner: 192.0.2.2", "set listen" },
		{ "-l 192.0.2.1 --partner 192.0.2.1 " KEY, "partner: 192.0.2.1", "other one" },
		{ "-l 192.0.2.1 --partner 0.0.0.0 " KEY, "partner: ", "no address" },
		{ "-l 192.0.2.1 --partner-port 3479 --partner 192.0.2.2 " KEY,
		  "partner-port: ", "choose another" },
		{ "-l 192.0.2.1:3480 --partner 192.0.2.2 " KEY,
		  "partner-port: ", "choose another" },
		{ "-l 192.0.2.1 --alternate-port 3478 --partner 192.0.2.2 " KEY,
		  "alternate-port: ", "another" },
		{ "-l 192.0.2.1 --partner 192.0.2.2 --partner-key-file /nowhere/key",
		  "partner-key-file: ", "/nowhere/key" },
		{ "-l 192.0.2.1 --partner-key secret", "partner-key", "partner-key-file" },
		{ "-l 192.0.2.1 -l 192.0.2.1", "listen: 192.0.2.1:3478", "once" },
		{ "-l 192.0.2.1 --public 192.0.2.1", "public: ", "LOCAL=PUBLIC" },
		{ "-l 192.0.2.1 --public 192.0.2.1=0.0.0.0", "public: ", "LOCAL=PUBLIC" },
		{ "-l 192.0.2.1 --public 192.0.2.1=2001:db8::1", "public: ", "both" },
		{ "-l 10.0.0.1 --public 192.0.2.1=10.0.0.1", "public: 192.0.2.1", "left" },
		{ "--cert-file /dev/null", "cert-file: ", "set key-file" },
		{ "--key-file /dev/null", "key-file: ", "set cert-file" },
		{ "--admin host", "admin: ", "9641" },
		{ "--admin 70000", "admin: ", "9641" },
		{ "--admin 0", "admin: ", "9641" },
		{ "--port 0", "port", "" },
		{ "--workers 1000", "workers", "" },
		{ "extra", "extra: ", "--help" },
		{ "--unheard-of", "unheard-of", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (load(cases[i].words))
			fail_msg("%s: accepted", cases[i].words);
		if (strstr(err.text, cases[i].key) == NULL ||
		    strstr(err.text, cases[i].remedy) == NULL)
			fail_msg("%s: \"%s\"", cases[i].words, err.text);
	}
}

static void too_many_addresses_are_refused(void **state)
{
	struct addr many[LAYOUT_SITES_MAX + 1];

	assert_true(load(""));
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = addr_ipv4(192, 0, 2, (uint8_t)i, 0);
	conf.listen = (struct opt_list){ .items = many, .count = LAYOUT_SITES_MAX };
	assert_true(layout_make(&conf, &layout, &err));
	conf.listen.count++;
	assert_false(layout_make(&conf, &layout, &err));
	assert_non_null(strstr(err.text, "192.0.2.64"));
	conf.listen = (struct opt_list){ 0 };
}

static void the_command_line_has_the_last_word(void **state)
{
	char words[100], path[] = "/tmp/natkit-test-XXXXXX";
	int fd = mkstemp(path);
	static const char text[] = "port = 1000\nworkers = 3\nlisten = 192.0.2.1\n";

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	snprintf(words, sizeof(words), "--port 2000 --config %s", path);
	assert_true(load(words));
	assert_int_equal(conf.workers, 3);
	expect_socket(0, "192.0.2.1:2000", 0, 0);

	snprintf(words, sizeof(words), "--alternate 192.0.2.1 --config %s", path);
	assert_false(load(words));
	assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
	unlink(path);
}

static void bad_values_name_file_and_line(void **state)
{
	static const char *const lines[] = { "admin = 70000", "public = 192.0.2.1",
					     "public = 10.0.0.1=::1", "port = 0", "listen = x",
					     /* These show when all is read. */
					     "alternate = 192.0.2.2", "key-file = /dev/null",
					     "public = 10.0.0.1=192.0.2.1" };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char words[100], path[] = "/tmp/natkit-test-XXXXXX", want[100];
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		dprintf(fd, "# one\n%s\n", lines[i]);
		close(fd);
		snprintf(words, sizeof(words), "--config %s", path);
		snprintf(want, sizeof(want), "%s:2: %.*s: ", path, (int)strcspn(lines[i], " "),
			 lines[i]);
		assert_false(load(words));
		unlink(path);
		if (strncmp(err.text, want, strlen(want)) != 0)
			fail_msg("%s: \"%s\"", lines[i], err.text);
	}
}

/* What adds to the attack surface, or to the answers, is for the operator to ask for. */
static void little_is_on_without_being_asked_for(void **state)
{
	assert_true(load(""));
	assert_false(conf.rfc3489);
	assert_null(conf.software);
	assert_null(conf.admin);
	assert_true(conf.rate_limit > 0);
	assert_true(load("--rfc3489"));
	assert_true(conf.rfc3489);
}

static void help_needs_no_file(void **state)
{
	char *argv[] = { "stund", "--help", "--config", "/does/not/exist" };

	stund_conf_clear(&conf);
	assert_true(stund_conf_load(4, argv, &conf, &err));
	assert_true(conf.help);
	argv[1] = "--check-config";
	stund_conf_clear(&conf);
	assert_false(stund_conf_load(4, argv, &conf, &err));
	assert_non_null(strstr(err.text, "/does/not/exist"));
}

static int clear(void **state)
{
	stund_conf_clear(&conf);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_addresses_without_options),
		cmocka_unit_test(two_addresses_make_a_full_site),
		cmocka_unit_test(families_pair_among_themselves),
		cmocka_unit_test(a_partner_takes_two_ports_of_the_first_address),
		cmocka_unit_test(ports_can_be_chosen),
		cmocka_unit_test(public_addresses_are_what_clients_see),
		cmocka_unit_test(a_certificate_brings_the_tls_ports),
		cmocka_unit_test(the_tls_port_may_be_one_that_is_listened_on),
		cmocka_unit_test(sockets_are_found_by_what_a_client_connected_to),
		cmocka_unit_test(contradictions_name_the_key_and_a_remedy),
		cmocka_unit_test(too_many_addresses_are_refused),
		cmocka_unit_test(the_command_line_has_the_last_word),
		cmocka_unit_test(bad_values_name_file_and_line),
		cmocka_unit_test(little_is_on_without_being_asked_for),
		cmocka_unit_test(help_needs_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, clear);
}
