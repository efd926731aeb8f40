/* option_rows - options that several commands have, and that mean the same in each (opt_rows.h). */
#ifndef NATPROBE_OPTION_ROWS_H
#define NATPROBE_OPTION_ROWS_H

#include "opt_rows.h"

/* verb: what is done over that family */
#define ROW_IPV4(type, verb) OPT_ROW_FLAG(type, ipv4, '4', verb " over IPv4 only")
#define ROW_IPV6(type, verb) OPT_ROW_FLAG(type, ipv6, '6', verb " over IPv6 only")

/* text: what ends then; the field is timeout_ms */
#define ROW_TIMEOUT(type_, text)                  \
	{ .name = "timeout",                      \
	  .letter = 't',                          \
	  .type = OPT_MS,                         \
	  .offset = OPT_FIELD(type_, timeout_ms), \
	  .flags = OPT_CLI_ONLY,                  \
	  .fallback = "20s",                      \
	  .min = 500,                             \
	  .max = 600000,                          \
	  .value = "TIME",                        \
	  .help = text }

/* Which STUN servers are asked, servers, and what for. */
#define ROW_SERVERS(type_, text)               \
	{ .name = "server",                    \
	  .letter = 's',                       \
	  .type = OPT_STR_LIST,                \
	  .offset = OPT_FIELD(type_, servers), \
	  .flags = OPT_CLI_ONLY,               \
	  .value = "SERVER",                   \
	  .help = text }

/* Which interfaces are used: interfaces, or one, interface. */
#define ROW_INTERFACES(type_, text)               \
	{ .name = "interface",                    \
	  .letter = 'i',                          \
	  .type = OPT_STR_LIST,                   \
	  .offset = OPT_FIELD(type_, interfaces), \
	  .flags = OPT_CLI_ONLY,                  \
	  .value = "NAME",                        \
	  .help = text }
#define ROW_INTERFACE(type_, text)               \
	{ .name = "interface",                   \
	  .letter = 'i',                         \
	  .type = OPT_STR,                       \
	  .offset = OPT_FIELD(type_, interface), \
	  .flags = OPT_CLI_ONLY,                 \
	  .value = "NAME",                       \
	  .help = text }

/* On unless told otherwise: upnp. */
#define ROW_UPNP(type_, text)               \
	{ .name = "upnp",                   \
	  .type = OPT_FLAG,                 \
	  .offset = OPT_FIELD(type_, upnp), \
	  .flags = OPT_CLI_ONLY,            \
	  .fallback = "on",                 \
	  .help = text }

/* field: local_port */
#define ROW_LOCAL_PORT(type_, text)               \
	{ .name = "local-port",                   \
	  .type = OPT_INT,                        \
	  .offset = OPT_FIELD(type_, local_port), \
	  .flags = OPT_CLI_ONLY,                  \
	  .min = 1,                               \
	  .max = UINT16_MAX,                      \
	  .value = "PORT",                        \
	  .help = text }

/* Who one is to a TURN server: user, password_file and token_file. */
#define ROW_USER(type_)                                                                         \
	{ .name = "user",                                                                       \
	  .letter = 'u',                                                                        \
	  .type = OPT_STR,                                                                      \
	  .offset = OPT_FIELD(type_, user),                                                     \
	  .flags = OPT_CLI_ONLY,                                                                \
	  .value = "NAME",                                                                      \
	  .help = "allocate as this user; the password stands in NATPROBE_TURN_PASSWORD or in " \
		  "--password-file, or is asked for" }
#define ROW_PASSWORD_FILE(type_)                     \
	{ .name = "password-file",                   \
	  .type = OPT_STR,                           \
	  .offset = OPT_FIELD(type_, password_file), \
	  .flags = OPT_CLI_ONLY,                     \
	  .value = "FILE",                           \
	  .help = "take the password from the first line of FILE, - for standard input" }
#define ROW_TOKEN_FILE(type_)                                                                     \
	{ .name = "token-file",                                                                   \
	  .type = OPT_STR,                                                                        \
	  .offset = OPT_FIELD(type_, token_file),                                                 \
	  .flags = OPT_CLI_ONLY,                                                                  \
	  .value = "FILE",                                                                        \
	  .help = "take an access token (RFC 7635) from FILE: lines kid NAME, key BASE64, token " \
		  "BASE64" }

/* Which certificates it may have: ca_file and insecure. */
#define ROW_CA_FILE(type_)                     \
	{ .name = "ca-file",                   \
	  .type = OPT_STR,                     \
	  .offset = OPT_FIELD(type_, ca_file), \
	  .flags = OPT_CLI_ONLY,               \
	  .value = "FILE",                     \
	  .help = "trust the certificates in FILE, and not those of the system" }

/* field: html */
#define ROW_HTML(type_)                     \
	{ .name = "html",                   \
	  .type = OPT_STR,                  \
	  .offset = OPT_FIELD(type_, html), \
	  .flags = OPT_CLI_ONLY,            \
	  .value = "FILE",                  \
	  .help = "write the report to FILE as one page of HTML, with pictures and all evidence" }

#define ROW_JSON(type)   OPT_ROW_FLAG(type, json, 'j', "print one JSON document instead of text")
#define ROW_REDACT(type) OPT_ROW_FLAG(type, redact, 0, "mask public addresses, for bug reports")

#endif
