/*
 * probe_state - the inside of a probe, for probe.c and probe_conclude.c alone.
 *
 *	probe.c           what is started, and what is still open
 *	probe_deep.c      the deeper look behind it
 *	probe_conclude.c  what was found
 */
#ifndef NATPROBE_PROBE_STATE_H
#define NATPROBE_PROBE_STATE_H

#include "natprobe/deep/deep_io.h"
#include "natprobe/discover/discover.h"
#include "natprobe/net/iface.h"
#include "natprobe/deep/nat64_search.h"
#include "natprobe/net/portal_check.h"
#include "probe_io.h"
#include "natprobe/report/report.h"
#include "natprobe/net/tls_check.h"
#include "natprobe/map/upnp.h"

struct probe {
	const struct probe_config *config;
	size_t index;
	struct iface_choice choice;
	struct probe_source source; /* local is ADDR_NONE where no way leads to a server */
	struct iface_route route;
	struct discover_server *servers;
	size_t server_count;
	struct probe_detour *detours;
	size_t detour_count;
	struct discover *discover;
	struct probe_io *io;
	int tap; /* -1: none */
	bool has_floor;
	bool is_discovering;
	struct probe_turn *turn;
	bool awaits_turn; /* it begins once we have the floor */
	bool is_turning;
	bool is_stopped;
	struct deep *deep; /* NULL: it was not asked for, or not begun */
	struct deep_io *deep_io;
	struct nat64_search *nat64; /* NULL: nobody is asked */
	bool is_deepening;
	struct tls_check **tls;
	struct report_tls *tls_results;
	size_t tls_count, tls_open;
	struct portal_check *portal;
	struct upnp *upnp;
	struct verdict verdict; /* the discovery's, completed */
	const char *why;        /* why UDP is not probed */
};

/* The discovery's, completed; deeper ones are written to it. NULL: there is none. */
struct verdict *probe_verdict(struct probe *p);

#endif
