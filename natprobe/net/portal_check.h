/*
 * portal_check - asks for the page of portal.h from one interface. It has no patience of its own:
 * who started it frees it when everything else is done, and takes what is known by then.
 */
#ifndef NATPROBE_PORTAL_CHECK_H
#define NATPROBE_PORTAL_CHECK_H

#include <event2/event.h>

#include "portal.h"
#include "probe_socket.h"

struct portal_check_config {
	struct event_base *base;
	struct probe_source source;
	const struct portal_url *url; /* borrowed until portal_check_free */
	struct addr to;               /* of its host, in the family of the source */
};

struct portal_check;

/* Connects at once. NULL when memory runs out. */
struct portal_check *portal_check_new(const struct portal_check_config *config);
void portal_check_free(struct portal_check *p); /* NULL is fine */

/* What is known so far; unknown (timeout) as long as nothing is. */
struct verdict_yes_no portal_check_result(const struct portal_check *p);

#endif
