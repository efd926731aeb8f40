/*
 * peer_field - fields of peer_wire's bytes: a tag, a length of one byte or two, a value. Inside of
 * peer/ only. A value that cannot be marks the cursor failed.
 */
#ifndef NATPROBE_PEER_FIELD_H
#define NATPROBE_PEER_FIELD_H

#include "addr.h"
#include "wire.h"

#define PEER_WIRE_VERSION 1

/* A field whose length is known once it is written; `at` is where that belongs. */
struct peer_field {
	struct wire_out *out;
	uint8_t *at;
	size_t start;
	bool is_wide; /* two bytes */
};

struct peer_field peer_field_begin(struct wire_out *out, uint8_t tag, bool is_wide);
void peer_field_end(const struct peer_field *f);
/* Takes one off the cursor; false: it is broken. */
bool peer_field_get(struct wire *in, bool is_wide, uint8_t *tag, struct bytes *value);

/* To the bit: both sides make the same plan of these numbers. */
void peer_put_double(struct wire_out *out, double v);
void peer_put_ip(struct wire_out *out, const struct addr *a);

/* Below `count`. */
uint8_t peer_get_word(struct wire *in, unsigned count);
/* A number in [low, high]. */
double peer_get_double(struct wire *in, double low, double high);
/* An address that may be somebody's: neither unspecified nor multicast nor broadcast. Port 0. */
struct addr peer_get_ip(struct wire *in);

#endif
