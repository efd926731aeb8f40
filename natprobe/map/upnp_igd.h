/*
 * upnp_igd - the actions of an Internet gateway device: AddPortMapping and its kin (IGD 1 and 2),
 * AddPinhole (IGD 2). No answer is trusted: devices say no and have done it, or yes and have not, so
 * the gateway's table has the last word. It blocks.
 */
#ifndef NATPROBE_UPNP_IGD_H
#define NATPROBE_UPNP_IGD_H

#include "upnp_job.h"

struct UPNPUrls;
struct IGDdatas;

void upnp_igd_do(const struct UPNPUrls *urls, const struct IGDdatas *data,
		 const struct lease_upnp *what, struct lease_upnp_result *out);

/* What its table of port mappings has; LEASE_DENIED where it does not say. */
void upnp_igd_tell(const struct UPNPUrls *urls, const struct IGDdatas *data,
		   struct upnp_table *out);

#endif
