/* Whether a verdict meets an expectation. */
#include "expect.h"

#include <strings.h>

#include "expect_value.h"

/* All items behind the operator, gathered. */
struct wanted {
	bool unknown;
	bool value; /* what came out is among them; only where it is known */
	uint32_t words;
};

static bool is_in_net(const struct addr *a, const struct addr *net, uint8_t prefix_len)
{
	uint8_t whole = prefix_len / 8;
	uint8_t mask = (uint8_t)(0xff00u >> prefix_len % 8);

	if (a->family != net->family || memcmp(a->ip, net->ip, whole) != 0)
		return false;
	return mask == 0 || ((a->ip[whole] ^ net->ip[whole]) & mask) == 0;
}

static bool is_value(const struct property *p, const struct property_value *got,
		     const struct expect_value *want, const char *item)
{
	if (!got->known || want->is_unknown)
		return false;
	if (want->is_none || (!got->applies && p->kind != PROPERTY_WORD))
		return want->is_none && !got->applies;
	switch (p->kind) {
	case PROPERTY_INTEGER:
		return (double)got->integer == want->number;
	case PROPERTY_MEASURE:
		return got->low <= want->number && want->number <= got->high;
	case PROPERTY_ADDRESS:
		return is_in_net(&got->addr, &want->net, want->prefix_len);
	default:
		return strcasecmp(got->text, item) == 0;
	}
}

static struct wanted gather(const struct expect_line *line, const struct property_value *got)
{
	struct wanted out = { 0 };
	const char *at = line->wanted;
	struct expect_value value;
	char item[sizeof(line->wanted)];

	while (expect_item(&at, line->operator== EXPECT_IN, item, sizeof(item))) {
		if (!expect_value_parse(line->property, item, &value))
			continue;
		out.unknown |= value.is_unknown;
		out.words |= value.word;
		out.value |= is_value(line->property, got, &value, item);
	}
	return out;
}

/* What is not known may still be excluded, or the only one left. */
static enum expect_result judge_unknown(const struct property_value *got,
					const struct wanted *wanted)
{
	if (wanted->unknown)
		return EXPECT_MET;
	if (got->possible == 0 || wanted->words == 0)
		return EXPECT_OPEN;
	if ((got->possible & wanted->words) == 0)
		return EXPECT_MISSED;
	return (got->possible & ~wanted->words) == 0 ? EXPECT_MET : EXPECT_OPEN;
}

static enum expect_result judge_equal(const struct expect_line *line,
				      const struct property_value *got)
{
	struct wanted wanted = gather(line, got);

	if (!got->known)
		return judge_unknown(got, &wanted);
	return wanted.value ? EXPECT_MET : EXPECT_MISSED;
}

static enum expect_result opposite(enum expect_result r)
{
	if (r == EXPECT_OPEN)
		return EXPECT_OPEN;
	return r == EXPECT_MET ? EXPECT_MISSED : EXPECT_MET;
}

/* `<`; `>` is the same with all signs turned. */
static enum expect_result judge_bound(double low, double high, double bound)
{
	if (high < bound)
		return EXPECT_MET;
	return low >= bound ? EXPECT_MISSED : EXPECT_OPEN;
}

static enum expect_result judge_order(const struct expect_line *line,
				      const struct property_value *got)
{
	double low = got->low;
	double high = got->high;

	if (!got->known)
		return EXPECT_OPEN;
	if (!got->applies)
		return EXPECT_MISSED;
	if (line->property->kind == PROPERTY_INTEGER)
		low = high = (double)got->integer;
	if (line->operator== EXPECT_LESS)
		return judge_bound(low, high, line->number);
	return judge_bound(-high, -low, -line->number);
}

enum expect_result expect_judge(const struct expect_line *line, const struct verdict *v,
				struct property_value *got)
{
	property_get(line->property, v, got);
	switch (line->operator) {
	case EXPECT_LESS:
	case EXPECT_MORE:
		return judge_order(line, got);
	case EXPECT_NOT_EQUAL:
		return opposite(judge_equal(line, got));
	default:
		return judge_equal(line, got);
	}
}

bool expect_applies(const struct expect_line *line, const char *interface, uint8_t family)
{
	if (line->family != ADDR_NONE && line->family != family)
		return false;
	return line->interface[0] == '\0' || strcmp(line->interface, interface) == 0;
}
