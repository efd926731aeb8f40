/* punch_judge_parts - what the files of punch_judge share: what boxes are, and what they did. */
#ifndef NATKIT_PUNCH_JUDGE_PARTS_H
#define NATKIT_PUNCH_JUDGE_PARTS_H

#include "sim_pair.h"

/* What happened to packets between the two while a step ran, as far as it matters here. */
struct story {
	const struct sim_pair_config *config;
	const struct sim_pair_side *sides;
	const struct punch_step *step;
	const struct punch_evidence *seen[2];
	uint64_t from_us, until_us;
	uint8_t protocol;
};

const struct nat_profile *story_profile(const struct story *s, unsigned side);
/* How many such events there were at a side's boxes; side 2: at any. */
unsigned story_count(const struct story *s, unsigned side, unsigned truth);

#define REFUSED (SIM_PAIR_FILTERED | SIM_PAIR_NO_MAPPING)

/*
 * What the boxes of `side` refused of the other one: by its source, the one that was announced, one
 * on another port, or one on another address.
 */
struct refused {
	unsigned announced, other_port, other_address;
	bool has_shift; /* a source that is `shift` ports away */
};

struct refused story_refused(const struct story *s, unsigned side, int32_t shift);

/* Ports that the outermost box of a side gave towards the other one. */
struct given {
	unsigned count;
	bool is_other;  /* than the announced one */
	bool was_tried; /* by the other side */
	int32_t beside; /* of the nearest one: how far from what was tried */
};

struct given story_given(const struct story *s, unsigned side);

/* One of the boxes is so. */
bool box_any(const struct nat_profile *p, bool (*is)(const struct nat_config *c));
bool box_blocks_udp(const struct nat_config *c);
bool box_blocks_tcp(const struct nat_config *c);
bool box_refuses_tcp(const struct nat_config *c);
bool box_ends_mappings(const struct nat_config *c);
bool box_translates_families(const struct nat_config *c);
bool box_maps_by_destination(const struct nat_config *c);
bool box_chooses_addresses(const struct nat_config *c);
/* An early packet takes the tuple away. */
bool box_takes_early(const struct nat_config *c);
bool box_filters(const struct nat_config *c);
bool box_opens_ports(const struct nat_config *c);
/* A rule tells the port of the next destination. */
bool box_counts(const struct nat_config *c);
/* The port of a socket's first destination, at least, follows from its own. */
bool box_keeps(const struct nat_config *c);

#endif
