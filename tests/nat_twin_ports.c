/* How a twin chooses ports. */
#include "nat_twin_parts.h"

#include <math.h>

#define PORT_LOW    1024
#define PORT_HIGH   65535
#define MOST_PORTS  45000 /* whoever was seen to use so many uses all */
#define FEW_PERCENT 2
#define SAMPLES_OK  8 /* fewer say nothing of a range */

/* A share as natlab's words can say it: of a percent, one decimal. */
static double rounded_share(double share)
{
	if (!(share > 0))
		return 0;
	return share < 1 ? (double)(unsigned)(share * 1000 + 0.5) / 1000 : 1;
}

static void set_overload(struct nat_twin_work *w)
{
	const struct verdict_interval *kept = &w->v->ports.preserved;
	struct nat_config *c = w->outer;

	if (nat_twin_is_number(w, DEEP_OVERLOAD)) {
		const struct deep_value *told = nat_twin_deep(w, DEEP_OVERLOAD);

		/* Where the default diagnosis saw none, a few that met each other are none. */
		bool saw_none = kept->known && kept->high >= 1 && told->low < FEW_PERCENT;

		if (told->low > 0 && !saw_none)
			c->overload = rounded_share((told->low + told->high) / 200);
		nat_twin_tell(w, w->outer_layer, "overload", "overload");
	} else if (w->v->ports.delta != DELTA_EQUAL) {
		return; /* only then does the share that is kept tell what is taken */
	} else if (kept->known && kept->low >= 0 && kept->low <= kept->high && kept->high < 1) {
		c->overload = rounded_share(1 - (kept->low + kept->high) / 2);
		nat_twin_tell(w, w->outer_layer, "overload", "delta.preserved");
	} else if (!kept->known) {
		nat_twin_gap(w, "delta.preserved", "100 %");
	}
}

/* One socket's ports step by destination, from the one it had first. */
static bool steps_by_destination(struct nat_twin_work *w)
{
	const struct deep_value *step = nat_twin_deep(w, DEEP_PER_DESTINATION);

	return nat_twin_is_number(w, DEEP_PER_DESTINATION) && step->low >= -PORT_HIGH &&
	       step->low <= PORT_HIGH && (int32_t)step->low != 0;
}

static void set_kept(struct nat_twin_work *w)
{
	struct nat_config *c = w->outer;

	set_overload(w);
	if (steps_by_destination(w)) {
		c->allocation = NAT_PER_DESTINATION;
		c->step = (int32_t)nat_twin_deep(w, DEEP_PER_DESTINATION)->low;
		nat_twin_tell(w, w->outer_layer, "step", "delta.per-destination");
	}
}

static void set_background(struct nat_twin_work *w)
{
	const struct deep_value *told = nat_twin_deep(w, DEEP_BACKGROUND);
	double per_s = (told->low + told->high) / 2;

	if (!nat_twin_is_number(w, DEEP_BACKGROUND)) {
		nat_twin_gap(w, "background", "none");
		return;
	}
	nat_twin_tell(w, w->outer_layer, "background", "background");
	if (told->low > 0 && per_s < 1000)
		w->outer->background_per_s = (double)(unsigned)(per_s * 100 + 0.5) / 100;
}

static void set_counted(struct nat_twin_work *w, uint8_t allocation)
{
	w->outer->allocation = allocation;
	w->outer->step = w->v->ports.value != 0 ? w->v->ports.value : 1;
	nat_twin_tell(w, w->outer_layer, "step", "delta.value");
}

static void set_delta(struct nat_twin_work *w)
{
	const struct verdict_ports *p = &w->v->ports;
	bool keeps_parity = p->parity.value == VERDICT_YES;
	struct nat_config *c = w->outer;

	nat_twin_tell(w, w->outer_layer, "allocation", "delta.type");
	switch (p->delta) {
	case DELTA_EQUAL:
		set_kept(w);
		break;
	case DELTA_PRESERVING:
		c->allocation = NAT_OFFSET;
		c->offset = p->value;
		nat_twin_tell(w, w->outer_layer, "offset", "delta.value");
		set_overload(w);
		break;
	case DELTA_INDEPENDENT:
		set_counted(w, keeps_parity ? NAT_PARITY_SEQUENTIAL : NAT_SEQUENTIAL);
		set_background(w);
		break;
	case DELTA_DEPENDENT:
		set_counted(w, NAT_DEPENDENT);
		break;
	case DELTA_RANDOM:
		c->allocation = keeps_parity ? NAT_PARITY_RANDOM : NAT_RANDOM;
		break;
	default:
		nat_twin_gap(w, "delta.type", "equal");
		break;
	}
}

static void set_range(struct nat_twin_work *w, int64_t low, int64_t high, const char *property)
{
	if (low < 1)
		low = 1;
	if (high > PORT_HIGH)
		high = PORT_HIGH;
	if (low > high)
		return;
	w->outer->port_low = (uint16_t)low;
	w->outer->port_high = (uint16_t)high;
	nat_twin_tell(w, w->outer_layer, "ports", property);
}

/* The range that random ports were seen in, and one gap between two of them more at its ends. */
static void set_seen_range(struct nat_twin_work *w)
{
	const struct verdict_ports *p = &w->v->ports;
	int64_t width = (int64_t)p->high - p->low;
	int64_t gap = p->answered > 1 ? width / (p->answered - 1) : 0;

	if (nat_twin_deep(w, DEEP_BLOCK)->state == DEEP_UNKNOWN)
		nat_twin_gap(w, "block", "none; the ports that were seen tell the range");
	if (p->low == 0 || p->answered < SAMPLES_OK || width < p->answered ||
	    width + 2 * gap > MOST_PORTS)
		return;
	set_range(w, p->low - gap > PORT_LOW ? p->low - gap : p->low, p->high + gap, "ports.low");
}

/* The usual end where it may be that, else a round one. */
static uint32_t end_of(const struct deep_value *told, uint32_t usual)
{
	return told->low <= usual && usual <= told->high
		       ? usual
		       : nat_twin_round(told->low, told->high, PORT_HIGH);
}

static bool set_told_range(struct nat_twin_work *w)
{
	const struct deep_value *low = nat_twin_deep(w, DEEP_RANGE_LOW);
	const struct deep_value *high = nat_twin_deep(w, DEEP_RANGE_HIGH);

	if (!nat_twin_is_number(w, DEEP_RANGE_LOW) || !nat_twin_is_number(w, DEEP_RANGE_HIGH) ||
	    low->low < 0 || low->high > PORT_HIGH || high->low < 0 || high->high > PORT_HIGH)
		return false;
	set_range(w, end_of(low, PORT_LOW), end_of(high, PORT_HIGH), "range.low");
	return true;
}

/* Carriers like powers of two. */
static uint32_t block_width(const struct deep_value *block)
{
	uint32_t width = 1;

	while (width < block->low)
		width *= 2;
	return width <= block->high ? width : nat_twin_round(block->low, block->high, PORT_HIGH);
}

/*
 * A block is a range so wide, where the ports were. Other hosts would have other blocks; the twin
 * has one host.
 */
static bool set_block(struct nat_twin_work *w)
{
	const struct deep_value *block = nat_twin_deep(w, DEEP_BLOCK);
	const struct deep_value *low = nat_twin_deep(w, DEEP_RANGE_LOW);
	const struct deep_value *high = nat_twin_deep(w, DEEP_RANGE_HIGH);
	struct nat_config *c = w->outer;
	uint32_t width, from;

	if (!nat_twin_is_number(w, DEEP_BLOCK) || block->low < 1 || block->high > PORT_HIGH)
		return false;
	width = block_width(block);
	nat_twin_tell(w, w->outer_layer, "block-width", "block");
	if (!nat_twin_is_number(w, DEEP_RANGE_LOW) || !nat_twin_is_number(w, DEEP_RANGE_HIGH)) {
		c->block_width = width;
		return true;
	}
	from = nat_twin_round(fmax(low->low, high->low - width + 1),
			      fmin(low->high, high->high - width + 1), PORT_HIGH);
	set_range(w, from, (int64_t)from + width - 1, "block");
	return true;
}

void nat_twin_ports(struct nat_twin_work *w)
{
	if (w->outer->external_count == 0)
		return;
	set_delta(w);
	if (!set_block(w) && !set_told_range(w) && w->v->ports.delta == DELTA_RANDOM)
		set_seen_range(w);
}
