/*
 * transport - many channels over one path: SCTP (libusrsctp) over DTLS, the stack of WebRTC's data
 * channels (RFC 8261, 8831, 8832); over TCP the same SCTP over TLS. No socket, no clock, no event
 * loop: frames of the path go in and out, and time is an argument.
 *
 * What is secured is the identity, not the path: a path may break and another one take its place,
 * and what the channels carry goes on. Each path of TCP has a TLS session of its own; DTLS goes on
 * where it was.
 *
 * Frames are datagrams, or on TCP what stands behind two bytes of length (RFC 4571). Only those whose
 * first byte is 20 to 63 belong here (RFC 7983).
 */
#ifndef NATPROBE_TRANSPORT_H
#define NATPROBE_TRANSPORT_H

#include "channel.h"
#include "identity.h"

#define TRANSPORT_NEVER     UINT64_MAX
#define TRANSPORT_FRAME_MIN 548   /* of a path: less carries nothing */
#define TRANSPORT_FRAME_MAX 16384 /* on TCP */

enum transport_failure {
	TRANSPORT_FINE = 0,
	TRANSPORT_FINGERPRINT, /* the other side's certificate is not the one that was promised */
	TRANSPORT_HANDSHAKE,   /* no DTLS or TLS came about */
	TRANSPORT_PEER_LEFT,   /* in good order: it said so */
	TRANSPORT_PROTOCOL,    /* it broke our rules */
	TRANSPORT_ABORTED,     /* SCTP gave up, here or there */
	TRANSPORT_MEMORY,
};

struct transport_config {
	const struct identity *identity; /* borrowed */
	bool is_client; /* of DTLS and TLS; has the even streams (RFC 8832, section 6) */
	/* A frame, good for this call only, from which no function of this file may be called. */
	void (*on_output)(void *arg, struct bytes frame);
	void (*on_ready)(void *arg); /* once: the other side is who it shall be */
	/* The other side opened one: sets its events, or false: it is refused. */
	bool (*on_channel)(void *arg, struct channel *c);
	/* Once, and nothing follows but transport_free. Channels are gone, each told so before. */
	void (*on_failed)(void *arg, enum transport_failure failure, const char *why);
	/* After each call for it or one of its channels, when it may have something to do: ask
	   transport_next_us when all else is done. May be NULL. */
	void (*on_due)(void *arg);
	void *arg;
	/* CHANNEL_STREAM: what the other side may have under way to us, all channels together.
	   0: 16 MiB. */
	size_t window_max;
};

struct transport_counts {
	uint64_t packets_in, packets_out; /* of SCTP */
	uint64_t bytes_in, bytes_out;     /* of channels' data */
	uint64_t retransmitted;           /* chunks, as far as libusrsctp tells */
	uint32_t rtt_us;                  /* smoothed; 0: not known */
	uint32_t window;                  /* of congestion, bytes */
	uint16_t mtu;                     /* of a frame on this path */
};

struct transport;

/* Whether this build has it: libusrsctp. */
bool transport_is_built(void);

/* NULL when memory runs out. Needs no path yet: channels may be opened and written to. */
struct transport *transport_new(const struct transport_config *config);
void transport_free(struct transport *t); /* NULL is fine. Not from its callbacks. */

/* Whose certificate is right. Nothing is believed before, and the handshake waits for it. */
void transport_expect(struct transport *t,
		      const uint8_t fingerprint[static IDENTITY_FINGERPRINT_LEN]);

/*
 * There is a path: the first one, or another one in its place.
 * frame_max  most bytes of a frame there; may be set anew while it is used (transport_set_frame_max)
 *            what was cut into pieces for a wider path leaves in frames that are longer
 */
void transport_use_path(struct transport *t, bool is_tcp, uint16_t frame_max, uint64_t now_us);
void transport_set_frame_max(struct transport *t, uint16_t frame_max);
/* There is none for now: nothing leaves, and nothing gives up for that. */
void transport_lose_path(struct transport *t);

void transport_input(struct transport *t, struct bytes frame, uint64_t now_us);
/* When transport_on_time has to be called at the latest. It changes as on_due tells. */
uint64_t transport_next_us(const struct transport *t);
void transport_on_time(struct transport *t, uint64_t now_us);

/* NULL when there are too many, or memory runs out. protocol: CHANNEL_STREAM or another one. */
struct channel *transport_open(struct transport *t, const char *label, const char *protocol,
			       const struct channel_events *events);

/* Says that we leave, once all that was written is acknowledged. on_failed follows:
   TRANSPORT_FINE. */
void transport_close(struct transport *t, uint64_t now_us);
void transport_count(const struct transport *t, struct transport_counts *out);

#endif
