/*
 * check_servers - whom natprobe check asks: the servers that the user names, by option or in
 * NATPROBE_SERVER, or the built-in ones; and the page that shows a captive portal.
 *
 * What is wrong is printed at once; functions return 0 or the exit code that natprobe ends with.
 */
#ifndef NATPROBE_CHECK_SERVERS_H
#define NATPROBE_CHECK_SERVERS_H

#include <event2/event.h>

#include "check_options.h"
#include "natprobe/net/portal.h"
#include "natprobe/net/server.h"

struct check_servers {
	struct server *items;
	size_t count;
	bool are_public; /* built in */
	bool has_portal;
	struct portal_url portal;
	struct addr portal_at[SERVER_FAMILIES];
	char *environment; /* NATPROBE_SERVER, cut into words */
};

/* Fills *s, which is zero before; names are borrowed from the options. */
int check_servers_choose(struct check_servers *s, const struct check_options *options);

/* Finds all addresses, by running `base`. */
int check_servers_resolve(struct check_servers *s, const struct check_options *options,
			  struct event_base *base);

/* All servers are on this host, so only loopback leads there. */
bool check_servers_are_loopback(const struct check_servers *s);

void check_servers_clear(struct check_servers *s);

#endif
