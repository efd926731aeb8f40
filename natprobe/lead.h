/*
 * lead - where a server may lead us: it names addresses (OTHER-ADDRESS, and the mapped ones
 * that a hairpin is tried at), and whoever runs it is a stranger.
 *
 * A public server must not lead us to what only we can reach: this host, its network, or all of
 * a network at once. One inside of such a network may name others there.
 */
#ifndef NATPROBE_LEAD_H
#define NATPROBE_LEAD_H

#include "addr.h"

/*
 * May we send to what the server at `server` named? IPv4 addresses count as such where they stand
 * in IPv6 ones: mapped, or behind the prefix that all NAT64 may use.
 */
bool lead_allows(const struct addr *server, const struct addr *named);

#endif
