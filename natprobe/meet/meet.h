/*
 * meet - two parties that share a code, or of which one knows the other's address (address.h),
 * come to share a key, and then a channel: whole messages, each once and in order, sealed, over a
 * carrier that may lose, repeat, reorder and lie. A state machine without sockets and clock.
 *
 * With a code: hello (both), SPAKE2 (RFC 9382, P-256; the smaller hello is A), confirmation. One
 * wrong guess ends it. With an address: one invitation, sealed to the address's key, is enough;
 * what follows may be lost for ever. doc/rendezvous.md has the messages and the keys.
 */
#ifndef NATPROBE_MEET_H
#define NATPROBE_MEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

#define MEET_TOPIC_MAX    64   /* with the end: [a-z0-9/-] */
#define MEET_ENVELOPE_MAX 8192 /* of one message on the carrier */
#define MEET_MESSAGE_MAX  4096 /* of one message in the channel */
#define MEET_KEY_LEN      32

enum meet_mode {
	MEET_CODE = 0, /* both have a code */
	MEET_ACCEPT,   /* we have a private key, and wait for an invitation */
	MEET_INVITE,   /* we have the other side's public key */
};

enum meet_failure {
	MEET_FINE = 0,
	MEET_NOBODY,     /* the other side did not come in time */
	MEET_WRONG_CODE, /* somebody came with another code: ask for a new one */
	MEET_BROKEN,     /* messages that are none of ours, or another version */
	MEET_GONE,       /* the other side came, and was not heard again */
	MEET_LEFT,       /* ... said that it leaves */
	MEET_FAILURES,
};

struct meet_config {
	uint8_t mode;            /* enum meet_mode */
	struct bytes code;       /* MEET_CODE; copied, wiped once it is not needed */
	uint8_t private_key[32]; /* X25519; MEET_ACCEPT: wiped by meet_free */
	uint8_t public_key[32];  /* MEET_INVITE: theirs */
	struct bytes first;      /* MEET_INVITE: rides in the invitation; copied */
	uint64_t patience_us;    /* until MEET_NOBODY; 0: 10 minutes */
	uint8_t stretch; /* MEET_CODE: log2 of scrypt's N, the same on both sides; 0: 15, of which
			    only tests take less */
	void (*random)(void *arg, void *buf, size_t len);
	void *random_arg;
};

enum meet_kind {
	MEET_WAIT,      /* until action.deadline_us, unless something arrives */
	MEET_SUBSCRIBE, /* to action.topic */
	MEET_PUBLISH,   /* action.data to action.topic */
	MEET_READY,     /* once: there is a key; meet_is_a, meet_key and meet_send may be used */
	MEET_MESSAGE,   /* action.data: the next message of the other side */
	MEET_FAILED,    /* action.failure; it is over */
};

struct meet_action {
	uint8_t kind;      /* enum meet_kind */
	uint8_t failure;   /* enum meet_failure */
	const char *topic; /* good until the next call */
	struct bytes data; /* good until the next call */
	uint64_t deadline_us;
};

struct meet;

/* NULL when memory or OpenSSL fails, code_normalise refuses the code, or theirs is no public key (one
 * of small order). `first` is at most MEET_MESSAGE_MAX bytes. Slow once for a code (some
 * 50 ms): it is stretched. */
struct meet *meet_new(const struct meet_config *config, uint64_t now_us);
void meet_free(struct meet *m); /* NULL is fine; wipes keys */

enum meet_kind meet_next(struct meet *m, uint64_t now_us, struct meet_action *action);
void meet_on_message(struct meet *m, const char *topic, struct bytes data, uint64_t now_us);

/* Queues one message of at most MEET_MESSAGE_MAX bytes. False: too much is queued. */
bool meet_send(struct meet *m, struct bytes message, uint64_t now_us);
/* Says that we leave, as far as the carrier takes it: one more MEET_PUBLISH, then MEET_FAILED with
 * MEET_LEFT. */
void meet_leave(struct meet *m, uint64_t now_us);

/* From MEET_READY on. A is the controlling side. */
bool meet_is_a(const struct meet *m);
/* A key for one purpose ("punch 0", "application"): both sides get the same one. */
void meet_key(const struct meet *m, const char *purpose, uint8_t out[static MEET_KEY_LEN]);

/*
 * The other side's clock = ours + offset, at most `error` wrong; from time stamps in what went to
 * and fro, the tightest of them. False: nothing came back yet, nor do both know one server's time.
 * round_trip_us: the longest of the last ones; 0 where nothing came back.
 */
bool meet_clock(const struct meet *m, int64_t *offset_us, uint64_t *error_us,
		uint64_t *round_trip_us);
/* The other side has to answer, though there is nothing to say: is it still there? */
void meet_ask(struct meet *m, uint64_t now_us);
/* Did it come? With a code it has as soon as there is a key; of whom we invite nothing is known
   until the first answer. */
bool meet_has_come(const struct meet *m);
/*
 * When who came and owes an answer is taken for gone, if nothing comes before; UINT64_MAX: not as it
 * is. Any natprobe that runs answers at once, whatever else it does; what the carrier takes for it is
 * seen by the round trips so far.
 */
uint64_t meet_gone_at_us(const struct meet *m);
/*
 * What a time server just told: its clock = ours + offset. Told to the other side as well; where both
 * know that of one server (the same name), meet_clock may be tighter.
 */
void meet_set_server_clock(struct meet *m, const char *server, int64_t offset_us,
			   uint64_t error_us);

/* How often somebody else was heard to begin a meeting with our code or our address, since there are
   keys. */
uint32_t meet_knocks(const struct meet *m);

/* For people: "the other side used another code ...", with a remedy. */
const char *meet_failure_text(enum meet_failure f);

#endif
