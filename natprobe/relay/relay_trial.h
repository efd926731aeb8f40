/*
 * relay_trial - tries a TURN server over one transport, and finds out what it is good for.
 *
 * Two clients allocate at the same server; one relays packets to the other's relayed address, and
 * the other one sends them back the same way. A socket of our own, which is no client of the
 * server, sends to the relayed address and is sent to: that shows whether the relay is reached from
 * outside, and where its packets come from. A Binding request from that socket tells as what
 * others see it, and is the control: where that has no answer, silence says nothing.
 *
 * No socket, no clock. The shell takes actions with relay_trial_next, carries them out in order,
 * and hands in what comes of them. Ends 0 and 1 are transports to the server.
 *
 *	relay_trial.c        from the first connection to the end
 *	relay_trial_end.c    the two clients
 *	relay_trial_packet.c what is sent to whom
 *	relay_trial_loop.c   packets between them
 *	relay_trial_local.c  packets of our own socket
 *	relay_trial_judge.c  what all of it means
 */
#ifndef NATPROBE_RELAY_TRIAL_H
#define NATPROBE_RELAY_TRIAL_H

#include "relay_result.h"

#define RELAY_RATE_MAX   1000  /* packets a second */
#define RELAY_COUNT_MAX  60000 /* packets */
#define RELAY_LENGTH_MIN 32    /* bytes of a packet */
#define RELAY_LENGTH_MAX 1200
#define RELAY_ENDS       2

struct relay_trial_config {
	uint8_t transport; /* enum turn_transport */
	struct addr to;
	struct turn_client_credentials credentials; /* prepared, and as turn_client_check wants */
	uint32_t rate;                              /* packets a second in each family */
	uint32_t count;                             /* packets in each family */
	uint16_t length;                            /* bytes of each */
	uint64_t timeout_us;                        /* for all of it */
	uint64_t unix_s; /* the time of day, for credentials that expire */
	void (*random)(void *arg, void *buf, size_t len); /* a CSPRNG */
	void *random_arg;
};

enum relay_action_kind {
	RELAY_WAIT,       /* nothing before deadline_us, unless something arrives */
	RELAY_OPEN,       /* connect `end` to `to`; then relay_trial_on_open or _on_close */
	RELAY_CLOSE,      /* close `end` */
	RELAY_SEND,       /* send `data` on `end` */
	RELAY_SEND_LOCAL, /* send `data` to `to` from our own UDP socket of that family */
	RELAY_DONE,       /* see relay_trial_result; all ends are closed */
};

struct relay_action {
	uint8_t kind; /* enum relay_action_kind */
	uint8_t end;
	struct addr to;
	const char *domain; /* RELAY_OPEN: what the certificate has to name; NULL: as at first */
	struct bytes data;  /* good until the next call */
	uint64_t deadline_us;
};

struct relay_trial;

/* NULL when memory runs out. Credentials are copied. */
struct relay_trial *relay_trial_new(const struct relay_trial_config *config, uint64_t now_us);
void relay_trial_free(struct relay_trial *t); /* NULL is fine */

/* The next action; returns its kind. Each is handed out once. */
enum relay_action_kind relay_trial_next(struct relay_trial *t, uint64_t now_us,
					struct relay_action *out);

void relay_trial_on_open(struct relay_trial *t, uint8_t end, uint64_t now_us);

/* The transport could not be opened, or broke; it is closed. */
void relay_trial_on_close(struct relay_trial *t, uint8_t end, const struct dial_failure *why,
			  uint64_t now_us);

/* A frame from the server; any bytes. */
void relay_trial_on_bytes(struct relay_trial *t, uint8_t end, struct bytes in, uint64_t now_us);

/* A datagram at our own socket; any bytes, from anywhere. */
void relay_trial_on_local(struct relay_trial *t, struct bytes in, const struct addr *from,
			  uint64_t now_us);

/* Ends it early: what is known by now counts. */
void relay_trial_stop(struct relay_trial *t, uint64_t now_us);

/* Good while the trial is; final with RELAY_DONE. */
const struct relay_result *relay_trial_result(const struct relay_trial *t);

#endif
