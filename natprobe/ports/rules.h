/*
 * rules - which rule of port allocation explains what fresh sockets got, and how well: each rule
 * says with which chance it would have made the ports that were seen, and Bayes' theorem turns
 * that into the chance that it is the one. Inside of allocation.
 *
 * Logarithms are natural ones. A port that a rule says nothing about counts as picked at random.
 */
#ifndef NATPROBE_RULES_H
#define NATPROBE_RULES_H

#include "rules_view.h"

#define RULES_MAX 128

struct rules {
	struct rule list[RULES_MAX];
	size_t count;
};

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

#endif
