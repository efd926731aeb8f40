/*
 * own_path - the way from this host to its gateway, where nobody names a server: the interface that
 * packets to the Internet leave by, our address there, and the gateway.
 */
#ifndef NATPROBE_OWN_PATH_H
#define NATPROBE_OWN_PATH_H

#include "natprobe/net/iface.h"
#include "natprobe/net/probe_socket.h"

/* Not to be copied: source may point into it. */
struct own_path {
	uint8_t family; /* ADDR_NONE: there is none */
	char device[IFACE_NAME_MAX];
	uint32_t index; /* of the interface */
	struct probe_source source;
	struct addr gateway; /* port 0; ADDR_NONE: not known */
};

/*
 * toward  where packets are to go; NULL: anywhere in the Internet
 * name    of the interface; NULL: the one that the system chooses
 * Returns 0, or -errno: -ENETUNREACH where no way leads there.
 */
int own_path_find(uint8_t family, const struct addr *toward, const char *name,
		  struct own_path *out);

#endif
