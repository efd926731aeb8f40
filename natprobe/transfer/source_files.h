/*
 * source_files - the files that are sent: what was named, and all that is in directories of it; then
 * one file after the other, for transfer_send.
 *
 * Links below what was named, devices, sockets and pipes are left out, and so are files of a transfer
 * that did not end.
 */
#ifndef NATPROBE_SOURCE_FILES_H
#define NATPROBE_SOURCE_FILES_H

#include "manifest.h"
#include "transfer_files.h"

#define SOURCE_WHY_MAX 512

struct source_files;

/* on_skipped: a path that is left out, and what it is. NULL when memory runs out. */
struct source_files *source_files_new(const uint8_t key[static MANIFEST_KEY_LEN],
				      void (*on_skipped)(void *arg, const char *path,
							 const char *what),
				      void *arg);
void source_files_free(struct source_files *s); /* NULL is fine */

/* operand: a path. It goes under its last component. False: *why, for people. */
bool source_files_add(struct source_files *s, const char *operand, char why[static SOURCE_WHY_MAX]);

const struct manifest *source_files_manifest(const struct source_files *s);
/* Good for as long as s is. */
struct transfer_source source_files_table(struct source_files *s);

#endif
