/* lease_record and lease_address: what is remembered of a lease, and what its address is worth. */
#include "natprobe/map/lease_address.h"
#include "natprobe/map/lease_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NONCE "0102030405060708090a0b0c"

static const char good[] =
	"pcp udp 192.168.1.2:4900 192.168.1.1 84.20.3.2 4900 " NONCE " 0 1700000000\n"
	"upnp tcp 192.168.1.2:22 192.168.1.1 none 2222 " NONCE " 0 never\n"
	"upnp udp [2a10::2]:4900 fe80::1%3 2a10::2 4900 " NONCE " 17 1700000100\n";

static void what_is_printed_is_read_back(void **state)
{
	char text[3 * LEASE_RECORD_TEXT_MAX];
	struct lease_book book;
	size_t len = 0;

	lease_book_read(bytes_of_str(good), &book);
	assert_int_equal(book.count, 3);
	for (size_t i = 0; i < book.count; i++)
		len += lease_record_print(&book.items[i], text + len);
	assert_int_equal(len, strlen(good));
	assert_memory_equal(text, good, len);
	assert_int_equal(book.items[2].pinhole, 17);
	assert_int_equal(book.items[0].nonce[11], 12);
	assert_int_equal(book.items[1].external.family, ADDR_NONE);
}

static void bad_lines_are_dropped(void **state)
{
	static const char *const bad[] = {
		"",
		"pcp",
		"xyz udp 192.168.1.2:4900 192.168.1.1 84.20.3.2 4900 " NONCE " 0 1",
		"pcp sctp 192.168.1.2:4900 192.168.1.1 84.20.3.2 4900 " NONCE " 0 1",
		"pcp udp 192.168.1.2 192.168.1.1 84.20.3.2 4900 " NONCE " 0 1",
		"pcp udp 192.168.1.2:4900 192.168.1.1:1 84.20.3.2 4900 " NONCE " 0 1",
		"pcp udp 192.168.1.2:4900 192.168.1.1 84.20.3.2 0 " NONCE " 0 1",
		"pcp udp 192.168.1.2:4900 192.168.1.1 84.20.3.2 65536 " NONCE " 0 1",
		"pcp udp 192.168.1.2:4900 192.168.1.1 84.20.3.2 4900 " NONCE "0 0 1",
		"pcp udp 192.168.1.2:4900 192.168.1.1 84.20.3.2 4900 x" NONCE " 0 1",
		"pcp udp 192.168.1.2:4900 192.168.1.1 84.20.3.2 4900 " NONCE " -1 1",
		"pcp udp 192.168.1.2:4900 192.168.1.1 84.20.3.2 4900 " NONCE " 0 1 ",
		"pcp udp 192.168.1.2:4900 192.168.1.1 84.20.3.2 4900 " NONCE
		" 0 99999999999999999999",
		"pcp  udp 192.168.1.2:4900 192.168.1.1 84.20.3.2 4900 " NONCE " 0 1",
	};
	struct lease_book book;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char text[1024];
		int len = snprintf(text, sizeof(text), "%s\n%s", bad[i], good);

		lease_book_read(bytes_of(text, (size_t)len), &book);
		if (book.count != 3)
			fail_msg("%s: %zu", bad[i], book.count);
	}
}

static void one_port_has_one_record(void **state)
{
	struct lease_record r;
	struct lease_book book;

	lease_book_read(bytes_of_str(good), &book);
	r = book.items[0];
	r.external.port = 5000;
	lease_book_put(&book, &r);
	assert_int_equal(book.count, 3);
	const struct lease_record *found =
		lease_book_find(&book, PORTMAP_UDP, &r.internal, &r.gateway);
	assert_non_null(found);
	assert_int_equal(found->external.port, 5000);
	assert_null(lease_book_find(&book, PORTMAP_TCP, &r.internal, &r.gateway));
	lease_book_drop(&book, &r);
	assert_null(lease_book_find(&book, PORTMAP_UDP, &r.internal, &r.gateway));
	assert_int_equal(book.count, 2);
}

static void what_has_ended_goes_and_a_full_book_takes_more(void **state)
{
	struct lease_record r;
	struct lease_book book;

	lease_book_read(bytes_of_str(good), &book);
	lease_book_expire(&book, 1700000000);
	assert_int_equal(book.count, 2);
	lease_book_expire(&book, UINT64_MAX - 1);
	assert_int_equal(book.count, 1); /* for good */

	r = book.items[0];
	for (uint16_t port = 1; port <= LEASE_BOOK_MAX + 5; port++) {
		r.internal.port = port;
		lease_book_put(&book, &r);
	}
	assert_int_equal(book.count, LEASE_BOOK_MAX);
	assert_non_null(lease_book_find(&book, PORTMAP_TCP, &r.internal, &r.gateway));
}

static void an_address_is_judged(void **state)
{
	static const struct {
		const char *external, *seen, *word;
		bool is_behind;
	} cases[] = {
		{ NULL, "84.20.3.2", "untold", false },
		{ "0.0.0.0", "84.20.3.2", "untold", false },
		{ "84.20.3.2", NULL, "unseen", false },
		{ "84.20.3.2", "84.20.3.2", "public", false },
		{ "84.20.3.2", "84.20.3.3", "other", true },
		{ "84.20.3.2", "2a10::1", "unseen", false },
		{ "192.168.0.7", "84.20.3.2", "private", true },
		{ "10.0.0.7", NULL, "private", true },
		{ "10.0.0.7", "10.0.0.7", "public", false },
		{ "100.64.0.1", NULL, "shared", true },
		{ "100.127.255.255", "84.20.3.2", "shared", true },
		{ "100.128.0.0", NULL, "unseen", false },
		{ "192.0.0.2", NULL, "shared", true },
		{ "127.0.0.1", NULL, "special", true },
		{ "2a10::1", "2a10::1", "public", false },
		{ "2a10::1", NULL, "unseen", false },
		{ "fd00::1", NULL, "private", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr external = { 0 }, seen = { 0 };
		enum lease_address a;

		if (cases[i].external != NULL)
			assert_true(addr_parse_ip(cases[i].external, 4900, &external));
		if (cases[i].seen != NULL)
			assert_true(addr_parse_ip(cases[i].seen, 777, &seen));
		a = lease_address_judge(&external, &seen);
		if (strcmp(lease_address_word(a), cases[i].word) != 0 ||
		    lease_address_is_behind(a) != cases[i].is_behind)
			fail_msg("%s seen as %s: %s", cases[i].external, cases[i].seen,
				 lease_address_word(a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_printed_is_read_back),
		cmocka_unit_test(bad_lines_are_dropped),
		cmocka_unit_test(one_port_has_one_record),
		cmocka_unit_test(what_has_ended_goes_and_a_full_book_takes_more),
		cmocka_unit_test(an_address_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
