/* property_set - makes values of properties, with the words that are printed. */
#ifndef NATPROBE_PROPERTY_SET_H
#define NATPROBE_PROPERTY_SET_H

#include "property.h"

/* Nothing unknown stands without its cause. */
void property_set_unknown(struct property_value *out, uint8_t cause);

/* It does not apply. */
void property_set_none(struct property_value *out);

void property_set_text(struct property_value *out, const char *text);
void property_set_integer(struct property_value *out, int64_t value);
void property_set_addr(struct property_value *out, const struct addr *a); /* without its port */

/*
 * words     of the property, in the order of the enum
 * first     the value of the enum that has words[0]; what is below is unknown
 * possible  bits of the enum
 */
void property_set_word(struct property_value *out, const char *const *words, unsigned first,
		       unsigned value, uint8_t cause, uint32_t possible);

/* With as many decimals as tell something: 0.31, 4.7, 52. */
void property_set_measure(struct property_value *out, double low, double high, const char *unit);

/* Of a time without an end in sight only the beginning is known. */
void property_set_at_least(struct property_value *out, double low, const char *unit);

#endif
