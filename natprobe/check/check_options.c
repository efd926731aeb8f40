#include "check_options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "natprobe/option_rows.h"
#include "natprobe/net/portal.h"

#define FIELD(name) OPT_FIELD(struct check_options, name)

#define CONFIDENCE_MIN 50.0
#define CONFIDENCE_MAX 99.9999

/* In percent; NAN where it is not that. */
static double percent(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	return end != text && strcmp(end, "%") == 0 ? value : NAN;
}

static bool check_confidence(const char *text, struct opt_error *err)
{
	double value = percent(text);

	if (value >= CONFIDENCE_MIN && value <= CONFIDENCE_MAX)
		return true;
	snprintf(err->text, sizeof(err->text), "%s",
		 "not a percentage from 50% to 99.9999%, such as 99.9%");
	return false;
}

static bool check_portal(const char *text, struct opt_error *err)
{
	struct portal_url url;
	const char *why;

	if (portal_url_parse(text, &url, &why))
		return true;
	snprintf(err->text, sizeof(err->text), "%s; write http://HOST/PATH", why);
	return false;
}

static const struct opt table[] = {
	ROW_SERVERS(struct check_options,
		    "ask this STUN server: HOST, HOST:PORT, stun:HOST or stuns:HOST; may be given "
		    "several times, the most capable first"),
	ROW_INTERFACES(struct check_options,
		       "probe from this interface only; may be given several times"),
	ROW_IPV4(struct check_options, "probe"),
	ROW_IPV6(struct check_options, "probe"),
	ROW_TIMEOUT(struct check_options,
		    "end the whole run after TIME, with what is known by then"),
	{ .name = "confidence",
	  .type = OPT_STR,
	  .offset = FIELD(confidence),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "99.9%",
	  .value = "PERCENT",
	  .check = check_confidence,
	  .help = "probe on where much is lost, until all of the report is right with this "
		  "chance" },
	ROW_LOCAL_PORT(
		struct check_options,
		"look at the mapping of this local port; what it was used for before spoils the "
		"result"),
	ROW_UPNP(struct check_options,
		 "ask the gateway by UPnP, which sends datagrams to all of the local network"),
	OPT_ROW_FLAG(struct check_options, deep, 0,
		     "look deeper, for minutes: how long mappings last, what refreshes them, and "
		     "more; takes a server that cooperates"),
	{ .name = "longest",
	  .type = OPT_MS,
	  .offset = FIELD(longest_ms),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "10m",
	  .min = 10000,
	  .max = 3600000,
	  .value = "TIME",
	  .help = "with --deep: follow the life of a mapping for this long" },
	{ .name = "mappings",
	  .type = OPT_INT,
	  .offset = FIELD(mappings),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "200",
	  .min = 16,
	  .max = 500,
	  .value = "COUNT",
	  .help = "with --deep: have no more sockets open at a time, each of which is a mapping" },
	{ .name = "portal",
	  .type = OPT_STR,
	  .offset = FIELD(portal),
	  .flags = OPT_CLI_ONLY,
	  .value = "URL",
	  .check = check_portal,
	  .help = "take any answer but 204 from this http:// URL for a captive portal; with the "
		  "built-in servers a well-known one is asked" },
	{ .name = "geo",
	  .type = OPT_STR_LIST,
	  .offset = FIELD(geo),
	  .flags = OPT_CLI_ONLY,
	  .value = "FILE",
	  .help = "look up country and network of the mapped address in this database (MaxMind's "
		  "format); may be given several times" },
	{ .name = "turn",
	  .type = OPT_STR,
	  .offset = FIELD(turn),
	  .flags = OPT_CLI_ONLY,
	  .value = "URI",
	  .help = "have a TURN server (turn:HOST, turns:HOST) relay to us from its address: shows "
		  "what a filter lets in where no STUN server has a second address" },
	ROW_USER(struct check_options),
	ROW_PASSWORD_FILE(struct check_options),
	ROW_TOKEN_FILE(struct check_options),
	ROW_CA_FILE(struct check_options),
	OPT_ROW_FLAG(struct check_options, insecure, 0, "take any certificate of the TURN server"),
	ROW_JSON(struct check_options),
	OPT_ROW_FLAG(struct check_options, quiet, 'q',
		     "print one line per interface and family, and no progress"),
	OPT_ROW_FLAG(struct check_options, verbose, 'v', "print the evidence as well"),
	OPT_ROW_FLAG(struct check_options, explain, 0,
		     "print what each value means, in a sentence"),
	OPT_ROW_FLAG(struct check_options, rfc, 0,
		     "print what the RFCs require of a NAT, and whether this one does it"),
	ROW_REDACT(struct check_options),
	{ .name = "expect",
	  .type = OPT_STR,
	  .offset = FIELD(expect),
	  .flags = OPT_CLI_ONLY,
	  .value = "FILE",
	  .help = "compare with what FILE expects: exit 1 where it is missed, 4 where it is "
		  "unknown" },
	{ .name = "save",
	  .type = OPT_STR,
	  .offset = FIELD(save),
	  .flags = OPT_CLI_ONLY,
	  .value = "FILE",
	  .help = "write what was found to FILE, for --expect" },
	OPT_ROW_FLAG(struct check_options, tap, 0,
		     "print TAP instead of text: a test for each expectation, or each property"),
	{ .name = "junit",
	  .type = OPT_STR,
	  .offset = FIELD(junit),
	  .flags = OPT_CLI_ONLY,
	  .value = "FILE",
	  .help = "write the same tests to FILE as JUnit's XML" },
	ROW_HTML(struct check_options),
	OPT_ROW_HELP(struct check_options),
	OPT_ROW_VERSION(struct check_options),
	{ 0 },
};

const struct opt_program check_program = {
	.name = "natprobe",
	.synopsis = "[check] [OPTION]...",
	.summary = "Tells what NAT or firewall is in front of each interface of this host, in the "
		   "terms of RFC 4787.",
	.table = table,
	.size = sizeof(struct check_options),
};

double check_options_confidence(const struct check_options *o)
{
	return percent(o->confidence) / 100;
}
