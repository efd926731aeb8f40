/*
 * request - one request of a client: its attributes gathered once, authenticated once, handed to
 * its method, answered and signed.
 *
 * Each method has a file of its own (req_*.c). It gets a request that is authentic and whole,
 * appends what a success says to `answer`, and returns 0; or it returns the error code, and all
 * that it appended is thrown away.
 */
#ifndef NATKIT_REQUEST_H
#define NATKIT_REQUEST_H

#include "stun_attr.h"
#include "turnd_state.h"

#define REQUEST_PEERS_MAX 64 /* XOR-PEER-ADDRESS in one CreatePermission; more are 508 */

/* What TURN requests say. An attribute that cannot be read makes the request 400. */
struct turn_attrs {
	struct addr peers[REQUEST_PEERS_MAX];
	size_t peer_count;
	uint32_t lifetime_s;
	uint32_t connection_id;
	uint16_t channel;
	uint8_t transport;         /* REQUESTED-TRANSPORT */
	uint8_t family;            /* REQUESTED-ADDRESS-FAMILY */
	uint8_t additional_family; /* ADDITIONAL-ADDRESS-FAMILY */
	bool has_lifetime, has_connection_id, has_channel, has_transport, has_family;
	bool has_additional_family, has_even_port, has_token, has_ticket;
	bool reserve_next; /* EVEN-PORT's R */
	bool dont_fragment;
	bool has_more_peers; /* than REQUEST_PEERS_MAX */
	bool is_malformed;
	struct ports_token token;
	struct bytes ticket; /* MOBILITY-TICKET as it stands; may be empty */
};

struct request {
	struct turnd *t;
	const struct turnd_in *in;
	const struct turnd_now *now;
	uint64_t now_ms;
	struct stun_msg msg;
	struct turn_attrs attrs;
	const struct realm *realm; /* that the 5-tuple speaks with */
	struct alloc *alloc;       /* of the 5-tuple; NULL: none */

	/* Who it is; set before a method is called. */
	uint64_t user;
	uint64_t expires_s; /* of the credentials, wall clock; USERS_NEVER */
	struct stun_key key;
	bool has_key; /* rightly signed with it: so is the answer, whatever it says */
	bool is_authentic;
	bool by_token;  /* with a key that came in an ACCESS-TOKEN */
	bool by_sha256; /* the answer has MESSAGE-INTEGRITY-SHA256 (RFC 8489, section 9.2.4) */
	struct users_effort effort; /* of finding out; for tests */

	struct stun_builder answer;
	uint16_t unsupported; /* for 420: a known attribute that cannot be heeded here; 0: none */
	const char *reason;   /* for an error; NULL: the RFC's phrase of its code */
	const struct snapshot_alternate *alternate; /* for 300 */
	struct turnd_out *out;                      /* methods set out->ask for REQUEST_ASK */
};

/* No error code: the answer takes another worker (out->ask is set), or comes later. */
#define REQUEST_ASK   1
#define REQUEST_LATER 2

uint16_t req_allocate(struct request *r);
uint16_t req_refresh(struct request *r);
uint16_t req_permission(struct request *r);
uint16_t req_channel(struct request *r);
uint16_t req_connect(struct request *r);
uint16_t req_connection_bind(struct request *r);

/* Types below 0x8000 that STUN, TURN and their extensions know; what is not expected is ignored. */
bool turn_attr_is_known(uint16_t type);

/*
 * Puts what stands at the end of every answer, and r->out->data: for one that comes later, when
 * of a request only t, answer, out, msg.fingerprint, key, has_key and by_sha256 are left.
 * Returns false when it does not fit.
 */
bool request_finish(struct request *r);

/* Gathers what the message says; see is_malformed. */
void turn_attrs_gather(const struct stun_msg *msg, struct turn_attrs *out);

/*
 * A request of TURN, any method but Binding. As turnd_from_client; `msg` is what in->data parsed
 * to, with the magic cookie, and without a wrong FINGERPRINT.
 */
enum turnd_step request_take(struct turnd *t, const struct turnd_in *in, const struct stun_msg *msg,
			     const struct turnd_now *now, uint8_t *buf, struct turnd_out *out);

#endif
