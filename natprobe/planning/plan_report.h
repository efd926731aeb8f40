/* plan_report - a plan for people and for machines, and the profile that a saved report amounts to. */
#ifndef NATPROBE_PLAN_REPORT_H
#define NATPROBE_PLAN_REPORT_H

#include <stdio.h>

#include "natprobe/report/report.h"
#include "punch_plan.h"

/*
 * One path for each probe that found something; returns how many. names, of PEER_PATHS_MAX: the
 * interface of each, borrowed; may be NULL.
 */
size_t plan_report_profile(const struct report *r, struct peer_profile *out, const char **names);

/*
 * True unless two saved reports may be of two hosts behind one NAT. One external address does not
 * show that: reports of a laboratory, and those that --redact masked, have it in common, and so have
 * customers of one carrier. Hosts of one network also have two addresses of their own, close to each
 * other, and found the same NAT.
 */
bool plan_report_is_apart(const struct peer_profile *a, const struct peer_profile *b);

struct plan_report {
	const char *files[2]; /* of A and B */
	const struct peer_profile *profiles[2];
	const char *const *names[2]; /* interfaces */
	const struct punch_plan *plan;
};

void plan_report_text(const struct plan_report *r, FILE *out);
/* False where memory runs out, or it could not be written. */
bool plan_report_json(const struct plan_report *r, FILE *out);

#endif
