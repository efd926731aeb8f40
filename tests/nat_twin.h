/*
 * nat_twin - a network that behaves as a verdict says: a user's NAT, rebuilt from what natprobe
 * measured there.
 *
 * Addresses are those of the plan (nat_profile.h), none of the user's. What the verdict does not
 * know becomes what is usual, and is listed. Pure.
 */
#ifndef NATKIT_NAT_TWIN_H
#define NATKIT_NAT_TWIN_H

#include "nat_profile.h"
#include "natprobe/verdict.h"

#define NAT_TWIN_SOURCES_MAX 96
#define NAT_TWIN_GAPS_MAX    64

/* Where one word of a box comes from. */
struct nat_twin_source {
	uint8_t layer;
	const char *key;      /* as natlab(1) has it: "mapping" */
	const char *property; /* of natprobe/report/property.h; NULL: of none, see why */
	const char *why;      /* half a sentence; or NULL */
};

/* What the verdict does not tell, or the model cannot do. */
struct nat_twin_gap {
	const char *property;
	const char *assumed; /* what it is instead; NULL: it is not rebuilt */
};

struct nat_twin {
	struct nat_profile profile;  /* of one box at least; its texts are empty */
	struct nat_link_config line; /* between the outermost box and the servers, each way */
	struct nat_twin_source sources[NAT_TWIN_SOURCES_MAX];
	size_t source_count;
	struct nat_twin_gap gaps[NAT_TWIN_GAPS_MAX];
	size_t gap_count;
};

/*
 * Fills *out. family: of the address that the verdict is about. Numbers are such that natlab's
 * words for them say them exactly.
 */
void nat_twin_derive(const struct verdict *v, uint8_t family, struct nat_twin *out);

/* NULL: nothing of the verdict made this word of this box. */
const struct nat_twin_source *nat_twin_source_of(const struct nat_twin *t, uint8_t layer,
						 const char *key);

/* The verdict without what no twin shows: an expectation file of it is one for the twin. */
void nat_twin_expected(const struct verdict *v, struct verdict *out);

#endif
