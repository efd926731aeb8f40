#include "report_read.h"

#include <stdlib.h>
#include <string.h>

#include "report_get.h"
#include "report_read_verdict.h"

#define TLS_MAX 64 /* of one interface */

struct report_document {
	struct report report;
	json_t *root; /* owns all text */
	struct server *servers;
	struct report_probe *probes;
	struct verdict *verdicts;
	struct report_tls *tls; /* of all interfaces, one behind the other */
};

static void read_server(struct get *g, const json_t *o, struct server *s)
{
	static const char *const families[] = { [SERVER_IPV4] = "ipv4", [SERVER_IPV6] = "ipv6" };

	s->name = get_text(g, o, "server");
	s->why = get_text(g, o, "error");
	if (s->name == NULL)
		get_fail(g, "server", "is missing");
	for (int f = 0; f < SERVER_FAMILIES; f++) {
		const json_t *addrs = get_object(g, o, families[f]);

		s->udp[f] = get_addr(g, addrs, "udp");
		s->tls = s->tls || get_any(addrs, "tls") != NULL;
		s->tcp[f] = get_addr(g, addrs, s->tls ? "tls" : "tcp");
	}
}

static void read_tls(struct get *g, const json_t *o, struct report_tls *t)
{
	const char *why = get_text(g, o, "reason");

	t->server = get_text(g, o, "server");
	if (t->server == NULL)
		get_fail(g, "tls", "names no server");
	t->to = get_addr(g, o, "address");
	t->mapped = get_addr(g, o, "mapped");
	t->took_us = get_us(g, o, "took_ms");
	t->connected = get_bool(g, o, "connected");
	t->handshaken = get_bool(g, o, "handshaken");
	t->verified = get_bool(g, o, "verified");
	if (why != NULL)
		snprintf(t->why, sizeof(t->why), "%s", why);
}

static uint8_t read_family(struct get *g, const json_t *o)
{
	const char *word = get_text(g, o, "family");

	if (word != NULL && strcmp(word, "ipv6") == 0)
		return ADDR_IPV6;
	if (word == NULL || strcmp(word, "ipv4") != 0)
		get_fail(g, "family", "is neither ipv4 nor ipv6");
	return ADDR_IPV4;
}

static void read_probe(struct get *g, const json_t *o, struct report_probe *p, struct verdict *v,
		       struct report_tls *tls)
{
	const json_t *list = get_array(g, o, "tls", TLS_MAX);
	const json_t *item;
	size_t i;

	p->interface = get_text(g, o, "interface");
	if (p->interface == NULL)
		get_fail(g, "interface", "is missing");
	p->family = read_family(g, o);
	p->bound_to_device = get_bool(g, o, "bound_to_interface");
	p->local = get_addr(g, o, "local");
	p->why = get_text(g, o, "why_not");
	p->tls = tls;
	json_array_foreach(list, i, item)
		read_tls(g, item, &tls[p->tls_count++]);
	if (get_bool(g, o, "probed")) {
		get_verdict(g, o, v);
		p->verdict = v;
	} else if (p->why == NULL) {
		p->why = "no reason is known";
	}
}

static size_t count_tls(const json_t *interfaces)
{
	size_t count = 0;
	const json_t *o;
	size_t i;

	json_array_foreach(interfaces, i, o) {
		size_t size = json_array_size(json_object_get(o, "tls"));

		count += size < TLS_MAX ? size : TLS_MAX;
	}
	return count;
}

static bool read_lists(struct get *g, struct report_document *d)
{
	const json_t *servers = get_array(g, d->root, "servers", REPORT_READ_PROBES_MAX);
	const json_t *interfaces = get_array(g, d->root, "interfaces", REPORT_READ_PROBES_MAX);
	size_t count = json_array_size(interfaces);
	size_t tls_count = 0;
	const json_t *o;
	size_t i;

	if (g->failed)
		return false;
	d->servers = calloc(json_array_size(servers) + 1, sizeof(*d->servers));
	d->probes = calloc(count + 1, sizeof(*d->probes));
	d->verdicts = calloc(count + 1, sizeof(*d->verdicts));
	d->tls = calloc(count_tls(interfaces) + 1, sizeof(*d->tls));
	if (d->servers == NULL || d->probes == NULL || d->verdicts == NULL || d->tls == NULL)
		return false;
	json_array_foreach(servers, i, o)
		read_server(g, o, &d->servers[d->report.server_count++]);
	g->in_interfaces = true;
	json_array_foreach(interfaces, i, o) {
		g->interface = i;
		read_probe(g, o, &d->probes[i], &d->verdicts[i], &d->tls[tls_count]);
		tls_count += d->probes[i].tls_count;
	}
	g->in_interfaces = false;
	d->report.servers = d->servers;
	d->report.probes = d->probes;
	d->report.probe_count = count;
	return true;
}

static void read_version(struct get *g, const json_t *root)
{
	int64_t version;

	if (get_any(root, "version") == NULL || get_any(root, "interfaces") == NULL)
		get_fail(g, "version", "is missing: this is no report of natprobe --json");
	version = get_integer(g, root, "version", 1, INT32_MAX);
	if (version > REPORT_JSON_VERSION)
		get_fail(g, "version", "is newer than this natprobe; use a newer one");
}

static void read_document(struct get *g, struct report_document *d)
{
	struct report *r = &d->report;

	if (!json_is_object(d->root))
		get_fail(g, "version", "is missing: this is no report of natprobe --json");
	read_version(g, d->root);
	if (g->failed)
		return;
	get_make_safe(d->root);
	r->program = get_text(g, d->root, "program");
	if (r->program == NULL)
		r->program = "natprobe";
	r->why = get_text(g, d->root, "why");
	r->elapsed_ms = get_count(g, d->root, "elapsed_ms", INT64_MAX);
	if (!read_lists(g, d))
		get_fail(g, "interfaces", "need more memory than there is");
}

struct report_document *report_read(struct bytes json, struct report_read_error *error)
{
	struct report_document *d = calloc(1, sizeof(*d));
	struct get g = { .error = error };
	json_error_t why;

	*error = (struct report_read_error){ "out of memory" };
	if (d == NULL)
		return NULL;
	if (json.len > REPORT_READ_BYTES_MAX) {
		snprintf(error->text, sizeof(error->text), "longer than %u MiB",
			 REPORT_READ_BYTES_MAX >> 20);
		free(d);
		return NULL;
	}
	d->root = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, &why);
	if (d->root == NULL) {
		get_say_syntax(&why, error);
		free(d);
		return NULL;
	}
	read_document(&g, d);
	if (!g.failed)
		return d;
	report_document_free(d);
	return NULL;
}

void report_document_free(struct report_document *d)
{
	if (d == NULL)
		return;
	json_decref(d->root);
	free(d->servers);
	free(d->probes);
	free(d->verdicts);
	free(d->tls);
	free(d);
}

const struct report *report_document_report(const struct report_document *d)
{
	return &d->report;
}
