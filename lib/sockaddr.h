/* sockaddr - struct addr to and from what the system calls take. */
#ifndef NATKIT_SOCKADDR_H
#define NATKIT_SOCKADDR_H

#include <sys/socket.h>

#include "addr.h"

/* Returns how many bytes of *out were set, 0 for no address. */
socklen_t sockaddr_from_addr(const struct addr *a, struct sockaddr_storage *out);

/* IPv4-mapped IPv6 becomes IPv4. Returns false for a family other than IPv4 and IPv6. */
bool sockaddr_to_addr(const struct sockaddr *sa, struct addr *out);

#endif
