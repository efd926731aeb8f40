/* nat_twin_parts - what the files of nat_twin have in common; only they include this. */
#ifndef NATKIT_NAT_TWIN_PARTS_H
#define NATKIT_NAT_TWIN_PARTS_H

#include "nat_twin.h"

/* One that is being made. */
struct nat_twin_work {
	const struct verdict *v;
	uint8_t family;
	struct nat_twin *out;
	struct nat_config *outer; /* the box that shows what was measured */
	uint8_t outer_layer;
	struct nat_config *inner; /* the gateway of the host; may be the same */
	uint8_t inner_layer;
};

void nat_twin_tell(struct nat_twin_work *w, uint8_t layer, const char *key, const char *property);
void nat_twin_because(struct nat_twin_work *w, uint8_t layer, const char *key, const char *why);
void nat_twin_gap(struct nat_twin_work *w, const char *property, const char *assumed);

/* Whether the deeper look knows it. */
const struct deep_value *nat_twin_deep(const struct nat_twin_work *w, enum deep_property which);
bool nat_twin_is_word(const struct nat_twin_work *w, enum deep_property which, unsigned word);
bool nat_twin_is_number(const struct nat_twin_work *w, enum deep_property which);

/* A round number in low to high: of whole ones, the one with most zeros. */
uint32_t nat_twin_round(double low, double high, uint32_t max);

/* Which boxes there are, and their addresses. */
void nat_twin_boxes(struct nat_twin_work *w);
/* Boxes before the outermost one get what may not stand in its way. The last step. */
void nat_twin_agree(struct nat_twin_work *w);
/* How ports are chosen. */
void nat_twin_ports(struct nat_twin_work *w);
/* What only a deeper look tells, but for ports. */
void nat_twin_depths(struct nat_twin_work *w);

#endif
