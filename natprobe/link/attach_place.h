/*
 * attach_place - the name of a link, as long as it has it: a Unix socket that listens, and beside it a
 * lock. Of two links that want one name at once one gets it, and a socket that a killed one left is
 * recognised by its lock, which the system has taken back.
 */
#ifndef NATPROBE_ATTACH_PLACE_H
#define NATPROBE_ATTACH_PLACE_H

#include "attach_path.h"

#define ATTACH_LOCK_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) + 8)

struct attach_place {
	int fd;   /* the socket; -1: none */
	int lock; /* -1: not held */
	struct sockaddr_un address;
	char lock_path[ATTACH_LOCK_MAX];
};

void attach_place_init(struct attach_place *p);

/*
 * Returns 0, or -errno, with nothing taken: -EADDRINUSE where a link has that name, -EPERM where others
 * may write to its directory, -EEXIST where something else than a socket is in its place.
 */
int attach_place_take(struct attach_place *p, const char *name);

/* Removes both, as far as they still are ours. One that has none is fine. */
void attach_place_leave(struct attach_place *p);

/* Calls whoever has that name. A descriptor, or -errno: -ENOENT and -ECONNREFUSED: nobody has. */
int attach_call(const char *name);

#endif
