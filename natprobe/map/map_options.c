#include "map_options.h"

#include <stdlib.h>
#include <string.h>

#include "natprobe/option_rows.h"

#define FIELD(name) OPT_FIELD(struct map_options, name)

bool map_port_read(const char *text, struct map_port *out)
{
	unsigned long port = 0;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	port = strtoul(text, &end, 10);
	if (port == 0 || port > UINT16_MAX)
		return false;
	*out = (struct map_port){ .port = (uint16_t)port };
	out->udp = *end == '\0' || strcmp(end, "/udp") == 0;
	out->tcp = *end == '\0' || strcmp(end, "/tcp") == 0;
	return out->udp || out->tcp;
}

static const struct opt table[] = {
	{ .name = "external",
	  .letter = 'e',
	  .type = OPT_INT,
	  .offset = FIELD(external),
	  .flags = OPT_CLI_ONLY,
	  .min = 1,
	  .max = UINT16_MAX,
	  .value = "PORT",
	  .help = "open this port outside or none; without it the same one is wished for" },
	{ .name = "lifetime",
	  .letter = 'l',
	  .type = OPT_MS,
	  .offset = FIELD(lifetime_ms),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "2h",
	  .min = 10000,
	  .max = 604800000,
	  .value = "TIME",
	  .help = "ask for so long; the gateway may grant less, or more" },
	OPT_ROW_FLAG(struct map_options, keep, 'k',
		     "run on, renew it before it ends, and remove it at the end (^C)"),
	OPT_ROW_FLAG(struct map_options, list, 0,
		     "print what natprobe has opened, and what the gateway tells by UPnP"),
	OPT_ROW_FLAG(struct map_options, delete, 'd', "close the port"),
	{ .name = "by",
	  .type = OPT_ENUM,
	  .offset = FIELD(by),
	  .flags = OPT_CLI_ONLY,
	  .choices = "any|pcp|nat-pmp|upnp",
	  .fallback = "any",
	  .help = "ask by this protocol only; any asks all, in this order" },
	ROW_INTERFACE(struct map_options, "ask the gateway behind this interface"),
	ROW_SERVERS(struct map_options,
		    "compare the external address with what this STUN server sees; may be given "
		    "several times"),
	{ .name = "compare",
	  .type = OPT_FLAG,
	  .offset = FIELD(compare),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "on",
	  .help = "ask a STUN server, a public one where none is named, whether the address is "
		  "really ours" },
	ROW_IPV4(struct map_options, "open it"),
	ROW_IPV6(struct map_options, "open it"),
	ROW_JSON(struct map_options),
	OPT_ROW_FLAG(struct map_options, quiet, 'q', "print one line for each port"),
	ROW_REDACT(struct map_options),
	OPT_ROW_HELP(struct map_options),
	{ 0 },
};

const struct opt_program map_program = {
	.name = "natprobe",
	.synopsis = "map [OPTION]... PORT/udp|PORT/tcp...",
	.summary = "Has the gateway open a port: by PCP, NAT-PMP or UPnP, whichever it speaks.",
	.table = table,
	.size = sizeof(struct map_options),
};
