/*
 * text_file - small files that hold secrets: read whole, taken apart in lines, wiped.
 */
#ifndef NATKIT_TURND_TEXT_FILE_H
#define NATKIT_TURND_TEXT_FILE_H

#include "opt.h"
#include "wire.h"

#define TEXT_FILE_MAX (64u * 1024 * 1024)

struct text_file {
	uint8_t *bytes;
	size_t len;
};

/* Returns false with *err set to "PATH: why". */
bool text_file_read(const char *path, struct text_file *out, struct opt_error *err);

/* Overwrites it, and frees. */
void text_file_wipe(struct text_file *f);

/*
 * Takes the next line that is neither empty nor a comment (#), without blanks around it.
 * at      from 0; moves on
 * number  of the line, from 1, once it starts as 0
 * Returns false at the end.
 */
bool text_file_line(const struct text_file *f, size_t *at, size_t *number, struct bytes *out);

/* Takes the next word off a line. False: there is none. */
bool text_file_word(struct bytes *line, struct bytes *out);

/* Reads 2 * len digits of hex. False for anything else. */
bool text_file_hex(struct bytes text, uint8_t *out, size_t len);

#endif
