/*
 * peer_field - fields of peer_wire's bytes: a tag, a length of one byte or two, a value. Inside of
 * peer/ only. A value that cannot be marks the cursor failed.
 */
#ifndef NATPROBE_PEER_FIELD_H
#define NATPROBE_PEER_FIELD_H

#include "addr.h"
#include "wire.h"

#define PEER_WIRE_VERSION    1
#define PEER_FIELD_WORDS_MAX 64

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

/*
 * Reads a version and then fields of two bytes of length to the end, each told to `take`. False
 * where the version is another one, a field is broken, or `take` refused one.
 */
bool peer_fields_read(struct bytes in, bool (*take)(void *arg, uint8_t tag, struct bytes value),
		      void *arg);

/* The same of words, without the zeros at its end; nothing at all where it has no others. */
void peer_field_end_words(const struct peer_field *f);
/* A cursor over such a value, in a buffer with zeros behind it. */
struct wire peer_field_words(struct bytes value, uint8_t buf[static PEER_FIELD_WORDS_MAX]);

/* At most four, to the bit: both sides make the same plan of them. What is negative is -1. */
void peer_put_numbers(struct wire_out *out, const double *v, size_t count);
void peer_put_ip(struct wire_out *out, const struct addr *a);

/* Below `count`. */
uint8_t peer_get_word(struct wire *in, unsigned count);
/* Numbers as peer_put_numbers has them: -1, or at most what `highest` says. */
void peer_get_numbers(struct wire *in, double *v, const double *highest, size_t count);
/* An address that may be somebody's: neither unspecified nor multicast nor broadcast. Port 0. */
struct addr peer_get_ip(struct wire *in);

#endif
