/*
 * trial_record - what trials of punching came to, as data that outlives them: one record of each,
 * and the run they belong to. Plain values; sides are told as ours and theirs.
 */
#ifndef NATPROBE_TRIAL_RECORD_H
#define NATPROBE_TRIAL_RECORD_H

#include "natprobe/punch/reason.h"

#define TRIAL_WHY_MAX  240
#define TRIAL_TEXT_MAX 64

/* A path of a profile, without its addresses. */
struct trial_network {
	uint8_t family;             /* enum addr_family, of the host */
	uint8_t class;              /* enum plan_class */
	uint8_t mapping, filtering; /* enum verdict_behaviour */
	uint8_t delta;              /* enum verdict_delta */
	uint8_t nats;               /* 0: not known, or none */
};

struct trial_networks {
	struct trial_network items[PEER_PATHS_MAX];
	uint8_t count;
};

struct trial_step {
	uint8_t strategy; /* enum punch_strategy */
	uint8_t family;   /* enum addr_family */
	bool is_tcp;
	double chance;
	struct punch_verdict verdict;
	char why[TRIAL_WHY_MAX]; /* a sentence; "" where it made the path, or was not tried */
	struct punch_evidence ours, theirs; /* strategy PUNCH_NONE: it was not reached */
};

struct trial_record {
	uint32_t trial;
	bool is_a;
	double chance, chance_relay; /* as the plan had them */
	struct punch_path path; /* strategy PUNCH_NONE: there is none; its slot means nothing */
	uint8_t step;           /* that made it */
	uint32_t to_path_us, elapsed_us;
	int32_t skew_us;
	uint32_t skew_error_us;
	uint32_t sent, received;
	struct punch_quality quality;
	struct punch_verdict overall;
	char why[TRIAL_WHY_MAX]; /* a sentence; "" where there is a path */
	bool has_theirs;         /* the other side's evidence */
	struct trial_step steps[PUNCH_STEPS_MAX];
	uint8_t step_count;
};

struct trial_run {
	char program[TRIAL_TEXT_MAX]; /* "natprobe 0.1.0" */
	char time[TRIAL_TEXT_MAX];    /* when it ended, as RFC 3339 has it; "": not told */
	char id[TRIAL_TEXT_MAX];      /* of the run: both sides have the same; "": not told */
	char carrier[TRIAL_TEXT_MAX]; /* of the meeting: "https", "mqtts", "hand", ...; "" */
	bool is_a;
	uint32_t only; /* PUNCH_BIT of the strategies that were allowed; 0: all */
	struct trial_networks ours, theirs;
	struct trial_record *records; /* owned */
	size_t count, room;
};

void trial_networks_make(const struct peer_profile *p, struct trial_networks *out);

void trial_record_make(const struct punch_result *r, const struct peer_profile *ours,
		       const struct peer_profile *theirs, struct trial_record *out);

/* False: no memory. */
bool trial_run_add(struct trial_run *run, const struct trial_record *record);
void trial_run_clear(struct trial_run *run);

/* "ours", "theirs", "both", "none": whose network a verdict is about. */
const char *trial_side_word(bool is_a, uint8_t side);

/* A sentence, why the path is not from the local port that was asked for; NULL: it is, or none was. */
const char *trial_port_why(const struct trial_record *r);

/* It was tried, and made a path or did not. */
bool trial_step_counts(const struct trial_record *r, uint8_t step);

#endif
