/* transfer_receive and transfer_send with a peer that breaks the rules: each lie ends it, with words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "transfer_fixture.h"

#define MESSAGES_MAX 8

static const struct transfer_msg hello = { .kind = TRANSFER_HELLO,
					   .is_sender = true,
					   .version = 1 };
static const struct transfer_msg end = { .kind = TRANSFER_END };

static struct transfer_msg offer(uint32_t count, uint64_t total)
{
	return (struct transfer_msg){ .kind = TRANSFER_OFFER, .count = count, .total = total };
}

static struct transfer_msg entry(uint8_t kind, const char *path, uint64_t size)
{
	return (struct transfer_msg){
		.kind = TRANSFER_ENTRY,
		.entry = { .kind = kind, .size = size, .path = bytes_of_str(path) }
	};
}

static struct transfer_msg file(uint32_t index, uint64_t at)
{
	return (struct transfer_msg){ .kind = TRANSFER_FILE, .index = index, .at = at };
}

static struct transfer_msg data(const char *text)
{
	return (struct transfer_msg){ .kind = TRANSFER_DATA, .data = bytes_of_str(text) };
}

static struct transfer_msg hole(uint64_t len)
{
	return (struct transfer_msg){ .kind = TRANSFER_HOLE, .len = len };
}

static struct transfer_msg file_end(const char *text)
{
	struct transfer_msg m = { .kind = TRANSFER_FILE_END };
	struct sum s = { 0 };
	struct transfer_digest d = sum_digest(&s);

	digest_add(&d, bytes_of_str(text));
	digest_so_far(&d, m.digest);
	return m;
}

/* Only the receiver of a pair, which says yes. */
static void feed(struct transfer_pair *p, const struct transfer_msg *m, size_t count)
{
	pair_begin(p);
	for (size_t i = 0; i < count && m[i].kind != TRANSFER_NONE; i++) {
		transfer_receive_input(p->receive, &m[i]);
		while (transfer_receive_step(p->receive) == TRANSFER_MORE)
			;
		transfer_receive_consent(p->receive, true);
		while (transfer_receive_step(p->receive) == TRANSFER_MORE)
			;
	}
}

static void test_lies_of_a_sender(void **state)
{
	const struct {
		const char *why;
		struct transfer_msg m[MESSAGES_MAX];
		const char *word;
	} cases[] = {
		{ "no greeting", { offer(1, 1) }, "does not run natprobe send" },
		{ "a receiver", { { .kind = TRANSFER_HELLO, .version = 1 } }, "does not run" },
		{ "a later version",
		  { { .kind = TRANSFER_HELLO, .is_sender = true, .version = 2 } },
		  "version 2" },
		{ "too many", { hello, offer(TRANSFER_ENTRIES_MAX + 1, 1) }, "too many" },
		{ "another sum", { hello, offer(1, 2), entry(ENTRY_FILE, "f", 1) }, "add up" },
		{ "sums beyond all numbers",
		  { hello, offer(1, UINT64_MAX), entry(ENTRY_FILE, "f", UINT64_MAX) },
		  "size that cannot be" },
		{ "up", { hello, offer(1, 1), entry(ENTRY_FILE, "../f", 1) }, "\"..\"" },
		{ "absolute", { hello, offer(1, 1), entry(ENTRY_FILE, "/f", 1) }, "absolute" },
		{ "a link", { hello, offer(1, 0), entry(3, "f", 0) }, "neither a file" },
		{ "below a file",
		  { hello, offer(2, 2), entry(ENTRY_FILE, "f", 1), entry(ENTRY_FILE, "f/g", 1) },
		  "in no directory" },
		{ "more entries than told",
		  { hello, offer(1, 1), entry(ENTRY_FILE, "f", 1), entry(ENTRY_FILE, "g", 1) },
		  "no message" },
		{ "data before consent",
		  { hello, offer(2, 2), entry(ENTRY_FILE, "f", 1), file(0, 0) },
		  "no message" },
		{ "more data",
		  { hello, offer(1, 2), entry(ENTRY_FILE, "f", 2), file(0, 0), data("abc") },
		  "more than it told" },
		{ "a hole that is more",
		  { hello, offer(1, 2), entry(ENTRY_FILE, "f", 2), file(0, 0), data("a"), hole(2) },
		  "more than it told" },
		{ "less data",
		  { hello, offer(1, 2), entry(ENTRY_FILE, "f", 2), file(0, 0), data("a"),
		    file_end("a") },
		  "less than it told" },
		{ "other data",
		  { hello, offer(1, 2), entry(ENTRY_FILE, "f", 2), file(0, 0), data("ab"),
		    file_end("ac") },
		  "SHA-256" },
		{ "another file",
		  { hello, offer(2, 2), entry(ENTRY_FILE, "f", 1), entry(ENTRY_FILE, "g", 1),
		    file(1, 0) },
		  "no message" },
		{ "no such file",
		  { hello, offer(1, 1), entry(ENTRY_FILE, "f", 1), file(7, 0) },
		  "no message" },
		{ "a directory as a file",
		  { hello, offer(1, 0), entry(ENTRY_DIRECTORY, "f", 0), file(0, 0) },
		  "no message" },
		{ "from where nothing is",
		  { hello, offer(1, 9), entry(ENTRY_FILE, "f", 9), file(0, 5) },
		  "no message" },
		{ "fewer files",
		  { hello, offer(1, 1), entry(ENTRY_FILE, "f", 1), end },
		  "fewer files" },
		{ "the end in a file",
		  { hello, offer(1, 1), entry(ENTRY_FILE, "f", 1), file(0, 0), end },
		  "no message" },
		{ "a sentence to deceive",
		  { hello, { .kind = TRANSFER_FAILED, .data = BYTES("\x1b[2Jall is well") } },
		  "\\x1b[2Jall" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static struct transfer_pair p;
		const struct memory_node *n;
		const struct transfer_core *c;

		feed(&p, cases[i].m, MESSAGES_MAX);
		c = transfer_receive_core(p.receive);
		if (!c->is_over || c->is_ok || strstr(c->why, cases[i].word) == NULL)
			fail_msg("%s: \"%s\"", cases[i].why, c->why);
		n = memory_find(&p.there, "f", false);
		assert_true(n == NULL || n->kind == ENTRY_DIRECTORY);
		assert_null(p.there.open);
		pair_free(&p);
	}
}

/* What does not stand where it should is worth nothing: it is not resumed the next time. */
static void test_wrong_data_are_dropped(void **state)
{
	const struct transfer_msg m[] = { hello,      offer(1, 2), entry(ENTRY_FILE, "f", 2),
					  file(0, 0), data("ab"),  file_end("ac") };
	static struct transfer_pair p;

	feed(&p, m, ARRAY_LEN(m));
	assert_null(memory_find(&p.there, "f", true));
	pair_free(&p);
}

static void test_rest_of_it_is_ignored(void **state)
{
	const struct transfer_msg m[] = { hello, end, hello, offer(1, 0) };
	static struct transfer_pair p;
	size_t len;

	feed(&p, m, 2);
	len = p.to_send.len;
	transfer_receive_input(p.receive, &m[3]);
	transfer_receive_malformed(p.receive);
	transfer_receive_lost(p.receive);
	assert_int_equal(p.to_send.len, len);
	assert_non_null(strstr(transfer_receive_core(p.receive)->why, "no message"));
	pair_free(&p);
}

static void test_lies_of_a_receiver(void **state)
{
	static const struct transfer_msg hi = { .kind = TRANSFER_HELLO, .version = 1 };
	const struct {
		const char *why;
		struct transfer_msg m[MESSAGES_MAX];
		const char *word;
	} cases[] = {
		{ "no greeting", { { .kind = TRANSFER_ACCEPT } }, "does not run" },
		{ "accepted twice",
		  { hi, { .kind = TRANSFER_ACCEPT }, { .kind = TRANSFER_ACCEPT } },
		  "no message" },
		{ "done at once",
		  { hi, { .kind = TRANSFER_DONE, .count = 2, .total = 3 } },
		  "no message" },
		{ "has of nothing",
		  { hi, { .kind = TRANSFER_HAVE, .index = 2, .at = 1 } },
		  "no message" },
		{ "has a directory",
		  { hi, { .kind = TRANSFER_HAVE, .index = 0, .at = 1 } },
		  "no message" },
		{ "has more than there is",
		  { hi, { .kind = TRANSFER_HAVE, .index = 1, .at = 4 } },
		  "no message" },
		{ "has nothing", { hi, { .kind = TRANSFER_HAVE, .index = 1 } }, "no message" },
		{ "has it twice",
		  { hi,
		    { .kind = TRANSFER_HAVE, .index = 1, .at = 1 },
		    { .kind = TRANSFER_HAVE, .index = 1, .at = 2 } },
		  "no message" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static struct transfer_pair p;
		const struct transfer_core *c;

		memory_add(&p.here, "d", ENTRY_DIRECTORY, 0);
		memory_text(&p.here, "d/f", "abc");
		pair_begin(&p);
		while (transfer_send_step(p.send) == TRANSFER_MORE)
			;
		for (size_t j = 0; cases[i].m[j].kind != TRANSFER_NONE; j++)
			transfer_send_input(p.send, &cases[i].m[j]);
		c = transfer_send_core(p.send);
		if (!c->is_over || c->is_ok || strstr(c->why, cases[i].word) == NULL)
			fail_msg("%s: \"%s\"", cases[i].why, c->why);
		pair_free(&p);
	}
}

static void test_other_counts_at_the_end(void **state)
{
	static const struct transfer_msg hi = { .kind = TRANSFER_HELLO, .version = 1 };
	static const struct transfer_msg accept = { .kind = TRANSFER_ACCEPT };
	static const struct transfer_msg done = { .kind = TRANSFER_DONE, .count = 1, .total = 2 };
	static struct transfer_pair p;

	memory_text(&p.here, "f", "abc");
	pair_begin(&p);
	while (transfer_send_step(p.send) == TRANSFER_MORE)
		;
	transfer_send_input(p.send, &hi);
	transfer_send_input(p.send, &accept);
	while (transfer_send_step(p.send) == TRANSFER_MORE)
		;
	transfer_send_input(p.send, &done);
	assert_non_null(strstr(transfer_send_core(p.send)->why, "counts other files"));
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lies_of_a_sender),
		cmocka_unit_test(test_wrong_data_are_dropped),
		cmocka_unit_test(test_rest_of_it_is_ignored),
		cmocka_unit_test(test_lies_of_a_receiver),
		cmocka_unit_test(test_other_counts_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
