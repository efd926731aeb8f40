/* pipe_wire: heads of pieces, and who may say what when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "natprobe/pipe/pipe_wire.h"

static void a_head_has_a_length_that_fits_its_kind(void **state)
{
	static const struct {
		const char *why;
		uint8_t bytes[PIPE_HEAD];
		bool is_head;
	} cases[] = {
		{ "no kind", { 0, 0, 0, 0 }, false },
		{ "data, empty", { PIPE_DATA, 0, 0, 0 }, false },
		{ "data, a byte", { PIPE_DATA, 0, 0, 1 }, true },
		{ "data, most", { PIPE_DATA, 1, 0, 0 }, true },
		{ "data, a byte more", { PIPE_DATA, 1, 0, 1 }, false },
		{ "end", { PIPE_END, 0, 0, 0 }, true },
		{ "end with a byte", { PIPE_END, 0, 0, 1 }, false },
		{ "received", { PIPE_RECEIVED, 0, 0, 0 }, true },
		{ "received with 64 KiB", { PIPE_RECEIVED, 1, 0, 0 }, false },
		{ "abort without a word", { PIPE_ABORT, 0, 0, 0 }, false },
		{ "abort", { PIPE_ABORT, 0, 0, PIPE_WORD_MAX }, true },
		{ "abort, a byte more", { PIPE_ABORT, 0, 0, PIPE_WORD_MAX + 1 }, false },
		{ "a kind too many", { PIPE_KINDS, 0, 0, 1 }, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pipe_head head = { 0 };
		uint8_t again[PIPE_HEAD];

		if (pipe_head_read(cases[i].bytes, &head) != cases[i].is_head)
			fail_msg("%s", cases[i].why);
		if (!cases[i].is_head)
			continue;
		pipe_head_write(&head, again);
		assert_memory_equal(again, cases[i].bytes, PIPE_HEAD);
	}
}

static void a_word_is_small_letters(void **state)
{
	assert_true(pipe_is_word(BYTES("output-closed")));
	assert_false(pipe_is_word(BYTES("")));
	assert_false(pipe_is_word(BYTES("a word")));
	assert_false(pipe_is_word(BYTES("a\n")));
	assert_false(pipe_is_word(BYTES("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
}

static void both_end_and_receive(void **state)
{
	struct pipe_flow f = { .has_receipts = true };

	assert_true(pipe_flow_heard(&f, PIPE_DATA));
	assert_false(pipe_flow_heard(&f, PIPE_RECEIVED)); /* of what? */
	pipe_flow_said(&f, PIPE_DATA);
	pipe_flow_said(&f, PIPE_END);
	assert_true(pipe_flow_heard(&f, PIPE_RECEIVED));
	assert_true(pipe_flow_heard(&f, PIPE_DATA)); /* its direction goes on */
	assert_true(pipe_flow_heard(&f, PIPE_END));
	assert_false(pipe_flow_is_over(&f));
	pipe_flow_said(&f, PIPE_RECEIVED);
	assert_true(pipe_flow_is_over(&f));
}

static void nothing_comes_behind_an_end(void **state)
{
	struct pipe_flow f = { 0 };

	assert_true(pipe_flow_heard(&f, PIPE_END));
	assert_false(pipe_flow_heard(&f, PIPE_DATA));
	assert_false(pipe_flow_heard(&f, PIPE_END));
	assert_false(pipe_flow_heard(&f, PIPE_RECEIVED)); /* nobody speaks of it here */
	assert_true(pipe_flow_heard(&f, PIPE_ABORT));
	assert_false(pipe_flow_heard(&f, PIPE_ABORT));
}

static void without_receipts_two_ends_are_all(void **state)
{
	struct pipe_flow f = { 0 };

	pipe_flow_said(&f, PIPE_END);
	assert_false(pipe_flow_is_over(&f));
	assert_true(pipe_flow_heard(&f, PIPE_END));
	assert_true(pipe_flow_is_over(&f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_has_a_length_that_fits_its_kind),
		cmocka_unit_test(a_word_is_small_letters),
		cmocka_unit_test(both_end_and_receive),
		cmocka_unit_test(nothing_comes_behind_an_end),
		cmocka_unit_test(without_receipts_two_ends_are_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
