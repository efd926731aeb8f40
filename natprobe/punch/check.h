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

#define CHECK_BYTES_MAX    160
#define CHECK_IDENTITY_LEN 32
#define CHECK_PADDED_MIN   (CHECK_BYTES_MAX + 8)

/*
 * Attributes of our own, from the range that whoever does not know them passes over (RFC 8489,
 * section 18.3; IANA has given these to nobody). PADDING of RFC 5780 would not do: a WebRTC peer has
 * to refuse what it must understand, and an answer would have to be as long.
 */
enum check_attr {
	CHECK_ATTR_IDENTITY = 0xCE4B, /* SHA-256 of the sender's certificate */
	CHECK_ATTR_PADDING = 0xCE4C,  /* zeros, ignored */
};

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
	bool has_identity;  /* CHECK_REQUEST of a path in use */
	uint8_t identity[CHECK_IDENTITY_LEN];
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
/*
 * A request of a path in use. A's has USE-CANDIDATE, which a WebRTC peer waits for, but no number of a
 * nomination: whoever still is in the trial answers, and concludes nothing.
 * len  0: as short as can be, and up to CHECK_BYTES_MAX; or of all of it, with padding: a multiple
 *      of 4 from CHECK_PADDED_MIN to cap
 */
size_t check_write_use(const struct check_keys *k, const struct stun_tid *tid,
		       const uint8_t identity[static CHECK_IDENTITY_LEN], size_t len, uint8_t *buf,
		       size_t cap);
/* Verifies before it believes; a request of our own that comes back is foreign. */
void check_read(const struct check_keys *k, struct bytes datagram, struct check *out);
/* The same, padded as well. */
void check_read_use(const struct check_keys *k, struct bytes datagram, struct check *out);

#endif
