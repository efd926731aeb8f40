/*
 * partner_wire - what two partners say to each other, as bytes (doc/partner.md).
 *
 * Every message begins with four bytes (magic, version, type, zero) and ends with 16 bytes of
 * HMAC-SHA256 over all before them. Values are views and copies; nothing is allocated.
 */
#ifndef NATKIT_PARTNER_WIRE_H
#define NATKIT_PARTNER_WIRE_H

#include "addr.h"
#include "stun_auth.h"
#include "wire.h"

#define PARTNER_KEY_LEN   32
#define PARTNER_NONCE_LEN 16
#define PARTNER_MAC_LEN   16

/* A face: one address of a server and its two ports, as clients see them. By family, and one
 * more of each on the TLS ports. */
#define PARTNER_FACES 4
#define PARTNER_PORTS 2

/* The longest STUN message that is handed over: all fits into an unfragmented datagram. */
#define PARTNER_MSG_MAX 1400

#define PARTNER_DATAGRAM_MAX (PARTNER_MSG_MAX + 64)
#define PARTNER_CONTROL_MAX  192 /* any message but the one that hands over */

enum partner_type {
	PARTNER_INIT = 1, /* a nonce: a session is wanted */
	PARTNER_RESP,     /* the same nonce, and one of the other side; as long as INIT */
	PARTNER_CONFIRM,  /* both nonces, and the state: what proves that its sender lives */
	PARTNER_BEAT,     /* the state */
	PARTNER_BYE,      /* the session ends */
	PARTNER_HAND,     /* a STUN message to send */
	PARTNER_TYPES,
};

struct partner_nonces {
	uint8_t asker[PARTNER_NONCE_LEN], asked[PARTNER_NONCE_LEN];
};

/* family ADDR_NONE: there is none */
struct partner_face {
	struct addr seen[PARTNER_PORTS];
};

/* What each side tells the other again and again. */
struct partner_state {
	bool classic;   /* sends answers in the dialect of RFC 3489 too */
	uint64_t heard; /* the highest number of a BEAT or CONFIRM of the other side; 0: none */
	struct partner_face faces[PARTNER_FACES];
};

struct partner_hand {
	uint8_t face, port; /* whose socket it leaves from: of the side that receives this */
	struct addr to;     /* of the face's family */
	struct bytes msg;
};

/* Of a session, as one side has them: each direction and each purpose has its own. */
struct partner_keys {
	struct stun_key control_out, control_in, hand_out, hand_in;
};

/* The address family of a face. */
uint8_t partner_face_family(unsigned int face);

/* hello: INIT and RESP are signed with it; root: keys of sessions come from it */
void partner_keys_root(const uint8_t key[static PARTNER_KEY_LEN], struct stun_key *hello,
		       struct stun_key *root);
void partner_keys_make(const struct stun_key *root, const struct partner_nonces *n, bool is_asker,
		       struct partner_keys *out);

/* The first four bytes. Returns 0 for what is no message of ours. */
uint8_t partner_wire_type(struct bytes datagram);

/* Its last 16 bytes are as `key` signs what stands before them. */
bool partner_wire_is_signed(struct bytes datagram, const struct stun_key *key);

/* Each writes a whole message; empty where there is no room. n->asked: zero for INIT. */
struct bytes partner_put_hello(uint8_t *buf, size_t cap, const struct stun_key *hello,
			       enum partner_type type, const struct partner_nonces *n);
struct bytes partner_put_confirm(uint8_t *buf, size_t cap, const struct stun_key *key,
				 const struct partner_nonces *n, uint64_t number,
				 const struct partner_state *s);
struct bytes partner_put_beat(uint8_t *buf, size_t cap, const struct stun_key *key, uint64_t number,
			      const struct partner_state *s);
struct bytes partner_put_bye(uint8_t *buf, size_t cap, const struct stun_key *key, uint64_t number);
struct bytes partner_put_hand(uint8_t *buf, size_t cap, const struct stun_key *key, uint64_t number,
			      const struct partner_hand *h);

/* The whole datagram, its signature included, which is not looked at. False: it is malformed. */
bool partner_get_hello(struct bytes datagram, struct partner_nonces *n);
bool partner_get_confirm_nonces(struct bytes datagram, struct partner_nonces *n);
bool partner_get_confirm(struct bytes datagram, uint64_t *number, struct partner_state *s);
bool partner_get_beat(struct bytes datagram, uint64_t *number, struct partner_state *s);
bool partner_get_bye(struct bytes datagram, uint64_t *number);
bool partner_get_hand(struct bytes datagram, uint64_t *number, struct partner_hand *h);

#endif
