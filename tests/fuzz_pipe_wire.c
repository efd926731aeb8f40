/* Pieces as they come: what is read is written alike, and nobody is done before both have ended. */
#include "natprobe/pipe/pipe_wire.h"

#include "fuzz_check.h"

static void check_head(const uint8_t bytes[static PIPE_HEAD], const struct pipe_head *head)
{
	uint8_t again[PIPE_HEAD];

	FUZZ_CHECK(head->kind > PIPE_NONE && head->kind < PIPE_KINDS);
	FUZZ_CHECK(head->len <= PIPE_DATA_MAX);
	pipe_head_write(head, again);
	FUZZ_CHECK(memcmp(again, bytes, PIPE_HEAD) == 0);
}

/* Hears it as natprobe pipe does, and answers an end at once. */
static bool hear(struct pipe_flow *f, const struct pipe_head *head)
{
	const bool was_over = pipe_flow_is_over(f);

	if (!pipe_flow_heard(f, head->kind))
		return false;
	FUZZ_CHECK(!was_over || head->kind == PIPE_ABORT);
	if (head->kind == PIPE_END && f->has_receipts)
		pipe_flow_said(f, PIPE_RECEIVED);
	FUZZ_CHECK(!pipe_flow_is_over(f) || (f->we_ended && f->they_ended));
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire in = wire_read(bytes_of(data, len));
	const uint8_t first = wire_get_u8(&in);
	struct pipe_flow flow = { .has_receipts = (first & 1) != 0 };

	if ((first & 2) != 0)
		pipe_flow_said(&flow, PIPE_END);
	while (!in.failed) {
		const uint8_t *bytes = wire_take(&in, PIPE_HEAD);
		struct pipe_head head;
		struct bytes rest;

		if (bytes == NULL || !pipe_head_read(bytes, &head))
			break;
		check_head(bytes, &head);
		rest = wire_get_bytes(&in, head.len);
		if (head.kind == PIPE_ABORT)
			(void)pipe_is_word(rest);
		if (!hear(&flow, &head))
			break;
	}
	return 0;
}
