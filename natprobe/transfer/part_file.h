/*
 * part_file - a file that is not whole yet, by its name for that: for its owner alone, and written by
 * one process at a time, since a second receiver of the same file would have it as well.
 */
#ifndef NATPROBE_PART_FILE_H
#define NATPROBE_PART_FILE_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes of the one that is there; 0: none, or it is not ours. */
uint64_t part_file_size(int dir, const char *name);
/* For reading. Returns a descriptor or -errno: -EPERM where it is not ours. */
int part_file_open_old(int dir, const char *name);
/*
 * For writing, cut to `at` bytes; with 0 it is made, and takes the place of what is there. Returns a
 * descriptor or -errno: -EBUSY where another process writes it.
 */
int part_file_open(int dir, const char *name, uint64_t at);
/* Whether the name still stands for what is open. */
bool part_file_is(int dir, const char *name, int fd);

#endif
