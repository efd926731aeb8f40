#include "stun_msg.h"

/* Method and class share 14 bits, interleaved (RFC 8489, section 5, figure 3). */
static uint16_t join_type(uint16_t method, unsigned class)
{
	return (uint16_t)((method & 0x000fu) | (method & 0x0070u) << 1 | (method & 0x0f80u) << 2 |
			  (class & 1u) << 4 | (class & 2u) << 7);
}

static uint16_t method_of(uint16_t type)
{
	return (uint16_t)((type & 0x000fu) | (type >> 1 & 0x0070u) | (type >> 2 & 0x0f80u));
}

static uint8_t class_of(uint16_t type)
{
	return (uint8_t)((type >> 4 & 1u) | (type >> 7 & 2u));
}

static size_t padded(size_t len)
{
	return len + wire_padding(len);
}

struct stun_tid stun_tid_make(const uint8_t random[static 12])
{
	struct stun_tid tid;

	wire_store_u32(tid.bytes, STUN_COOKIE);
	memcpy(tid.bytes + 4, random, 12);
	return tid;
}

bool stun_tid_equal(const struct stun_tid *a, const struct stun_tid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool stun_tid_is_classic(const struct stun_tid *tid)
{
	struct wire in = wire_read(bytes_of(tid->bytes, 4));

	return wire_get_u32(&in) != STUN_COOKIE;
}

/* The order in which the attributes that end the visible part must come. */
enum rank {
	RANK_PLAIN,
	RANK_INTEGRITY,
	RANK_SHA256,
	RANK_FINGERPRINT,
};

static enum rank rank_of(uint16_t type)
{
	switch (type) {
	case STUN_ATTR_MESSAGE_INTEGRITY:
		return RANK_INTEGRITY;
	case STUN_ATTR_MESSAGE_INTEGRITY_SHA256:
		return RANK_SHA256;
	case STUN_ATTR_FINGERPRINT:
		return RANK_FINGERPRINT;
	default:
		return RANK_PLAIN;
	}
}

/* Where the attributes are that end the visible part; 0 where there is none. */
struct marks {
	uint32_t integrity;
	uint32_t integrity_sha256;
	uint32_t fingerprint;
	uint32_t visible_end;
};

static void note_protection(struct marks *m, enum rank rank, uint32_t at, bool is_last)
{
	if (at < m->visible_end)
		m->visible_end = at;
	if (rank == RANK_INTEGRITY)
		m->integrity = at;
	else if (rank == RANK_SHA256)
		m->integrity_sha256 = at;
	else if (is_last)
		m->fingerprint = at;
}

/* Checks every attribute of a message of `len` bytes, and notes what ends the visible part. */
static bool scan_attrs(struct wire in, size_t len, struct marks *m)
{
	enum rank reached = RANK_PLAIN;

	*m = (struct marks){ .visible_end = (uint32_t)len };
	while (in.left > 0) {
		uint32_t at = (uint32_t)(len - in.left);
		enum rank rank = rank_of(wire_get_u16(&in));

		wire_skip(&in, padded(wire_get_u16(&in)));
		if (in.failed)
			return false;
		if (rank <= reached)
			continue;
		reached = rank;
		note_protection(m, rank, at, in.left == 0);
	}
	return true;
}

enum stun_result stun_msg_parse(struct bytes in, struct stun_msg *out)
{
	struct wire w = wire_read(in);
	uint16_t type = wire_get_u16(&w);
	uint16_t len = wire_get_u16(&w);
	const uint8_t *tid = wire_take(&w, sizeof(out->tid.bytes));
	struct marks m;

	if (tid == NULL || (type & 0xc000) != 0)
		return STUN_FOREIGN;
	if (len % 4 != 0 || len != w.left || !scan_attrs(w, in.len, &m))
		return STUN_MALFORMED;
	out->raw = in;
	out->method = method_of(type);
	out->class = class_of(type);
	memcpy(out->tid.bytes, tid, sizeof(out->tid.bytes));
	out->integrity = m.integrity;
	out->integrity_sha256 = m.integrity_sha256;
	out->fingerprint = m.fingerprint;
	out->visible_end = m.visible_end;
	return STUN_OK;
}

struct stun_walk stun_msg_walk(const struct stun_msg *msg)
{
	return (struct stun_walk){ .msg = msg, .at = STUN_HEADER_LEN };
}

/* The first of the three at or behind `at`, 0 when there is none. They come in this order. */
static size_t next_protection(const struct stun_msg *m, size_t at)
{
	if (m->integrity >= at)
		return m->integrity;
	if (m->integrity_sha256 >= at)
		return m->integrity_sha256;
	return m->fingerprint >= at ? m->fingerprint : 0;
}

bool stun_walk_next(struct stun_walk *walk, struct stun_attr *out)
{
	const struct stun_msg *m = walk->msg;
	size_t at = walk->at < m->visible_end ? walk->at : next_protection(m, walk->at);
	struct wire in;

	if (at == 0)
		return false;
	in = wire_read(bytes_of(m->raw.data + at, m->raw.len - at));
	out->type = wire_get_u16(&in);
	out->value = wire_get_bytes(&in, wire_get_u16(&in));
	walk->at = at + 4 + padded(out->value.len);
	return true;
}

bool stun_msg_find(const struct stun_msg *msg, uint16_t type, struct bytes *value)
{
	struct stun_walk walk = stun_msg_walk(msg);
	struct stun_attr attr;

	while (stun_walk_next(&walk, &attr)) {
		if (attr.type != type)
			continue;
		*value = attr.value;
		return true;
	}
	return false;
}

bool stun_msg_has(const struct stun_msg *msg, uint16_t type)
{
	struct bytes value;

	return stun_msg_find(msg, type, &value);
}

static bool is_listed(const uint16_t *types, size_t count, uint16_t type)
{
	for (size_t i = 0; i < count; i++) {
		if (types[i] == type)
			return true;
	}
	return false;
}

size_t stun_msg_unknown(const struct stun_msg *msg, bool (*is_known)(uint16_t type),
			uint16_t *types, size_t cap)
{
	struct stun_walk walk = stun_msg_walk(msg);
	struct stun_attr attr;
	size_t count = 0;

	while (count < cap && stun_walk_next(&walk, &attr)) {
		if (!stun_attr_is_required(attr.type) || is_known(attr.type))
			continue;
		if (!is_listed(types, count, attr.type))
			types[count++] = attr.type;
	}
	return count;
}

struct stun_builder stun_build(void *buf, size_t cap, uint16_t method, enum stun_class class,
			       const struct stun_tid *tid)
{
	struct stun_builder b = { .buf = buf, .cap = cap, .tid = *tid };

	if (cap < STUN_HEADER_LEN) {
		b.failed = true;
		return b;
	}
	wire_store_u16(b.buf, join_type(method, class));
	wire_store_u16(b.buf + 2, 0);
	memcpy(b.buf + 4, tid->bytes, sizeof(tid->bytes));
	b.len = STUN_HEADER_LEN;
	return b;
}

uint8_t *stun_build_attr(struct stun_builder *b, uint16_t type, size_t len)
{
	size_t room = b->cap < STUN_MESSAGE_MAX ? b->cap : STUN_MESSAGE_MAX;
	uint8_t *p;

	if (b->failed || len > STUN_VALUE_MAX || room - b->len < 4 + padded(len)) {
		b->failed = true;
		return NULL;
	}
	p = b->buf + b->len;
	wire_store_u16(p, type);
	wire_store_u16(p + 2, (uint16_t)len);
	for (size_t i = len; i < padded(len); i++)
		p[4 + i] = 0;
	b->len += 4 + padded(len);
	wire_store_u16(b->buf + 2, (uint16_t)(b->len - STUN_HEADER_LEN));
	return p + 4;
}

enum stun_result stun_build_finish(const struct stun_builder *b, struct bytes *out)
{
	if (b->failed)
		return STUN_NO_SPACE;
	*out = bytes_of(b->buf, b->len);
	return STUN_OK;
}
