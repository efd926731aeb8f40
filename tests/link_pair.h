/*
 * link_pair - two link_paths and what lies between them, in virtual time: delay, loss, a width, and
 * directions that die.
 */
#ifndef NATKIT_LINK_PAIR_H
#define NATKIT_LINK_PAIR_H

#include "natprobe/link/link_path.h"
#include "rng.h"

#define LINK_PAIR_S      1000000u
#define LINK_PAIR_MS     1000u
#define LINK_PAIR_FLYING 256

enum { LINK_PAIR_A, LINK_PAIR_B };

/* What one side saw and did. */
struct link_pair_side {
	struct link_path *path; /* NULL: not there, or broken */
	uint8_t their_identity[LINK_FINGERPRINT_LEN];
	unsigned int identities, widths, broken;
	uint16_t frame_max;
	uint64_t broken_us;
	unsigned int sent, sent_padded; /* requests and answers */
	size_t longest;
	/* The direction from here. */
	uint16_t width;    /* longer ones are lost */
	bool is_told;      /* ... and that it is so, as ICMP does */
	unsigned int loss; /* per cent */
	bool is_dead;
	bool is_other; /* not there, but its trial, or a WebRTC peer: it answers, and asks nothing */
	bool has_traffic; /* each 50 ms a frame of other kinds */
	uint64_t traffic_us;
};

struct link_pair_frame {
	uint64_t at_us;
	uint16_t len;
	uint8_t to;
	uint8_t data[LINK_PATH_FRAME_MAX];
};

struct link_pair {
	uint64_t now_us;
	uint64_t delay_us; /* one way */
	struct rng rng;
	struct link_path_config config[2];
	struct link_pair_side sides[2];
	struct link_pair_frame flying[LINK_PAIR_FLYING];
};

void link_pair_init(struct link_pair *l, uint64_t seed);
void link_pair_begin(struct link_pair *l, int side);
void link_pair_run(struct link_pair *l, uint64_t us);
void link_pair_clear(struct link_pair *l);

#endif
