/* attach_path - where the sockets of links are. */
#ifndef NATPROBE_ATTACH_PATH_H
#define NATPROBE_ATTACH_PATH_H

#include <stddef.h>
#include <sys/un.h>

#define ATTACH_DIRECTORY_MAX 168 /* of a buffer for it: as long as a socket's path, and a name */

#define LINK_DIRECTORY_REMEDY                                                                   \
	"others may enter it, and put a socket of theirs there; chmod 700 it, or name another " \
	"directory by XDG_RUNTIME_DIR"

/*
 * The directory of the sockets, with room for one of them behind it: 0 or -errno, -EPERM where others
 * may write there. It is made where it is missing. path: filled where it is known, as with -EPERM.
 */
int attach_directory(char *path, size_t cap);

/* The address of the socket of that name: the same. */
int attach_path(const char *name, struct sockaddr_un *out);

#endif
