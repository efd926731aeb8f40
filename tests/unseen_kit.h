/* unseen_kit - what the classes of unseen networks are made of, for unseen*.c alone. */
#ifndef NATKIT_UNSEEN_KIT_H
#define NATKIT_UNSEEN_KIT_H

#include "unseen.h"

#define PICK(r, list) (list)[rng_below(r, ARRAY_LEN(list))]

static inline bool happens(struct rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

static inline uint8_t any_rule(struct rng *r)
{
	return (uint8_t)(NAT_EI + rng_below(r, 4));
}

/* enum nat_rule in natprobe's words. */
extern const char *const unseen_rule_words[];

/* Removes the line of a property. */
void unseen_forget(struct unseen *u, const char *property);
/* Sets it: `rest` is the operator and what is wanted. */
void unseen_expect(struct unseen *u, const char *property, const char *rest);
/* The boxes are as they shall be: what is true of them. */
void unseen_tell(struct unseen *u);

/* The outermost box. */
struct nat_config *unseen_box(struct unseen *u);
/* One box, of which only the usual is set. */
void unseen_start(struct unseen *u);
/* One box with any rules. */
void unseen_any_box(struct unseen *u, struct rng *r);
/* Any way of picking ports. */
void unseen_any_ports(struct nat_config *n, struct rng *r);
/* Both. */
void unseen_any_nat(struct unseen *u, struct rng *r);

/* The classes of one file, with an empty one at the end. */
extern const struct unseen_class unseen_ports[], unseen_boxes[], unseen_paths[];

#endif
