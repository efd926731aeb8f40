/* upnp_gateway - asks a gateway, at a URL that was found, whether it maps ports. It blocks. */
#ifndef NATPROBE_UPNP_GATEWAY_H
#define NATPROBE_UPNP_GATEWAY_H

#include "iface.h"
#include "probe_socket.h"
#include "verdict.h"

/* The gateway, and how we reach it. Not to be copied: source may point into it. */
struct upnp_gateway {
	struct probe_source source;
	char device[IFACE_NAME_MAX];
	struct addr addr;
	char text[ADDR_TEXT_MAX];
};

void upnp_gateway_fill(struct upnp_gateway *g, const struct probe_source *source,
		       const struct addr *gateway);

/* False where the URL is not the gateway's, or it does not offer to map ports. */
bool upnp_gateway_ask(const struct upnp_gateway *g, const char *url, struct verdict_portmap *out);

#endif
