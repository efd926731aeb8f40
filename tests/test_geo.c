/* geo: country and network of an address, from files that are not trusted. */
#include "geo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mmdb_write.h"
#include "wire.h"

static const struct mmdb_row countries[] = {
	{ "84.20.0.0", 16, "DE", 0, NULL },
	{ "91.80.1.0", 24, "CH", 0, NULL },
	{ "2a06:1300::", 29, "NZ", 0, NULL },
};

static const struct mmdb_row networks[] = {
	{ "84.20.3.0", 24, NULL, 64500, "Example Net" },
	{ "2a06:1300:1::", 48, NULL, 4200000000, "Example Six" },
};

/* Opens bytes as a file; the file is gone afterwards, as names go. */
static bool add_bytes(struct geo *g, const uint8_t *bytes, size_t len, const char **why)
{
	char path[] = "/tmp/natkit-geo-XXXXXX";
	int fd = mkstemp(path);
	bool added;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
	added = geo_add(g, path, why);
	unlink(path);
	return added;
}

static void add_rows(struct geo *g, const struct mmdb_row *rows, size_t count)
{
	uint8_t bytes[MMDB_WRITE_MAX];
	size_t len = mmdb_write(rows, count, bytes);
	const char *why = "";

	if (!add_bytes(g, bytes, len, &why))
		fail_msg("refused: %s", why);
}

static struct geo_answer find(const struct geo *g, const char *ip)
{
	struct geo_answer out = { .asn = 7 };
	struct addr a;

	assert_true(addr_parse_ip(ip, 0, &a));
	geo_find(g, &a, &out);
	return out;
}

static void files_add_up(void **state)
{
	static const struct {
		const char *ip, *country;
		uint32_t asn;
		const char *organisation;
	} cases[] = {
		{ "84.20.3.9", "DE", 64500, "Example Net" },
		{ "84.20.4.1", "DE", 0, "" },
		{ "91.80.1.255", "CH", 0, "" },
		{ "91.80.2.0", "", 0, "" },
		{ "2a06:1300:1::5", "NZ", 4200000000, "Example Six" },
		{ "2a06:1307::1", "NZ", 0, "" },
		{ "2a06:1308::1", "", 0, "" },
	};
	struct geo *g = geo_new();

	add_rows(g, countries, ARRAY_LEN(countries));
	add_rows(g, networks, ARRAY_LEN(networks));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct geo_answer got = find(g, cases[i].ip);

		if (strcmp(got.country, cases[i].country) != 0 || got.asn != cases[i].asn ||
		    strcmp(got.organisation, cases[i].organisation) != 0)
			fail_msg("%s: %s, AS%u, %s", cases[i].ip, got.country, got.asn,
				 got.organisation);
	}
	geo_free(g);
}

static void nothing_is_known_without_files_or_address(void **state)
{
	struct geo *g = geo_new();
	struct geo_answer got = { .asn = 7, .country = "DE" };

	geo_find(g, &(struct addr){ 0 }, &got);
	assert_int_equal(got.asn, 0);
	assert_string_equal(got.country, "");
	assert_int_equal(find(g, "84.20.3.9").asn, 0);
	geo_free(g);
	geo_free(NULL);
}

static void what_is_no_database_is_refused(void **state)
{
	static const uint8_t noise[100] = { 1, 2, 3 };
	struct geo *g = geo_new();
	const char *why = NULL;

	assert_false(geo_add(g, "/nonexistent/geo.mmdb", &why));
	assert_string_equal(why, "it cannot be read");
	assert_false(add_bytes(g, noise, sizeof(noise), &why));
	assert_string_equal(why, "it is no database in MaxMind's format");
	assert_false(add_bytes(g, noise, 0, &why));
	/* Those that failed take no room. */
	for (size_t i = 0; i < GEO_FILES_MAX; i++)
		add_rows(g, countries, ARRAY_LEN(countries));
	assert_false(geo_add(g, "/nonexistent/geo.mmdb", &why));
	assert_string_equal(why, "more databases than there is room for");
	geo_free(g);
}

static void texts_are_harmless(void **state)
{
	static const struct mmdb_row rows[] = {
		{ "84.20.3.1", 32, "de", 0, "a\x1b[2Jb\xc2\x9bm\xff\x7f" },
		{ "84.20.3.2", 32, "DEU", 0, "J\xc3\xb6rg" },
		{ "84.20.3.3", 32, "D\n", 0,
		  "0123456789012345678901234567890123456789012345678901234567890\xc3\xb6rg" },
		{ "84.20.3.4", 32, "", 0,
		  "012345678901234567890123456789012345678901234567890123456789012\xc3\xb6rg" },
	};
	static const char *const want[] = {
		"a?[2Jb?m??",
		"J\xc3\xb6rg",
		"0123456789012345678901234567890123456789012345678901234567890\xc3\xb6",
		"012345678901234567890123456789012345678901234567890123456789012",
	};
	struct geo *g = geo_new();

	add_rows(g, rows, ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct geo_answer got = find(g, rows[i].net);

		assert_string_equal(got.country, "");
		assert_string_equal(got.organisation, want[i]);
	}
	geo_free(g);
}

/* Whatever a file says: no crash, and no text that breaks the promise. */
static void a_broken_file_breaks_nothing(void **state)
{
	static const uint8_t flips[] = { 0xff, 0x80, 0x1f, 0x01 };
	uint8_t bytes[MMDB_WRITE_MAX];
	size_t len = mmdb_write(networks, 1, bytes);

	for (size_t i = 0; i < len; i++) {
		struct geo *g = geo_new();
		uint8_t was = bytes[i];
		const char *why;

		bytes[i] ^= flips[i % sizeof(flips)];
		if (add_bytes(g, bytes, len, &why)) {
			struct geo_answer got = find(g, "84.20.3.9");

			assert_true(strlen(got.country) == 0 || strlen(got.country) == 2);
			assert_true(strlen(got.organisation) < sizeof(got.organisation));
			find(g, "2a06:1300:1::5");
		}
		bytes[i] = was;
		geo_free(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_add_up),
		cmocka_unit_test(nothing_is_known_without_files_or_address),
		cmocka_unit_test(what_is_no_database_is_refused),
		cmocka_unit_test(texts_are_harmless),
		cmocka_unit_test(a_broken_file_breaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
