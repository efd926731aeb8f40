/* attach_path - where the sockets of links are. */
#ifndef NATPROBE_ATTACH_PATH_H
#define NATPROBE_ATTACH_PATH_H

#include <sys/un.h>

/* The address of the socket of that name: 0 or -errno, -EPERM where others may write there. */
int attach_path(const char *name, struct sockaddr_un *out);

#endif
