/* public_servers - who is asked where the user names no server. */
#ifndef NATPROBE_PUBLIC_SERVERS_H
#define NATPROBE_PUBLIC_SERVERS_H

/* Names as --server takes them, the most useful first; ends with NULL. */
extern const char *const public_servers[];

/* A page that answers 204 (portal.h), asked where those servers are. */
extern const char public_portal[];

#endif
