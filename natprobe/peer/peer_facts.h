/* peer_facts - from what a diagnosis found to what a peer is told of it. */
#ifndef NATPROBE_PEER_FACTS_H
#define NATPROBE_PEER_FACTS_H

#include "peer.h"

/*
 * One path of a verdict (default diagnosis, or a deep one). local_prefix_len: of the network of
 * v->local. Unknown stays unknown.
 */
void peer_path_of_verdict(const struct verdict *v, uint8_t local_prefix_len, struct peer_path *out);

#endif
