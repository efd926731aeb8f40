/* The part of conf_check.h that looks at single values, and turnd_conf.h's readers of them. */
#include "conf_check.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "opaque.h"
#include "policy.h"
#include "stun_uri.h"
#include "token.h"

bool conf_wrong(struct opt_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return false;
}

/* Takes the next word off *at. False where there is none, or it is too long. */
static bool take_word(const char **at, char out[static TURND_WORD_MAX])
{
	size_t len;

	*at += strspn(*at, " \t");
	len = strcspn(*at, " \t");
	if (len == 0 || len >= TURND_WORD_MAX)
		return false;
	memcpy(out, *at, len);
	out[len] = '\0';
	*at += len;
	return true;
}

static bool is_end(const char *at)
{
	return at[strspn(at, " \t")] == '\0';
}

/* Letters, digits, "-", "_" and dots between them: DNS, with or without a final dot. */
static bool is_host_name(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len < TURND_WORD_MAX && text[0] != '.' && text[0] != '-' &&
	       strstr(text, "..") == NULL &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789-_.")] == '\0';
}

bool turnd_conf_relay_text(const char *text, struct turnd_relay_text *out)
{
	char word[TURND_WORD_MAX];

	out->seen_as[0] = '\0';
	if (!take_word(&text, out->local))
		return false;
	if (is_end(text))
		return true;
	return take_word(&text, word) && strcmp(word, "public") == 0 &&
	       take_word(&text, out->seen_as) && is_end(text);
}

/* Multicast, broadcast, and what is reserved behind it. */
static bool is_of_many(const struct addr *a)
{
	return a->family == ADDR_IPV6 ? a->ip[0] == 0xff : a->ip[0] >= 224;
}

static bool check_relay_word(const char *word, struct opt_error *err)
{
	struct addr a;

	if (!addr_parse_ip(word, 0, &a)) {
		if (strchr(word, ':') != NULL && addr_parse(word, 0, &a))
			return conf_wrong(err,
					  "`%.100s` has a port; give the address alone, and "
					  "relay-ports",
					  word);
		return is_host_name(word) || strchr(word, ':') == NULL ||
		       conf_wrong(err, "`%.100s` is neither address nor name", word);
	}
	if (addr_is_any(&a) || is_of_many(&a))
		return conf_wrong(err,
				  "`%.100s` is no address of a host; name one of this host, or an "
				  "interface",
				  word);
	return true;
}

/* 12.0.0.1.5 and 10.0.0.256 look like names; nobody has such a one. */
static bool looks_like_ipv4(const char *word)
{
	struct addr a;

	return word[0] != '\0' && word[strspn(word, "0123456789.")] == '\0' &&
	       !addr_parse_ip(word, 0, &a);
}

bool conf_check_relay(const char *text, struct opt_error *err)
{
	struct turnd_relay_text relay;
	struct addr local, seen;

	if (!turnd_conf_relay_text(text, &relay))
		return conf_wrong(err, "`%.100s`: write ADDRESS, or ADDRESS public ADDRESS", text);
	if (looks_like_ipv4(relay.local) || looks_like_ipv4(relay.seen_as))
		return conf_wrong(err, "`%.100s`: no IPv4 address, and no name", text);
	if (!check_relay_word(relay.local, err))
		return false;
	if (relay.seen_as[0] == '\0')
		return true;
	if (!check_relay_word(relay.seen_as, err))
		return false;
	if (!addr_parse_ip(relay.seen_as, 0, &seen))
		return is_host_name(relay.seen_as) ||
		       conf_wrong(err, "`%.100s` is neither address nor name", relay.seen_as);
	if (addr_parse_ip(relay.local, 0, &local) && local.family != seen.family)
		return conf_wrong(err, "`%.100s`: both must be IPv4 or IPv6", text);
	return true;
}

static bool read_ports(const char *text, unsigned long *low, unsigned long *high)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	*low = strtoul(text, &end, 10);
	if (*end != '-' || end[1] < '0' || end[1] > '9')
		return false;
	*high = strtoul(end + 1, &end, 10);
	return *end == '\0' && *low >= 1 && *low <= *high && *high <= 65535;
}

bool conf_check_ports(const char *text, struct opt_error *err)
{
	unsigned long low, high;

	if (!read_ports(text, &low, &high))
		return conf_wrong(err, "`%.40s` is no range of ports; write it like 49152-65535",
				  text);
	return high > low || conf_wrong(err, "one port is too few; write it like 49152-65535");
}

void turnd_conf_relay_ports(const struct turnd_conf *conf, uint16_t *low, uint16_t *high)
{
	unsigned long l = 49152, h = 65535;

	if (conf->relay_ports != NULL)
		(void)read_ports(conf->relay_ports, &l, &h);
	*low = (uint16_t)l;
	*high = (uint16_t)h;
}

static bool read_transport(const char *word, int *out)
{
	static const char *const words[] = { "udp", "tcp", "tls", "dtls" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i], word) == 0) {
			*out = (int)i;
			return true;
		}
	}
	return false;
}

static bool is_label(const char *text, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-";

	return len > 0 && len <= 63 && text[0] != '-' && text[len - 1] != '-' &&
	       strspn(text, letters) >= len;
}

/* A name that a certificate may have (RFC 8489, section 14.16; RFC 1123, section 2.1). */
static bool is_domain(const char *text)
{
	size_t len = strcspn(text, ".");

	if (strlen(text) > 255)
		return false;
	while (is_label(text, len) && text[len] == '.') {
		text += len + 1;
		len = strcspn(text, ".");
	}
	return is_label(text, len) && text[len] == '\0';
}

bool turnd_conf_alternate_text(const char *text, uint16_t default_port,
			       struct turnd_alternate_text *out)
{
	char word[TURND_WORD_MAX];

	*out = (struct turnd_alternate_text){ .transport = -1 };
	if (!take_word(&text, word) || !addr_parse(word, default_port, &out->addr) ||
	    addr_is_any(&out->addr) || out->addr.port == 0)
		return false;
	if (is_end(text))
		return true;
	if (!take_word(&text, word))
		return false;
	if (read_transport(word, &out->transport)) {
		if (is_end(text))
			return true;
		if (!take_word(&text, word))
			return false;
	}
	memcpy(out->domain, word, sizeof(word));
	return is_domain(out->domain) && is_end(text);
}

bool conf_check_alternate(const char *text, struct opt_error *err)
{
	struct turnd_alternate_text a;

	return turnd_conf_alternate_text(text, 1, &a) ||
	       conf_wrong(err,
			  "`%.100s`: write ADDRESS:PORT, then, if need be, one of udp, tcp, "
			  "tls, dtls, then a domain",
			  text);
}

bool conf_check_control(const char *text, struct opt_error *err)
{
	struct sockaddr_un where;

	if (text[0] != '/')
		return conf_wrong(err, "must begin with a /; write it like /run/turnd/control");
	return strlen(text) < sizeof(where.sun_path) ||
	       conf_wrong(err, "is longer than %zu bytes; Unix sockets have no more",
			  sizeof(where.sun_path) - 1);
}

static bool by_rules(const char *text, struct opt_error *err,
		     bool (*add)(struct policy_rules *r, enum policy_list list, const char *text,
				 const char **why))
{
	struct policy_rules *r = policy_rules_new(true);
	const char *why = "out of memory";
	bool ok = r != NULL && add(r, POLICY_DENY, text, &why);

	policy_rules_free(r);
	return ok || conf_wrong(err, "`%.40s`: %s", text, why);
}

bool conf_check_country(const char *text, struct opt_error *err)
{
	return by_rules(text, err, policy_rules_add_country);
}

bool conf_check_network(const char *text, struct opt_error *err)
{
	return by_rules(text, err, policy_rules_add_network);
}

bool conf_check_kick(const char *text, struct opt_error *err)
{
	size_t worker = strspn(text, "0123456789");
	size_t number = text[worker] == '.' ? strspn(text + worker + 1, "0123456789") : 0;

	return (worker > 0 && number > 0 && text[worker + 1 + number] == '\0') ||
	       conf_wrong(err, "is no id; --sessions lists them, like 0.17");
}

bool conf_check_realm(const char *text, struct opt_error *err)
{
	uint8_t buf[OPAQUE_MAX];
	struct bytes prepared;
	enum opaque_result result =
		opaque_prepare(bytes_of(text, strlen(text)), buf, sizeof(buf), &prepared);

	if (strchr(text, '"') != NULL)
		return conf_wrong(err, "has a quotation mark; leave it out");
	return result == OPAQUE_OK || conf_wrong(err, "is no name: %s", opaque_why(result));
}

bool conf_check_separator(const char *text, struct opt_error *err)
{
	char c = text[0];

	return (c > ' ' && c < 0x7f && (c < '0' || c > '9') && text[1] == '\0') ||
	       conf_wrong(err, "must be one character of ASCII and no digit; write it like :");
}

bool conf_check_server_name(const char *text, struct opt_error *err)
{
	struct addr a;

	return (is_host_name(text) && !addr_parse_ip(text, 0, &a)) ||
	       conf_wrong(err, "`%.100s` is no DNS name; TLS clients send no others", text);
}

bool conf_check_token_name(const char *text, struct opt_error *err)
{
	return strlen(text) <= TOKEN_NAME_MAX ||
	       conf_wrong(err, "longer than %d bytes; give a short name", TOKEN_NAME_MAX);
}

bool conf_check_uri(const char *text, struct opt_error *err)
{
	return strncmp(text, "turn:", 5) == 0 || strncmp(text, "turns:", 6) == 0 ||
	       conf_wrong(err,
			  "`%.100s` is no TURN URI; write it like "
			  "turn:turn.example.org?transport=udp",
			  text);
}
