/*
 * countries - events counted by the country that an address is in: a bounded set of labels, since
 * there are no more codes than pairs of letters.
 *
 * Written by one thread, read by any.
 */
#ifndef NATKIT_COUNTRIES_H
#define NATKIT_COUNTRIES_H

#include <stdatomic.h>

#include "geo.h"
#include "metrics.h"

#define COUNTRIES_MAX (1 + 26 * 26) /* the first place: not known */

/* Zero is one that has counted nothing. */
struct countries {
	_Atomic uint64_t at[COUNTRIES_MAX];
};

/* Counts one more event of `from`. geo NULL: no database, and nothing is counted. */
void countries_count(struct countries *c, const struct geo *geo, const struct addr *from);

/* The same of one whose country is known already: "DE", or "". */
void countries_count_code(struct countries *c, const char *country);

/* How many came from a country: "DE", or "" for not known. */
uint64_t countries_read(const struct countries *c, const char *country);

/* Adds what another thread has counted. */
void countries_add(struct countries *sum, const struct countries *of);

/*
 * Appends a counter of that name, with samples {country="DE"} and {country="unknown"}. Countries
 * that nobody came from are left out; where there are none at all, so is the family.
 */
void countries_report(struct metrics *m, const char *name, const char *help,
		      const struct countries *c);

#endif
