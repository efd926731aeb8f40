/*
 * stun_msg - the header, the walk over attributes, and the builder (RFC 8489, section 5).
 *
 * Parsing copies nothing: a struct stun_msg is a view of bytes that the caller owns.
 * stun_msg_parse checks every length once, so what follows cannot run out of bounds.
 * Building writes into a buffer of the caller. Nothing here allocates.
 */
#ifndef NATKIT_STUN_MSG_H
#define NATKIT_STUN_MSG_H

#include "stun.h"
#include "wire.h"

/*
 * Transaction id as RFC 3489 has it: 16 bytes. RFC 5389 and later fix the first four to
 * the magic cookie, so these bytes are also the mask of XOR addresses.
 */
struct stun_tid {
	uint8_t bytes[16];
};

/* Cookie and 96 random bits that the caller drew from a CSPRNG. */
struct stun_tid stun_tid_make(const uint8_t random[static 12]);

bool stun_tid_equal(const struct stun_tid *a, const struct stun_tid *b);

/* The magic cookie is missing: an RFC 3489 client or server. */
bool stun_tid_is_classic(const struct stun_tid *tid);

struct stun_msg {
	struct bytes raw; /* header and attributes, nothing behind them */
	uint16_t method;  /* enum stun_method, or one we do not know */
	uint8_t class;    /* enum stun_class */
	struct stun_tid tid;
	/* Offsets in raw of attribute headers that count, 0 where absent. */
	uint32_t integrity;
	uint32_t integrity_sha256;
	uint32_t fingerprint;
	uint32_t visible_end; /* attributes from here on are ignored, but for the three above */
};

/*
 * Judges a whole datagram, or one message cut from a stream.
 * out  set on STUN_OK only; its views die with `in`
 * Returns STUN_OK; STUN_FOREIGN when the first two bits are not zero, or there are fewer
 * than 20 bytes; STUN_MALFORMED when the length field is no multiple of 4 or does not
 * match `in`, or an attribute leaves the message. A message without the cookie is STUN_OK:
 * ask stun_tid_is_classic.
 */
enum stun_result stun_msg_parse(struct bytes in, struct stun_msg *out);

/* An attribute as it stands: value is without padding. */
struct stun_attr {
	uint16_t type;
	struct bytes value;
};

/*
 * The walk over attributes that count: behind MESSAGE-INTEGRITY only
 * MESSAGE-INTEGRITY-SHA256 and FINGERPRINT, behind MESSAGE-INTEGRITY-SHA256 only
 * FINGERPRINT (RFC 8489, section 14.5 and 14.6), behind FINGERPRINT nothing. A FINGERPRINT
 * that is not the last attribute is not shown either (section 14.7).
 * Duplicates are shown; the first is the one that counts, where one alone makes sense.
 */
struct stun_walk {
	const struct stun_msg *msg;
	size_t at;
};

struct stun_walk stun_msg_walk(const struct stun_msg *msg);

/* Sets *out to the next attribute; false at the end. */
bool stun_walk_next(struct stun_walk *walk, struct stun_attr *out);

/* The first attribute of that type, or false, *value untouched. */
bool stun_msg_find(const struct stun_msg *msg, uint16_t type, struct bytes *value);

bool stun_msg_has(const struct stun_msg *msg, uint16_t type);

/*
 * Collects comprehension-required types for which `is_known` is false, each once
 * (RFC 8489, section 6.3.1: answered with 420).
 * types, cap  where they go; more than `cap` are left out
 * Returns how many were written.
 */
size_t stun_msg_unknown(const struct stun_msg *msg, bool (*is_known)(uint16_t type),
			uint16_t *types, size_t cap);

/*
 * The builder. A put that does not fit leaves the message as it was, and makes
 * stun_build_finish fail, so that callers may check once.
 */
struct stun_builder {
	uint8_t *buf;
	size_t cap;
	size_t len;
	struct stun_tid tid;
	bool failed;
};

/* Writes the header. buf must hold at least STUN_HEADER_LEN bytes, or the build fails. */
struct stun_builder stun_build(void *buf, size_t cap, uint16_t method, enum stun_class class,
			       const struct stun_tid *tid);

/*
 * Reserves an attribute of `len` bytes: its header and zeroed padding are written, and
 * the length in the message header is kept right.
 * Returns where the value goes, or NULL (and the build has failed) when there is no room.
 */
uint8_t *stun_build_attr(struct stun_builder *b, uint16_t type, size_t len);

/*
 * The whole message, a view of the caller's buffer.
 * Returns STUN_OK, or STUN_NO_SPACE when any put failed; *out is set on STUN_OK only.
 */
enum stun_result stun_build_finish(const struct stun_builder *b, struct bytes *out);

#endif
