/* secure_context - what OpenSSL is told for secure: which versions, whose certificate counts. */
#ifndef NATPROBE_SECURE_CONTEXT_H
#define NATPROBE_SECURE_CONTEXT_H

#include "identity.h"

/* Whom to expect, and whether somebody else came. */
struct secure_peer {
	bool is_known, was_wrong;
	uint8_t fingerprint[IDENTITY_FINGERPRINT_LEN];
};

/* NULL when memory runs out. peer: asked during handshakes, outlives the context. */
SSL_CTX *secure_context_new(const struct identity *id, bool is_stream, struct secure_peer *peer);

#endif
