/*
 * secure - one session of DTLS 1.2, or on TCP of TLS 1.2 or 1.3, in which both sides show a certificate
 * and nothing counts of it but its fingerprint (RFC 8122). Packets go in and come out; frames of
 * the path come in and go out, and the first byte of each is that of a record (RFC 7983).
 *
 * Nothing is answered before secure_expect told whom to expect; the first flight is kept until then.
 * OpenSSL tells by the clock of the system when a flight of DTLS is to be sent again.
 */
#ifndef NATPROBE_SECURE_H
#define NATPROBE_SECURE_H

#include "identity.h"

#define SECURE_NEVER      UINT64_MAX
#define SECURE_PACKET_MAX 16384
#define SECURE_OVERHEAD   37 /* of a DTLS record: header, nonce, tag */

enum secure_state {
	SECURE_SHAKING = 0,
	SECURE_UP,
	SECURE_LEFT,   /* the other side closed it in good order */
	SECURE_WRONG,  /* the other side is somebody else */
	SECURE_BROKEN, /* no session came about, or its stream was disturbed */
};

struct secure_config {
	const struct identity *identity; /* borrowed */
	bool is_client, is_stream;
	uint16_t frame_max;
	void (*on_frame)(void *arg, struct bytes frame);
	void (*on_packet)(void *arg, struct bytes packet); /* may call secure_send alone */
	void *arg;
};

struct secure;

struct secure *secure_new(const struct secure_config *config); /* NULL when memory runs out */
void secure_free(struct secure *s);                            /* NULL is fine */

void secure_expect(struct secure *s, const uint8_t fingerprint[static IDENTITY_FINGERPRINT_LEN],
		   uint64_t now_us);
void secure_set_frame_max(struct secure *s, uint16_t frame_max);
/* There is a path again: whatever of the handshake is due goes out at once. */
void secure_hurry(struct secure *s, uint64_t now_us);
enum secure_state secure_state(const struct secure *s);

void secure_input(struct secure *s, struct bytes frame, uint64_t now_us);
uint64_t secure_next_us(const struct secure *s);
void secure_on_time(struct secure *s, uint64_t now_us);
/* One packet; dropped unless the session is up. */
void secure_send(struct secure *s, struct bytes packet);
void secure_close(struct secure *s); /* says so to the other side */

#endif
