/*
 * target_files - the files that are received, below one directory, for transfer_receive. Nothing is
 * reached by a link that somebody put there, and nothing outside.
 *
 * A file is called .NAME.natprobe-part, for its owner alone, until it is whole; a directory that is not
 * finished has mode 1700, by which the next run knows it again. Both outlive a kill at any moment.
 */
#ifndef NATPROBE_TARGET_FILES_H
#define NATPROBE_TARGET_FILES_H

#include "transfer_files.h"

struct target_files;

/* Returns 0 and *out, or -errno: of the directory. */
int target_files_open(const char *directory, struct target_files **out);
void target_files_free(struct target_files *t); /* NULL is fine */
/* Good for as long as t is. */
struct transfer_target target_files_table(struct target_files *t);

#endif
