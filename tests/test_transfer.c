/* transfer_send and transfer_receive with each other: files in memory, cut anywhere and run again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "transfer_fixture.h"

static const struct transfer_core *sent(const struct transfer_pair *p)
{
	return transfer_send_core(p->send);
}

static const struct transfer_core *received(const struct transfer_pair *p)
{
	return transfer_receive_core(p->receive);
}

static void assert_both_ok(const struct transfer_pair *p)
{
	if (!sent(p)->is_ok || !received(p)->is_ok)
		fail_msg("send: %s; receive: %s", sent(p)->why, received(p)->why);
}

static void assert_failed(const struct transfer_pair *p, const char *word)
{
	assert_true(sent(p)->is_over && received(p)->is_over);
	assert_false(sent(p)->is_ok || received(p)->is_ok);
	if (strstr(received(p)->why, word) == NULL || strstr(sent(p)->why, word) == NULL)
		fail_msg("send: %s; receive: %s", sent(p)->why, received(p)->why);
}

static void some_files(struct transfer_pair *p)
{
	memory_add(&p->here, "d", ENTRY_DIRECTORY, 0)->mode = 0750;
	memory_text(&p->here, "d/a", "one");
	memory_add(&p->here, "d/e", ENTRY_DIRECTORY, 0);
	memory_text(&p->here, "d/e/empty", "");
	memory_text(&p->here, "d/e/b", "two and three");
	memory_text(&p->here, "c", "four");
}

static void assert_all_there(struct transfer_pair *p)
{
	const struct memory_node *d = memory_find(&p->there, "d", false);

	assert_non_null(d);
	assert_int_equal(d->mode, 0750);
	assert_false(d->is_ours);
	assert_true(memory_is_text(&p->there, "d/a", "one"));
	assert_true(memory_is_text(&p->there, "d/e/empty", ""));
	assert_true(memory_is_text(&p->there, "d/e/b", "two and three"));
	assert_true(memory_is_text(&p->there, "c", "four"));
	for (size_t i = 0; i < MEMORY_NODES; i++)
		assert_false(p->there.nodes[i].is_part);
}

static void test_a_tree(void **state)
{
	static struct transfer_pair p;

	some_files(&p);
	pair_begin(&p);
	pair_run(&p);
	assert_both_ok(&p);
	assert_all_there(&p);
	assert_int_equal(received(&p)->progress.files_done, 4);
	assert_int_equal(received(&p)->progress.bytes_done, 20);
	assert_int_equal(sent(&p)->progress.bytes_done, 20);
	pair_free(&p);
}

/* After any byte, and then again: what is there is not sent again, and all is right. */
static void test_cut_anywhere(void **state)
{
	static struct transfer_pair p;
	uint64_t most = UINT64_MAX;

	for (uint64_t at = 1; at < most; at++) {
		some_files(&p);
		p.here.is_eager = true;
		pair_begin(&p);
		p.cut_after = at;
		pair_run(&p);
		if (p.carried <= at)
			most = at;
		else
			assert_true(sent(&p)->is_over && received(&p)->is_over);
		pair_end(&p);
		pair_begin(&p);
		pair_run(&p);
		assert_both_ok(&p);
		assert_all_there(&p);
		pair_free(&p);
	}
	assert_true(most > 300 && most < 3000);
}

static void test_again_sends_nothing(void **state)
{
	static struct transfer_pair p;

	some_files(&p);
	pair_begin(&p);
	pair_run(&p);
	pair_end(&p);
	p.there.written = 0;
	/* Finished directories are as they were told. */
	memory_find(&p.there, "d", false)->mtime_s = 1;
	pair_begin(&p);
	pair_run(&p);
	assert_both_ok(&p);
	assert_int_equal(p.there.written, 0);
	assert_int_equal(received(&p)->progress.bytes_kept, 20);
	assert_all_there(&p);
	pair_free(&p);
}

static void test_beginning_is_kept_or_not(void **state)
{
	static const struct {
		const char *part;
		uint64_t kept;
	} cases[] = { { "01234", 5 }, { "0x234", 0 }, { "0123456789", 10 }, { "0123456789+", 0 } };
	static struct transfer_pair p;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		memory_text(&p.here, "f", "0123456789");
		memory_text(&p.there, "f", cases[i].part);
		p.there.nodes[0].is_part = true;
		pair_begin(&p);
		pair_run(&p);
		assert_both_ok(&p);
		assert_int_equal(received(&p)->progress.bytes_kept, cases[i].kept);
		assert_int_equal(p.last_at, cases[i].kept);
		assert_true(memory_is_text(&p.there, "f", "0123456789"));
		pair_free(&p);
	}
}

static void test_largest_file(void **state)
{
	static struct transfer_pair p;
	struct memory_node *n;

	n = memory_add(&p.here, "large", ENTRY_FILE, TRANSFER_SIZE_MAX);
	memory_store(n, 5, "begin", 5);
	memory_store(n, (1ull << 39) - 1, "middle", 6);
	memory_store(n, TRANSFER_SIZE_MAX - 3, "end", 3);
	pair_begin(&p);
	pair_run(&p);
	assert_both_ok(&p);
	n = memory_find(&p.there, "large", false);
	assert_true(n->size == TRANSFER_SIZE_MAX);
	assert_int_equal(n->piece_count, 3);
	assert_true(n->pieces[1].at == (1ull << 39) - 1);
	assert_memory_equal(n->pieces[2].data, "end", 3);
	assert_true(sent(&p)->progress.bytes_done == TRANSFER_SIZE_MAX);
	assert_true(p.carried < 1000);
	pair_free(&p);
}

static void test_largest_goes_on(void **state)
{
	static struct transfer_pair p;
	struct memory_node *n = memory_add(&p.here, "large", ENTRY_FILE, TRANSFER_SIZE_MAX);

	memory_store(n, 1ull << 39, "middle", 6);
	n = memory_add(&p.there, "large", ENTRY_FILE, (1ull << 39) + 2);
	memory_store(n, 1ull << 39, "mi", 2);
	n->is_part = true;
	pair_begin(&p);
	pair_run(&p);
	assert_both_ok(&p);
	assert_true(p.last_at == (1ull << 39) + 2);
	assert_true(sent(&p)->progress.checked == p.last_at);
	assert_true(transfer_receive_core(p.receive)->progress.checked == p.last_at);
	assert_false(sent(&p)->progress.is_checking);
	assert_true(memory_find(&p.there, "large", false)->size == TRANSFER_SIZE_MAX);
	pair_free(&p);
}

static void test_refused(void **state)
{
	static struct transfer_pair p;

	some_files(&p);
	p.refuses = true;
	pair_begin(&p);
	pair_run(&p);
	assert_failed(&p, "said no");
	assert_true(sent(&p)->is_told);
	assert_null(memory_find(&p.there, "d", false));
	pair_free(&p);
}

static void test_clashes_are_named_before_data_flow(void **state)
{
	static struct transfer_pair p;

	some_files(&p);
	memory_text(&p.there, "d", "a file");
	memory_text(&p.there, "c", "old");
	pair_begin(&p);
	pair_run(&p);
	assert_failed(&p, "d, c");
	assert_int_equal(p.clashes, 2);
	assert_int_equal(p.there.written, 0);
	pair_free(&p);
}

static void test_force_replaces_files_only(void **state)
{
	static struct transfer_pair p;

	some_files(&p);
	memory_text(&p.there, "c", "old");
	p.force = true;
	pair_begin(&p);
	pair_run(&p);
	assert_both_ok(&p);
	assert_all_there(&p);
	pair_free(&p);
	some_files(&p);
	p.force = true;
	memory_add(&p.there, "c", ENTRY_DIRECTORY, 0);
	pair_begin(&p);
	pair_run(&p);
	assert_failed(&p, "does not replace a directory");
	pair_free(&p);
}

static void test_same_time_and_size_is_not_the_same(void **state)
{
	static struct transfer_pair p;

	memory_text(&p.here, "f", "new");
	memory_text(&p.there, "f", "old");
	pair_begin(&p);
	pair_run(&p);
	assert_failed(&p, "other content");
	assert_true(memory_is_text(&p.there, "f", "old"));
	pair_end(&p);
	p.force = true;
	pair_begin(&p);
	pair_run(&p);
	assert_both_ok(&p);
	assert_true(memory_is_text(&p.there, "f", "new"));
	pair_free(&p);
}

static void test_disk_is_full_then_not(void **state)
{
	static struct transfer_pair p;

	memory_text(&p.here, "f", "0123456789");
	p.here.is_eager = true;
	p.there.room = 4;
	pair_begin(&p);
	pair_run(&p);
	assert_failed(&p, "make room");
	pair_end(&p);
	p.there.room = UINT64_MAX;
	pair_begin(&p);
	pair_run(&p);
	assert_both_ok(&p);
	assert_int_equal(received(&p)->progress.bytes_kept, 4);
	pair_free(&p);
}

static void test_files_that_change_or_fail(void **state)
{
	static struct transfer_pair p;

	some_files(&p);
	p.here.changes_at = 4;
	pair_begin(&p);
	pair_run(&p);
	assert_failed(&p, "d/e/b changed while it was sent");
	assert_null(memory_find(&p.there, "d/e/b", false));
	pair_free(&p);

	some_files(&p);
	pair_begin(&p);
	p.here.nodes[1].size = 2;
	pair_run(&p);
	assert_failed(&p, "d/a changed");
	pair_free(&p);

	some_files(&p);
	p.here.read_fails = -EIO;
	pair_begin(&p);
	pair_run(&p);
	assert_failed(&p, "the disk fails");
	pair_free(&p);
}

static void test_bad_names_end_it(void **state)
{
	static struct transfer_pair p;

	memory_text(&p.here, "../f", "x");
	memory_clear(&p.here);
	memory_text(&p.here, "..", "x");
	pair_begin(&p);
	pair_run(&p);
	assert_failed(&p, "component");
	pair_free(&p);
	memory_text(&p.here, "a\nb", "x");
	memory_text(&p.here, "a_b", "y");
	pair_begin(&p);
	pair_run(&p);
	assert_failed(&p, "is there twice");
	pair_free(&p);
}

static void test_nothing_at_all(void **state)
{
	static struct transfer_pair p;

	pair_begin(&p);
	pair_run(&p);
	assert_both_ok(&p);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_tree),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_again_sends_nothing),
		cmocka_unit_test(test_beginning_is_kept_or_not),
		cmocka_unit_test(test_largest_file),
		cmocka_unit_test(test_largest_goes_on),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_clashes_are_named_before_data_flow),
		cmocka_unit_test(test_force_replaces_files_only),
		cmocka_unit_test(test_same_time_and_size_is_not_the_same),
		cmocka_unit_test(test_disk_is_full_then_not),
		cmocka_unit_test(test_files_that_change_or_fail),
		cmocka_unit_test(test_bad_names_end_it),
		cmocka_unit_test(test_nothing_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
