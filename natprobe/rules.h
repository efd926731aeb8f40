/*
 * rules - which rule of port allocation explains what fresh sockets got, and how well: each rule
 * says with which chance it would have made the ports that were seen, and Bayes' theorem turns
 * that into the chance that it is the one. Inside of allocation.
 *
 * Logarithms are natural ones. A port that a rule says nothing about counts as picked at random.
 */
#ifndef NATPROBE_RULES_H
#define NATPROBE_RULES_H

#include "verdict.h"

#define RULES_MAX  128
#define RATE_COUNT 8

/* Of a rule for neighbours, where no answered neighbours kept to it, if there were any. */
#define RULES_STEP_UNSEEN 0

/* One answered sample. */
struct rules_sample {
	uint16_t local, external;
	uint8_t address; /* index of the external address */
	uint8_t lost;    /* samples without answer between this and the answered one before */
	bool serial;
	uint64_t sent_us;
};

struct rules_view {
	struct rules_sample seen[VERDICT_SAMPLES_MAX];
	size_t count;
	size_t sent;
	uint8_t lost_after; /* samples without answer after the last answered one */
	size_t address_count;
};

enum rule_kind {
	RULE_RANDOM,
	RULE_PARITY_RANDOM,
	RULE_EQUAL,
	RULE_OFFSET,
	RULE_DEPENDENT,
	RULE_COUNTER,            /* one for all */
	RULE_COUNTER_BY_ADDRESS, /* one for each external address */
	RULE_COUNTER_BY_PARITY,  /* one for even and one for odd local ports */
	RULE_PARITY_UP,          /* one for all that leaves out ports of the wrong parity */
	RULE_PARITY_DOWN,        /* the same, and then the step is one port shorter */
};

struct rule {
	uint8_t kind;   /* enum rule_kind */
	uint8_t delta;  /* enum verdict_delta */
	bool reordered; /* a counter, and paced samples overtook each other */
	int32_t value;
	int32_t wrapped; /* RULE_OFFSET: the offset of those that left the range; 0: none did */
	double chance;   /* of being the one; its logarithm, unscaled, before rules_weigh ends */
};

struct rules {
	struct rule list[RULES_MAX];
	size_t count;
};

void rules_view_fill(struct rules_view *v, const struct verdict_sample *samples, size_t count);

/* The logarithm of: how common the rule is, times the chance that it makes what was seen. */
double rules_log_weight(const struct rules_view *v, const struct rule *r);

/* All rules that are worth a look, with chances that sum up to one; most likely first. */
void rules_weigh(const struct rules_view *v, struct rules *out);

/* What the rule for a share of the sockets kept to: how many, of how many that could. */
struct rules_tally {
	size_t kept, of;
};

/* For RULE_EQUAL, RULE_OFFSET and RULE_DEPENDENT. */
struct rules_tally rules_count(const struct rules_view *v, const struct rule *r);

/* The chance that more than one socket in fourteen does not keep to the rule. */
double rules_is_partial(struct rules_tally tally);

/* The share, in [0, 1], of further sockets that will keep to the rule. */
double rules_share(struct rules_tally tally);

/* Counters. `weights`, if not NULL: the chance of each background rate, summing up to one. */
double rules_log_counter(const struct rules_view *v, const struct rule *r,
			 double weights[RATE_COUNT]);
double rules_log_reordered(const struct rules_view *v, const struct rule *r,
			   double weights[RATE_COUNT]);

/* The chance that a counter goes from the port of a to that of b, if both are its own. */
double rules_move_chance(const struct rules_sample *a, const struct rules_sample *b,
			 const struct rule *r, unsigned lost, double others);

/* Mappings of others between a and b, on average. */
double rules_others(const struct rules_sample *a, const struct rules_sample *b, double rate);

/* Sums up what each background rate says, and shares it out. */
double rules_sum_rates(double by_rate[RATE_COUNT], double weights[RATE_COUNT]);

/* Mappings of others, per second, that a counter may see. */
extern const double rules_rates[RATE_COUNT];

/* The share of lost samples that made a mapping before they were lost. */
#define RULES_LOST_INSIDE 0.75

/* The chance that a counter moves on `steps` between two of ours that are gap_us apart. */
double rules_steps_chance(long steps, unsigned lost, double others);

/* Index of the sample whose counter sample i continues; i itself: none. `lost` between. */
size_t rules_predecessor(const struct rules_view *v, size_t i, enum rule_kind kind, unsigned *lost);

/* Sum of two chances that are given as logarithms. */
double rules_log_add(double a, double b);

/* Random ports from some range of unknown place and width. */
double rules_log_random(const struct rules_view *v, const bool leave_out[VERDICT_SAMPLES_MAX]);

/* a - b on a circle of all ports: -32768 to 32767. */
int32_t rules_difference(uint16_t a, uint16_t b);

#endif
