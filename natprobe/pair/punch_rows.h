/*
 * punch_rows - rows of the tables of all commands that make a path to another natprobe. Such a table
 * fills a struct punch_options, or one that begins with it.
 */
#ifndef NATPROBE_PUNCH_ROWS_H
#define NATPROBE_PUNCH_ROWS_H

#include "natprobe/option_rows.h"
#include "punch_options.h"
#include "talk.h"

#define PUNCH_FIELD(name) OPT_FIELD(struct punch_options, name)

/* opt.check of a row. */
bool punch_rows_check_rendezvous(const char *text, struct opt_error *err);
bool punch_rows_check_strategy(const char *text, struct opt_error *err);

#define ROW_CODE_FILE                                                                        \
	{ .name = "code-file",                                                               \
	  .type = OPT_STR,                                                                   \
	  .offset = PUNCH_FIELD(code_file),                                                  \
	  .flags = OPT_CLI_ONLY,                                                             \
	  .value = "FILE",                                                                   \
	  .help = "take the code from the first line of FILE; where there is no such file, " \
		  "make it, with a new code" }

#define ROW_RENDEZVOUS                                                                          \
	{ .name = "rendezvous",                                                                 \
	  .letter = 'r',                                                                        \
	  .type = OPT_STR_LIST,                                                                 \
	  .offset = PUNCH_FIELD(rendezvous),                                                    \
	  .flags = OPT_CLI_ONLY,                                                                \
	  .value = "URI",                                                                       \
	  .check = punch_rows_check_rendezvous,                                                 \
	  .help = "meet there: a stund (https://HOST/) or an MQTT broker (mqtts://HOST); both " \
		  "sides name the same, or one of the same" }

#define ROW_WAIT(text)                    \
	{ .name = "wait",                 \
	  .letter = 'w',                  \
	  .type = OPT_MS,                 \
	  .offset = PUNCH_FIELD(wait_ms), \
	  .flags = OPT_CLI_ONLY,          \
	  .min = 1000,                    \
	  .max = 86400000,                \
	  .value = "TIME",                \
	  .help = "wait for the other side for so long, and not " text }

#define ROW_NTP                                                                           \
	{ .name = "ntp",                                                                  \
	  .type = OPT_STR,                                                                \
	  .offset = PUNCH_FIELD(ntp),                                                     \
	  .flags = OPT_CLI_ONLY,                                                          \
	  .value = "HOST",                                                                \
	  .help = "ask this time server how far the clocks of both are apart; the other " \
		  "side has to ask one as well" }

#define ROW_STRATEGY                          \
	{ .name = "strategy",                 \
	  .type = OPT_STR_LIST,               \
	  .offset = PUNCH_FIELD(strategies),  \
	  .flags = OPT_CLI_ONLY,              \
	  .value = "NAME",                    \
	  .check = punch_rows_check_strategy, \
	  .help = "try this strategy only; may be given several times" }

#define ROW_PROFILE                                                                   \
	{ .name = "profile",                                                          \
	  .type = OPT_STR,                                                            \
	  .offset = PUNCH_FIELD(profile),                                             \
	  .flags = OPT_CLI_ONLY,                                                      \
	  .value = "FILE",                                                            \
	  .help = "take what natprobe check --json wrote to FILE for the diagnosis: " \
		  "nothing is probed first" }

/* clang-format off */
#define ROWS_NETWORK                                                                                      \
	ROW_SERVERS(struct punch_options, "ask this STUN server who we are; may be given several times"), \
	ROW_INTERFACES(struct punch_options, "use this interface only; may be given several times"),      \
	ROW_IPV4(struct punch_options, "look for paths"),                                                 \
	ROW_IPV6(struct punch_options, "look for paths"),                                                 \
	ROW_UPNP(struct punch_options, "ask the gateway for ports by UPnP as well"),                      \
	ROW_PROFILE
/* clang-format on */

#define ROW_PORT                             \
	ROW_LOCAL_PORT(struct punch_options, \
		       "open the path from this port, as an application wants it")

#define ROW_TURN                                                                          \
	{ .name = "turn",                                                                 \
	  .type = OPT_STR,                                                                \
	  .offset = PUNCH_FIELD(turn),                                                    \
	  .flags = OPT_CLI_ONLY,                                                          \
	  .value = "URI",                                                                 \
	  .help = "relay through this TURN server (turn:HOST, turns:HOST) where nothing " \
		  "else works" }

/* clang-format off */
#define ROWS_RELAY                               \
	ROW_TURN,                                \
	ROW_USER(struct punch_options),          \
	ROW_PASSWORD_FILE(struct punch_options), \
	ROW_TOKEN_FILE(struct punch_options),    \
	ROW_CA_FILE(struct punch_options),       \
	OPT_ROW_FLAG(struct punch_options, insecure, 0, "take any certificate of the TURN server")
/* clang-format on */

#define ROW_KEY_FILE                                                                    \
	{ .name = "key-file",                                                           \
	  .type = OPT_STR,                                                              \
	  .offset = PUNCH_FIELD(key_file),                                              \
	  .flags = OPT_CLI_ONLY,                                                        \
	  .value = "FILE",                                                              \
	  .help = "keep the key of our address in FILE, and not in natprobe/key below " \
		  "XDG_STATE_HOME" }

#define ROW_HOLD                          \
	{ .name = "hold",                 \
	  .type = OPT_MS,                 \
	  .offset = PUNCH_FIELD(hold_ms), \
	  .flags = OPT_CLI_ONLY,          \
	  .min = 1000,                    \
	  .max = TALK_HOLD_MAX_S * 1000,  \
	  .value = "TIME",                \
	  .help = "leave each path idle for so long, and see whether it lives" }

/* clang-format off */
#define ROWS_BY_HAND                                                                                \
	OPT_ROW_FLAG(struct punch_options, offer, 0,                                                \
		     "meet by hand: print an offer for the other side's --answer, and read its "    \
		     "answer from standard input"),                                                 \
	{ .name = "answer",                                                                         \
	  .type = OPT_STR,                                                                          \
	  .offset = PUNCH_FIELD(answer),                                                            \
	  .flags = OPT_CLI_ONLY,                                                                    \
	  .value = "TOKEN",                                                                         \
	  .help = "meet by hand: print the answer to this offer, and try from then on; -: read it " \
		  "from standard input" }
/* clang-format on */

#define ROW_MAPPINGS                       \
	{ .name = "mappings",              \
	  .type = OPT_INT,                 \
	  .offset = PUNCH_FIELD(mappings), \
	  .flags = OPT_CLI_ONLY,           \
	  .min = 4,                        \
	  .max = 320,                      \
	  .value = "COUNT",                \
	  .help = "have no more sockets open at a time, each of which is a mapping" }

#define ROW_ACCEPT OPT_ROW_FLAG(struct punch_options, accept, 0, "wait for one who has our address")

#endif
