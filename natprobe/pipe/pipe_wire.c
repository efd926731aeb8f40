#include "pipe_wire.h"

#include <assert.h>

static bool is_len(uint8_t kind, uint32_t len)
{
	switch (kind) {
	case PIPE_DATA:
		return len > 0 && len <= PIPE_DATA_MAX;
	case PIPE_END:
	case PIPE_RECEIVED:
		return len == 0;
	case PIPE_ABORT:
		return len > 0 && len <= PIPE_WORD_MAX;
	default:
		return false;
	}
}

bool pipe_head_read(const uint8_t in[static PIPE_HEAD], struct pipe_head *out)
{
	const uint32_t len = (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];

	if (!is_len(in[0], len))
		return false;
	*out = (struct pipe_head){ .kind = in[0], .len = len };
	return true;
}

void pipe_head_write(const struct pipe_head *head, uint8_t out[static PIPE_HEAD])
{
	assert(is_len(head->kind, head->len));
	wire_store_u32(out, (uint32_t)head->kind << 24 | head->len);
}

bool pipe_is_word(struct bytes word)
{
	if (word.len == 0 || word.len > PIPE_WORD_MAX)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		if ((word.data[i] < 'a' || word.data[i] > 'z') && word.data[i] != '-')
			return false;
	}
	return true;
}

bool pipe_flow_heard(struct pipe_flow *f, uint8_t kind)
{
	if (f->is_broken)
		return false;
	switch (kind) {
	case PIPE_DATA:
		return !f->they_ended;
	case PIPE_END:
		if (f->they_ended)
			return false;
		f->they_ended = true;
		return true;
	case PIPE_RECEIVED:
		if (!f->has_receipts || !f->we_ended || f->they_received)
			return false;
		f->they_received = true;
		return true;
	case PIPE_ABORT:
		f->is_broken = true;
		return true;
	default:
		return false;
	}
}

void pipe_flow_said(struct pipe_flow *f, uint8_t kind)
{
	assert(kind != PIPE_DATA || !f->we_ended);
	assert(kind != PIPE_RECEIVED || (f->has_receipts && f->they_ended && !f->we_received));
	if (kind == PIPE_END)
		f->we_ended = true;
	else if (kind == PIPE_RECEIVED)
		f->we_received = true;
	else if (kind == PIPE_ABORT)
		f->is_broken = true;
}

bool pipe_flow_is_over(const struct pipe_flow *f)
{
	if (f->is_broken || !f->we_ended || !f->they_ended)
		return false;
	return !f->has_receipts || (f->we_received && f->they_received);
}
