/*
 * identity - who we are to the other side of a link: a key and a certificate of our own signing,
 * made for this run and never written down. What counts is its fingerprint (RFC 8122): the other
 * side has it by a way that it trusts, and names are worth nothing.
 */
#ifndef NATPROBE_IDENTITY_H
#define NATPROBE_IDENTITY_H

#include <openssl/types.h>

#include "wire.h"

#define IDENTITY_FINGERPRINT_LEN 32 /* SHA-256 of the certificate in DER */

struct identity {
	EVP_PKEY *key; /* P-256 */
	X509 *certificate;
	uint8_t fingerprint[IDENTITY_FINGERPRINT_LEN];
};

/* False when memory or randomness runs out. */
bool identity_make(struct identity *out);
void identity_clear(struct identity *id); /* zero is fine */

#endif
