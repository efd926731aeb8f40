#include "opt_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "opt_text.h"
#include "wire.h"

struct unit {
	const char *name;
	uint64_t scale;
};

/* From large to small, as they are tried for printing. */
static const struct unit time_units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }, { 0 },
};
static const struct unit size_units[] = {
	{ "GiB", 1 << 30 },
	{ "MiB", 1 << 20 },
	{ "KiB", 1 << 10 },
	{ "GB", 1000000000 },
	{ "MB", 1000000 },
	{ "kB", 1000 },
	{ "", 1 },
	{ "B", 1 },
	{ 0 },
};

bool opt_type_is_list(enum opt_type type)
{
	return type == OPT_STR_LIST || type == OPT_ADDR_LIST || type == OPT_CIDR_LIST;
}

bool opt_type_is_str(enum opt_type type)
{
	return type == OPT_STR || type == OPT_FILE || type == OPT_STR_LIST;
}

size_t opt_item_size(enum opt_type type)
{
	switch (type) {
	case OPT_FLAG:
		return sizeof(bool);
	case OPT_INT:
		return sizeof(int64_t);
	case OPT_MS:
	case OPT_BYTES:
		return sizeof(uint64_t);
	case OPT_ENUM:
		return sizeof(int);
	case OPT_STR:
	case OPT_FILE:
	case OPT_STR_LIST:
		return sizeof(char *);
	case OPT_ADDR:
	case OPT_ADDR_LIST:
		return sizeof(struct addr);
	case OPT_CIDR:
	case OPT_CIDR_LIST:
		return sizeof(struct opt_cidr);
	}
	abort();
}

static bool parse_flag(const char *text, bool *out, struct opt_error *err)
{
	static const char *const on[] = { "on", "yes", "true" };
	static const char *const off[] = { "off", "no", "false" };

	for (size_t i = 0; i < ARRAY_LEN(on); i++) {
		if (strcmp(text, on[i]) == 0 || strcmp(text, off[i]) == 0) {
			*out = strcmp(text, on[i]) == 0;
			return true;
		}
	}
	return opt_fail(err, "`%s` is neither on nor off", opt_show(text).text);
}

static bool is_bounded(const struct opt *o)
{
	return o->min != 0 || o->max != 0;
}

/* Zero where it is the fallback means "none" or "off", whatever the range. */
static bool is_zero_allowed(const struct opt *o)
{
	return o->fallback != NULL && strcmp(o->fallback, "0") == 0;
}

static bool in_range(const struct opt *o, int64_t value)
{
	if (!is_bounded(o) || (value == 0 && is_zero_allowed(o)))
		return true;
	return value >= o->min && value <= o->max;
}

#define AMOUNT_TEXT_MAX 32

/* "10s", "2MiB", "7": in the largest unit that fits without a fraction. Returns buf. */
static const char *amount_text(enum opt_type type, uint64_t amount,
			       char buf[static AMOUNT_TEXT_MAX])
{
	const struct unit *unit = type == OPT_MS ? time_units : size_units;

	if (amount == 0) {
		snprintf(buf, AMOUNT_TEXT_MAX, "0");
		return buf;
	}
	while (amount % unit->scale != 0)
		unit++;
	snprintf(buf, AMOUNT_TEXT_MAX, "%" PRIu64 "%s", amount / unit->scale, unit->name);
	return buf;
}

static const char *bound_text(const struct opt *o, int64_t bound, char buf[static AMOUNT_TEXT_MAX])
{
	if (o->type != OPT_INT)
		return amount_text(o->type, (uint64_t)bound, buf);
	snprintf(buf, AMOUNT_TEXT_MAX, "%" PRId64, bound);
	return buf;
}

static bool fail_range(const struct opt *o, const char *text, struct opt_error *err)
{
	char least_text[AMOUNT_TEXT_MAX], most_text[AMOUNT_TEXT_MAX];
	int64_t least = o->min, most = o->max;

	if (!is_bounded(o)) {
		least = o->type == OPT_INT ? INT64_MIN : 0;
		most = INT64_MAX;
	}
	return opt_fail(err, "%s is out of range; from %s to %s it may be%s", opt_show(text).text,
			bound_text(o, least, least_text), bound_text(o, most, most_text),
			least > 0 && is_zero_allowed(o) ? ", or 0" : "");
}

static bool parse_int(const struct opt *o, const char *text, int64_t *out, struct opt_error *err)
{
	const char *digits = text[0] == '-' ? text + 1 : text;

	if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return opt_fail(err, "`%s` is no whole number", opt_show(text).text);
	errno = 0;
	long long value = strtoll(text, NULL, 10);
	if (errno != 0 || !in_range(o, value))
		return fail_range(o, text, err);
	*out = value;
	return true;
}

enum scaled { SCALED = 0, TOO_LARGE, TOO_FINE };

/* "12" or "1.5" times scale, if that is a whole number. */
static enum scaled scale_decimal(const char *digits, size_t len, uint64_t scale, uint64_t *out)
{
	uint64_t value = 0, worth = scale; /* of the next digit behind the point */
	bool behind_point = false;

	for (size_t i = 0; i < len; i++) {
		uint64_t add;

		if (digits[i] == '.') {
			behind_point = true;
			continue;
		}
		if (behind_point) {
			if (worth % 10 != 0)
				return TOO_FINE;
			worth /= 10;
		} else if (__builtin_mul_overflow(value, 10, &value)) {
			return TOO_LARGE;
		}
		if (__builtin_mul_overflow((uint64_t)(digits[i] - '0'), worth, &add) ||
		    __builtin_add_overflow(value, add, &value))
			return TOO_LARGE;
	}
	*out = value;
	return value <= INT64_MAX ? SCALED : TOO_LARGE;
}

/* Length of the decimal number that text starts with, 0 for none. */
static size_t decimal_len(const char *text)
{
	size_t len = strspn(text, "0123456789");

	if (len == 0 || text[len] != '.')
		return len;
	size_t more = strspn(text + len + 1, "0123456789");
	return more == 0 ? 0 : len + 1 + more;
}

static bool parse_amount(const struct opt *o, const char *text, uint64_t *out,
			 struct opt_error *err)
{
	const struct unit *unit = o->type == OPT_MS ? time_units : size_units;
	const char *known =
		o->type == OPT_MS ? "500ms, 10s, 5m, 1h, 1d" : "1500, 64KiB, 2MiB, 1GiB";
	size_t len = decimal_len(text);
	uint64_t value = 0;

	if (len == 0)
		return opt_fail(err, "`%s` is no amount; write it like %s", opt_show(text).text,
				known);
	while (unit->name != NULL && strcmp(unit->name, text + len) != 0)
		unit++;
	if (unit->name == NULL && strcmp(text, "0") != 0) {
		return opt_fail(err, "%s `%s`; write it like %s",
				text[len] == '\0' ? "a unit is missing behind" : "unknown unit in",
				opt_show(text).text, known);
	}
	enum scaled scaled = SCALED;
	if (unit->name != NULL)
		scaled = scale_decimal(text, len, unit->scale, &value);
	if (scaled == TOO_FINE)
		return opt_fail(err, "`%s` has a fraction too fine for its unit",
				opt_show(text).text);
	if (scaled == TOO_LARGE || !in_range(o, (int64_t)value))
		return fail_range(o, text, err);
	*out = value;
	return true;
}

/* The word number `index` of "a|b|c": sets *len; NULL when there is none. */
static const char *choice_at(const char *choices, int index, size_t *len)
{
	const char *word = choices;

	for (;;) {
		*len = strcspn(word, "|");
		if (index == 0)
			return word;
		if (word[*len] == '\0')
			return NULL;
		word += *len + 1;
		index--;
	}
}

static bool parse_enum(const struct opt *o, const char *text, int *out, struct opt_error *err)
{
	const char *word;
	size_t len;

	for (int i = 0; (word = choice_at(o->choices, i, &len)) != NULL; i++) {
		if (strlen(text) == len && memcmp(text, word, len) == 0) {
			*out = i;
			return true;
		}
	}
	return opt_fail(err, "`%s` is none of %s", opt_show(text).text, o->choices);
}

static bool parse_str(const struct opt *o, const char *text, char **out, struct opt_error *err)
{
	if (o->check != NULL && !o->check(text, err))
		return false;
	char *copy = strdup(text);
	if (copy == NULL)
		return opt_fail(err, "out of memory");
	*out = copy;
	return true;
}

static bool parse_addr(const struct opt *o, const char *text, struct addr *out,
		       struct opt_error *err)
{
	if (addr_parse(text, o->default_port, out))
		return true;
	if (strchr(text, '%') != NULL)
		return opt_fail(err,
				"`%s` is no address; behind the %% of a link-local one stands the "
				"number of its interface",
				opt_show(text).text);
	return opt_fail(err, "`%s` is no address; write it like 192.0.2.1%s or [2001:db8::1]%s",
			opt_show(text).text, o->default_port == 0 ? ":3478" : "",
			o->default_port == 0 ? ":3478" : "");
}

/* Zeroes the bits behind the prefix. */
static struct addr net_of(const struct addr *a, unsigned prefix_len)
{
	struct addr net = *a;

	for (unsigned bit = prefix_len; bit < addr_ip_len(a->family) * 8; bit++)
		net.ip[bit / 8] &= (uint8_t)~(0x80u >> bit % 8);
	return net;
}

/* "/24" behind an address, or nothing: then the prefix is the whole address. */
static bool parse_prefix_len(const char *slash, unsigned most, unsigned *out)
{
	*out = most;
	if (slash == NULL)
		return true;
	size_t len = strspn(slash + 1, "0123456789");
	if (len == 0 || len > 3 || slash[1 + len] != '\0')
		return false;
	*out = (unsigned)strtoul(slash + 1, NULL, 10);
	return *out <= most;
}

static bool parse_cidr(const char *text, struct opt_cidr *out, struct opt_error *err)
{
	const char *slash = strchr(text, '/');
	size_t ip_len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char ip[ADDR_TEXT_MAX], show[ADDR_TEXT_MAX];
	struct addr a;
	unsigned prefix_len;

	if (ip_len >= sizeof(ip))
		return opt_fail(err, "`%s` is too long for a network", opt_show(text).text);
	memcpy(ip, text, ip_len);
	ip[ip_len] = '\0';
	if (strpbrk(ip, "[]%") != NULL || !addr_parse_ip(ip, 0, &a))
		return opt_fail(err,
				"`%s` is no network; write it like 192.0.2.0/24 or 2001:db8::/32",
				opt_show(text).text);
	unsigned most = (unsigned)addr_ip_len(a.family) * 8;
	if (!parse_prefix_len(slash, most, &prefix_len))
		return opt_fail(err, "`%s` has no good prefix length; from 0 to %u it may be",
				opt_show(text).text, most);
	if (addr_unmap(&a).family != a.family)
		return opt_fail(err, "`%s` is IPv4 in disguise; write it as IPv4",
				opt_show(text).text);
	struct addr net = net_of(&a, prefix_len);
	if (!addr_equal_ip(&net, &a))
		return opt_fail(err, "`%s` has host bits set; the network is %s/%u, the host %s/%u",
				opt_show(text).text, addr_print_ip(&net, show), prefix_len, ip,
				most);
	*out = (struct opt_cidr){ .net = net, .prefix_len = (uint8_t)prefix_len };
	return true;
}

bool opt_item_parse(const struct opt *o, const char *text, union opt_item *item,
		    struct opt_error *err)
{
	switch (o->type) {
	case OPT_FLAG:
		return parse_flag(text, &item->flag, err);
	case OPT_INT:
		return parse_int(o, text, &item->number, err);
	case OPT_MS:
	case OPT_BYTES:
		return parse_amount(o, text, &item->amount, err);
	case OPT_ENUM:
		return parse_enum(o, text, &item->choice, err);
	case OPT_STR:
	case OPT_FILE:
	case OPT_STR_LIST:
		return parse_str(o, text, &item->str, err);
	case OPT_ADDR:
	case OPT_ADDR_LIST:
		return parse_addr(o, text, &item->addr, err);
	case OPT_CIDR:
	case OPT_CIDR_LIST:
		return parse_cidr(text, &item->cidr, err);
	}
	abort();
}

static void print_choice(const struct opt *o, int choice, FILE *out)
{
	size_t len;
	const char *word = choice_at(o->choices, choice, &len);

	fprintf(out, "%.*s", word != NULL ? (int)len : 0, word != NULL ? word : "");
}

void opt_item_print(const struct opt *o, const union opt_item *item, FILE *out)
{
	char text[ADDR_TEXT_MAX];

	switch (o->type) {
	case OPT_FLAG:
		fputs(item->flag ? "on" : "off", out);
		return;
	case OPT_INT:
		fprintf(out, "%" PRId64, item->number);
		return;
	case OPT_MS:
	case OPT_BYTES:
		fputs(amount_text(o->type, item->amount, text), out);
		return;
	case OPT_ENUM:
		print_choice(o, item->choice, out);
		return;
	case OPT_STR:
	case OPT_FILE:
	case OPT_STR_LIST:
		opt_print_quoted(item->str, out);
		return;
	case OPT_ADDR:
	case OPT_ADDR_LIST:
		fputs(addr_print(&item->addr, text), out);
		return;
	case OPT_CIDR:
	case OPT_CIDR_LIST:
		fprintf(out, "%s/%u", addr_print_ip(&item->cidr.net, text), item->cidr.prefix_len);
		return;
	}
}

bool opt_item_is_unset(const struct opt *o, const union opt_item *item)
{
	switch (o->type) {
	case OPT_INT:
		return (o->flags & OPT_OPTIONAL) ? item->number == OPT_UNSET_INT
						 : item->number == 0 && !in_range(o, 0);
	case OPT_MS:
	case OPT_BYTES:
		return (o->flags & OPT_OPTIONAL) ? item->amount == OPT_UNSET_AMOUNT
						 : item->amount == 0 && !in_range(o, 0);
	case OPT_STR:
	case OPT_FILE:
		return item->str == NULL;
	case OPT_ADDR:
		return item->addr.family == ADDR_NONE;
	case OPT_CIDR:
		return item->cidr.net.family == ADDR_NONE;
	default:
		return false;
	}
}

static bool str_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool opt_item_equal(enum opt_type type, const union opt_item *a, const union opt_item *b)
{
	switch (type) {
	case OPT_FLAG:
		return a->flag == b->flag;
	case OPT_INT:
		return a->number == b->number;
	case OPT_MS:
	case OPT_BYTES:
		return a->amount == b->amount;
	case OPT_ENUM:
		return a->choice == b->choice;
	case OPT_STR:
	case OPT_FILE:
	case OPT_STR_LIST:
		return str_equal(a->str, b->str);
	case OPT_ADDR:
	case OPT_ADDR_LIST:
		return addr_equal(&a->addr, &b->addr);
	case OPT_CIDR:
	case OPT_CIDR_LIST:
		return a->cidr.prefix_len == b->cidr.prefix_len &&
		       addr_equal(&a->cidr.net, &b->cidr.net);
	}
	abort();
}
