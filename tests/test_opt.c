/* opt: configuration files, --help, and what is said about mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opt.h"
#include "opt_fixture.h"
#include "wire.h"

static const struct opt_program *const p = &kitchen_program;

static bool read_text(const char *text, struct kitchen *k, struct opt_error *err)
{
	return opt_defaults(p, k, err) && opt_read_text(p, "k.conf", text, strlen(text), k, err);
}

/* Reads text that must be accepted; the caller clears. */
static struct kitchen accept_text(const char *text)
{
	struct kitchen k;
	struct opt_error err;

	if (!read_text(text, &k, &err))
		fail_msg("%s", err.text);
	return k;
}

static void defaults_are_the_fallbacks(void **state)
{
	struct kitchen k = accept_text("");

	assert_false(k.quiet);
	assert_true(k.lamp);
	assert_int_equal(k.workers, 2);
	assert_int_equal(k.timeout_ms, 10000);
	assert_int_equal(k.idle_ms, 0);
	assert_int_equal(k.buffer, 65536);
	assert_int_equal(k.format, 1);
	assert_string_equal(k.title, "a kitchen");
	assert_null(k.cert);
	assert_int_equal(k.admin.port, 9641);
	assert_int_equal(k.peer.family, ADDR_NONE);
	assert_int_equal(k.listen.count, 2);
	assert_int_equal(((struct addr *)k.listen.items)[1].port, 3478);
	assert_int_equal(k.allow.count, 0);
	opt_clear(p, &k);
	assert_null(k.title);
	opt_clear(p, &k); /* twice is fine */
}

static void a_file_sets_every_type(void **state)
{
	struct kitchen k = accept_text("\xef\xbb\xbf# a comment\r\n"
				       "quiet = yes   # and another\n"
				       "lamp=off\n"
				       "\tworkers\t=\t64\n"
				       "depth = -9223372036854775808\n"
				       "timeout = 1.5s\n"
				       "idle = 1d\n"
				       "buffer = 2MiB\n"
				       "quota = 1kB\n"
				       "title = \" # \\\"x\\\\\\x41\\n\\t \" # behind\n"
				       "cert = /etc/a b.pem  \n"
				       "secret-file = /run/secret\n"
				       "format = html\n"
				       "admin = [::1]\n"
				       "peer = 192.0.2.9:7\n"
				       "net = 2001:db8::/32\n"
				       "tag = a, \"b,c\", \"\"\n"
				       "tag = d\n"
				       "listen = 192.0.2.1, [2001:db8::1]:99\n"
				       "allow = 10.0.0.0/8,192.0.2.7");

	assert_true(k.quiet);
	assert_false(k.lamp);
	assert_int_equal(k.workers, 64);
	assert_true(k.depth == INT64_MIN);
	assert_int_equal(k.timeout_ms, 1500);
	assert_int_equal(k.idle_ms, 86400000);
	assert_int_equal(k.buffer, 2 << 20);
	assert_int_equal(k.quota, 1000);
	assert_string_equal(k.title, " # \"x\\A\n\t ");
	assert_string_equal(k.cert, "/etc/a b.pem");
	assert_string_equal(k.secret_file, "/run/secret");
	assert_int_equal(k.format, 2);
	assert_int_equal(k.admin.family, ADDR_IPV6);
	assert_int_equal(k.admin.port, 9641);
	assert_int_equal(k.peer.port, 7);
	assert_int_equal(k.net.prefix_len, 32);
	assert_int_equal(k.tags.count, 4);
	assert_string_equal(((char **)k.tags.items)[1], "b,c");
	assert_string_equal(((char **)k.tags.items)[2], "");
	assert_int_equal(k.listen.count, 2);
	assert_int_equal(((struct addr *)k.listen.items)[1].port, 99);
	assert_int_equal(((struct opt_cidr *)k.allow.items)[1].prefix_len, 32);
	opt_clear(p, &k);
}

static void sections_make_structs_of_their_own(void **state)
{
	struct kitchen k = accept_text("workers = 3\n"
				       "[shelf upper one] # high\n"
				       "label = spices\n"
				       "jar = pepper\n"
				       "[ shelf  b ]\n"
				       "height = 7\n"
				       "label = plates\n");
	const struct kitchen_shelf *s = k.shelves.items;

	assert_int_equal(k.shelves.count, 2);
	assert_string_equal(s[0].name, "upper one");
	assert_string_equal(s[0].label, "spices");
	assert_int_equal(s[0].height, 3);
	assert_int_equal(s[0].jars.count, 1);
	assert_string_equal(s[1].name, "b");
	assert_int_equal(s[1].height, 7);
	assert_int_equal(s[1].jars.count, 2);
	opt_clear(p, &k);
}

static void an_empty_value_unsets(void **state)
{
	struct kitchen k = accept_text("title =\nadmin = # none\nlisten =\n");

	assert_null(k.title);
	assert_int_equal(k.admin.family, ADDR_NONE);
	assert_int_equal(k.listen.count, 0);
	opt_clear(p, &k);
	k = accept_text("title = \"\"\n");
	assert_null(k.title);
	opt_clear(p, &k);
}

static void mistakes_name_line_key_and_remedy(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "\nlisten = x", "k.conf:2: listen: `x` is no address; write it like 192.0.2.1 or "
				  "[2001:db8::1]" },
		{ "lisen = 192.0.2.1", "k.conf:1: unknown key `lisen`; did you mean `listen`?" },
		{ "wokrers = 1", "k.conf:1: unknown key `wokrers`; did you mean `workers`?" },
		{ "elephant = 1", "k.conf:1: unknown key `elephant`; kitchen --help lists them" },
		{ "label = 1", "k.conf:1: `label` stands in a section [shelf NAME]" },
		{ "[shelf a]\nworkers = 1",
		  "k.conf:2: `workers` stands above the first [section]" },
		{ "config = a", "k.conf:1: `config` is for the command line only: --config" },
		{ "secret = hunter2",
		  "k.conf:1: `secret` is a secret; put it into a file of its own "
		  "and name that with `secret-file = PATH`" },
		{ "quiet = on\n\nquiet = off",
		  "k.conf:3: quiet: line 1 set it already; drop one of "
		  "them" },
		{ "quiet", "k.conf:1: `quiet` has no =; write it like key = value" },
		{ "quiet # = on", "k.conf:1: `quiet` has no =; write it like key = value" },
		{ "secret hunter2", "k.conf:1: `secret` has no =; write it like key = value" },
		{ "secret: hunter2", "k.conf:1: `secret:` has no =; write it like key = value" },
		{ "jar = tea", "k.conf:1: `jar` stands in a section [shelf NAME]" },
		{ "locked = on", "k.conf:1: `locked` stands in a section [shelf NAME]" },
		{ "[shelf a]\nconfig = b", "k.conf:2: `config` is for the command line only: "
					   "--config" },
		{ "work = 1", "k.conf:1: unknown key `work`; did you mean `workers`?" },
		{ "= 1", "k.conf:1: unknown key ``; kitchen --help lists them" },
		{ "quiet = maybe", "k.conf:1: quiet: `maybe` is neither on nor off" },
		{ "quiet =", "k.conf:1: quiet: a value is missing" },
		{ "workers = 0", "k.conf:1: workers: 0 is out of range; from 1 to 64 it may be" },
		{ "workers = 65", "k.conf:1: workers: 65 is out of range; from 1 to 64 it may be" },
		{ "workers = 2x", "k.conf:1: workers: `2x` is no whole number" },
		{ "workers = -", "k.conf:1: workers: `-` is no whole number" },
		{ "depth = 9223372036854775808",
		  "k.conf:1: depth: 9223372036854775808 is out of range; from -9223372036854775808 "
		  "to 9223372036854775807 it may be" },
		{ "workers = 99999999999999999999",
		  "k.conf:1: workers: 99999999999999999999 is out of range; from 1 to 64 it may "
		  "be" },
		{ "peer = [fe80::1%eth0]:1",
		  "k.conf:1: peer: `[fe80::1%eth0]:1` is no address; behind the % of a link-local "
		  "one stands the number of its interface" },
		{ "timeout = 10", "k.conf:1: timeout: a unit is missing behind `10`; write it like "
				  "500ms, 10s, 5m, 1h, 1d" },
		{ "timeout = 10sec", "k.conf:1: timeout: unknown unit in `10sec`; write it like "
				     "500ms, 10s, 5m, 1h, 1d" },
		{ "timeout = 9ms", "k.conf:1: timeout: 9ms is out of range; from 10ms to 1h it may "
				   "be" },
		{ "timeout = 0",
		  "k.conf:1: timeout: 0 is out of range; from 10ms to 1h it may be" },
		{ "idle = 999ms",
		  "k.conf:1: idle: 999ms is out of range; from 1s to 1d it may be, or 0" },
		{ "timeout = 0.0105s",
		  "k.conf:1: timeout: `0.0105s` has a fraction too fine for its "
		  "unit" },
		{ "timeout = -1s",
		  "k.conf:1: timeout: `-1s` is no amount; write it like 500ms, 10s, "
		  "5m, 1h, 1d" },
		{ "timeout = 1.s",
		  "k.conf:1: timeout: `1.s` is no amount; write it like 500ms, 10s, "
		  "5m, 1h, 1d" },
		{ "timeout = 99999999999999999999d",
		  "k.conf:1: timeout: 99999999999999999999d is out "
		  "of range; from 10ms to 1h it may be" },
		{ "buffer = 1K",
		  "k.conf:1: buffer: unknown unit in `1K`; write it like 1500, 64KiB, "
		  "2MiB, 1GiB" },
		{ "format = xml", "k.conf:1: format: `xml` is none of text|json|html|markdown" },
		{ "format = tex", "k.conf:1: format: `tex` is none of text|json|html|markdown" },
		{ "net = 10.1.2.3/8",
		  "k.conf:1: net: `10.1.2.3/8` has host bits set; the network is "
		  "10.0.0.0/8, the host 10.1.2.3/32" },
		{ "allow = 192.0.2.0/33",
		  "k.conf:1: allow: `192.0.2.0/33` has no good prefix length; "
		  "from 0 to 32 it may be" },
		{ "allow = 192.0.2.0/", "k.conf:1: allow: `192.0.2.0/` has no good prefix length; "
					"from 0 to 32 it may be" },
		{ "allow = fe80::1%1/128",
		  "k.conf:1: allow: `fe80::1%1/128` is no network; write it "
		  "like 192.0.2.0/24 or 2001:db8::/32" },
		{ "allow = ::ffff:192.0.2.0/120",
		  "k.conf:1: allow: `::ffff:192.0.2.0/120` is IPv4 in "
		  "disguise; write it as IPv4" },
		{ "tag = a,,b", "k.conf:1: tag: an empty item; drop the comma too many" },
		{ "tag = a,", "k.conf:1: tag: an empty item; drop the comma too many" },
		{ "title = \"a", "k.conf:1: title: the closing quote is missing" },
		{ "title = \"a\" b", "k.conf:1: title: text behind the closing quote" },
		{ "title = \"\\q\"",
		  "k.conf:1: title: unknown escape in quotes; known are \\\" \\\\ "
		  "\\n \\t and \\xHH" },
		{ "title = \"\\x0",
		  "k.conf:1: title: unknown escape in quotes; known are \\\" \\\\ "
		  "\\n \\t and \\xHH" },
		{ "title = \"\\x00\"", "k.conf:1: title: unknown escape in quotes; known are \\\" "
				       "\\\\ \\n \\t and \\xHH" },
		{ "title = a\x01", "k.conf:1: title: a control character; write it as \\xHH in "
				   "quotes" },
		{ "[shelf]", "k.conf:1: [shelf] needs a name; write it like [shelf example]" },
		{ "[self a]", "k.conf:1: unknown section [self]; did you mean [shelf NAME]?" },
		{ "[cupboard a]",
		  "k.conf:1: unknown section [cupboard]; kitchen --help lists them" },
		{ "[shelf a", "k.conf:1: the ] of a section is missing" },
		{ "[shelf a] b", "k.conf:1: text behind the ] of a section" },
		{ "[shelf a]\n[shelf a]",
		  "k.conf:2: [shelf a]: a second section of that name; give "
		  "each its own" },
		{ "[shelf a\x02]", "k.conf:1: [shelf a?]: a bad name" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct opt_error err;
		struct kitchen k;

		if (read_text(cases[i].text, &k, &err))
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(err.text, cases[i].message);
		opt_clear(p, &k);
	}
}

static void a_nul_byte_is_refused(void **state)
{
	struct opt_error err;
	struct kitchen k;

	assert_true(opt_defaults(p, &k, &err));
	assert_false(opt_read_text(p, "k.conf", "quiet = on\0\n", 12, &k, &err));
	assert_string_equal(err.text, "k.conf:1: a NUL byte; this is no text");
	opt_clear(p, &k);
}

static void a_long_mistake_is_cut_and_cleaned(void **state)
{
	struct opt_error err;
	struct kitchen k;
	char text[3000];

	memset(text, 'x', sizeof(text));
	text[5] = '\x1b';
	text[sizeof(text) - 1] = '\0';
	assert_false(read_text(text, &k, &err));
	assert_null(strchr(err.text, '\x1b'));
	assert_true(strlen(err.text) < 200);
	opt_clear(p, &k);
}

static void a_long_path_leaves_room_for_the_mistake(void **state)
{
	struct opt_error err;
	struct kitchen k;
	char path[1000];

	memset(path, 'x', sizeof(path));
	memcpy(path + sizeof(path) - 8, "/k.conf", 8);
	assert_true(opt_defaults(p, &k, &err));
	assert_false(opt_read_text(p, path, "\nquie", 5, &k, &err));
	assert_non_null(strstr(err.text, "xxx/k.conf:2: `quie` has no =; write it like"));
	opt_clear(p, &k);
}

static char *print_config(const struct kitchen *k)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	opt_print_config(p, k, out);
	fclose(out);
	return text;
}

static void the_printed_configuration_reads_back(void **state)
{
	static const char *const texts[] = {
		"",
		("quiet = on\nlamp = off\nworkers = 64\ndepth = -5\ntimeout = 45m\nidle = 1001ms\n"
		 "buffer = 1000001\nquota = 3kB\nformat = text\nadmin = 192.0.2.1:0\n"),
		"title =\nadmin =\nlisten =\npeer = [fe80::1%3]:9\nnet = ::/0\ncert = x#\n",
		"title = \"\\x01\\x7f\xc3\xa9\xff\"\ntag = \"\"\n",
		"tag = \" a\", \"b \", \"c,d\", \"e\\\"f\", \"#\", g\\h, \"\\\\,\"\n",
		"listen = [::1]:1, 10.0.0.1:2\nallow = 0.0.0.0/0, 2001:db8::/127, 192.0.2.1\n",
		"[shelf a#b]\nlabel = \"=\"\njar =\nnet = 10.0.0.0/8\nlocked = yes\n[shelf c]\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct kitchen first = accept_text(texts[i]);
		char *printed = print_config(&first);
		struct kitchen second = accept_text(printed);
		char *again = print_config(&second);
		char names[200];

		assert_string_equal(printed, again);
		assert_int_equal(opt_changed_fixed(p, &first, &second, names, sizeof(names)), 0);
		free(printed);
		free(again);
		opt_clear(p, &first);
		opt_clear(p, &second);
	}
}

static void the_printed_configuration_is_pleasant(void **state)
{
	struct kitchen k = accept_text("[shelf a]\nlabel = b\n");
	char *printed = print_config(&k);

	assert_string_equal(printed, "quiet = off\n"
				     "lamp = on\n"
				     "title = a kitchen\n"
				     "format = json\n"
				     "workers = 2\n"
				     "depth = 0\n"
				     "timeout = 10s\n"
				     "idle = 0\n"
				     "buffer = 64KiB\n"
				     "# quota =\n"
				     "# cert =\n"
				     "# secret-file =\n"
				     "admin = 127.0.0.1:9641\n"
				     "# peer =\n"
				     "# net =\n"
				     "tag =\n"
				     "listen = 0.0.0.0:3478, [::]:3478\n"
				     "allow =\n"
				     "\n"
				     "[shelf a]\n"
				     "label = b\n"
				     "height = 3\n"
				     "jar = salt, tea\n"
				     "net =\n"
				     "locked = off\n");
	free(printed);
	opt_clear(p, &k);
}

static void help_fits_eighty_columns(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	opt_print_help(p, out);
	fclose(out);
	assert_non_null(strstr(text, "Usage: kitchen [OPTION]...\nCooks.\n\nLooks:\n"));
	assert_non_null(strstr(text, "\n  -q, --quiet               say less\n"));
	assert_non_null(strstr(text, "\n  -l, --[no-]lamp           burns (default: on)\n"));
	assert_non_null(strstr(text, "\n      --format=text|json|html|markdown\n"
				     "                            of the bill (default: json)\n"));
	assert_non_null(strstr(text, "\n  -L, --listen=ADDR[:PORT]  doors"));
	assert_non_null(strstr(text, " sentence long\n                            enough"));
	assert_non_null(strstr(text, "\nIn the file, below a line [shelf NAME]:\n"));
	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	free(text);
}

static void changed_keys_that_need_a_restart_are_named(void **state)
{
	struct kitchen a = accept_text("[shelf a]\n[shelf b]\nlabel = x\n");
	struct kitchen b = accept_text("quiet = on\ntimeout = 1s\nallow = 10.0.0.0/8\n"
				       "workers = 3\nlisten = 192.0.2.1\n"
				       "[shelf b]\nheight = 4\nlabel = y\n[shelf c]\n");
	char names[200], few[12];

	assert_int_equal(opt_changed_fixed(p, &a, &b, names, sizeof(names)), 5);
	assert_string_equal(names, "workers, listen, [shelf b] label, [shelf a], [shelf c]");
	assert_int_equal(opt_changed_fixed(p, &a, &b, few, sizeof(few)), 5);
	assert_string_equal(few, "workers, li");
	assert_int_equal(opt_changed_fixed(p, &a, &b, few, 9), 5);
	assert_string_equal(few, "workers,");
	assert_int_equal(opt_changed_fixed(p, &a, &b, NULL, 0), 5);
	assert_int_equal(opt_changed_fixed(p, &a, &a, names, sizeof(names)), 0);
	assert_string_equal(names, "");
	opt_clear(p, &a);
	opt_clear(p, &b);
}

static void a_later_reading_goes_on_top(void **state)
{
	struct kitchen k = accept_text("workers = 3\nlisten = 192.0.2.1\ntag = a\n");
	struct opt_error err;
	static const char more[] = "listen = 192.0.2.2\nlisten = 192.0.2.3\n";

	assert_true(opt_read_text(p, "2", more, strlen(more), &k, &err));
	assert_int_equal(k.workers, 3);
	assert_int_equal(k.tags.count, 1);
	assert_int_equal(k.listen.count, 2);
	assert_int_equal(((struct addr *)k.listen.items)[0].ip[3], 2);
	opt_clear(p, &k);
}

/* A temporary file of the given bytes; the caller unlinks. */
static void write_file(char *path, const void *data, size_t len)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static void files_are_read_and_checked(void **state)
{
	char path[] = "/tmp/natkit-opt-XXXXXX";
	struct opt_error err;
	struct kitchen k;
	char *config;

	write_file(path, "workers = 9\ncert = /nowhere/x\n", 30);
	assert_true(opt_defaults(p, &k, &err));
	assert_true(opt_read_file(p, path, &k, &err));
	assert_int_equal(k.workers, 9);
	assert_false(opt_check_files(p, &k, &err));
	assert_string_equal(err.text, "cert: cannot read /nowhere/x: No such file or directory");
	free(k.cert);
	k.cert = strdup("/tmp");
	assert_false(opt_check_files(p, &k, &err));
	assert_string_equal(err.text, "cert: /tmp is a folder; name a file");
	free(k.cert);
	k.cert = strdup(path);
	assert_true(opt_check_files(p, &k, &err));
	assert_false(opt_read_file(p, "/nowhere/y", &k, &err));
	assert_string_equal(err.text, "/nowhere/y: cannot open: No such file or directory");
	assert_false(opt_read_file(p, "/tmp", &k, &err));
	assert_string_equal(err.text, "/tmp: cannot read: Is a directory");
	unlink(path);
	opt_clear(p, &k);

	char big[] = "/tmp/natkit-opt-XXXXXX";
	config = malloc(OPT_FILE_MAX + 1);
	assert_non_null(config);
	memset(config, '\n', OPT_FILE_MAX + 1);
	write_file(big, config, OPT_FILE_MAX + 1);
	assert_false(opt_read_file(p, big, &k, &err));
	assert_true(truncate(big, OPT_FILE_MAX) == 0);
	assert_true(opt_read_file(p, big, &k, &err));
	unlink(big);
	free(config);
	opt_clear(p, &k);
}

static void a_table_that_contradicts_itself_is_found(void **state)
{
	static const struct {
		struct opt rows[3];
		const char *message;
	} cases[] = {
		{ { { .name = "a", .type = OPT_FLAG }, { .name = "a", .type = OPT_FLAG } },
		  "table: a: is in the table twice" },
		{ { { .name = "a", .letter = 'x' }, { .name = "b", .letter = 'x' } },
		  "table: b: -x is taken by --a" },
		{ { { .name = "A_b" } },
		  "table: A_b: a name of lower case, digits and - is wanted" },
		{ { { .name = "key", .type = OPT_FILE, .flags = OPT_SECRET_FILE } },
		  "table: key: a secret stands in a file: OPT_FILE, and named KEY-file" },
		{ { { .name = "e", .type = OPT_ENUM } }, "table: e: an OPT_ENUM needs choices" },
		{ { { .name = "n", .type = OPT_INT, .fallback = "x" } },
		  "table: n: fallback: `x` is no whole number" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct opt_program bad = { .name = "bad", .table = cases[i].rows, .size = 8 };
		struct opt_error err;
		int64_t conf;

		assert_false(opt_defaults(&bad, &conf, &err));
		assert_string_equal(err.text, cases[i].message);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_the_fallbacks),
		cmocka_unit_test(a_file_sets_every_type),
		cmocka_unit_test(sections_make_structs_of_their_own),
		cmocka_unit_test(an_empty_value_unsets),
		cmocka_unit_test(mistakes_name_line_key_and_remedy),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(a_long_mistake_is_cut_and_cleaned),
		cmocka_unit_test(a_long_path_leaves_room_for_the_mistake),
		cmocka_unit_test(the_printed_configuration_reads_back),
		cmocka_unit_test(the_printed_configuration_is_pleasant),
		cmocka_unit_test(help_fits_eighty_columns),
		cmocka_unit_test(changed_keys_that_need_a_restart_are_named),
		cmocka_unit_test(a_later_reading_goes_on_top),
		cmocka_unit_test(files_are_read_and_checked),
		cmocka_unit_test(a_table_that_contradicts_itself_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
