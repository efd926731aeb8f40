#include "transfer_wire.h"

#define MAGIC "natkit-files"

static bool is_text(struct bytes in)
{
	return in.len > 0 && in.len < TRANSFER_TEXT_MAX;
}

static void get_entry(struct wire *in, struct transfer_entry *e)
{
	e->kind = wire_get_u8(in);
	e->mode = wire_get_u16(in);
	e->size = wire_get_u64(in);
	e->mtime_s = (int64_t)wire_get_u64(in);
	e->mtime_ns = wire_get_u32(in);
	e->path = wire_get_bytes(in, in->left);
}

static void put_entry(struct wire_out *out, const struct transfer_entry *e)
{
	wire_put_u8(out, e->kind);
	wire_put_u16(out, e->mode);
	wire_put_u64(out, e->size);
	wire_put_u64(out, (uint64_t)e->mtime_s);
	wire_put_u32(out, e->mtime_ns);
	wire_put_mem(out, e->path.data, e->path.len);
}

static bool get_hello(struct wire *in, struct transfer_msg *out)
{
	struct bytes magic = wire_get_bytes(in, sizeof(MAGIC) - 1);
	uint8_t role;

	out->version = wire_get_u8(in);
	role = wire_get_u8(in);
	out->is_sender = role == 1;
	wire_skip(in, in->left); /* of a later version */
	return bytes_equal(magic, BYTES(MAGIC)) && (role == 1 || role == 2);
}

static bool get_body(struct wire *in, struct transfer_msg *out)
{
	switch (out->kind) {
	case TRANSFER_HELLO:
		return get_hello(in, out);
	case TRANSFER_OFFER:
	case TRANSFER_DONE:
		out->count = wire_get_u32(in);
		out->total = wire_get_u64(in);
		return true;
	case TRANSFER_ENTRY:
		get_entry(in, &out->entry);
		return out->entry.mtime_ns < 1000000000;
	case TRANSFER_HAVE:
		out->index = wire_get_u32(in);
		out->at = wire_get_u64(in);
		wire_get_mem(in, out->digest, sizeof(out->digest));
		return true;
	case TRANSFER_FILE:
		out->index = wire_get_u32(in);
		out->at = wire_get_u64(in);
		return true;
	case TRANSFER_HOLE:
		out->len = wire_get_u64(in);
		return out->len > 0 && out->len <= TRANSFER_SIZE_MAX;
	case TRANSFER_FILE_END:
		wire_get_mem(in, out->digest, sizeof(out->digest));
		return true;
	case TRANSFER_DATA:
		out->data = wire_get_bytes(in, in->left);
		return out->data.len > 0;
	case TRANSFER_FAILED:
		out->data = wire_get_bytes(in, in->left);
		return is_text(out->data);
	default: /* accept, end, bye: nothing */
		return true;
	}
}

static void put_body(struct wire_out *out, const struct transfer_msg *m)
{
	switch (m->kind) {
	case TRANSFER_HELLO:
		wire_put_mem(out, MAGIC, sizeof(MAGIC) - 1);
		wire_put_u8(out, m->version);
		wire_put_u8(out, m->is_sender ? 1 : 2);
		break;
	case TRANSFER_OFFER:
	case TRANSFER_DONE:
		wire_put_u32(out, m->count);
		wire_put_u64(out, m->total);
		break;
	case TRANSFER_ENTRY:
		put_entry(out, &m->entry);
		break;
	case TRANSFER_HAVE:
		wire_put_u32(out, m->index);
		wire_put_u64(out, m->at);
		wire_put_mem(out, m->digest, sizeof(m->digest));
		break;
	case TRANSFER_FILE:
		wire_put_u32(out, m->index);
		wire_put_u64(out, m->at);
		break;
	case TRANSFER_HOLE:
		wire_put_u64(out, m->len);
		break;
	case TRANSFER_FILE_END:
		wire_put_mem(out, m->digest, sizeof(m->digest));
		break;
	case TRANSFER_DATA:
	case TRANSFER_FAILED:
		wire_put_mem(out, m->data.data, m->data.len);
		break;
	default:
		break;
	}
}

static bool is_kind(uint8_t kind)
{
	return kind > TRANSFER_NONE && kind < TRANSFER_KINDS;
}

size_t transfer_wire_need(struct bytes in)
{
	size_t len;

	if (in.len < TRANSFER_HEAD)
		return in.len > 0 && !is_kind(in.data[0]) ? 0 : TRANSFER_HEAD;
	len = (size_t)in.data[1] << 16 | (size_t)in.data[2] << 8 | in.data[3];
	return is_kind(in.data[0]) && len <= TRANSFER_BODY_MAX ? TRANSFER_HEAD + len : 0;
}

bool transfer_wire_read(struct bytes in, struct transfer_msg *out)
{
	struct wire body;

	*out = (struct transfer_msg){ 0 };
	if (in.len < TRANSFER_HEAD || transfer_wire_need(in) != in.len)
		return false;
	out->kind = in.data[0];
	body = wire_read(bytes_of(in.data + TRANSFER_HEAD, in.len - TRANSFER_HEAD));
	return get_body(&body, out) && wire_done(&body);
}

size_t transfer_wire_write(const struct transfer_msg *m, uint8_t *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);

	wire_put_u32(&out, 0);
	put_body(&out, m);
	if (out.failed || out.len > TRANSFER_FRAME_MAX)
		return 0;
	transfer_wire_head((enum transfer_kind)m->kind, out.len - TRANSFER_HEAD, buf);
	return out.len;
}

void transfer_wire_head(enum transfer_kind kind, size_t body, uint8_t head[static TRANSFER_HEAD])
{
	wire_store_u32(head, (uint32_t)kind << 24 | (uint32_t)body);
}
