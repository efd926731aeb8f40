/* behaviour_kind - how the value of a knob is read and printed; of behaviour.c only. Pure. */
#ifndef NATLAB_BEHAVIOUR_KIND_H
#define NATLAB_BEHAVIOUR_KIND_H

#include "behaviour.h"

struct behaviour_kind {
	const char *placeholder; /* "TIME" */
	/* Text into the field. False, and *err: what would be right. */
	bool (*read)(const char *text, void *field, struct opt_error *err);
	/* The same without a field, for a table of options. */
	bool (*check)(const char *text, struct opt_error *err);
	/* Returns buf. */
	const char *(*print)(const void *field, char *buf, size_t cap);
};

#define BEHAVIOUR_FIELD_MAX 512 /* no field is larger */

extern const struct behaviour_kind kind_rule, kind_allocation, kind_pooling, kind_hairpin,
	kind_reaction, kind_refresh, kind_fragments, kind_flag; /* uint8_t, bool */
extern const struct behaviour_kind kind_count;                  /* uint32_t */
extern const struct behaviour_kind kind_integer;                /* int32_t */
extern const struct behaviour_kind kind_number;                 /* double */
extern const struct behaviour_kind kind_share;                  /* double, 0 to 1 */
extern const struct behaviour_kind kind_seconds;                /* uint32_t */
extern const struct behaviour_kind kind_ms;                     /* uint32_t */
extern const struct behaviour_kind kind_us;                     /* uint32_t */
extern const struct behaviour_kind kind_bits;                   /* uint64_t per second */
extern const struct behaviour_kind kind_ports;                  /* uint16_t[2]: low, high */
extern const struct behaviour_kind kind_port_set;               /* uint16_t[4], 0 at the end */
extern const struct behaviour_kind kind_address;                /* struct addr */
extern const struct behaviour_kind kind_addresses;              /* struct addr[NAT_EXTERNALS_MAX] */
extern const struct behaviour_kind kind_prefix; /* struct addr: the length is its port */

#endif
