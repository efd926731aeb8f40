/* state_file - where natprobe keeps what only its owner may read. */
#ifndef NATPROBE_STATE_FILE_H
#define NATPROBE_STATE_FILE_H

#include <stddef.h>

/*
 * The path of natprobe/NAME below $XDG_STATE_HOME, or ~/.local/state; its folders are made.
 * Returns 0 or -errno: -ENOENT where there is no home, -ENAMETOOLONG where `cap` is too small.
 */
int state_file_path(const char *name, char *path, size_t cap);

#endif
