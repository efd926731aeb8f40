/*
 * probe - one interface in one family, and all that runs for it: the discovery, and beside it TLS
 * with stuns: servers, a captive portal, UPnP.
 */
#ifndef NATPROBE_PROBE_H
#define NATPROBE_PROBE_H

#include <event2/event.h>
#include <openssl/types.h>

#include "geo.h"
#include "natprobe/net/iface.h"
#include "natprobe/net/portal.h"
#include "natprobe/deep/probe_deep.h"
#include "natprobe/vantage/probe_turn.h"
#include "natprobe/report/report.h"
#include "udp.h"

struct probe;

/* What all probes of a run share. */
struct probe_config {
	struct event_base *base;
	struct udp_batch *batch;
	SSL_CTX *tls;                 /* NULL: no server speaks it */
	const struct server *servers; /* resolved */
	size_t server_count;
	const struct portal_url *portal; /* NULL: nobody is asked */
	struct addr portal_at[SERVER_FAMILIES];
	const struct turn_server *turn; /* relays to us once a discovery is over; NULL: none */
	const struct geo *geo;          /* NULL: no database */
	uint64_t timeout_ms;
	double confidence;   /* 0: the default */
	uint16_t local_port; /* 0: a fresh one */
	bool asks_upnp;
	bool deep; /* a deeper look follows: probe_deep.h */
	uint32_t deep_longest_s;
	uint16_t deep_mappings;
	bool is_gentle; /* the servers are other people's, who offer them to everybody */
	/* A part has ended, or the discovery rests and may want the floor; not before probe_start. */
	void (*on_change)(void *arg, struct probe *p);
	void *arg;
};

/*
 * config  borrowed until probe_free
 * index   is handed back by probe_index
 * Returns NULL when memory runs out.
 */
struct probe *probe_new(const struct probe_config *config, const struct iface_choice *choice,
			size_t index);
void probe_free(struct probe *p); /* NULL is fine */

size_t probe_index(const struct probe *p);

/*
 * Chooses the source, and lets everything begin that goes beside the discovery. When all probes
 * have done so their connections are under way, and disturb nobody's port samples.
 */
void probe_prepare(struct probe *p);

/* Begins the discovery, which waits for the floor. */
void probe_start(struct probe *p);

/* Ends all parts with what is known. */
void probe_stop(struct probe *p);

/* Parts that have begun, and those that have not ended. What nobody waits for is none. */
size_t probe_parts(const struct probe *p);
size_t probe_open_parts(const struct probe *p);

/* The floor of discover.h. */
bool probe_wants_floor(const struct probe *p);
void probe_take_floor(struct probe *p, bool granted);

/* When all is over: what was found, borrowed until probe_free. */
void probe_conclude(struct probe *p, struct report_probe *out);

#endif
