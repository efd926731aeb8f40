#include "expect_value.h"

#include <stdio.h>
#include <string.h>

#include "wire.h"

#define NUMBER_MAX 1e12

bool expect_item(const char **at, bool is_list, char *item, size_t cap)
{
	const char *start = *at;
	size_t len;

	if (start == NULL)
		return false;
	len = is_list ? strcspn(start, ",") : strlen(start);
	*at = start[len] == ',' ? start + len + 1 : NULL;
	for (; len > 0 && (*start == ' ' || *start == '\t'); len--)
		start++;
	while (len > 0 && (start[len - 1] == ' ' || start[len - 1] == '\t'))
		len--;
	snprintf(item, cap, "%.*s", (int)len, start);
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits with at most one point among them; no sign, no exponent. */
static bool take_number(const char **at, double *out)
{
	const char *p = *at;
	double value = 0;
	double place = 1;

	if (!is_digit(*p))
		return false;
	for (; is_digit(*p); p++)
		value = value * 10 + (*p - '0');
	if (*p == '.' && is_digit(p[1])) {
		for (p++; is_digit(*p); p++) {
			place /= 10;
			value += place * (*p - '0');
		}
	}
	if (value > NUMBER_MAX)
		return false;
	*at = p;
	*out = value;
	return true;
}

/* How much one of that unit is in the property's; 0: it does not measure that. */
static double scale(const struct property *p, const char *unit)
{
	static const struct {
		const char *of, *unit;
		double factor;
	} units[] = {
		{ "ms", "us", 0.001 }, { "ms", "ms", 1 },  { "ms", "s", 1000 },
		{ "s", "ms", 0.001 },  { "s", "min", 60 },
	};

	if (*unit == '\0' || strcmp(unit, p->unit) == 0)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strcmp(p->unit, units[i].of) == 0 && strcmp(unit, units[i].unit) == 0)
			return units[i].factor;
	}
	return 0;
}

/* What has no unit may be a step, and that may go down. */
static bool parse_measure(const struct property *p, const char *item, struct expect_value *out)
{
	bool negative = *item == '-' && p->unit[0] == '\0';

	if (negative)
		item++;
	if (!take_number(&item, &out->number))
		return false;
	while (*item == ' ')
		item++;
	out->number *= negative ? -scale(p, item) : scale(p, item);
	out->is_number = scale(p, item) > 0;
	return out->is_number;
}

static bool parse_integer(const char *item, struct expect_value *out)
{
	bool negative = *item == '-';

	if (*item == '-' || *item == '+')
		item++;
	if (strchr(item, '.') != NULL || !take_number(&item, &out->number) || *item != '\0')
		return false;
	if (negative)
		out->number = -out->number;
	out->is_number = true;
	return true;
}

static bool parse_word(const struct property *p, const char *item, struct expect_value *out)
{
	for (size_t i = 0; p->words[i] != NULL; i++) {
		if (strcmp(p->words[i], item) == 0) {
			out->word = 1u << i;
			return true;
		}
	}
	return false;
}

/* 192.0.2.1, 192.0.2.0/24 */
static bool parse_net(const char *item, struct expect_value *out)
{
	char ip[ADDR_TEXT_MAX];
	size_t len = strcspn(item, "/");
	double bits;

	if (len >= sizeof(ip))
		return false;
	memcpy(ip, item, len);
	ip[len] = '\0';
	if (!addr_parse_ip(ip, 0, &out->net))
		return false;
	out->prefix_len = (uint8_t)(8 * addr_ip_len(out->net.family));
	if (item[len] == '\0')
		return true;
	item += len + 1;
	if (strchr(item, '.') != NULL || !take_number(&item, &bits) || *item != '\0' ||
	    bits > out->prefix_len)
		return false;
	out->prefix_len = (uint8_t)bits;
	return true;
}

/* A country: two letters. */
static bool parse_text(const char *item)
{
	return strlen(item) == 2 &&
	       strspn(item, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == 2;
}

bool expect_value_parse(const struct property *p, const char *item, struct expect_value *out)
{
	*out = (struct expect_value){ 0 };
	if (strcmp(item, "unknown") == 0) {
		out->is_unknown = true;
		return true;
	}
	if (strcmp(item, "none") == 0 && p->kind != PROPERTY_WORD && p->kind != PROPERTY_TEXT) {
		out->is_none = true;
		return true;
	}
	switch (p->kind) {
	case PROPERTY_WORD:
		return parse_word(p, item, out);
	case PROPERTY_INTEGER:
		return parse_integer(item, out);
	case PROPERTY_MEASURE:
		return parse_measure(p, item, out);
	case PROPERTY_ADDRESS:
		return parse_net(item, out);
	default:
		return parse_text(item);
	}
}

static const char *measure_example(const struct property *p)
{
	if (p->unit[0] == '%')
		return "a number such as 5%; = also takes none or unknown";
	if (strcmp(p->unit, "ms") == 0)
		return "a time such as 50ms; = also takes none or unknown";
	if (strcmp(p->unit, "s") == 0)
		return "a time such as 120s; = also takes none or unknown";
	return "a number such as 512; = also takes none or unknown";
}

const char *expect_value_example(const struct property *p)
{
	switch (p->kind) {
	case PROPERTY_INTEGER:
		return "a whole number such as -1, none, or unknown";
	case PROPERTY_MEASURE:
		return measure_example(p);
	case PROPERTY_ADDRESS:
		return "an address or a network such as 100.64.0.0/10, none, or unknown";
	default:
		return "two letters such as DE, or unknown";
	}
}
