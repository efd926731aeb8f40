#include "stund_conf.h"

#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "server_rows.h"

#define FIELD(field) OPT_FIELD(struct stund_conf, field)
#define RELOAD       OPT_RELOADABLE

static bool wrong(struct opt_error *err, const char *text)
{
	snprintf(err->text, sizeof(err->text), "%s", text);
	return false;
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
	SERVER_ROWS_PORTS(struct stund_conf),
	{ .name = "tcp", .type = OPT_FLAG, .offset = FIELD(tcp), .fallback = "on",
	  .help = "listen on TCP too" },
	{ .help = "TLS and DTLS" },
	SERVER_ROWS_TLS(struct stund_conf),
	{ .name = "alternate-tls-port", .type = OPT_INT, .offset = FIELD(alternate_tls_port),
	  .fallback = "5350", .min = 1, .max = 65535, .value = "PORT",
	  .help = "its second port, used with alternate" },
	{ .help = "A second address that another host has" },
	{ .name = "partner", .type = OPT_ADDR, .offset = FIELD(partner),
	  .default_port = STUND_PARTNER_PORT, .value = "ADDRESS[:PORT]",
	  .help = "stund with which to offer NAT discovery: both answer for each other" },
	{ .name = "partner-port", .type = OPT_INT, .offset = FIELD(partner_port),
	  .fallback = "3480", .min = 1, .max = 65535, .value = "PORT",
	  .help = "our UDP port that the partner talks to" },
	{ .name = "partner-key-file", .type = OPT_FILE, .offset = FIELD(partner_key_file),
	  .flags = RELOAD | OPT_SECRET_FILE, .value = "FILE",
	  .help = "key that both have: 32 random bytes, or a line of text" },
	{ .help = "Answers" },
	{ .name = "nat-discovery", .type = OPT_FLAG, .offset = FIELD(nat_discovery),
	  .flags = RELOAD, .fallback = "on",
	  .help = "offer RFC 5780, where there is an alternate address" },
	{ .name = "rfc3489", .type = OPT_FLAG, .offset = FIELD(rfc3489), .flags = RELOAD,
	  .fallback = "off", .help = "answer clients from before 2008 in their dialect" },
	SERVER_ROW_SOFTWARE(struct stund_conf),
	{ .help = "Limits" },
	{ .name = "rate-limit", .type = OPT_INT, .offset = FIELD(rate_limit), .flags = RELOAD,
	  .fallback = "100", .min = 0, .max = 1000000000, .value = "N",
	  .help = "requests per second and source; 0: no limit" },
	{ .name = "rate-burst", .type = OPT_INT, .offset = FIELD(rate_burst), .flags = RELOAD,
	  .fallback = "200", .min = 1, .max = 1000000000, .value = "N",
	  .help = "requests that a quiet source may send at once" },
	SERVER_ROWS_CONNECTIONS(struct stund_conf, "64", "connections", "1MiB", ""),
	{ .help = "Cooperation with clients that diagnose their NAT" },
	{ .name = "cooperate", .type = OPT_FLAG, .offset = FIELD(cooperate), .fallback = "off",
	  .help = "answer later, from other ports, or by TCP, where a client orders it" },
	{ .name = "cooperate-orders", .type = OPT_INT, .offset = FIELD(cooperate_orders),
	  .fallback = "16384", .min = 1, .max = 1000000, .value = "N",
	  .help = "orders that may wait at a time" },
	{ .name = "cooperate-orders-per-source", .type = OPT_INT,
	  .offset = FIELD(cooperate_orders_per_source),
	  .fallback = "320", .min = 1, .max = 1000000, .value = "N",
	  .help = "of one IPv4 address or IPv6 /64" },
	{ .name = "cooperate-rate", .type = OPT_BYTES, .offset = FIELD(cooperate_rate),
	  .fallback = "64KiB", .min = 4096, .max = 67108864, .value = "SIZE",
	  .help = "bytes per second to one source; to all of them 16 times that" },
	{ .help = "A rendezvous of peers that look for each other (natprobe punch)" },
	{ .name = "rendezvous", .type = OPT_ADDR_LIST, .offset = FIELD(rendezvous),
	  .default_port = STUND_RENDEZVOUS_PORT, .value = "ADDRESS[:PORT]",
	  .help = "serve it here: HTTP, and HTTPS where there is cert-file" },
	{ .name = "rendezvous-topics", .type = OPT_INT, .offset = FIELD(rendezvous_topics),
	  .fallback = "16384", .min = 1, .max = 1000000, .value = "N",
	  .help = "topics at a time" },
	{ .name = "rendezvous-topics-per-source", .type = OPT_INT,
	  .offset = FIELD(rendezvous_topics_per_source),
	  .fallback = "256", .min = 1, .max = 1000000, .value = "N",
	  .help = "in which one IPv4 address or IPv6 /64 may have messages" },
	{ .name = "rendezvous-memory", .type = OPT_BYTES, .offset = FIELD(rendezvous_memory),
	  .fallback = "16MiB", .min = 8192, .max = 1073741824, .value = "SIZE",
	  .help = "for messages; of one source a sixteenth of it" },
	{ .name = "rendezvous-rate", .type = OPT_INT, .offset = FIELD(rendezvous_rate),
	  .fallback = "50", .min = 0, .max = 1000000, .value = "N",
	  .help = "requests per second and source; 0: no limit" },
	{ .name = "rendezvous-expiry", .type = OPT_MS, .offset = FIELD(rendezvous_expiry_ms),
	  .fallback = "10m", .min = 1000, .max = 86400000, .value = "TIME",
	  .help = "how long a message is kept" },
	{ .help = "Running" },
	SERVER_ROW_WORKERS(struct stund_conf, STUND_WORKERS_MAX, "answer"),
	SERVER_ROW_USER(struct stund_conf),
	{ .name = "geo-database", .type = OPT_STR_LIST, .offset = FIELD(geo_database),
	  .flags = RELOAD, .value = "FILE",
	  .help = "counts requests by country, in MaxMind's format" },
	SERVER_ROW_ADMIN(struct stund_conf, "/metrics and /healthz"),
	{ .name = "self-check", .type = OPT_FLAG, .offset = FIELD(self_check), .fallback = "on",
	  .help = "at start, send a request from each socket to its siblings" },
	SERVER_ROWS_LOG(struct stund_conf),
	{ .help = "Command line only" },
	SERVER_ROWS_CONFIG(struct stund_conf),
	OPT_ROW_HELP(struct stund_conf),
	OPT_ROW_VERSION(struct stund_conf),
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

/* The partner's port shares no socket with what clients ask. */
static bool check_partner_port(const struct stund_conf *c, struct opt_error *err)
{
	const struct addr *listen = c->listen.items;
	bool has_tls = c->cert_file != NULL, is_taken = false;

	for (size_t i = 0; i < c->listen.count; i++)
		is_taken = is_taken || listen[i].port == c->partner_port;
	if (is_taken || c->partner_port == c->port || c->partner_port == c->alternate_port ||
	    (has_tls &&
	     (c->partner_port == c->tls_port || c->partner_port == c->alternate_tls_port)))
		return wrong(err, "partner-port: is a port that clients ask; choose another one, "
				  "and name it at the partner");
	return true;
}

static bool check_partner(const struct stund_conf *c, struct opt_error *err)
{
	if (c->partner.family == ADDR_NONE && c->partner_key_file == NULL)
		return true;
	if (c->partner.family == ADDR_NONE)
		return wrong(err, "partner-key-file: stands alone; set partner to the other host");
	if (c->partner_key_file == NULL)
		return wrong(err, "partner: takes a key; set partner-key-file to a file that both "
				  "hosts have");
	if (c->alternate.count > 0)
		return wrong(err, "partner: goes with one address, and alternate is a second one; "
				  "leave one of them out");
	if (addr_is_any(&c->partner) || c->partner.port == 0)
		return wrong(err, "partner: is no address and port of a host");
	return layout_check_partner(c, err) && check_partner_port(c, err);
}

/* What no row of the table can know. The layout itself is made again by who needs it. */
static bool check(const struct stund_conf *c, struct opt_error *err)
{
	struct layout layout;

	if (!check_tls(c, err) || !check_partner(c, err) || !layout_make(c, &layout, err))
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
