/*
 * manifest - what is sent: files and directories in an order that has each directory before what is
 * in it. No name is there twice, and what has something in it is a directory.
 */
#ifndef NATPROBE_MANIFEST_H
#define NATPROBE_MANIFEST_H

#include "transfer_wire.h"

#define MANIFEST_PATHS_MAX (16u << 20) /* bytes of all names */
#define MANIFEST_KEY_LEN   16

enum manifest_result {
	MANIFEST_OK = 0,
	MANIFEST_TWICE,     /* there is one of this name */
	MANIFEST_NO_PARENT, /* nothing was told of the directory that it is in, or that is a file */
	MANIFEST_SIZE,      /* of a file: beyond TRANSFER_SIZE_MAX; of a directory: not 0 */
	MANIFEST_KIND,      /* neither a file nor a directory */
	MANIFEST_FULL,      /* too many */
	MANIFEST_MEMORY,
};

struct manifest;

/* key: random, since a stranger fills it. NULL when memory runs out. */
struct manifest *manifest_new(const uint8_t key[static MANIFEST_KEY_LEN]);
void manifest_free(struct manifest *m); /* NULL is fine */

/* The path, which is good (safe_name), is copied; of the mode stays TRANSFER_MODE. */
enum manifest_result manifest_add(struct manifest *m, const struct transfer_entry *e);
const char *manifest_why(enum manifest_result r); /* "is there twice" */

uint32_t manifest_count(const struct manifest *m);
uint32_t manifest_files(const struct manifest *m);
uint64_t manifest_total(const struct manifest *m); /* bytes of all files */
/* Its path is good until the next manifest_add. */
struct transfer_entry manifest_get(const struct manifest *m, uint32_t index);
/* The next file at or after `index`; manifest_count for none. */
uint32_t manifest_next_file(const struct manifest *m, uint32_t index);

#endif
