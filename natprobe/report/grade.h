/*
 * grade - what the RFCs on NATs require, and whether what was found meets it: RFC 4787 (UDP),
 * 5382 (TCP), 5508 (ICMP), 7857 (their update), 6888 (carrier-grade NATs).
 *
 * A table: each requirement is judged by one property, or natprobe does not measure it. Pure.
 */
#ifndef NATPROBE_GRADE_H
#define NATPROBE_GRADE_H

#include "property.h"

enum grade_level {
	GRADE_MUST,
	GRADE_SHOULD, /* RECOMMENDED as well */
};

enum grade {
	GRADE_UNKNOWN = 0,
	GRADE_MET,
	GRADE_VIOLATED,
	GRADE_NOT_APPLICABLE, /* there is no NAT, or none of that kind */
};

struct grade_rule {
	uint16_t rfc;         /* 4787 */
	const char *number;   /* "REQ-5a", "section 9" */
	uint8_t level;        /* enum grade_level */
	const char *text;     /* what it demands, in a few words of ours */
	const char *property; /* that tells; NULL: natprobe does not measure it */
	const char *met;      /* words that meet it, with commas; NULL: it is about `least` */
	double least;         /* of a measure */
	bool is_cgn;          /* of carrier-grade NATs only */
};

extern const struct grade_rule grade_rules[];
extern const size_t grade_rule_count;

struct grade_result {
	uint8_t grade;               /* enum grade */
	bool measured;               /* false: rule->property is NULL */
	struct property_value value; /* of rule->property */
};

void grade_judge(const struct grade_rule *rule, const struct verdict *v, struct grade_result *out);

/* "met", "violated", "unknown", "not-applicable". */
const char *grade_word(enum grade g);

/* "MUST", "SHOULD". */
const char *grade_level_word(enum grade_level l);

#endif
