/*
 * address - one string that says all that is needed to invite somebody: the public key, a profile,
 * the port that waits, and where to meet. "natkit:" and base64url of version, fields, and a checksum.
 */
#ifndef NATPROBE_ADDRESS_H
#define NATPROBE_ADDRESS_H

#include "natprobe/peer/peer.h"

#define ADDRESS_TEXT_MAX  6144
#define ADDRESS_OFFER_MAX 2560
#define ADDRESS_URI_MAX   128

struct address {
	uint8_t public_key[32]; /* X25519 */
	struct peer_profile profile;
	uint16_t port; /* on which each path of the profile waits; 0: none does */
	char rendezvous[ADDRESS_URI_MAX]; /* a URI as carrier_open takes it; "": by hand */
	bool is_once;                     /* an offer by hand: good for one answer */
	uint8_t offer[ADDRESS_OFFER_MAX]; /* by hand: what the trial tells (punch_wire.h) */
	uint16_t offer_len;
};

/* Length of the text, 0 where cap is too small. */
size_t address_print(const struct address *a, char *buf, size_t cap);
/* False, and *why, for people. White space inside is ignored: it was pasted. */
bool address_parse(const char *text, struct address *out, const char **why);

#endif
