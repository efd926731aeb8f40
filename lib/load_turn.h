/*
 * load_turn - many TURN clients and their peers, as loads (load.h): they allocate and delete, or
 * send each other data by channels through one server.
 *
 * Flow number i is a client, an allocation with one channel, and a peer: the i-th addresses behind
 * the first ones. All clients share one socket and so do all peers. UDP over IPv4, long-term
 * credentials with MD5 and SHA-1, as most clients have them.
 */
#ifndef NATKIT_LOAD_TURN_H
#define NATKIT_LOAD_TURN_H

#include "load.h"

#define LOAD_TURN_CHANNEL     0x4000 /* of every flow: each has an allocation of its own */
#define LOAD_TURN_PAYLOAD_MIN LOAD_TICKET_LEN
#define LOAD_TURN_PAYLOAD_MAX 1472
#define LOAD_TURN_ASKING      64 /* dialogues at the same time */

struct load_turn_config {
	struct addr server;
	struct addr clients, peers; /* first of each; ports do not matter */
	struct bytes username, realm, password;
	uint32_t flows;
	int window;     /* data in flight */
	size_t payload; /* bytes of each */
};

struct load_turn;

/* The texts of the configuration are borrowed until the end. NULL with errno set. */
struct load_turn *load_turn_open(const struct load_turn_config *config);
void load_turn_close(struct load_turn *l); /* NULL is fine */

/* What a flow may ask of the server; LOAD_TURN_END is the end of a list of these. */
enum load_turn_request {
	LOAD_TURN_END = 0,
	LOAD_TURN_ALLOCATE, /* twice: the first answer is the nonce */
	LOAD_TURN_BIND,     /* the channel, which installs the permission too */
	LOAD_TURN_DELETE,   /* Refresh with lifetime 0 */
};

/* `count` flows from `first` on ask for what the list says; each that got all of it is done. */
struct load_result load_turn_ask(struct load_turn *l, const uint8_t *requests, uint32_t first,
				 uint32_t count, int patience_ms);

/* Clients never seen before allocate and delete, one after another. */
struct load_result load_turn_cycle(struct load_turn *l, const struct load_until *until);

/* The error code of the last request that was refused; 0: none was. */
uint16_t load_turn_refusal(const struct load_turn *l);

enum load_turn_direction {
	LOAD_TURN_TO_PEERS,
	LOAD_TURN_TO_CLIENTS,
};

/* Data in one direction, over the first `flows` flows in turn. */
struct load_result load_turn_relay(struct load_turn *l, enum load_turn_direction direction,
				   uint32_t flows, const struct load_until *until);

/* For a server that is no TURN server: where it relays a flow, and who is at its ends. */
void load_turn_set_relayed(struct load_turn *l, uint32_t flow, const struct addr *relayed);
struct addr load_turn_client(const struct load_turn *l, uint32_t flow);
struct addr load_turn_peer(const struct load_turn *l, uint32_t flow);

#endif
