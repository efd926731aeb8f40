/*
 * transport_pair - two transports in one process, and between them a path on virtual time: delay, a
 * rate with a queue before it, loss, frames that overtake others.
 *
 * libusrsctp and OpenSSL ask gettimeofday; here it tells the virtual time.
 */
#ifndef TEST_TRANSPORT_PAIR_H
#define TEST_TRANSPORT_PAIR_H

#include "natprobe/transport/transport.h"
#include "list.h"

/* One direction. */
struct pair_path {
	uint64_t delay_us;
	uint64_t rate;      /* bytes a second; 0: any */
	uint64_t queue_us;  /* longest wait before the rate; 0: any */
	uint32_t loss;      /* of 10000 */
	uint32_t overtakes; /* of 10000: is late by a few milliseconds */
	uint64_t free_us;   /* when the rate has room again */
};

struct transport_pair;

struct pair_side {
	struct transport_pair *pair;
	struct identity identity;
	struct transport *transport;
	struct pair_path path; /* what it sends */
	bool is_ready, has_failed, is_due;
	uint64_t next_us; /* as it was when it was due */
	enum transport_failure failure;
	/* For tests: the channels that the other side opens. */
	bool (*on_channel)(struct pair_side *side, struct channel *c);
	void *user;
};

struct transport_pair {
	struct pair_side side[2]; /* 0: the client */
	uint64_t now_us;
	uint64_t seed;
	struct list frames; /* on the way, by the time when they arrive */
	uint64_t frames_sent, frames_lost, bytes_sent;
	/* May change a frame, or drop it (len 0). */
	void (*on_frame)(struct transport_pair *pair, int from, uint8_t *data, size_t *len);
	void *user;
};

/* One at a time. Exits when memory runs out. delay_us: of each direction. */
void pair_begin(struct transport_pair *p, uint64_t delay_us, size_t window_max);
void pair_end(struct transport_pair *p);
/* Each knows the other one's fingerprint. */
void pair_introduce(struct transport_pair *p);
/* Both use a path; what was on the old one is lost. */
void pair_use_path(struct transport_pair *p, bool is_tcp, uint16_t frame_max);
void pair_lose_path(struct transport_pair *p);
/* A path of UDP between two that know each other, until both are ready; false: they are not. */
bool pair_connect(struct transport_pair *p);
/* A frame of somebody else's. */
void pair_inject(struct transport_pair *p, int to, struct bytes bytes);
/* Time goes by. */
void pair_run(struct transport_pair *p, uint64_t us);
/* Until `is_done` or so long. */
bool pair_run_until(struct transport_pair *p, bool (*is_done)(void *arg), void *arg, uint64_t us);
uint32_t pair_random(struct transport_pair *p);

#endif
