/* load_turn_state - what the parts of load_turn share. */
#ifndef NATKIT_LOAD_TURN_STATE_H
#define NATKIT_LOAD_TURN_STATE_H

#include "load_turn.h"
#include "stun_auth.h"

#define LOAD_TURN_NONCE_MAX 127

struct load_turn_flow {
	struct addr relayed;
	uint8_t nonce_len; /* 0: none yet */
	uint8_t nonce[LOAD_TURN_NONCE_MAX];
};

/* One of the clients that ask at the moment. */
struct load_turn_dialogue {
	uint32_t host;
	struct load_turn_flow *flow;
	uint8_t step;   /* in the list of requests */
	uint8_t nonces; /* that this step was refused for */
};

struct load_turn {
	struct load_turn_config config;
	struct load *data, *asking;
	int client_fd, peer_fd;
	struct stun_key key;
	uint16_t refusal;

	const uint8_t *requests; /* of the dialogues */
	bool is_cycle;
	uint32_t next_host;
	struct load_turn_dialogue dialogues[LOAD_TURN_ASKING];
	struct load_turn_flow fleeting[LOAD_TURN_ASKING];

	uint32_t next_flow, flows; /* of data */
	uint32_t flow_of_slot[LOAD_WINDOW_MAX];
	uint8_t pattern[LOAD_TURN_PAYLOAD_MAX];

	struct load_turn_flow flow[]; /* config.flows of them */
};

#endif
