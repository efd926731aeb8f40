/* peers_places - where permissions and channels lie, and how they are found. For peers*.c alone. */
#ifndef NATKIT_PEERS_PLACES_H
#define NATKIT_PEERS_PLACES_H

#include "peers.h"

#define PEERS_NOWHERE UINT32_MAX

/* The index of an entry, alive or not; PEERS_NOWHERE: there is none. */
uint32_t peers_place_of_ip(const struct peers *p, const struct addr *ip);
uint32_t peers_place_of_number(const struct peers *p, uint16_t number);
uint32_t peers_place_of_peer(const struct peers *p, const struct addr *peer);

/* Room for more, beside what is there. False when memory runs out: then all is as it was. */
bool peers_reserve_permissions(struct peers *p, uint32_t more);
bool peers_reserve_channel(struct peers *p);

/* Makes the last entry one that is found. */
void peers_put_permission(struct peers *p, uint32_t i);
void peers_put_channel(struct peers *p, uint32_t i);

/* Makes all be found anew, after some were taken out. */
void peers_replace_permissions(struct peers *p);
void peers_replace_channels(struct peers *p);

#endif
