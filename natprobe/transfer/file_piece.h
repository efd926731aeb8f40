/* file_piece - what is at a place of a file: data, or a hole of which nothing is stored. */
#ifndef NATPROBE_FILE_PIECE_H
#define NATPROBE_FILE_PIECE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads up to cap bytes at `at`. Returns how many there were, 0 at the end of the file or where there is a
 * hole of *hole bytes, or -errno.
 */
int64_t file_piece_read(int fd, uint64_t at, uint8_t *buf, size_t cap, uint64_t *hole);

/*
 * How far the same goes on from `at`, by what the system knows of it: *hole bytes of a hole, or else
 * *data bytes, UINT64_MAX where it does not say.
 */
void file_piece_extent(int fd, uint64_t at, uint64_t *data, uint64_t *hole);

#endif
