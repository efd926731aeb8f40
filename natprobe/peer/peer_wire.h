/*
 * peer_wire - profiles and offers as bytes, for the other side (doc/rendezvous.md). What is read
 * comes from a stranger who may lie: sizes are bounded, numbers are checked against their enums,
 * unknown tags are skipped.
 */
#ifndef NATPROBE_PEER_WIRE_H
#define NATPROBE_PEER_WIRE_H

#include "peer.h"
#include "wire.h"

#define PEER_PROFILE_BYTES_MAX 1536
#define PEER_OFFER_BYTES_MAX   2048

/* Return the length, 0 where cap is too small. */
size_t peer_profile_write(const struct peer_profile *p, uint8_t *buf, size_t cap);
size_t peer_offer_write(const struct peer_offer *o, uint8_t *buf, size_t cap);

/* False where it is broken; *out is then not to be used. */
bool peer_profile_read(struct bytes in, struct peer_profile *out);
bool peer_offer_read(struct bytes in, struct peer_offer *out);

#endif
