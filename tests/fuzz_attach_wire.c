/* What is read as a line or an answer is a line of ours, and is written again as it was read. */
#include "natprobe/link/attach_wire.h"

#include "fuzz_check.h"

static void check_line(struct bytes in)
{
	struct attach_line line;
	char buf[ATTACH_LINE_MAX];
	const char *why;
	size_t n;

	if (!attach_line_read(in, &line, &why)) {
		FUZZ_CHECK(why != NULL && line.verb == ATTACH_NONE);
		return;
	}
	n = attach_line_write(&line, buf, sizeof(buf));
	FUZZ_CHECK(n == in.len + 1 && memcmp(buf, in.data, in.len) == 0);
	FUZZ_CHECK(attach_line_write(&line, buf, in.len) == 0);
}

static void check_answer(struct bytes in)
{
	struct attach_answer answer;
	char buf[ATTACH_LINE_MAX];

	if (!attach_answer_read(in, &answer))
		return;
	FUZZ_CHECK(attach_answer_write(&answer, buf, sizeof(buf)) == in.len + 1);
	FUZZ_CHECK(memcmp(buf, in.data, in.len) == 0 && buf[in.len] == '\n');
}

/* Whatever it is told, what is written is one line that can be read. */
static void check_text(const uint8_t *data, size_t len)
{
	struct attach_answer answer = { .word = "word" }, again;
	char buf[ATTACH_LINE_MAX];
	size_t n = len < sizeof(answer.text) ? len : sizeof(answer.text) - 1;

	if (n > 0)
		memcpy(answer.text, data, n);
	n = attach_answer_write(&answer, buf, sizeof(buf));
	FUZZ_CHECK(n > 0 && attach_answer_read(bytes_of(buf, n - 1), &again) && !again.is_ok);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	check_line(bytes_of(data, len));
	check_answer(bytes_of(data, len));
	check_text(data, len);
	return 0;
}
