#include "property_set.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void property_set_unknown(struct property_value *out, uint8_t cause)
{
	*out = (struct property_value){ .applies = true, .text = "unknown" };
	out->cause =
		cause != CAUSE_NONE && cause < CAUSES ? (enum verdict_cause)cause : CAUSE_NOT_TRIED;
}

void property_set_none(struct property_value *out)
{
	*out = (struct property_value){ .known = true, .text = "none" };
}

void property_set_text(struct property_value *out, const char *text)
{
	*out = (struct property_value){ .known = true, .applies = true };
	snprintf(out->text, sizeof(out->text), "%s", text);
}

void property_set_word(struct property_value *out, const char *const *words, unsigned first,
		       unsigned value, uint8_t cause, uint32_t possible)
{
	if (value >= first) {
		unsigned i = 0;

		while (i < value - first && words[i] != NULL)
			i++;
		if (words[i] != NULL) {
			property_set_text(out, words[i]);
			return;
		}
	}
	property_set_unknown(out, cause);
	out->possible = possible >> first;
}

void property_set_integer(struct property_value *out, int64_t value)
{
	*out = (struct property_value){ .known = true, .applies = true, .integer = value };
	snprintf(out->text, sizeof(out->text), "%" PRId64, value);
}

/* As many decimals as tell something: 0.31, 4.7, 52. */
static int decimals_of(double value)
{
	if (value < 1)
		return 2;
	return value < 10 ? 1 : 0;
}

void property_set_measure(struct property_value *out, double low, double high, const char *unit)
{
	bool counts = unit[0] == '\0' || strcmp(unit, "ports") == 0 || strcmp(unit, "bytes") == 0;
	int decimals = counts ? 0 : decimals_of(high - low > 0 ? high - low : high);
	char a[24], b[24];

	*out = (struct property_value){ .known = true, .applies = true, .low = low, .high = high };
	snprintf(a, sizeof(a), "%.*f", decimals, low);
	snprintf(b, sizeof(b), "%.*f", decimals, high);
	const char *gap = unit[0] != '\0' ? " " : "";

	if (strcmp(a, b) == 0)
		snprintf(out->text, sizeof(out->text), "%s%s%s", a, gap, unit);
	else
		snprintf(out->text, sizeof(out->text), "%s to %s%s%s", a, b, gap, unit);
}

void property_set_at_least(struct property_value *out, double low, const char *unit)
{
	*out = (struct property_value){
		.known = true, .applies = true, .low = low, .high = INFINITY
	};
	snprintf(out->text, sizeof(out->text), "at least %.*f %s", decimals_of(low), low, unit);
}

void property_set_addr(struct property_value *out, const struct addr *a)
{
	char buf[ADDR_TEXT_MAX];

	property_set_text(out, addr_print_ip(a, buf));
	out->addr = addr_with_port(a, 0);
}
