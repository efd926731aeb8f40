/* upnp_gateway - a gateway, at a URL that was found, that maps ports. What it is asked blocks. */
#ifndef NATPROBE_UPNP_GATEWAY_H
#define NATPROBE_UPNP_GATEWAY_H

#include "natprobe/net/iface.h"
#include "natprobe/net/probe_socket.h"

struct UPNPUrls;
struct IGDdatas;

/* The gateway, and how we reach it. Not to be copied: source may point into it. */
struct upnp_gateway {
	struct probe_source source;
	char device[IFACE_NAME_MAX];
	struct addr addr;
	char text[ADDR_TEXT_MAX];
};

void upnp_gateway_fill(struct upnp_gateway *g, const struct probe_source *source,
		       const struct addr *gateway);

/* What is asked of it, where its description says. Without IPv6FC's type it has no pinholes. */
typedef void (*upnp_gateway_use_fn)(void *arg, const struct UPNPUrls *urls,
				    const struct IGDdatas *data);

/*
 * Reads the description at `url`, and calls `use` with it. False, without a call, where the URL is
 * not the gateway's, or it does not offer to map ports.
 */
bool upnp_gateway_use(const struct upnp_gateway *g, const char *url, upnp_gateway_use_fn use,
		      void *arg);

/* Where it cannot connect, the library complains on the user's standard error: so this is asked first. */
bool upnp_can_connect(const struct probe_source *source, const struct addr *to);

/* The address it names as its own outside; ADDR_NONE: none. */
struct addr upnp_gateway_external(const struct UPNPUrls *urls, const struct IGDdatas *data);

#endif
