/* natprobe interfaces: what a peer would be told of this host. */
#include <jansson.h>
#include <string.h>

#include "command.h"
#include "natprobe/peer/peer_wire.h"
#include "natprobe/pair/self_diagnosis.h"
#include "natprobe/report/report_json_put.h"

static int usage(const char *what)
{
	fprintf(stderr, "natprobe: interfaces: %s\n", what);
	return EXIT_USAGE;
}

static void put_behaviour(struct json *j, json_t *o, const char *key, uint8_t value)
{
	json_put(j, o, key, json_string(verdict_behaviour_word(value)));
}

static json_t *externals(struct json *j, const struct peer_path *p)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < p->external_count; i++)
		json_add(j, list, json_ip(&p->externals[i]));
	return list;
}

static json_t *number(int value)
{
	return value != 0 ? json_integer(value) : json_null();
}

static json_t *path(struct json *j, const struct punch_self *s, uint8_t i)
{
	const struct peer_path *p = &s->profile.paths[i];
	json_t *o = json_object();

	json_put(j, o, "interface", json_text(s->names[i]));
	json_put(j, o, "family", json_string(p->family == ADDR_IPV6 ? "ipv6" : "ipv4"));
	json_put(j, o, "local", json_ip(&p->local));
	json_put(j, o, "prefix_length", json_integer(p->local_prefix_len));
	json_put(j, o, "external", externals(j, p));
	put_behaviour(j, o, "mapping", p->mapping);
	put_behaviour(j, o, "filtering", p->filtering);
	put_behaviour(j, o, "mapping_tcp", p->tcp_mapping);
	put_behaviour(j, o, "filtering_tcp", p->tcp_filtering);
	json_put(j, o, "udp_blocked", json_string(verdict_answer_word(p->udp_blocked)));
	json_put(j, o, "pooling", json_string(verdict_pooling_word(p->pooling)));
	json_put(j, o, "hairpin", json_string(verdict_hairpin_word(p->hairpin)));
	json_put(j, o, "delta", json_string(verdict_delta_word(p->delta)));
	json_put(j, o, "delta_value", json_integer(p->delta_value));
	json_put(j, o, "chance", json_share(p->chance));
	json_put(j, o, "port_low", number(p->port_low));
	json_put(j, o, "port_high", number(p->port_high));
	json_put(j, o, "mapping_cap", number(p->mapping_cap));
	json_put(j, o, "opener_ttl", number(p->opener_ttl));
	json_put(j, o, "lifetime_s", number(p->lifetime_s));
	json_put(j, o, "port_mapping", json_string(verdict_answer_word(p->portmap)));
	return o;
}

static size_t told_bytes(const struct punch_self *s)
{
	uint8_t buf[PEER_PROFILE_BYTES_MAX];

	return peer_profile_write(&s->profile, buf, sizeof(buf));
}

static bool print_json(const struct punch_self *s)
{
	struct json j = { 0 };
	json_t *list = json_array(), *o = json_object();

	for (uint8_t i = 0; i < s->profile.path_count; i++)
		json_add(&j, list, path(&j, s, i));
	json_put(&j, o, "paths", list);
	json_put(&j, o, "bytes", json_integer((json_int_t)told_bytes(s)));
	return json_finish(&j, o, JSON_MANY_LINES, stdout);
}

static void print_line(const char *name, const char *value)
{
	printf("  %-14s %s\n", name, value);
}

static void print_ports(const struct peer_path *p)
{
	char text[96];

	if (p->delta == DELTA_NOT_APPLICABLE || p->delta == DELTA_UNKNOWN)
		return;
	snprintf(text, sizeof(text), "%s%s%.0d", verdict_delta_word(p->delta),
		 p->delta_value > 0   ? " +"
		 : p->delta_value < 0 ? " "
				      : "",
		 (int)p->delta_value);
	print_line("ports", text);
	if (p->port_low != 0 && p->delta != DELTA_EQUAL) {
		snprintf(text, sizeof(text), "%u to %u", p->port_low, p->port_high);
		print_line("port range", text);
	}
}

static void print_path(const struct punch_self *s, uint8_t i)
{
	const struct peer_path *p = &s->profile.paths[i];
	char text[ADDR_TEXT_MAX], name[REPORT_NAME_MAX];

	printf("%s, %s, %s/%u\n", report_name(s->names[i], name),
	       p->family == ADDR_IPV6 ? "IPv6" : "IPv4", addr_print_ip(&p->local, text),
	       p->local_prefix_len);
	for (uint8_t k = 0; k < p->external_count; k++)
		print_line("seen as", addr_print_ip(&p->externals[k], text));
	print_line("mapping", verdict_behaviour_word(p->mapping));
	print_line("filtering", verdict_behaviour_word(p->filtering));
	print_ports(p);
	if (p->udp_blocked == VERDICT_YES)
		print_line("UDP", "blocked");
	if (p->portmap == VERDICT_YES)
		print_line("gateway", "opens ports");
	if (p->lifetime_s != 0) {
		snprintf(text, sizeof(text), "%u s", p->lifetime_s);
		print_line("lifetime", text);
	}
}

static int print(const struct punch_self *s, bool json)
{
	bool ok = true;

	if (json) {
		ok = print_json(s);
	} else {
		for (uint8_t i = 0; i < s->profile.path_count; i++)
			print_path(s, i);
		printf("All of it is %zu bytes, sealed for the other side.\n", told_bytes(s));
	}
	if (ok && fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_REACHED;
	fprintf(stderr, "natprobe: interfaces: cannot write\n");
	return EXIT_FAILED;
}

static int run(const struct punch_options *o)
{
	struct self_diagnosis d = { 0 };
	struct punch_self self;
	int rc = self_diagnosis_open(&d, "interfaces", o);

	if (rc == 0)
		rc = self_diagnosis_run(&d, &self);
	self_diagnosis_clear(&d);
	if (rc == 0)
		rc = print(&self, o->json);
	if (rc == EXIT_REACHED && self.server_count == 0)
		rc = EXIT_NO_SERVER;
	return rc;
}

int cmd_interfaces(int argc, char **argv, const struct command *all)
{
	struct punch_options o = { 0 };
	struct opt_error err;
	char *none;
	size_t count;
	int rc = EXIT_REACHED;

	if (!opt_defaults(&interfaces_program, &o, &err) ||
	    !command_read_args(&interfaces_program, argc, argv, &o, &none, 0, &count, &err))
		rc = usage(err.text);
	else if (o.help)
		opt_print_help(&interfaces_program, stdout);
	else
		rc = run(&o);
	opt_clear(&interfaces_program, &o);
	return rc;
}
