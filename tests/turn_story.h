/*
 * turn_story - what stories about a turnd on a rig say over and over: Allocate and Refresh with
 * any attribute, and what the answer holds.
 */
#ifndef NATKIT_TURN_STORY_H
#define NATKIT_TURN_STORY_H

#include "turnd_rig.h"

/* Zero is a plain Allocate of UDP. */
struct story_allocate {
	uint8_t transport; /* 0: 17 */
	uint8_t family, additional;
	uint16_t additional_type; /* 0: ADDITIONAL-ADDRESS-FAMILY */
	bool no_transport;
	bool even_port, reserve, dont_fragment, mobile;
	const struct ports_token *token;
	uint32_t lifetime_s;
};

/* Each asks for a challenge first, if there was none. They return as rig_ask. */
uint16_t story_allocate(struct rig_client *c, const struct story_allocate *how);
uint16_t story_refresh_family(struct rig_client *c, uint32_t lifetime_s, uint8_t family);

/* The client goes on to another port, where it is asked for its credentials anew. */
void story_go(struct rig_client *c, int ports);

/* The same request once more, byte for byte. */
uint16_t story_repeat(struct rig_client *c);

/* Of the last answer. They return false where it has none. */
bool story_token(const struct rig *r, struct ports_token *out);
bool story_address_error(const struct rig *r, uint8_t *family, uint16_t *code);

struct story_ticket {
	uint8_t value[TICKET_LEN];
};
bool story_ticket(const struct rig *r, struct story_ticket *out);

/* Refresh with a ticket; lifetime_s UINT32_MAX: says nothing about it. */
uint16_t story_move(struct rig_client *c, const struct story_ticket *ticket, uint32_t lifetime_s);

/* The only allocation, or the one of that client, of any worker; NULL: none. */
const struct alloc *story_alloc_of(const struct rig_client *c);

/* A peer that the policy allows. */
struct addr story_peer(uint8_t n, uint16_t port);

#endif
