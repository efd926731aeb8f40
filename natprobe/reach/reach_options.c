#include "reach_options.h"

#include "natprobe/option_rows.h"

#define FIELD(name) OPT_FIELD(struct reach_options, name)

static const struct opt table[] = {
	ROW_SERVERS(
		struct reach_options,
		"have this STUN server try it, a stund with cooperate = on; may be given several "
		"times"),
	{ .name = "external",
	  .letter = 'e',
	  .type = OPT_INT,
	  .offset = FIELD(external),
	  .flags = OPT_CLI_ONLY,
	  .min = 1,
	  .max = UINT16_MAX,
	  .value = "PORT",
	  .help = "try this port outside; without it that of natprobe map, or the same" },
	OPT_ROW_FLAG(struct reach_options, listen, 'l',
		     "stand in for the program that will have the port"),
	ROW_INTERFACE(struct reach_options, "the port of this interface"),
	ROW_UPNP(struct reach_options,
		 "ask the gateway by UPnP as well for its address outside, which tells of a NAT "
		 "further out"),
	ROW_IPV4(struct reach_options, "try it"),
	ROW_IPV6(struct reach_options, "try it"),
	ROW_TIMEOUT(struct reach_options, "end after TIME, with what is known by then"),
	ROW_JSON(struct reach_options),
	OPT_ROW_FLAG(struct reach_options, quiet, 'q', "print one line"),
	ROW_REDACT(struct reach_options),
	OPT_ROW_HELP(struct reach_options),
	{ 0 },
};

const struct opt_program reach_program = {
	.name = "natprobe",
	.synopsis = "reach [OPTION]... PORT/udp|PORT/tcp",
	.summary = "Has a cooperating server try whether a port of this host is open from outside, "
		   "and names what keeps it closed.",
	.table = table,
	.size = sizeof(struct reach_options),
};
