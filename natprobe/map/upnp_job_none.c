/* UPnP where libminiupnpc is not there. */
#include "upnp_job.h"

#include <stddef.h>

bool upnp_job_is_built(void)
{
	return false;
}

struct upnp_job *upnp_job_start(const struct probe_source *source, const struct addr *gateway,
				const struct lease_upnp *what)
{
	return NULL;
}

bool upnp_job_is_over(struct upnp_job *j, struct lease_upnp_result *result,
		      struct upnp_table *table)
{
	return true;
}

void upnp_job_release(struct upnp_job *j)
{
}
