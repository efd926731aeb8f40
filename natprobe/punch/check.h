/*
 * check - the packets of a trial: Binding requests of ICE's shape (RFC 8445, section 7) with
 * short-term credentials made of our own key, and their answers. Codec: no socket, no allocation.
 *
 * USERNAME, PRIORITY, ICE-CONTROLLING or ICE-CONTROLLED, USE-CANDIDATE where A nominates,
 * MESSAGE-INTEGRITY (ICE knows no other one, and a browser shall be able to be a peer), FINGERPRINT. Success responses have XOR-MAPPED-ADDRESS and both of the
 * last. A request is answered by nobody whose key is another one.
 */
#ifndef NATPROBE_CHECK_H
#define NATPROBE_CHECK_H

#include "stun_auth.h"

#define CHECK_BYTES_MAX 160

/* Of one trial: each side has a name (ICE's ufrag), and both have one password. */
struct check_keys {
	struct stun_key key;
	uint8_t names[2][8];  /* of A and B, printable */
	uint64_t tie_breaker; /* of ours */
	bool is_a;
};

/* Both are made from the trial's key: HKDF, labels in doc/punch.md. */
void check_keys_make(struct check_keys *out, const uint8_t key[static 32], bool is_a);
void check_keys_wipe(struct check_keys *k);

enum check_kind {
	CHECK_FOREIGN = 0, /* no STUN message, or not of this trial: nothing is to be believed */
	CHECK_REQUEST,
	CHECK_ANSWER,
};

struct check {
	uint8_t kind; /* enum check_kind */
	bool nominates;
	uint8_t nomination; /* of A: its number, from 1; of B: the one that it follows; 0: none */
	uint8_t step;       /* the sender's step */
	struct stun_tid tid;
	struct addr mapped; /* CHECK_ANSWER: how the other side saw us; may be ADDR_NONE */
};

/*
 * PRIORITY's local preference has the step in its high byte, and the number of the nomination in
 * its low one: the latest counts, so that none that comes late or again takes us back.
 * nomination: 0: A does not nominate, B follows none. Return the length.
 */
size_t check_write_request(const struct check_keys *k, const struct stun_tid *tid, uint8_t step,
			   uint8_t nomination, uint8_t buf[static CHECK_BYTES_MAX]);
size_t check_write_answer(const struct check_keys *k, const struct stun_tid *tid,
			  const struct addr *seen, uint8_t buf[static CHECK_BYTES_MAX]);
/* Verifies before it believes; a request of our own that comes back is foreign. */
void check_read(const struct check_keys *k, struct bytes datagram, struct check *out);

#endif
