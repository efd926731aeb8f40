/* file_place - gives a file its name, and takes no other file's. */
#ifndef NATPROBE_FILE_PLACE_H
#define NATPROBE_FILE_PLACE_H

#include <stdbool.h>

/*
 * Both names are in the directory `dir`. Returns 0 or -errno: -EEXIST where there is something of that
 * name and replaces is not set.
 */
int file_place(int dir, const char *from, const char *to, bool replaces);

/* The same in one go, without replacing. -ENOSYS where the system does not offer it. */
int file_place_new(int dir, const char *from, const char *to);

#endif
