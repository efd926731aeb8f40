#include "link_options.h"

#include <string.h>

#include "natprobe/forward/forward_spec.h"
#include "natprobe/pair/punch_rows.h"

#define OPTIONS struct link_options

/* punch stands first: its rows fill this struct as well. */
_Static_assert(offsetof(OPTIONS, punch) == 0, "rows of punch");

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NAME    LETTERS "0123456789._-"

bool link_name_is(const char *text)
{
	const size_t len = strlen(text);

	return len > 0 && len <= LINK_NAME_MAX && text[0] != '.' && strspn(text, NAME) == len;
}

static bool check_name(const char *text, struct opt_error *err)
{
	if (link_name_is(text))
		return true;
	snprintf(err->text, sizeof(err->text),
		 "a link's name has at most %d letters, digits, and . _ -, and begins with no dot",
		 LINK_NAME_MAX);
	return false;
}

/* What HOST means is found out when it is used. */
static bool check_target(const char *text, struct opt_error *err)
{
	struct forward_target target;
	const char *why = forward_target_read(bytes_of_str(text), &target);

	if (why != NULL)
		snprintf(err->text, sizeof(err->text), "%s", why);
	return why == NULL;
}

/* clang-format off */
#define ROWS_MEETING                                                 \
	ROW_CODE_FILE,                                               \
	ROW_RENDEZVOUS,                                              \
	ROW_WAIT("10 minutes, or with --accept for good"),           \
	ROW_NTP,                                                     \
	ROWS_NETWORK,                                                \
	ROW_PORT,                                                    \
	ROW_STRATEGY,                                                \
	ROW_MAPPINGS,                                                \
	ROW_ACCEPT,                                                  \
	ROW_KEY_FILE,                                                \
	ROWS_RELAY
/* clang-format on */

#define ROW_NAME(text)                        \
	{ .name = "name",                     \
	  .type = OPT_STR,                    \
	  .offset = OPT_FIELD(OPTIONS, name), \
	  .flags = OPT_CLI_ONLY,              \
	  .value = "NAME",                    \
	  .check = check_name,                \
	  .help = text }
#define ROW_USED_NAME ROW_NAME("use the running link of this name, and not \"default\"")

#define ROW_LISTEN(field, text_, text)         \
	{ .name = text_,                       \
	  .type = OPT_INT,                     \
	  .offset = OPT_FIELD(OPTIONS, field), \
	  .flags = OPT_CLI_ONLY,               \
	  .min = 1,                            \
	  .max = UINT16_MAX,                   \
	  .value = "PORT",                     \
	  .help = text }

#define ROW_EVENTS(where) \
	OPT_ROW_FLAG(struct punch_options, json, 'j', "print events as lines of JSON " where)
#define ROW_QUIET OPT_ROW_FLAG(struct punch_options, quiet, 'q', "print nothing but what is wrong")
#define ROW_HELP  OPT_ROW_HELP(struct punch_options)

static const struct opt link_table[] = {
	ROWS_MEETING,
	ROW_NAME("call the link so, and not \"default\": several may run here"),
	ROW_LISTEN(listen_write, "listen-write",
		   "what is sent to this port of 127.0.0.1 goes to the other side's --listen-read"),
	ROW_LISTEN(listen_read, "listen-read",
		   "what the other side's --listen-write was sent comes out of this port"),
	ROW_EVENTS("instead of text"),
	ROW_QUIET,
	ROW_HELP,
	{ 0 },
};

const struct opt_program link_program = {
	.name = "natprobe",
	.synopsis = "link [OPTION]... [CODE|ADDRESS|-]",
	.summary = "Makes a path to another natprobe and keeps it, for as long as it runs: for "
		   "natprobe pipe, send, receive and forward, and for other programs. Without CODE "
		   "it makes one and prints it: type it on the other side.",
	.table = link_table,
	.size = sizeof(OPTIONS),
};

static const struct opt pipe_table[] = {
	ROWS_MEETING, ROW_USED_NAME, ROW_EVENTS("to standard error"), ROW_QUIET, ROW_HELP, { 0 },
};

const struct opt_program pipe_program = {
	.name = "natprobe",
	.synopsis = "pipe [OPTION]... [CODE|ADDRESS]",
	.summary =
		"Carries standard input to the other side's standard output, and the other way "
		"round. Without CODE the running link is used; where none runs a code is made and "
		"printed: type it on the other side.",
	.table = pipe_table,
	.size = sizeof(OPTIONS),
};

static const struct opt send_table[] = {
	ROWS_MEETING, ROW_USED_NAME, ROW_EVENTS("instead of text"), ROW_QUIET, ROW_HELP, { 0 },
};

const struct opt_program send_program = {
	.name = "natprobe",
	.synopsis = "send [OPTION]... [CODE|ADDRESS] FILE|DIRECTORY...",
	.summary =
		"Sends files and directories to natprobe receive on the other side; what broke "
		"off before is resumed. Without CODE the running link is used; where none runs a "
		"code is made and printed: type it on the other side.",
	.table = send_table,
	.size = sizeof(OPTIONS),
};

static const struct opt receive_table[] = {
	ROWS_MEETING,
	ROW_USED_NAME,
	{ .name = "output",
	  .letter = 'o',
	  .type = OPT_STR,
	  .offset = OPT_FIELD(OPTIONS, output),
	  .flags = OPT_CLI_ONLY,
	  .value = "DIRECTORY",
	  .help = "write below this directory, and not below the current one" },
	OPT_ROW_FLAG(OPTIONS, yes, 'y', "take what comes without a question"),
	OPT_ROW_FLAG(OPTIONS, force, 'f', "overwrite files that are there"),
	ROW_EVENTS("instead of text"),
	ROW_QUIET,
	ROW_HELP,
	{ 0 },
};

const struct opt_program receive_program = {
	.name = "natprobe",
	.synopsis = "receive [OPTION]... [CODE|ADDRESS]",
	.summary = "Receives what natprobe send offers on the other side, after a question. "
		   "Without CODE the running link is used; where none runs a code is made and "
		   "printed: "
		   "type it on the other side.",
	.table = receive_table,
	.size = sizeof(OPTIONS),
};

static const struct opt forward_table[] = {
	ROWS_MEETING,
	ROW_USED_NAME,
	{ .name = "allow",
	  .letter = 'a',
	  .type = OPT_STR_LIST,
	  .offset = OPT_FIELD(OPTIONS, allow),
	  .flags = OPT_CLI_ONLY,
	  .value = "TARGET",
	  .check = check_target,
	  .help = "let the other side reach this HOST:PORT, or HOST:PORT/udp, from here; may be "
		  "given several times" },
	ROW_EVENTS("instead of text"),
	ROW_QUIET,
	ROW_HELP,
	{ 0 },
};

const struct opt_program forward_program = {
	.name = "natprobe",
	.synopsis = "forward [OPTION]... [CODE|ADDRESS] [PORT:HOST:PORT[/udp]]...",
	.summary =
		"Opens ports here that lead to services which the other side reaches, and lets "
		"it reach services here, as far as --allow says. Without CODE the running link "
		"is used; where none runs a code is made and printed: type it on the other side.",
	.table = forward_table,
	.size = sizeof(OPTIONS),
};
