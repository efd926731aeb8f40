/* How long a discovery has had the floor without an answer. */
#include "discover_state.h"

static uint64_t this_look_us(const struct discover *d)
{
	return d->look_since_us != 0 ? d->now_us - d->look_since_us : 0;
}

void discover_begin_look(struct discover *d)
{
	if (d->has_floor && d->look_since_us == 0)
		d->look_since_us = d->now_us > 0 ? d->now_us : 1;
}

void discover_end_look(struct discover *d)
{
	d->looked_us += this_look_us(d);
	d->look_since_us = 0;
}

bool discover_has_looked(const struct discover *d)
{
	return d->answered_us == 0 && this_look_us(d) >= LOOK_US;
}

bool discover_has_looked_for(const struct discover *d, uint64_t us)
{
	return d->answered_us == 0 && d->looked_us + this_look_us(d) >= us;
}

bool discover_yields(const struct discover *d)
{
	return discover_has_looked_for(d, YIELD_US);
}
