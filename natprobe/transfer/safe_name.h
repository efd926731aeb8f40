/*
 * safe_name - names of files as a peer tells them: what may be made of them here, and how they are
 * shown to people.
 *
 * A name is a path of components between slashes, relative, in whatever encoding: bytes are kept, since
 * they are what the file is called over there. A backslash is a character as any other, as it is for the
 * kernel.
 */
#ifndef NATPROBE_SAFE_NAME_H
#define NATPROBE_SAFE_NAME_H

#include "wire.h"

#define SAFE_PATH_MAX      4096 /* bytes, without an end */
#define SAFE_COMPONENT_MAX 255
#define SAFE_DEPTH_MAX     64
#define SAFE_TEXT_MAX      256 /* of a name as it is shown */

/* What a file is called until it is whole: SAFE_PART_BEGIN, its name, SAFE_PART_END. */
#define SAFE_PART_BEGIN "."
#define SAFE_PART_END   ".natprobe-part"

enum safe_name {
	SAFE_NAME_OK = 0,
	SAFE_NAME_CHANGED, /* control characters are "_" now, and there is one before a device's name */
	/* None of these is used. */
	SAFE_NAME_EMPTY, /* it, or a component */
	SAFE_NAME_ABSOLUTE,
	SAFE_NAME_DOTS, /* a component "." or ".." */
	SAFE_NAME_NUL,
	SAFE_NAME_LONG,
	SAFE_NAME_DEEP,
	SAFE_NAME_PART, /* it looks like a file of ours that is not whole */
};

/* out, len: set for SAFE_NAME_OK and SAFE_NAME_CHANGED. */
enum safe_name safe_name(struct bytes path, uint8_t out[static SAFE_PATH_MAX], size_t *len);
bool safe_name_is_good(enum safe_name verdict);
/* "has a component \"..\"": what is wrong with it. */
const char *safe_name_why(enum safe_name verdict);

/* The name of the unfinished file beside `component`: at most SAFE_COMPONENT_MAX bytes, with an end. */
void safe_name_part(struct bytes component, char out[static SAFE_COMPONENT_MAX + 1]);

/*
 * For a terminal: printable UTF-8 as it is, all else, and what would change the direction of the
 * text, as \xNN; a backslash as two. Too long a text loses its middle. Returns out.
 */
const char *safe_text(struct bytes in, char out[static SAFE_TEXT_MAX]);
/* The same into cap > 8 bytes, cut at its end. */
const char *safe_text_cut(struct bytes in, char *out, size_t cap);
/* And of a sentence: its backslashes stay, since names in it were made so already. */
const char *safe_text_sentence(struct bytes in, char *out, size_t cap);

#endif
