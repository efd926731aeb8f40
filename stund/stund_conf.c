#include "stund_conf.h"

#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "log.h"
#include "stun.h"

#define FIELD(field) OPT_FIELD(struct stund_conf, field)
#define RELOAD       OPT_RELOADABLE

static bool wrong(struct opt_error *err, const char *text)
{
	snprintf(err->text, sizeof(err->text), "%s", text);
	return false;
}

static bool check_admin(const char *text, struct opt_error *err)
{
	struct addr admin;

	return addr_parse_loopback(text, &admin) ||
	       wrong(err, "neither a port nor an address with one; write 9641 or 127.0.0.1:9641");
}

static bool check_software(const char *text, struct opt_error *err)
{
	return strlen(text) <= 127 || wrong(err, "longer than 127 bytes; give a short name");
}

/* clang-format off */
static const struct opt table[] = {
	{ .help = "Where to listen" },
	{ .name = "listen", .letter = 'l', .type = OPT_ADDR_LIST, .offset = FIELD(listen),
	  .value = "ADDRESS[:PORT]", .help = "answer on this address; default: all of them" },
	{ .name = "alternate", .letter = 'a', .type = OPT_ADDR_LIST, .offset = FIELD(alternate),
	  .value = "ADDRESS", .help = "second address of this host: switches NAT discovery on" },
	{ .name = "public", .type = OPT_STR_LIST, .offset = FIELD(public_map),
	  .value = "LOCAL=PUBLIC", .check = layout_check_mapping,
	  .help = "what 1:1 NAT makes of one of the addresses above" },
	{ .name = "port", .letter = 'p', .type = OPT_INT, .offset = FIELD(port),
	  .fallback = "3478", .min = 1, .max = 65535, .value = "PORT",
	  .help = "UDP and TCP port" },
	{ .name = "alternate-port", .type = OPT_INT, .offset = FIELD(alternate_port),
	  .fallback = "3479", .min = 1, .max = 65535, .value = "PORT",
	  .help = "second port, used with alternate" },
	{ .name = "tcp", .type = OPT_FLAG, .offset = FIELD(tcp), .fallback = "on",
	  .help = "listen on TCP too" },
	{ .help = "TLS and DTLS" },
	{ .name = "cert-file", .type = OPT_FILE, .offset = FIELD(cert_file), .flags = RELOAD,
	  .value = "FILE", .help = "certificate and its chain (PEM): switches TLS and DTLS on" },
	{ .name = "key-file", .type = OPT_FILE, .offset = FIELD(key_file),
	  .flags = RELOAD | OPT_SECRET_FILE, .value = "FILE", .help = "private key (PEM)" },
	{ .name = "tls-port", .type = OPT_INT, .offset = FIELD(tls_port),
	  .fallback = "5349", .min = 1, .max = 65535, .value = "PORT",
	  .help = "one more port where there is a certificate" },
	{ .name = "alternate-tls-port", .type = OPT_INT, .offset = FIELD(alternate_tls_port),
	  .fallback = "5350", .min = 1, .max = 65535, .value = "PORT",
	  .help = "its second port, used with alternate" },
	{ .help = "Answers" },
	{ .name = "nat-discovery", .type = OPT_FLAG, .offset = FIELD(nat_discovery),
	  .flags = RELOAD, .fallback = "on",
	  .help = "offer RFC 5780, where there is an alternate address" },
	{ .name = "rfc3489", .type = OPT_FLAG, .offset = FIELD(rfc3489), .flags = RELOAD,
	  .fallback = "off", .help = "answer clients from before 2008 in their dialect" },
	{ .name = "software", .type = OPT_STR, .offset = FIELD(software), .flags = RELOAD,
	  .value = "TEXT", .check = check_software,
	  .help = "name to give in answers; default: none" },
	{ .help = "Limits" },
	{ .name = "rate-limit", .type = OPT_INT, .offset = FIELD(rate_limit), .flags = RELOAD,
	  .fallback = "100", .min = 0, .max = 1000000000, .value = "N",
	  .help = "requests per second and source; 0: no limit" },
	{ .name = "rate-burst", .type = OPT_INT, .offset = FIELD(rate_burst), .flags = RELOAD,
	  .fallback = "200", .min = 1, .max = 1000000000, .value = "N",
	  .help = "requests that a quiet source may send at once" },
	{ .name = "max-connections", .type = OPT_INT, .offset = FIELD(max_connections),
	  .fallback = "4096", .min = 1, .max = 1000000, .value = "N",
	  .help = "TCP and TLS connections at once; as many DTLS sessions" },
	{ .name = "max-connections-per-source", .type = OPT_INT,
	  .offset = FIELD(max_connections_per_source),
	  .fallback = "64", .min = 1, .max = 1000000, .value = "N",
	  .help = "of one IPv4 address or IPv6 /64" },
	{ .name = "idle-timeout", .type = OPT_MS, .offset = FIELD(idle_timeout_ms),
	  .fallback = "60s", .min = 1000, .max = 86400000, .value = "TIME",
	  .help = "close connections that are silent for so long" },
	{ .name = "receive-buffer", .type = OPT_BYTES, .offset = FIELD(receive_buffer),
	  .fallback = "1MiB", .min = 4096, .max = 1073741824, .value = "SIZE",
	  .help = "of each UDP socket, as far as the system allows" },
	{ .help = "Running" },
	{ .name = "workers", .letter = 'w', .type = OPT_INT, .offset = FIELD(workers),
	  .fallback = "0", .min = 0, .max = STUND_WORKERS_MAX, .value = "N",
	  .help = "threads that answer; 0: one per core" },
	{ .name = "user", .letter = 'u', .type = OPT_STR, .offset = FIELD(user),
	  .value = "USER", .help = "become this user once the sockets are open" },
	{ .name = "geo-database", .type = OPT_STR_LIST, .offset = FIELD(geo_database),
	  .flags = RELOAD, .value = "FILE",
	  .help = "counts requests by country, in MaxMind's format" },
	{ .name = "admin", .type = OPT_STR, .offset = FIELD(admin), .value = "[ADDRESS:]PORT",
	  .check = check_admin,
	  .help = "serve /metrics and /healthz by HTTP; a port alone: on 127.0.0.1" },
	{ .name = "self-check", .type = OPT_FLAG, .offset = FIELD(self_check), .fallback = "on",
	  .help = "at start, send a request from each socket to its siblings" },
	{ .name = "log-level", .type = OPT_ENUM, .offset = FIELD(log_level), .flags = RELOAD,
	  .fallback = "info", .choices = LOG_LEVEL_CHOICES, .help = "least level that is logged" },
	{ .name = "log-format", .type = OPT_ENUM, .offset = FIELD(log_format), .flags = RELOAD,
	  .fallback = "text", .choices = LOG_FORMAT_CHOICES, .help = "of the lines on stderr" },
	{ .help = "Command line only" },
	{ .name = "config", .letter = 'c', .type = OPT_STR, .offset = FIELD(config),
	  .flags = OPT_CLI_ONLY, .value = "FILE", .help = "read options from this file" },
	{ .name = "check-config", .letter = 't', .type = OPT_FLAG, .offset = FIELD(check_config),
	  .flags = OPT_CLI_ONLY, .help = "check the configuration and exit" },
	{ .name = "print-config", .type = OPT_FLAG, .offset = FIELD(print_config),
	  .flags = OPT_CLI_ONLY, .help = "print the configuration in effect and exit" },
	{ .name = "help", .letter = 'h', .type = OPT_FLAG, .offset = FIELD(help),
	  .flags = OPT_CLI_ONLY, .help = "print this and exit" },
	{ .name = "version", .letter = 'V', .type = OPT_FLAG, .offset = FIELD(version),
	  .flags = OPT_CLI_ONLY, .help = "print the version and exit" },
	{ 0 },
};
/* clang-format on */

const struct opt_program stund_program = {
	.name = "stund",
	.synopsis = "[OPTION]...",
	.summary = "STUN server: tells clients their address, and how their NAT behaves",
	.table = table,
	.size = sizeof(struct stund_conf),
};

static bool check_tls(const struct stund_conf *c, struct opt_error *err)
{
	if (c->cert_file != NULL && c->key_file == NULL)
		return wrong(err, "cert-file: stands alone; set key-file to its private key");
	if (c->cert_file == NULL && c->key_file != NULL)
		return wrong(err, "key-file: stands alone; set cert-file to its certificate");
	return true;
}

/* What no row of the table can know. The layout itself is made again by who needs it. */
static bool check(const struct stund_conf *c, struct opt_error *err)
{
	struct layout layout;

	if (!check_tls(c, err) || !layout_make(c, &layout, err))
		return false;
	return opt_check_files(&stund_program, c, err);
}

bool stund_conf_load(int argc, char **argv, struct stund_conf *out, struct opt_error *err)
{
	const struct opt_program *p = &stund_program;

	if (!opt_read_command(p, argc, argv, out, err))
		return false;
	if (out->help || out->version)
		return true;
	if (out->config != NULL && !opt_read_below(p, out->config, argc, argv, out, err))
		return false;
	if (check(out, err))
		return true;
	opt_locate(out->config, err);
	return false;
}

void stund_conf_clear(struct stund_conf *conf)
{
	opt_clear(&stund_program, conf);
}
