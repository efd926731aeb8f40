/* file - a small file as a whole. */
#ifndef NATPROBE_FILE_H
#define NATPROBE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads all of `path`; "-" is standard input. Returns 0 and fills *text (free) and *len, or
 * -errno: -EFBIG where there are more than `max` bytes.
 */
int file_read(const char *path, size_t max, char **text, size_t *len);

/*
 * Writes all of it over what was there; where that fails, a regular file that its owner replaces
 * stays as it was. Returns 0 or -errno.
 */
int file_write(const char *path, const char *text, size_t len);

#endif
