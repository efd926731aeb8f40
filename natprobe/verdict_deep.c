#include "verdict_deep.h"

static struct deep_value *value_of(struct verdict_deep *v, enum deep_property which)
{
	struct deep_value *value = &v->values[which];
	struct deep_value clean = { .sent = value->sent, .answered = value->answered };

	*value = clean;
	return value;
}

void deep_set_unknown(struct verdict_deep *v, enum deep_property which, uint8_t cause)
{
	value_of(v, which)->cause = cause;
}

void deep_set_none(struct verdict_deep *v, enum deep_property which)
{
	value_of(v, which)->state = DEEP_NONE;
}

void deep_set_word(struct verdict_deep *v, enum deep_property which, unsigned word)
{
	struct deep_value *value = value_of(v, which);

	value->state = DEEP_WORD;
	value->word = (uint8_t)word;
}

void deep_set_number(struct verdict_deep *v, enum deep_property which, double low, double high)
{
	struct deep_value *value = value_of(v, which);

	value->state = DEEP_NUMBER;
	value->low = low;
	value->high = high;
}
