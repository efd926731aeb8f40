/*
 * floor - who may make mappings now (discover.h, "The floor"): those that may be behind the same
 * NAT take turns, first come first served.
 *
 * Pure bookkeeping. Whoever runs several discoveries adds each as a member, says after each step
 * whether it wants the floor (discover_wants_floor), and tells the one that floor_want names
 * (discover_take_floor). A member belongs to a group, and each group has a floor of its own:
 * IPv4 and IPv6 are not translated by the same NAT.
 */
#ifndef NATPROBE_FLOOR_H
#define NATPROBE_FLOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOOR_NOBODY SIZE_MAX

struct floor;

/* NULL when memory runs out; cap: most members. */
struct floor *floor_new(size_t cap);
void floor_free(struct floor *f); /* NULL is fine */

/* Adds a member, which has not got the floor yet. Returns its number: 0, 1, 2, ... below cap. */
size_t floor_add(struct floor *f, uint8_t group);

/*
 * `member` wants the floor, or not (any more). Saying again what was said before changes nothing.
 * Returns the member that gets the floor by this, which may be `member` itself; FLOOR_NOBODY:
 * nobody gets it now.
 */
size_t floor_want(struct floor *f, size_t member, bool wants);

/* Whether `member` has the floor of its group; whether anybody has it or wants it. */
bool floor_has(const struct floor *f, size_t member);
bool floor_is_wanted(const struct floor *f, size_t member);

#endif
