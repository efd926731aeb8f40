/* file_walk - directories below a directory, from component to component: no link leads away. */
#ifndef NATPROBE_FILE_WALK_H
#define NATPROBE_FILE_WALK_H

#include "wire.h"

/*
 * path  relative, of components that are good (safe_name); empty: `top` itself
 * Returns a descriptor to read from, or -errno: of a link -ELOOP or -ENOTDIR.
 */
int file_walk(int top, struct bytes path);

/* The last component of a path; *parent: what stands before it, perhaps nothing. */
struct bytes file_walk_name(struct bytes path, struct bytes *parent);

#endif
