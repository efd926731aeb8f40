#include "behaviour_kind.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nat64.h"

#define LIST_TEXT_MAX 512

static bool wrong(struct opt_error *err, const char *text, const char *remedy)
{
	snprintf(err->text, sizeof(err->text), "\"%.60s\" is none; write %s", text, remedy);
	return false;
}

/* --- words --- */

/* Pairs: the short one and the one of the RFCs. */
#define WORDS_MAX 16

static bool read_word(const char *text, void *field, struct opt_error *err,
		      const char *const words[WORDS_MAX][2])
{
	char all[300] = "";
	size_t len = 0;

	for (uint8_t i = 0; i < WORDS_MAX && words[i][0] != NULL; i++) {
		if (strcmp(text, words[i][0]) == 0 || strcmp(text, words[i][1]) == 0) {
			*(uint8_t *)field = i;
			return true;
		}
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i > 0 ? ", " : "",
					words[i][1]);
	}
	return wrong(err, text, all);
}

static const char *print_word(const void *field, char *buf, size_t cap,
			      const char *const words[WORDS_MAX][2])
{
	snprintf(buf, cap, "%s", words[*(const uint8_t *)field][1]);
	return buf;
}

/* A kind of that name, with functions that know their words. */
#define DEFINE_WORDS(name, placeholder_text)                                                     \
	static bool read_##name(const char *text, void *field, struct opt_error *err)            \
	{                                                                                        \
		return read_word(text, field, err, name##_words);                                \
	}                                                                                        \
	static bool check_##name(const char *text, struct opt_error *err)                        \
	{                                                                                        \
		uint8_t scratch;                                                                 \
                                                                                                 \
		return read_##name(text, &scratch, err);                                         \
	}                                                                                        \
	static const char *print_##name(const void *field, char *buf, size_t cap)                \
	{                                                                                        \
		return print_word(field, buf, cap, name##_words);                                \
	}                                                                                        \
	const struct behaviour_kind kind_##name = { placeholder_text, read_##name, check_##name, \
						    print_##name }

static const char *const rule_words[WORDS_MAX][2] = {
	[NAT_NONE] = { "none", "none" },
	[NAT_EI] = { "ei", "endpoint-independent" },
	[NAT_AD] = { "ad", "address-dependent" },
	[NAT_APD] = { "apd", "address-and-port-dependent" },
	[NAT_PD] = { "pd", "port-dependent" },
};
DEFINE_WORDS(rule, "none|ei|ad|apd|pd");

static const char *const allocation_words[WORDS_MAX][2] = {
	[NAT_PRESERVING] = { "preserving", "preserving" },
	[NAT_OFFSET] = { "offset", "offset" },
	[NAT_SEQUENTIAL] = { "sequential", "sequential" },
	[NAT_PER_DESTINATION] = { "per-destination", "per-destination" },
	[NAT_DEPENDENT] = { "dependent", "dependent" },
	[NAT_PARITY_RANDOM] = { "parity-random", "parity-random" },
	[NAT_PARITY_SEQUENTIAL] = { "parity-sequential", "parity-sequential" },
	[NAT_CONTIGUOUS] = { "contiguous", "contiguous" },
	[NAT_RANDOM] = { "random", "random" },
	[NAT_LINUX] = { "linux", "linux" },
};
DEFINE_WORDS(allocation, "WORD");

static const char *const pooling_words[WORDS_MAX][2] = {
	[NAT_POOL_PAIRED] = { "paired", "paired" },
	[NAT_POOL_ARBITRARY] = { "arbitrary", "arbitrary" },
	[NAT_POOL_BY_DESTINATION] = { "per-destination", "per-destination" },
};
DEFINE_WORDS(pooling, "paired|arbitrary|per-destination");

static const char *const hairpin_words[WORDS_MAX][2] = {
	[NAT_HAIRPIN_NONE] = { "no", "no" },
	[NAT_HAIRPIN_EXTERNAL] = { "external", "external-source" },
	[NAT_HAIRPIN_INTERNAL] = { "internal", "internal-source" },
};
DEFINE_WORDS(hairpin, "no|external|internal");

static const char *const reaction_words[WORDS_MAX][2] = {
	[NAT_DROP] = { "drop", "drop" },
	[NAT_ICMP] = { "icmp", "icmp" },
	[NAT_RST] = { "rst", "rst" },
	[NAT_ACCEPT] = { "accept", "accept" },
};
DEFINE_WORDS(reaction, "drop|icmp|rst|accept");

static const char *const refresh_words[WORDS_MAX][2] = {
	[NAT_REFRESH_OUT] = { "out", "outbound" },
	[NAT_REFRESH_IN] = { "in", "inbound" },
	[NAT_REFRESH_BOTH] = { "both", "both" },
	[NAT_REFRESH_NONE] = { "none", "none" },
};
DEFINE_WORDS(refresh, "out|in|both|none");

static const char *const fragments_words[WORDS_MAX][2] = {
	[NAT_FRAGMENTS_ANY_ORDER] = { "any-order", "any-order" },
	[NAT_FRAGMENTS_IN_ORDER] = { "in-order", "in-order" },
	[NAT_FRAGMENTS_DROP] = { "drop", "drop" },
};
DEFINE_WORDS(fragments, "any-order|in-order|drop");

/* --- everything else: each kind has a reader and a printer, and checks by reading --- */

#define DEFINE_KIND(name, placeholder_text)                                                      \
	static bool check_##name(const char *text, struct opt_error *err)                        \
	{                                                                                        \
		_Alignas(8) uint8_t scratch[BEHAVIOUR_FIELD_MAX];                                \
                                                                                                 \
		return read_##name(text, scratch, err);                                          \
	}                                                                                        \
	const struct behaviour_kind kind_##name = { placeholder_text, read_##name, check_##name, \
						    print_##name }

static bool read_flag(const char *text, void *field, struct opt_error *err)
{
	bool on = strcmp(text, "on") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
	bool off =
		strcmp(text, "off") == 0 || strcmp(text, "no") == 0 || strcmp(text, "false") == 0;

	if (on || off)
		*(bool *)field = on;
	return on || off || wrong(err, text, "on or off");
}

static const char *print_flag(const void *field, char *buf, size_t cap)
{
	snprintf(buf, cap, "%s", *(const bool *)field ? "on" : "off");
	return buf;
}

DEFINE_KIND(flag, "on|off");

/* A number within the limits, all of the text. */
static bool read_integer_in(const char *text, int64_t min, int64_t max, int64_t *out)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	if (end == text || *end != '\0' || n < min || n > max)
		return false;
	*out = n;
	return true;
}

static bool read_count(const char *text, void *field, struct opt_error *err)
{
	int64_t n;

	if (!read_integer_in(text, 0, 1000000000, &n))
		return wrong(err, text, "a number from 0 to 1000000000");
	*(uint32_t *)field = (uint32_t)n;
	return true;
}

static const char *print_count(const void *field, char *buf, size_t cap)
{
	snprintf(buf, cap, "%u", *(const uint32_t *)field);
	return buf;
}

DEFINE_KIND(count, "N");

static bool read_integer(const char *text, void *field, struct opt_error *err)
{
	int64_t n;

	if (!read_integer_in(text, -65535, 65535, &n))
		return wrong(err, text, "a number from -65535 to 65535");
	*(int32_t *)field = (int32_t)n;
	return true;
}

static const char *print_integer(const void *field, char *buf, size_t cap)
{
	snprintf(buf, cap, "%d", *(const int32_t *)field);
	return buf;
}

DEFINE_KIND(integer, "N");

struct unit {
	const char *word;
	double factor;
};

/* A number and a unit of the list, which ends with a NULL word. */
static bool read_with_unit(const char *text, const struct unit *units, double max, double *out)
{
	char *end;
	double n = strtod(text, &end);

	/* No hexadecimal, no "inf". */
	if (end == text || strspn(text, "0123456789.") != (size_t)(end - text))
		return false;
	for (const struct unit *u = units; u->word != NULL; u++) {
		if (strcmp(end, u->word) != 0)
			continue;
		*out = n * u->factor;
		return *out <= max;
	}
	return false;
}

static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };
static const struct unit share_units[] = { { "%", 0.01 }, { "", 1 }, { NULL, 0 } };
static const struct unit time_units[] = { { "us", 1 },   { "ms", 1e3 },   { "s", 1e6 },
					  { "m", 60e6 }, { "h", 3600e6 }, { NULL, 0 } };
static const struct unit bit_units[] = {
	{ "bit", 1 }, { "kbit", 1e3 }, { "Mbit", 1e6 }, { "Gbit", 1e9 }, { NULL, 0 }
};

static bool read_number(const char *text, void *field, struct opt_error *err)
{
	return read_with_unit(text, no_units, 1e6, field) ||
	       wrong(err, text, "a number like 5 or 0.5, not above 1000000");
}

static const char *print_number(const void *field, char *buf, size_t cap)
{
	snprintf(buf, cap, "%g", *(const double *)field);
	return buf;
}

DEFINE_KIND(number, "N");

static bool read_share(const char *text, void *field, struct opt_error *err)
{
	return read_with_unit(text, share_units, 1, field) ||
	       wrong(err, text, "a share like 5% or 0.05, not above 100%");
}

static const char *print_share(const void *field, char *buf, size_t cap)
{
	snprintf(buf, cap, "%g%%", *(const double *)field * 100);
	return buf;
}

DEFINE_KIND(share, "PERCENT");

static bool read_time(const char *text, double unit_us, uint32_t *field, struct opt_error *err)
{
	double us;

	if (strcmp(text, "0") == 0) {
		*field = 0;
		return true;
	}
	if (!read_with_unit(text, time_units, unit_us * UINT32_MAX, &us))
		return wrong(err, text, "a time like 50ms, 30s or 5m");
	*field = (uint32_t)llround(us / unit_us);
	return true;
}

static const char *print_time(double us, char *buf, size_t cap)
{
	if (us >= 1e6)
		snprintf(buf, cap, "%.10gs", us / 1e6);
	else if (us >= 1e3)
		snprintf(buf, cap, "%.10gms", us / 1e3);
	else
		snprintf(buf, cap, us > 0 ? "%.10gus" : "0", us);
	return buf;
}

static bool read_seconds(const char *text, void *field, struct opt_error *err)
{
	return read_time(text, 1e6, field, err);
}

static const char *print_seconds(const void *field, char *buf, size_t cap)
{
	return print_time(*(const uint32_t *)field * 1e6, buf, cap);
}

DEFINE_KIND(seconds, "TIME");

static bool read_ms(const char *text, void *field, struct opt_error *err)
{
	return read_time(text, 1e3, field, err);
}

static const char *print_ms(const void *field, char *buf, size_t cap)
{
	return print_time(*(const uint32_t *)field * 1e3, buf, cap);
}

DEFINE_KIND(ms, "TIME");

static bool read_us(const char *text, void *field, struct opt_error *err)
{
	return read_time(text, 1, field, err);
}

static const char *print_us(const void *field, char *buf, size_t cap)
{
	return print_time(*(const uint32_t *)field, buf, cap);
}

DEFINE_KIND(us, "TIME");

static bool read_bits(const char *text, void *field, struct opt_error *err)
{
	double bits;

	if (strcmp(text, "0") != 0 && !read_with_unit(text, bit_units, 1e12, &bits))
		return wrong(err, text, "a rate like 100Mbit or 64kbit, 0 for no limit");
	*(uint64_t *)field = strcmp(text, "0") == 0 ? 0 : (uint64_t)llround(bits);
	return true;
}

static const char *print_bits(const void *field, char *buf, size_t cap)
{
	double bits = (double)*(const uint64_t *)field;

	if (bits >= 1e6)
		snprintf(buf, cap, "%.12gMbit", bits / 1e6);
	else
		snprintf(buf, cap, bits > 0 ? "%.12gbit" : "0", bits);
	return buf;
}

DEFINE_KIND(bits, "RATE");

/* --- ports and addresses --- */

static bool read_ports(const char *text, void *field, struct opt_error *err)
{
	uint16_t *ports = field;
	char low[8] = "";
	const char *dash = strchr(text, '-');
	int64_t from, to;

	if (dash != NULL && dash - text < (int)sizeof(low))
		memcpy(low, text, (size_t)(dash - text));
	if (dash == NULL || !read_integer_in(low, 1, 65535, &from) ||
	    !read_integer_in(dash + 1, from, 65535, &to))
		return wrong(err, text, "a range of ports like 1024-65535");
	ports[0] = (uint16_t)from;
	ports[1] = (uint16_t)to;
	return true;
}

static const char *print_ports(const void *field, char *buf, size_t cap)
{
	const uint16_t *ports = field;

	snprintf(buf, cap, "%u-%u", ports[0] != 0 ? ports[0] : 1024,
		 ports[1] != 0 ? ports[1] : 65535);
	return buf;
}

DEFINE_KIND(ports, "LOW-HIGH");

/* Cuts the next item off a list with commas; false at its end, or where it is too long. */
static bool next_item(const char **at, char *item, size_t cap)
{
	size_t len = strcspn(*at, ",");

	if (**at == '\0' || len == 0 || len >= cap)
		return false;
	memcpy(item, *at, len);
	item[len] = '\0';
	*at += len + ((*at)[len] == ',' ? 1 : 0);
	return true;
}

#define PORT_SET_MAX 4

static bool read_port_set(const char *text, void *field, struct opt_error *err)
{
	uint16_t ports[PORT_SET_MAX] = { 0 };
	const char *at = text;
	char item[8];
	int64_t port;

	for (size_t i = 0; strcmp(text, "all") != 0 && *at != '\0'; i++) {
		if (i == PORT_SET_MAX || !next_item(&at, item, sizeof(item)) ||
		    !read_integer_in(item, 1, 65535, &port))
			return wrong(err, text, "up to four ports like 53,443, or all");
		ports[i] = (uint16_t)port;
	}
	memcpy(field, ports, sizeof(ports));
	return true;
}

static const char *print_port_set(const void *field, char *buf, size_t cap)
{
	const uint16_t *ports = field;
	size_t len = 0;

	snprintf(buf, cap, "all");
	for (size_t i = 0; i < PORT_SET_MAX && ports[i] != 0; i++)
		len += (size_t)snprintf(buf + len, cap - len, "%s%u", i > 0 ? "," : "", ports[i]);
	return buf;
}

DEFINE_KIND(port_set, "PORT,...");

static bool read_address(const char *text, void *field, struct opt_error *err)
{
	struct addr a = { 0 };

	if (strcmp(text, "none") != 0 && !addr_parse_ip(text, 0, &a))
		return wrong(err, text, "an address, or none");
	*(struct addr *)field = a;
	return true;
}

static const char *print_address(const void *field, char *buf, size_t cap)
{
	const struct addr *a = field;
	char text[ADDR_TEXT_MAX] = "none";

	if (a->family != ADDR_NONE)
		addr_print_ip(a, text);
	snprintf(buf, cap, "%s", text);
	return buf;
}

DEFINE_KIND(address, "ADDRESS");

static bool read_addresses(const char *text, void *field, struct opt_error *err)
{
	struct addr list[NAT_EXTERNALS_MAX] = { 0 };
	const char *at = text;
	char item[ADDR_TEXT_MAX];

	for (size_t i = 0; *at != '\0'; i++) {
		if (i == NAT_EXTERNALS_MAX || !next_item(&at, item, sizeof(item)) ||
		    !addr_parse_ip(item, 0, &list[i]))
			return wrong(err, text, "up to eight addresses with commas between");
	}
	memcpy(field, list, sizeof(list));
	return true;
}

static const char *print_addresses(const void *field, char *buf, size_t cap)
{
	const struct addr *list = field;
	char text[ADDR_TEXT_MAX];
	size_t len = 0;

	snprintf(buf, cap, "none");
	for (size_t i = 0; i < NAT_EXTERNALS_MAX && list[i].family != ADDR_NONE && len < cap; i++)
		len += (size_t)snprintf(buf + len, cap - len, "%s%s", i > 0 ? "," : "",
					addr_print_ip(&list[i], text));
	return buf;
}

DEFINE_KIND(addresses, "ADDRESS,...");

static bool read_prefix(const char *text, void *field, struct opt_error *err)
{
	char address[ADDR_TEXT_MAX] = "";
	const char *slash = strchr(text, '/');
	struct addr a;
	int64_t bits;

	if (slash != NULL && (size_t)(slash - text) < sizeof(address))
		memcpy(address, text, (size_t)(slash - text));
	if (slash != NULL && addr_parse_ip(address, 0, &a) && a.family == ADDR_IPV6 &&
	    read_integer_in(slash + 1, 32, 96, &bits) && nat64_is_length((uint8_t)bits)) {
		a.port = (uint16_t)bits;
		*(struct addr *)field = a;
		return true;
	}
	return wrong(err, text, "a prefix like 64:ff9b::/96 (/32, 40, 48, 56, 64 or 96)");
}

static const char *print_prefix(const void *field, char *buf, size_t cap)
{
	const struct addr *a = field;
	char text[ADDR_TEXT_MAX];

	if (a->family == ADDR_NONE)
		snprintf(buf, cap, "none");
	else
		snprintf(buf, cap, "%s/%u", addr_print_ip(a, text), a->port);
	return buf;
}

DEFINE_KIND(prefix, "PREFIX");
