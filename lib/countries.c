#include "countries.h"

#include "counter.h"

/* The place of a code; of what is none: not known. */
static size_t place_of(const char *country)
{
	if (country[0] < 'A' || country[0] > 'Z' || country[1] < 'A' || country[1] > 'Z' ||
	    country[2] != '\0')
		return 0;
	return 1u + (size_t)(country[0] - 'A') * 26u + (size_t)(country[1] - 'A');
}

void countries_count(struct countries *c, const struct geo *geo, const struct addr *from)
{
	struct geo_answer answer;

	if (geo == NULL)
		return;
	geo_find(geo, from, &answer);
	countries_count_code(c, answer.country);
}

void countries_count_code(struct countries *c, const char *country)
{
	counter_add(&c->at[place_of(country)], 1);
}

uint64_t countries_read(const struct countries *c, const char *country)
{
	return counter_read(&c->at[place_of(country)]);
}

static void put_one(struct metrics *m, size_t place, uint64_t value)
{
	char code[3] = { 0 };

	if (place == 0) {
		metrics_count(m, METRICS_LABELS("country", "unknown"), value);
		return;
	}
	code[0] = (char)('A' + (place - 1) / 26);
	code[1] = (char)('A' + (place - 1) % 26);
	metrics_count(m, METRICS_LABELS("country", code), value);
}

void countries_add(struct countries *sum, const struct countries *of)
{
	for (size_t i = 0; i < COUNTRIES_MAX; i++)
		counter_add(&sum->at[i], counter_read(&of->at[i]));
}

void countries_report(struct metrics *m, const char *name, const char *help,
		      const struct countries *c)
{
	bool begun = false;

	for (size_t i = 0; i < COUNTRIES_MAX; i++) {
		uint64_t value = counter_read(&c->at[i]);

		if (value == 0)
			continue;
		if (!begun)
			metrics_family(m, name, METRICS_COUNTER, help);
		begun = true;
		put_one(m, i, value);
	}
}
