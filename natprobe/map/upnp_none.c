/* UPnP where libminiupnpc is not there. */
#include "upnp.h"

#include <stddef.h>

struct upnp *upnp_start(const struct probe_source *source, const struct addr *gateway)
{
	return NULL;
}

struct verdict_portmap upnp_result(struct upnp *u)
{
	return (struct verdict_portmap){ .present.cause = CAUSE_NOT_TRIED };
}

void upnp_release(struct upnp *u)
{
}
