/* turnd_conf: from options to listeners and realms, or to a reason why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "turnd/turnd_conf.h"
#include "wire.h"

#define ARGS_MAX 16

static char path[] = "/tmp/natkit-turnd-XXXXXX";
static struct turnd_conf conf;
static struct opt_error err;
static struct turnd_listener listeners[TURND_LISTENERS_MAX];
static int listener_count;

/* Words in blanks, and the text of the file; NULL: no file. */
static bool load(const char *words, const char *text)
{
	char copy[512], *argv[ARGS_MAX] = { "turnd" }, *save = NULL;
	int argc = 1;
	FILE *out;

	turnd_conf_clear(&conf);
	err.text[0] = '\0';
	if (text != NULL) {
		out = fopen(path, "we");
		assert_non_null(out);
		fputs(text, out);
		assert_int_equal(fclose(out), 0);
		argv[argc++] = "--config";
		argv[argc++] = path;
	}
	snprintf(copy, sizeof(copy), "%s", words);
	for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save)) {
		assert_true(argc < ARGS_MAX - 1);
		argv[argc++] = w;
	}
	if (!turnd_conf_load(argc, argv, &conf, &err))
		return false;
	listener_count = turnd_conf_listeners(&conf, listeners, &err);
	return listener_count >= 0;
}

static void accept_text(const char *words, const char *text)
{
	if (!load(words, text))
		fail_msg("%s", err.text);
}

static void expect_listener(int i, const char *local, const char *how)
{
	const struct turnd_listener *l = &listeners[i];
	char text[ADDR_TEXT_MAX], is[32];

	assert_true(i < listener_count);
	assert_string_equal(addr_print(&l->local, text), local);
	snprintf(is, sizeof(is), "%s%s%s%s%s", l->udp ? "u" : "", l->tcp ? "t" : "",
		 l->tls ? "T" : "", l->dtls ? "D" : "", l->proxy ? "P" : "");
	assert_string_equal(is, how);
}

static void all_addresses_without_options(void **state)
{
	accept_text("", NULL);
	assert_int_equal(listener_count, 2);
	expect_listener(0, "0.0.0.0:3478", "ut");
	expect_listener(1, "[::]:3478", "ut");
	assert_null(listeners[0].realm);
	assert_false(turnd_conf_has_tls(&conf));
}

static void what_helps_strangers_is_off(void **state)
{
	accept_text("", NULL);
	assert_false(conf.tcp_relay);
	assert_false(conf.mobility);
	assert_false(conf.rfc5766_channels);
	assert_false(conf.rfc3489);
	assert_false(conf.nat_discovery);
	assert_null(conf.software);
	assert_null(conf.admin);
	assert_null(conf.control);
	assert_int_equal(conf.base.peers.allow.count, 0);
	/* And what holds them back is on. */
	assert_true(conf.error_rate > 0);
	assert_true(conf.source_quota > 0);
	assert_true(conf.max_connections > 0 && conf.max_connections_per_source > 0);
}

#define TLS "cert-file = /dev/null\nkey-file = /dev/null\n" /* nobody reads them here */

static void a_certificate_brings_tls_and_its_port(void **state)
{
	accept_text("", "listen = 192.0.2.1, 192.0.2.1:443\n" TLS);
	assert_int_equal(listener_count, 3);
	expect_listener(0, "192.0.2.1:3478", "utTD");
	expect_listener(1, "192.0.2.1:5349", "utTD");
	expect_listener(2, "192.0.2.1:443", "utTD");
	accept_text("--no-udp", "listen = 192.0.2.1:5349\n" TLS);
	assert_int_equal(listener_count, 1);
	expect_listener(0, "192.0.2.1:5349", "tT");
	accept_text("", "listen = 192.0.2.1\n[realm b]\nserver-name = b.example\n" TLS);
	assert_int_equal(listener_count, 2);
	assert_true(turnd_conf_has_tls(&conf));
}

static void expect_numbers(int i, const char *in_site, const char *numbers)
{
	for (; *numbers != '\0'; i++, in_site++, numbers++) {
		assert_true(i < listener_count);
		assert_int_equal(listeners[i].in_site, *in_site == 'y');
		assert_int_equal(listeners[i].number, *numbers - '0');
	}
}

static void an_alternate_makes_a_site_of_four(void **state)
{
	accept_text("", "listen = 192.0.2.1, 192.0.2.3:5000, 2001:db8::1\nnat-discovery = on\n"
			"alternate = 2001:db8::2, 192.0.2.2\n" TLS);
	assert_int_equal(listener_count, 12);
	expect_listener(0, "192.0.2.1:3478", "utTD");
	expect_listener(1, "192.0.2.1:3479", "utTD");
	expect_listener(2, "192.0.2.2:3478", "utTD");
	expect_listener(3, "192.0.2.2:3479", "utTD");
	expect_listener(4, "192.0.2.1:5349", "utTD");
	expect_listener(5, "192.0.2.3:5000", "utTD");
	expect_listener(10, "[2001:db8::2]:3479", "utTD");
	expect_numbers(0, "yyyynnnyyyyn", "012300001230");
	accept_text("--alternate 192.0.2.2", "listen = 192.0.2.1\n"); /* off, and may be on later */
	assert_int_equal(listener_count, 4);
	assert_false(conf.nat_discovery);
}

static void sections_add_listeners_of_their_own_kind(void **state)
{
	accept_text("",
		    "realm = a\nproxy-from = 10.0.0.0/8\n" TLS "[realm b]\n"
		    "[listener one]\naddress = 192.0.2.1:443\nrealm = b\nudp = off\ndtls = off\n"
		    "proxy = on\n"
		    "[listener two]\naddress = [2001:db8::1]\nrealm = a\n");
	assert_int_equal(listener_count, 2); /* and no wildcard beside them */
	expect_listener(0, "192.0.2.1:443", "tTP");
	assert_string_equal(listeners[0].realm, "b");
	expect_listener(1, "[2001:db8::1]:3478", "utTD");
	assert_null(listeners[1].realm);
}

static void the_default_is_the_first_realm(void **state)
{
	accept_text("", "realm = a\nmax-lifetime = 2h\n[realm b]\nlifetime = 90m\n[realm c]\n"
			"max-lifetime = 30m\nuser-quota = 7\n");
	assert_int_equal(turnd_conf_realm_count(&conf), 3);
	assert_string_equal(turnd_conf_realm_at(&conf, 0).name, "a");
	assert_int_equal(turnd_conf_realm_at(&conf, 0).lifetime_ms, 600000);
	assert_int_equal(turnd_conf_realm_at(&conf, 1).lifetime_ms, 5400000);
	assert_int_equal(turnd_conf_realm_at(&conf, 1).max_lifetime_ms, 7200000);
	assert_int_equal(turnd_conf_realm_at(&conf, 1).user_quota, 128);
	assert_int_equal(turnd_conf_realm_at(&conf, 2).user_quota, 7);
}

static void passwords_are_read_and_never_printed(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	accept_text("", "realm = a\n[user bob]\npassword = \"hunter # 2\"\n");
	assert_string_equal(((struct turnd_conf_user *)conf.users.items)[0].password, "hunter # 2");
	out = open_memstream(&text, &len);
	assert_non_null(out);
	opt_print_config(&turnd_program, &conf, out);
	assert_int_equal(fclose(out), 0);
	assert_null(strstr(text, "hunter"));
	assert_non_null(strstr(text, "\n[user bob]\n# password = (set, and not shown)\n"));
	assert_non_null(strstr(text, "\n# [listener NAME]\n# address"));
	free(text);
	/* Nor does any message repeat one. */
	assert_false(load("", "realm = a\n[user bob]\npassword = \"hunter\n"));
	assert_null(strstr(err.text, "hunter"));
	assert_false(load("", "realm = a\n[user bob]\npassword hunter\n"));
	assert_null(strstr(err.text, "hunter"));
	assert_false(load("--password=hunter", NULL));
	assert_null(strstr(err.text, "hunter"));
}

static void relay_ports_have_a_range(void **state)
{
	uint16_t low, high;

	accept_text("", NULL);
	turnd_conf_relay_ports(&conf, &low, &high);
	assert_int_equal(low, 49152);
	assert_int_equal(high, 65535);
	accept_text("--relay-ports 1024-2047", NULL);
	turnd_conf_relay_ports(&conf, &low, &high);
	assert_int_equal(low, 1024);
	assert_int_equal(high, 2047);
}

static void relay_addresses_are_one_word_or_two(void **state)
{
	struct turnd_relay_text r;

	assert_true(turnd_conf_relay_text("eth0", &r));
	assert_string_equal(r.local, "eth0");
	assert_string_equal(r.seen_as, "");
	assert_true(turnd_conf_relay_text(" 10.0.0.1  public\tturn.example.org ", &r));
	assert_string_equal(r.local, "10.0.0.1");
	assert_string_equal(r.seen_as, "turn.example.org");
	assert_false(turnd_conf_relay_text("", &r));
	assert_false(turnd_conf_relay_text("a b", &r));
	assert_false(turnd_conf_relay_text("a public", &r));
	assert_false(turnd_conf_relay_text("a public b c", &r));
}

#define LABEL "a123456789b123456789c123456789d123456789e123456789f123456789g12"

static void other_servers_have_transport_and_domain(void **state)
{
	static const char *const no_domains[] = {
		"192.0.2.1 t..example", "192.0.2.1 t.example.",        "192.0.2.1 .t.example",
		"192.0.2.1 -t.example", "192.0.2.1 t-.example",        "192.0.2.1 t_u.example",
		"192.0.2.1 t/u",        "192.0.2.1 b\xc3\xbc.example",
	};
	struct turnd_alternate_text a;

	assert_true(turnd_conf_alternate_text("192.0.2.1", 3478, &a));
	assert_int_equal(a.addr.port, 3478);
	assert_int_equal(a.transport, -1);
	assert_string_equal(a.domain, "");
	assert_true(turnd_conf_alternate_text("[2001:db8::1]:99 tls t.example", 3478, &a));
	assert_int_equal(a.addr.port, 99);
	assert_int_equal(a.transport, 2);
	assert_string_equal(a.domain, "t.example");
	assert_true(turnd_conf_alternate_text("192.0.2.1 t.example", 3478, &a));
	assert_int_equal(a.transport, -1);
	assert_true(turnd_conf_alternate_text("192.0.2.1 xn--bcher-kva.example", 3478, &a));
	assert_true(turnd_conf_alternate_text("192.0.2.1 " LABEL ".example", 3478, &a));
	assert_false(turnd_conf_alternate_text("192.0.2.1 x" LABEL ".example", 3478, &a));
	assert_true(turnd_conf_alternate_text("192.0.2.1 " LABEL "." LABEL "." LABEL "." LABEL,
					      3478, &a));
	assert_false(turnd_conf_alternate_text("192.0.2.1 a." LABEL "." LABEL "." LABEL "." LABEL,
					       3478, &a));
	for (size_t i = 0; i < ARRAY_LEN(no_domains); i++)
		assert_false(turnd_conf_alternate_text(no_domains[i], 3478, &a));
	assert_false(turnd_conf_alternate_text("0.0.0.0", 3478, &a));
	assert_false(turnd_conf_alternate_text("192.0.2.1 udp tcp tls", 3478, &a));
}

static void a_wrong_line_is_named_with_a_remedy(void **state)
{
	static const struct {
		const char *text, *what;
	} cases[] = {
		{ "\nlisten = 127.0.0.256\n", ":2: listen: " },
		{ "listn = 127.0.0.1\n", "did you mean `listen`" },
		{ "port = 65536\n", ":1: port: 65536 is out of range" },
		{ "deny-peer = 10.0.0.0/33\n", ":1: deny-peer: " },
		{ "deny-peer = 10.0.0.1/8\n", "host bits" },
		{ "deny-peer = ::ffff:10.0.0.0/104\n", "IPv4 in disguise" },
		{ "allow-peer = everybody\n", ":1: allow-peer: " },
		{ "deny-peer-country = Germany\n", ":1: deny-peer-country: " },
		{ "\ndeny-peer-country = DE\n", ":2: deny-peer-country: countries and" },
		{ "allow-client-network = AS1\n", "set geo-database" },
		{ "deny-client-network = ASX\n", ":1: deny-client-network: " },
		{ "relay-ports = 1-0\n", "49152-65535" },
		{ "relay-ports = 1000\n", "49152-65535" },
		{ "relay-ports = 1000-65536\n", "49152-65535" },
		{ "relay-ports = 1000-1000\n", "too few" },
		{ "relay-address = 0.0.0.0\n", "no address" },
		{ "relay-address = 224.0.0.1\n", "no address" },
		{ "relay-address = 10.0.0.1 public 255.255.255.255\n", "no address" },
		{ "relay-address = ff02::1\n", "no address" },
		{ "relay-address = 10.0.0.256\n", "no IPv4 address" },
		{ "relay-address = 10.0.0.1:99\n", "relay-ports" },
		{ "relay-address = 10.0.0.1 public ::1\n", "both must be" },
		{ "relay-address = 10.0.0.1 public 0.0.0.0\n", "no address" },
		{ "relay-address = 10.0.0.1 private 10.0.0.2\n", "public ADDRESS" },
		{ "realm = \"a\\\"b\"\n", "quotation mark" },
		{ "realm = \"\\x01\"\n", ":1: realm: is no name" },
		{ "auth-secret = hunter2\n", "auth-secret-file" },
		{ "\npassword-file = /dev/null\n", ":2: password-file: belongs to a realm" },
		{ "realm = a\noauth-key-file = /dev/null\n", "set oauth-server-name" },
		{ "realm = a\noauth-server-name = x\n", ":2: oauth-server-name: set oauth-key" },
		{ "realm = a\nauth-secret-file = /no/such\n", "/no/such" },
		{ "auth-secret-separator = 7\n", "one character" },
		{ "auth-secret-separator = ab\n", "one character" },
		{ "auth-secret-hash = md5\n", "sha256" },
		{ "cert-file = /dev/null\n", ":1: cert-file: stands alone" },
		{ "key-file = /dev/null\n", ":1: key-file: stands alone" },
		{ "udp = off\n\ntcp = off\n", ":1: udp: is off" },
		{ "lifetime = 2h\n", ":1: lifetime: is longer" },
		{ "lifetime = 1s\n", "out of range" },
		{ "nonce-lifetime = 2h\n", "out of range" },
		{ "workers = 256\n", "out of range" },
		{ "control = relative\n", "/run/turnd/control" },
		{ "admin = 0\n", "127.0.0.1:9641" },
		{ "nat64-prefix = 64:ff9b::/33x\n", ":1: nat64-prefix: " },
		{ "alternate-server = turn.example.org\n", "ADDRESS:PORT" },
		{ "listen = 192.0.2.1, 192.0.2.1\n", ":1: listen: 192.0.2.1:3478 would" },
		{ "realm = a\n[realm a]\n", ":2: [realm a]: is the default realm" },
		{ "[realm b]\n[realm b]\n", ":2: [realm b]: a second section" },
		{ "[realm b]\nlifetime = 2h\n", ":2: [realm b] lifetime: is longer" },
		{ "[realm b]\n" TLS, ":2: [realm b] cert-file: nobody would get it" },
		{ "[realm b]\nserver-name = b\n", ":2: [realm b] server-name: there is no cert" },
		{ TLS "[realm b]\nserver-name = x.y, X.Y\n",
		  ":4: [realm b] server-name: X.Y stands" },
		{ TLS "[realm b]\nserver-name = x\n[realm c]\nserver-name = x\n", ":6: [realm c]" },
		{ TLS "[realm b]\nserver-name = 192.0.2.1\n", "no DNS name" },
		{ "[realm b]\nrealm = c\n", "stands above" },
		{ "[user u]\n", ":1: [user u]: has no password" },
		{ "[user u]\npassword = x\n", ":1: [user u]: the default realm has no name" },
		{ "[user u]\npassword = x\nrealm = z\n", ":3: [user u] realm: there is no" },
		{ "[listener l]\n", ":1: [listener l]: has no address" },
		{ "[listener l]\naddress = 192.0.2.1\nrealm = z\n", ":3: [listener l] realm: " },
		{ "[listener l]\naddress = 192.0.2.1\nudp = off\ntcp = off\n", "no transport" },
		{ "[listener l]\naddress = 192.0.2.1\nproxy = on\n", "proxy-from" },
		{ "[listener l]\naddress = 192.0.2.1\n[listener m]\naddress = 192.0.2.1\n",
		  ":4: [listener m] address: 192.0.2.1:3478 would" },
		{ "[relm x]\n", "did you mean [realm NAME]" },
		{ "[user]\n", "needs a name" },
		{ "add-user = x\n", "command line only" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (load("", cases[i].text))
			fail_msg("accepted: %s", cases[i].text);
		if (strncmp(err.text, path, strlen(path)) != 0 ||
		    strstr(err.text, cases[i].what) == NULL)
			fail_msg("%s -> %s", cases[i].text, err.text);
	}
}

static void the_command_line_says_what_is_missing(void **state)
{
	static const struct {
		const char *words, *what;
	} cases[] = {
		{ "--add-user bob", "--password-file" },
		{ "--add-user bob --password-file /tmp/x", "realm" },
		{ "--remove-user bob", "--remove-user: in which file" },
		{ "--remove-user bob --password-file /tmp/x", "--remove-user: of which realm" },
		{ "--make-credential bob", "--auth-secret-file" },
		{ "--sessions", "--control" },
		{ "--kick 0.1", "--control" },
		{ "--kick x --control /x", "no id" },
		{ "--drain", "--control" },
		{ "--uri http://x", "no TURN URI" },
		{ "extra", "takes no arguments" },
		{ "--listen 192.0.2.1 --alternate 192.0.2.1", "needs two" },
		{ "--alternate 192.0.2.2", "no first address" },
		{ "--listen 192.0.2.1 --nat-discovery", "takes two addresses" },
		{ "--listen 192.0.2.1 --alternate 192.0.2.2 --alternate-port 3478",
		  "same as port" },
		{ "--listen 192.0.2.1:3479 --alternate 192.0.2.2", "opened twice" },
		{ "--listen 192.0.2.1 --alternate 192.0.2.2 --nat-discovery --no-udp",
		  "about UDP" },
		{ "--auth-secret=hunter2", "--auth-secret-file" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (load(cases[i].words, NULL))
			fail_msg("%s: accepted", cases[i].words);
		if (strstr(err.text, cases[i].what) == NULL)
			fail_msg("%s -> %s", cases[i].words, err.text);
	}
}

static void too_many_addresses_are_refused(void **state)
{
	struct addr many[TURND_LISTENERS_MAX + 1];

	accept_text("", NULL);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = addr_ipv4(192, 0, 2, (uint8_t)i, 0);
	conf.listen = (struct opt_list){ .items = many, .count = TURND_LISTENERS_MAX };
	assert_int_equal(turnd_conf_listeners(&conf, listeners, &err), TURND_LISTENERS_MAX);
	conf.listen.count++;
	assert_int_equal(turnd_conf_listeners(&conf, listeners, &err), -1);
	assert_non_null(strstr(err.text, "one address too many"));
	conf.listen = (struct opt_list){ 0 };
}

static void printing_and_reading_changes_nothing_but_secrets(void **state)
{
	char names[256], *text = NULL;
	size_t len = 0;
	struct turnd_conf first;
	FILE *out;

	accept_text("", "realm = a\nlisten = 192.0.2.1\nallow-peer = 10.0.0.0/8, fd00::/8\n"
			"relay-address = 10.0.0.1 public 192.0.2.9\n[realm b]\nuser-quota = 0\n"
			"lifetime = 5m\n[listener l]\naddress = 192.0.2.2:443\ntls = off\n");
	first = conf;
	memset(&conf, 0, sizeof(conf));
	out = open_memstream(&text, &len);
	assert_non_null(out);
	opt_print_config(&turnd_program, &first, out);
	assert_int_equal(fclose(out), 0);
	accept_text("", text);
	assert_int_equal(opt_changed_fixed(&turnd_program, &first, &conf, names, sizeof(names)), 0);
	assert_int_equal(turnd_conf_realm_at(&conf, 1).user_quota, 0);
	assert_int_equal(turnd_conf_realm_at(&conf, 1).max_channels, 128);
	turnd_conf_clear(&first);
	free(text);
}

static int set_up(void **state)
{
	int fd = mkstemp(path);

	return fd >= 0 ? close(fd) : -1;
}

static int tear_down(void **state)
{
	turnd_conf_clear(&conf);
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_addresses_without_options),
		cmocka_unit_test(what_helps_strangers_is_off),
		cmocka_unit_test(a_certificate_brings_tls_and_its_port),
		cmocka_unit_test(an_alternate_makes_a_site_of_four),
		cmocka_unit_test(sections_add_listeners_of_their_own_kind),
		cmocka_unit_test(the_default_is_the_first_realm),
		cmocka_unit_test(passwords_are_read_and_never_printed),
		cmocka_unit_test(relay_ports_have_a_range),
		cmocka_unit_test(relay_addresses_are_one_word_or_two),
		cmocka_unit_test(other_servers_have_transport_and_domain),
		cmocka_unit_test(a_wrong_line_is_named_with_a_remedy),
		cmocka_unit_test(the_command_line_says_what_is_missing),
		cmocka_unit_test(too_many_addresses_are_refused),
		cmocka_unit_test(printing_and_reading_changes_nothing_but_secrets),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
