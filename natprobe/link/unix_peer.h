/* unix_peer - what the system tells of the other end of a Unix socket. */
#ifndef NATPROBE_UNIX_PEER_H
#define NATPROBE_UNIX_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* Whose process it is: 0, or -errno. */
int unix_peer_uid(int fd, uid_t *uid);

/* Whether it has ended its direction, though there may be bytes to read; false: not known. */
bool unix_peer_has_ended(int fd);

/* ... and reads nothing any more. */
bool unix_peer_is_gone(int fd);

#endif
