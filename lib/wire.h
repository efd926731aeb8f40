/*
 * wire - a cursor over bytes, reading or writing, with a sticky error.
 *
 * The only place that does offset arithmetic. A read past the end yields zero and
 * marks the cursor failed; a write past the end writes nothing and does the same. So
 * a parser is a run of reads and one check at its end. Integers are big-endian.
 */
#ifndef NATKIT_WIRE_H
#define NATKIT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* A view of bytes that somebody else owns. */
struct bytes {
	const uint8_t *data;
	size_t len;
};

/* A view of a string literal, without its terminator. */
#define BYTES(literal) \
	((struct bytes){ .data = (const uint8_t *)(literal), .len = sizeof(literal) - 1 })

static inline struct bytes bytes_of(const void *data, size_t len)
{
	return (struct bytes){ .data = data, .len = len };
}

static inline struct bytes bytes_of_str(const char *s)
{
	return bytes_of(s, strlen(s));
}

/* For public data only; secrets are compared with CRYPTO_memcmp. */
static inline bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Without the zeros at its end, which some count into their texts. */
static inline struct bytes bytes_without_nuls(struct bytes in)
{
	while (in.len > 0 && in.data[in.len - 1] == 0)
		in.len--;
	return in;
}

/* How many bytes (0 to 3) bring `len` to a multiple of four. */
static inline size_t wire_padding(size_t len)
{
	return (0 - len) % 4;
}

/* A reading cursor. */
struct wire {
	const uint8_t *at;
	size_t left;
	bool failed;
};

static inline struct wire wire_read(struct bytes in)
{
	return (struct wire){ .at = in.data, .left = in.len };
}

/* Takes `n` bytes off the cursor: NULL, and failed for good, when they are not there. */
static inline const uint8_t *wire_take(struct wire *in, size_t n)
{
	const uint8_t *p = in->at;

	if (in->failed || in->left < n) {
		in->failed = true;
		return NULL;
	}
	if (n > 0)
		in->at += n;
	in->left -= n;
	return p;
}

static inline void wire_skip(struct wire *in, size_t n)
{
	(void)wire_take(in, n);
}

static inline uint8_t wire_get_u8(struct wire *in)
{
	const uint8_t *p = wire_take(in, 1);

	return p != NULL ? p[0] : 0;
}

static inline uint16_t wire_get_u16(struct wire *in)
{
	const uint8_t *p = wire_take(in, 2);

	return p != NULL ? (uint16_t)((uint32_t)p[0] << 8 | p[1]) : 0;
}

static inline uint32_t wire_get_u32(struct wire *in)
{
	const uint8_t *p = wire_take(in, 4);

	if (p == NULL)
		return 0;
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t wire_get_u64(struct wire *in)
{
	uint64_t high = wire_get_u32(in);

	return high << 32 | wire_get_u32(in);
}

/* Copies `n` bytes to `to`; leaves `to` alone when they are not there. */
static inline void wire_get_mem(struct wire *in, void *to, size_t n)
{
	const uint8_t *p = wire_take(in, n);

	if (p != NULL && n > 0)
		memcpy(to, p, n);
}

/* A view of the next `n` bytes, empty when they are not there. */
static inline struct bytes wire_get_bytes(struct wire *in, size_t n)
{
	const uint8_t *p = wire_take(in, n);

	return p != NULL ? bytes_of(p, n) : (struct bytes){ 0 };
}

/* All read, and nothing was missing. */
static inline bool wire_done(const struct wire *in)
{
	return !in->failed && in->left == 0;
}

/* A writing cursor. */
struct wire_out {
	uint8_t *start;
	size_t len; /* written so far */
	size_t cap;
	bool failed;
};

static inline struct wire_out wire_write(void *buf, size_t cap)
{
	return (struct wire_out){ .start = buf, .cap = cap };
}

/* Room for `n` more bytes: NULL, and failed for good, when there is none. */
static inline uint8_t *wire_room(struct wire_out *out, size_t n)
{
	uint8_t *p;

	if (out->failed || out->cap - out->len < n) {
		out->failed = true;
		return NULL;
	}
	p = out->len > 0 ? out->start + out->len : out->start; /* start may be NULL */
	out->len += n;
	return p;
}

static inline void wire_put_u8(struct wire_out *out, uint8_t v)
{
	uint8_t *p = wire_room(out, 1);

	if (p != NULL)
		p[0] = v;
}

/* Stores to bytes that are known to be there. */
static inline void wire_store_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void wire_store_u32(uint8_t *p, uint32_t v)
{
	wire_store_u16(p, (uint16_t)(v >> 16));
	wire_store_u16(p + 2, (uint16_t)v);
}

static inline void wire_put_u16(struct wire_out *out, uint16_t v)
{
	uint8_t *p = wire_room(out, 2);

	if (p != NULL)
		wire_store_u16(p, v);
}

static inline void wire_put_u32(struct wire_out *out, uint32_t v)
{
	uint8_t *p = wire_room(out, 4);

	if (p != NULL)
		wire_store_u32(p, v);
}

static inline void wire_put_u64(struct wire_out *out, uint64_t v)
{
	wire_put_u32(out, (uint32_t)(v >> 32));
	wire_put_u32(out, (uint32_t)v);
}

static inline void wire_put_mem(struct wire_out *out, const void *from, size_t n)
{
	uint8_t *p = wire_room(out, n);

	if (p != NULL && n > 0)
		memcpy(p, from, n);
}

static inline void wire_put_zeros(struct wire_out *out, size_t n)
{
	uint8_t *p = wire_room(out, n);

	if (p != NULL && n > 0)
		memset(p, 0, n);
}

static inline struct bytes wire_written(const struct wire_out *out)
{
	return bytes_of(out->start, out->len);
}

#endif
