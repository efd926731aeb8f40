/*
 * server_rows - rows that the tables of all servers have (opt_rows.h): `type` has the fields.
 */
#ifndef NATKIT_SERVER_ROWS_H
#define NATKIT_SERVER_ROWS_H

#include "log.h"
#include "opt_rows.h"

/* clang-format off */
#define SERVER_ROWS_PORTS(type_) \
	{ .name = "port", .letter = 'p', .type = OPT_INT, .offset = OPT_FIELD(type_, port), \
	  .fallback = "3478", .min = 1, .max = 65535, .value = "PORT", \
	  .help = "UDP and TCP port" }, \
	{ .name = "alternate-port", .type = OPT_INT, .offset = OPT_FIELD(type_, alternate_port), \
	  .fallback = "3479", .min = 1, .max = 65535, .value = "PORT", \
	  .help = "second port, used with alternate" }

#define SERVER_ROWS_TLS(type_) \
	{ .name = "cert-file", .type = OPT_FILE, .offset = OPT_FIELD(type_, cert_file), \
	  .flags = OPT_RELOADABLE, .value = "FILE", \
	  .help = "certificate and its chain (PEM): switches TLS and DTLS on" }, \
	{ .name = "key-file", .type = OPT_FILE, .offset = OPT_FIELD(type_, key_file), \
	  .flags = OPT_RELOADABLE | OPT_SECRET_FILE, .value = "FILE", \
	  .help = "private key (PEM)" }, \
	{ .name = "tls-port", .type = OPT_INT, .offset = OPT_FIELD(type_, tls_port), \
	  .fallback = "5349", .min = 1, .max = 65535, .value = "PORT", \
	  .help = "one more port where there is a certificate" }

/* per_source: how many one may have; which: end when they are silent; buffer, whom: UDP sockets */
#define SERVER_ROWS_CONNECTIONS(type_, per_source, which, buffer, whom) \
	{ .name = "max-connections", .type = OPT_INT, .offset = OPT_FIELD(type_, max_connections), \
	  .fallback = "4096", .min = 1, .max = 1000000, .value = "N", \
	  .help = "TCP and TLS connections at once; as many DTLS sessions" }, \
	{ .name = "max-connections-per-source", .type = OPT_INT, \
	  .offset = OPT_FIELD(type_, max_connections_per_source), \
	  .fallback = per_source, .min = 1, .max = 1000000, .value = "N", \
	  .help = "of one IPv4 address or IPv6 /64" }, \
	{ .name = "idle-timeout", .type = OPT_MS, .offset = OPT_FIELD(type_, idle_timeout_ms), \
	  .fallback = "60s", .min = 1000, .max = 86400000, .value = "TIME", \
	  .help = "close " which " that are silent for so long" }, \
	{ .name = "receive-buffer", .type = OPT_BYTES, .offset = OPT_FIELD(type_, receive_buffer), \
	  .fallback = buffer, .min = 4096, .max = 1073741824, .value = "SIZE", \
	  .help = "of each UDP socket" whom ", as far as the system allows" }

#define SERVER_ROW_SOFTWARE(type_) \
	{ .name = "software", .type = OPT_STR, .offset = OPT_FIELD(type_, software), \
	  .flags = OPT_RELOADABLE, .value = "TEXT", .check = server_check_software, \
	  .help = "name to give in answers; default: none" }

/* most: how many threads there can be; what: they do */
#define SERVER_ROW_WORKERS(type_, most, what) \
	{ .name = "workers", .letter = 'w', .type = OPT_INT, .offset = OPT_FIELD(type_, workers), \
	  .fallback = "0", .min = 0, .max = (most), .value = "N", \
	  .help = "threads that " what "; 0: one per core" }

#define SERVER_ROW_USER(type_) \
	{ .name = "user", .letter = 'u', .type = OPT_STR, .offset = OPT_FIELD(type_, user), \
	  .value = "USER", .help = "become this user once the sockets are open" }

/* what: is served there */
#define SERVER_ROW_ADMIN(type_, what) \
	{ .name = "admin", .type = OPT_STR, .offset = OPT_FIELD(type_, admin), \
	  .value = "[ADDRESS:]PORT", .check = server_check_admin, \
	  .help = "serve " what " by HTTP; a port alone: on 127.0.0.1" }

#define SERVER_ROWS_LOG(type_) \
	{ .name = "log-level", .type = OPT_ENUM, .offset = OPT_FIELD(type_, log_level), \
	  .flags = OPT_RELOADABLE, .fallback = "info", .choices = LOG_LEVEL_CHOICES, \
	  .help = "least level that is logged" }, \
	{ .name = "log-format", .type = OPT_ENUM, .offset = OPT_FIELD(type_, log_format), \
	  .flags = OPT_RELOADABLE, .fallback = "text", .choices = LOG_FORMAT_CHOICES, \
	  .help = "of the lines on stderr" }

/* Of the command line alone: where the rest is read from, and looking at it. */
#define SERVER_ROWS_CONFIG(type_) \
	{ .name = "config", .letter = 'c', .type = OPT_STR, .offset = OPT_FIELD(type_, config), \
	  .flags = OPT_CLI_ONLY, .value = "FILE", .help = "read options from this file" }, \
	{ .name = "check-config", .letter = 't', .type = OPT_FLAG, \
	  .offset = OPT_FIELD(type_, check_config), .flags = OPT_CLI_ONLY, \
	  .help = "check the configuration and exit" }, \
	{ .name = "print-config", .type = OPT_FLAG, .offset = OPT_FIELD(type_, print_config), \
	  .flags = OPT_CLI_ONLY, .help = "print the configuration in effect and exit" }
/* clang-format on */

/* As in struct opt. */
bool server_check_admin(const char *text, struct opt_error *err);
bool server_check_software(const char *text, struct opt_error *err);

#endif
