#include "tests/nat_state.h"

/* dies_on_icmp: what RFC 4787, REQ-12 forbids. */
static void mourn(struct nat *n, struct nat_mapping *m, uint64_t now_us)
{
	if (n->config.dies_on_icmp)
		nat_mapping_remove(n, m, NAT_EVENT_REMOVED, "icmp", now_us);
}

void nat_error_out(struct nat *n, struct packet *p, uint64_t now_us)
{
	struct packet about;
	struct nat_tuple t;
	struct nat_flow *f;

	if (n->config.drops_icmp_errors || !packet_parse_quoted(p->data, &about)) {
		nat_drop(n, NAT_INSIDE, p, "icmp-error", now_us);
		return;
	}
	bool changes_family = nat_64_contains(n, &about.source);
	if (changes_family)
		t = nat_64_tuple(n, &about);
	else
		t = (struct nat_tuple){ about.protocol, about.destination, about.source };
	f = nat_flow_find(n, &t, now_us);
	if (f == NULL) {
		nat_drop(n, NAT_INSIDE, p, "no-mapping", now_us);
		return;
	}
	struct nat_mapping *m = f->mapping;
	if (changes_family) {
		if (!nat_64_error_out(n, p, &about, m)) {
			nat_drop(n, NAT_INSIDE, p, "icmp-error", now_us);
			return;
		}
	} else if (m->translated) {
		/* Whoever inside says it, outside it comes from us (RFC 5508, REQ-4 and 5). */
		(void)packet_rewrite_quoted(n->out, p, NULL, &m->external);
		packet_rewrite(n->out, p, &m->external, NULL);
	}
	mourn(n, m, now_us);
	if (nat_owns(n, &p->destination))
		nat_error_in(n, p, now_us);
	else
		nat_emit(n, NAT_OUTSIDE, p->whole);
}

void nat_error_in(struct nat *n, struct packet *p, uint64_t now_us)
{
	struct packet about;
	const struct nat_flow *f;

	if (n->config.drops_icmp_errors || !packet_parse_quoted(p->data, &about)) {
		nat_drop(n, NAT_OUTSIDE, p, "icmp-error", now_us);
		return;
	}
	f = nat_flow_find_external(n, about.protocol, &about.source, &about.destination, now_us);
	if (f == NULL || f->mapping == NULL) {
		nat_drop(n, NAT_OUTSIDE, p, "no-mapping", now_us);
		return;
	}
	struct nat_mapping *m = f->mapping;
	if (m->internal.family != about.source.family) {
		if (!nat_64_error_in(n, p, &about, m)) {
			nat_drop(n, NAT_OUTSIDE, p, "icmp-error", now_us);
			return;
		}
	} else if (m->translated) {
		(void)packet_rewrite_quoted(n->out, p, &m->internal, NULL);
		packet_rewrite(n->out, p, NULL, &m->internal);
	}
	mourn(n, m, now_us);
	nat_emit(n, NAT_INSIDE, p->whole);
}
