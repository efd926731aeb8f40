/* rules_view - what was seen, the rules there are, and chances of ports that follow none. */
#ifndef NATPROBE_RULES_VIEW_H
#define NATPROBE_RULES_VIEW_H

#include "natprobe/verdict.h"

#define RULES_PORTS 65536.0

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

void rules_view_fill(struct rules_view *v, const struct verdict_sample *samples, size_t count);

/* Sum of two chances that are given as logarithms. */
double rules_log_add(double a, double b);

/* Random ports from some range of unknown place and width. */
double rules_log_random(const struct rules_view *v, const bool leave_out[VERDICT_SAMPLES_MAX]);

/* a - b on a circle of all ports: -32768 to 32767. */
int32_t rules_difference(uint16_t a, uint16_t b);

#endif
