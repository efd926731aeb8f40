#include "punch_options.h"

#include <string.h>

#include "natprobe/meet/carrier_uri.h"
#include "natprobe/punch/punch.h"
#include "punch_rows.h"

#define OPTIONS     struct punch_options
#define FIELD(name) OPT_FIELD(OPTIONS, name)

#define DIAGNOSIS_MS 8000

bool punch_rows_check_strategy(const char *text, struct opt_error *err)
{
	size_t used = 0;

	if (punch_strategy_find(text) != PUNCH_NONE)
		return true;
	used = (size_t)snprintf(err->text, sizeof(err->text), "there is no such strategy; known:");
	for (int s = PUNCH_DIRECT; s < PUNCH_STRATEGIES; s++)
		used += (size_t)snprintf(err->text + used, sizeof(err->text) - used, " %s",
					 punch_strategy_word((enum punch_strategy)s));
	return false;
}

bool punch_rows_check_rendezvous(const char *text, struct opt_error *err)
{
	struct carrier_uri uri;
	const char *why;

	if (carrier_uri_parse(bytes_of_str(text), &uri, &why))
		return true;
	snprintf(err->text, sizeof(err->text),
		 "%s; write https://HOST/ for a stund, mqtts://HOST for a broker", why);
	return false;
}

static const struct opt punch_table[] = {
	ROW_CODE_FILE,
	ROW_RENDEZVOUS,
	ROW_WAIT("10 minutes, or with --accept for good"),
	ROW_NTP,
	ROWS_NETWORK,
	ROW_PORT,
	ROW_STRATEGY,
	{ .name = "trials",
	  .letter = 'n',
	  .type = OPT_INT,
	  .offset = FIELD(trials),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "1",
	  .min = 1,
	  .max = TALK_TRIALS_MAX,
	  .value = "N",
	  .help = "make a path N times, from fresh sockets each time, and count" },
	ROW_HOLD,
	ROW_MAPPINGS,
	OPT_ROW_FLAG(OPTIONS, accept, 0, "wait for those who have our address, and serve them"),
	{ .name = "accept-max",
	  .type = OPT_INT,
	  .offset = FIELD(accept_max),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "100",
	  .min = 1,
	  .max = 1000000,
	  .value = "COUNT",
	  .help = "with --accept: end after so many" },
	ROWS_BY_HAND,
	ROW_KEY_FILE,
	ROWS_RELAY,
	ROW_JSON(OPTIONS),
	ROW_HTML(OPTIONS),
	OPT_ROW_FLAG(OPTIONS, quiet, 'q', "print one line for each trial, and no progress"),
	OPT_ROW_FLAG(OPTIONS, verbose, 'v', "print what both sides saw in each step"),
	OPT_ROW_HELP(OPTIONS),
	{ 0 },
};

const struct opt_program punch_program = {
	.name = "natprobe",
	.synopsis = "punch [OPTION]... [CODE|ADDRESS|-]",
	.summary = "Makes a path to another natprobe through the NATs of both, and tells which way "
		   "it took, or why there is none. Without CODE it makes one and prints it: type "
		   "it on the other side.",
	.table = punch_table,
	.size = sizeof(OPTIONS),
};

static const struct opt connect_table[] = {
	ROW_CODE_FILE,
	ROW_RENDEZVOUS,
	ROW_WAIT("10 minutes, or with --accept for good"),
	ROW_NTP,
	ROWS_NETWORK,
	ROW_PORT,
	ROW_STRATEGY,
	ROW_HOLD,
	ROW_ACCEPT,
	ROWS_BY_HAND,
	ROW_KEY_FILE,
	ROWS_RELAY,
	{ .name = "fd",
	  .type = OPT_INT,
	  .offset = FIELD(fd),
	  .flags = OPT_CLI_ONLY,
	  .min = 3,
	  .max = 255,
	  .value = "N",
	  .help = "hand the open socket over as descriptor N, instead of closing it" },
	OPT_ROW_FLAG(OPTIONS, serve, 0,
		     "start COMMAND first: the other side's waits until ours has its port"),
	OPT_ROW_FLAG(OPTIONS, quiet, 'q', "print nothing but what is wrong"),
	OPT_ROW_HELP(OPTIONS),
	{ 0 },
};

const struct opt_program connect_program = {
	.name = "natprobe",
	.synopsis = "connect [OPTION]... [CODE|ADDRESS|-] -- COMMAND [ARGUMENT]...",
	.summary =
		"Makes a path to another natprobe, and runs COMMAND on it. Without CODE it makes "
		"one and prints it: type it on the other side.",
	.table = connect_table,
	.size = sizeof(OPTIONS),
};

static const struct opt demo_table[] = {
	ROW_RENDEZVOUS,
	ROW_WAIT("10 minutes"),
	ROWS_NETWORK,
	ROWS_RELAY,
	OPT_ROW_FLAG(OPTIONS, quiet, 'q', "show no progress"),
	OPT_ROW_HELP(OPTIONS),
	{ 0 },
};

const struct opt_program demo_program = {
	.name = "natprobe",
	.synopsis = "demo [OPTION]...",
	.summary =
		"Makes a first path to another host, step by step, for two people who talk over it "
		"then.",
	.table = demo_table,
	.size = sizeof(OPTIONS),
};

static const struct opt address_table[] = {
	ROW_RENDEZVOUS,
	ROW_KEY_FILE,
	ROWS_NETWORK,
	ROW_LOCAL_PORT(OPTIONS, "say that this port waits on each interface"),
	OPT_ROW_FLAG(OPTIONS, quiet, 'q', "show no progress"),
	OPT_ROW_HELP(OPTIONS),
	{ 0 },
};

const struct opt_program address_program = {
	.name = "natprobe",
	.synopsis = "address [OPTION]...",
	.summary = "Prints one string that says all that is needed to invite this host: whoever "
		   "has it can run natprobe punch ADDRESS while natprobe punch --accept runs here.",
	.table = address_table,
	.size = sizeof(OPTIONS),
};

static const struct opt interfaces_table[] = {
	ROWS_NETWORK,
	ROW_JSON(OPTIONS),
	OPT_ROW_FLAG(OPTIONS, quiet, 'q', "show no progress"),
	OPT_ROW_HELP(OPTIONS),
	{ 0 },
};

const struct opt_program interfaces_program = {
	.name = "natprobe",
	.synopsis = "interfaces [OPTION]...",
	.summary = "Lists what a peer would be told of this host.",
	.table = interfaces_table,
	.size = sizeof(OPTIONS),
};

uint32_t punch_options_only(const struct punch_options *o)
{
	char *const *words = o->strategies.items;
	uint32_t only = 0;

	for (size_t i = 0; i < o->strategies.count; i++)
		only |= PUNCH_BIT(punch_strategy_find(words[i]));
	return only;
}

void punch_options_check(const struct punch_options *o, bool with_turn, struct check_options *out)
{
	*out = (struct check_options){
		.servers = o->servers,
		.interfaces = o->interfaces,
		.ipv4 = o->ipv4 || !o->ipv6,
		.ipv6 = o->ipv6 || !o->ipv4,
		.timeout_ms = DIAGNOSIS_MS,
		.confidence = (char *)"99.9%",
		.upnp = o->upnp,
		.quiet = o->quiet,
	};
	if (!with_turn)
		return;
	out->turn = o->turn;
	out->user = o->user;
	out->password_file = o->password_file;
	out->token_file = o->token_file;
	out->ca_file = o->ca_file;
	out->insecure = o->insecure;
}

const char *punch_options_conflict(const struct punch_options *o)
{
	const uint32_t only = punch_options_only(o);

	if (o->json && o->quiet)
		return "--quiet does not go with --json";
	if ((int)o->offer + (o->answer != NULL) + (int)o->accept > 1)
		return "--offer, --answer and --accept are three ways to meet; choose one";
	if ((o->offer || o->answer != NULL) && o->trials > 1)
		return "an offer by hand is good for one trial; leave --trials out";
	if (o->answer != NULL && only != 0 && (only & PUNCH_BY_HAND) == 0)
		return "--strategy: it does not go by hand, since it takes a start that both know";
	if (o->offer && o->strategies.count > 0)
		return "name a --strategy where the offer is answered, not with --offer";
	if (o->quiet && o->verbose)
		return "--quiet does not go with --verbose";
	return NULL;
}
