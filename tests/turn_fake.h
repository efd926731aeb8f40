/*
 * turn_fake - a TURN server that does as tests tell it, and the path to it, on a virtual clock.
 * Pure: it is made of the codec, and carries out the actions of one turn_client.
 */
#ifndef NATKIT_TURN_FAKE_H
#define NATKIT_TURN_FAKE_H

#include "stun_auth.h"
#include "stun_feature.h"
#include "turn_chan.h"
#include "turn_client.h"

#define FAKE_PACKETS    256
#define FAKE_PACKET_MAX 1500
#define FAKE_METHODS    16
#define FAKE_EVENTS     16 /* kinds */
#define FAKE_DELAY_US   20000
#define FAKE_SECOND     UINT64_C(1000000)

struct fake_packet {
	bool used, to_server;
	uint8_t link; /* 0xff: the control transport */
	uint64_t at_us;
	size_t len;
	uint8_t data[FAKE_PACKET_MAX];
};

struct fake {
	struct turn_client *client;
	struct turn_client_config config;
	uint64_t now_us, rng;

	/* the path */
	unsigned int loss, duplicate, reorder; /* percent */
	bool dead;

	/* the server's habits */
	bool open;            /* wants no credentials */
	const char *password; /* NULL: "secret" */
	const char *realm;    /* NULL: "example.org" */
	struct bytes mac_key; /* of access tokens; empty: passwords */
	bool sha256, userhash, bid_down, unknown_algorithm, forgets_algorithms;
	bool signs_wrongly, signs_nothing;
	bool third_party;
	unsigned int nonce;           /* the one that counts */
	uint16_t error[FAKE_METHODS]; /* answers with that */
	int errors[FAKE_METHODS];     /* as often as that; -1: always */
	uint8_t refused_peer;         /* last byte of an IPv4 peer that gets 403 */
	struct addr alternate;        /* comes behind one of the other family, unless: */
	bool only_alternate;
	const char *domain;
	bool knows_no_df, no_second_family, gives_no_address;
	uint32_t lifetime_s;

	/* its state */
	bool exists;
	uint64_t expires_us;
	struct addr channels[TURN_CLIENT_PEERS_MAX];
	uint64_t permitted_us[256]; /* by last byte of the peer, when it ends */
	unsigned int tickets;
	unsigned int requests[FAKE_METHODS]; /* that came in */
	struct bytes last_data;              /* from the client to a peer */
	uint8_t last_bytes[FAKE_PACKET_MAX];
	bool last_by_channel, last_df;
	unsigned int lapses; /* data that came without permission */

	/* what the client did and told */
	bool done;
	unsigned int told[FAKE_EVENTS];
	struct turn_client_event last; /* of any kind */
	struct turn_client_failure failure;
	struct turn_client_allocated allocated;
	unsigned int reconnects;
	struct addr reconnected_to;
	char reconnect_domain[256];
	unsigned int links_opened, links_closed;
	enum turn_client_input got;
	struct turn_client_data got_data;
	uint8_t got_bytes[FAKE_PACKET_MAX];
	unsigned int got_count;

	struct fake_packet packets[FAKE_PACKETS];
};

/* Fills `f` with a server and a configuration that fit; to be changed before fake_start. */
void fake_init(struct fake *f);
void fake_start(struct fake *f);
void fake_end(struct fake *f);

/* Runs both for so long, or until the client is done. */
void fake_run(struct fake *f, uint64_t for_us);

/* From a peer to the client: by channel where it is bound, else as a Data indication. */
void fake_peer_sends(struct fake *f, const struct addr *peer, struct bytes data);

/* Any bytes, to the client, now. */
void fake_inject(struct fake *f, struct bytes data);

/* A peer connects (RFC 6062). */
void fake_peer_calls(struct fake *f, const struct addr *peer, uint32_t id);

/* The client to a peer; what the client said to it. */
enum turn_client_sending fake_send(struct fake *f, int peer, struct bytes data, bool df);

#endif
