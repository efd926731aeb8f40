#include "redact.h"

#include <stdlib.h>

#include "mask.h"

struct redacted {
	struct report report;
	struct server *servers;
	struct report_probe *probes;
	struct verdict *verdicts;
	struct report_tls **tls;
	char (*names)[STUN_URI_TEXT_MAX];
	size_t name_count;
	struct mask mask;
};

static void mask(struct redacted *d, struct addr *a)
{
	mask_addr(&d->mask, a);
}

static const char *mask_server(struct redacted *d, const char *name)
{
	const char *masked = mask_name(&d->mask, name, d->names[d->name_count]);

	d->name_count += masked != name;
	return masked;
}

static void mask_evidence(struct redacted *d, struct verdict *v)
{
	for (size_t i = 0; i < v->server_count; i++) {
		struct verdict_server *s = &v->servers[i];

		mask(d, &s->addr);
		mask(d, &s->other);
		mask(d, &s->tcp_local);
		mask(d, &s->tcp_mapped);
		s->name = mask_server(d, s->name);
	}
	for (size_t i = 0; i < v->sighting_count; i++) {
		mask(d, &v->sightings[i].endpoint);
		mask(d, &v->sightings[i].local);
		mask(d, &v->sightings[i].mapped);
	}
	for (size_t i = 0; i < v->sample_count; i++)
		mask(d, &v->samples[i].mapped);
	for (size_t i = 0; i < FILTER_KINDS; i++)
		mask(d, &v->filter[i].source);
	for (size_t i = 0; i < ARRAY_LEN(v->turn.relayed); i++)
		mask(d, &v->turn.relayed[i]);
	for (size_t i = 0; i < v->finding_count; i++)
		mask(d, &v->findings[i].where);
}

static void mask_deep(struct redacted *d, struct verdict_deep *v)
{
	mask(d, &v->server);
	mask(d, &v->nat64_prefix);
	for (size_t i = 0; i < v->hop_count; i++) {
		mask(d, &v->hops[i].router);
		mask(d, &v->hops[i].inside);
	}
}

static void mask_verdict(struct redacted *d, struct verdict *v)
{
	mask(d, &v->local);
	mask(d, &v->mapped);
	mask(d, &v->local_tcp);
	mask(d, &v->mapped_tcp);
	for (size_t i = 0; i < v->pooling.external_count; i++)
		mask(d, &v->pooling.externals[i]);
	mask(d, &v->hairpin.source);
	mask(d, &v->gateway);
	mask(d, &v->pcp.external);
	mask(d, &v->nat_pmp.external);
	mask(d, &v->upnp.external);
	mask(d, &v->nat64_prefix);
	mask_deep(d, &v->deep);
	mask_evidence(d, v);
}

static bool copy_tls(struct redacted *d, size_t i, struct report_probe *p)
{
	struct report_tls *copy = calloc(p->tls_count + 1, sizeof(*copy));

	if (copy == NULL)
		return false;
	d->tls[i] = copy;
	for (size_t k = 0; k < p->tls_count; k++) {
		copy[k] = p->tls[k];
		mask(d, &copy[k].to);
		mask(d, &copy[k].mapped);
		copy[k].server = mask_server(d, copy[k].server);
	}
	p->tls = copy;
	return true;
}

static bool copy_probe(struct redacted *d, size_t i, const struct report_probe *from)
{
	struct report_probe *p = &d->probes[i];

	*p = *from;
	mask(d, &p->local);
	if (from->verdict != NULL) {
		d->verdicts[i] = *from->verdict;
		mask_verdict(d, &d->verdicts[i]);
		p->verdict = &d->verdicts[i];
	}
	return copy_tls(d, i, p);
}

static void copy_server(struct redacted *d, size_t i, const struct server *from)
{
	struct server *s = &d->servers[i];

	*s = *from;
	for (size_t f = 0; f < SERVER_FAMILIES; f++) {
		mask(d, &s->udp[f]);
		mask(d, &s->tcp[f]);
	}
	s->name = mask_server(d, s->name);
	mask_uri(&d->mask, &s->uri);
}

/* Each place where a server is named. */
static size_t count_names(const struct report *r)
{
	size_t n = r->server_count;

	for (size_t i = 0; i < r->probe_count; i++)
		n += VERDICT_SERVERS_MAX + r->probes[i].tls_count;
	return n;
}

static bool copy_all(struct redacted *d, const struct report *r)
{
	d->report = *r;
	d->servers = calloc(r->server_count + 1, sizeof(*d->servers));
	d->probes = calloc(r->probe_count + 1, sizeof(*d->probes));
	d->verdicts = calloc(r->probe_count + 1, sizeof(*d->verdicts));
	d->tls = calloc(r->probe_count + 1, sizeof(*d->tls));
	d->names = calloc(count_names(r) + 1, sizeof(*d->names));
	if (d->servers == NULL || d->probes == NULL || d->verdicts == NULL || d->tls == NULL ||
	    d->names == NULL)
		return false;
	d->report.servers = d->servers;
	d->report.probes = d->probes;
	for (size_t i = 0; i < r->server_count; i++)
		copy_server(d, i, &r->servers[i]);
	for (size_t i = 0; i < r->probe_count; i++) {
		if (!copy_probe(d, i, &r->probes[i]))
			return false;
	}
	return true;
}

struct redacted *redact_new(const struct report *r)
{
	struct redacted *d = calloc(1, sizeof(*d));

	if (d != NULL && !copy_all(d, r)) {
		redact_free(d);
		return NULL;
	}
	return d;
}

void redact_free(struct redacted *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; d->tls != NULL && i < d->report.probe_count; i++)
		free(d->tls[i]);
	free(d->tls);
	free(d->servers);
	free(d->probes);
	free(d->verdicts);
	free(d->names);
	free(d);
}

const struct report *redact_report(const struct redacted *d)
{
	return &d->report;
}
