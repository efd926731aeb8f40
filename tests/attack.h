/* attack - what its parts share. */
#ifndef NATKIT_TEST_ATTACK_H
#define NATKIT_TEST_ATTACK_H

#include "raw_client.h"

#define ATTACK_UDP 17
#define ATTACK_TCP 6

struct attack {
	struct addr server;
	struct addr local; /* where the prober sends from; family ADDR_NONE: as the system likes */
	struct bytes user, password;
	unsigned int findings;
};

/* Something that turnd should not have let happen. */
void attack_found(struct attack *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Opens `c` and has it challenged; ends the program when there is no server. */
void attack_connect(struct attack *a, struct raw_client *c, uint8_t transport);

/* The same with an allocation of that family: 1 IPv4, 2 IPv6. */
void attack_allocate(struct attack *a, struct raw_client *c, uint8_t transport, uint8_t protocol,
		     uint8_t family);
void attack_delete(struct raw_client *c);

/* All peers that nobody may reach, by every request that names one. */
void attack_peers(struct attack *a);
void attack_peers_by_tcp(struct attack *a);

/* That port of turnd itself, or many ports. is_relay: it relays from that address. */
void attack_own(struct attack *a, const struct addr *own, bool is_relay, uint8_t protocol);

#endif
