#include "nat_truth_deep.h"

#include <stdarg.h>
#include <stdio.h>

#define LONGEST_S     600 /* that is looked for */
#define LIFETIME_S    300
#define KEEPALIVE_MAX 240
#define PORT_LOW      1024
#define PORT_HIGH     65535

struct text {
	char *out;
	size_t len;
};

/* All boxes as one, seen from the host. */
struct sum {
	const struct nat_config *nat; /* the one that decides about ports; NULL: none translates */
	unsigned choosers;            /* boxes that pick ports of their own */
	unsigned pools;               /* boxes with several external addresses by lot */
	bool keeps_state, blocks;
	bool is_stateless; /* translates, and forgets nothing */
	bool maps_by_destination;
	bool out_refreshes, in_refreshes;
	double lifetime_s, one_way_s, low_port_s;
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->out + t->len, NAT_TRUTH_DEEP_MAX - t->len, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < NAT_TRUTH_DEEP_MAX - t->len)
		t->len += (size_t)n;
}

static void line(struct text *t, const char *property, const char *value)
{
	put(t, "%s = %s\n", property, value);
}

static bool translates(const struct nat_config *n)
{
	return n->mapping != NAT_NONE && n->external_count > 0;
}

static bool filters(const struct nat_config *n)
{
	return n->filtering != NAT_NONE && n->filtering != NAT_EI;
}

static bool keeps_ports(const struct nat_config *n)
{
	return (n->allocation == NAT_PRESERVING || n->allocation == NAT_LINUX) &&
	       n->overload <= 0 && n->block_width == 0;
}

static void shorten(double *s, uint32_t by)
{
	if (by > 0 && (*s <= 0 || by < *s))
		*s = by;
}

static void add_times(struct sum *s, const struct nat_config *n)
{
	uint32_t both = n->lifetime_s != 0 ? n->lifetime_s : LIFETIME_S;

	s->keeps_state = true;
	shorten(&s->lifetime_s, both);
	shorten(&s->one_way_s, n->lifetime_one_way_s != 0 ? n->lifetime_one_way_s : both);
	shorten(&s->low_port_s, n->lifetime_low_port_s != 0 ? n->lifetime_low_port_s : both);
	s->out_refreshes &= n->refresh == NAT_REFRESH_OUT || n->refresh == NAT_REFRESH_BOTH;
	s->in_refreshes &= n->refresh == NAT_REFRESH_IN || n->refresh == NAT_REFRESH_BOTH;
}

static struct sum sum_up(const struct nat_profile *p)
{
	struct sum s = { .out_refreshes = true, .in_refreshes = true };

	for (unsigned i = 0; i < p->layer_count; i++) {
		const struct nat_config *n = &p->layers[i];

		s.blocks |= n->udp_blocked || n->udp_ports_allowed[0] != 0;
		s.is_stateless |= n->nptv6_len > 0 && !translates(n) && !filters(n);
		if (translates(n) || filters(n))
			add_times(&s, n);
		if (!translates(n))
			continue;
		s.choosers += !keeps_ports(n);
		s.pools += n->pooling != NAT_POOL_PAIRED && n->external_count > 1;
		s.maps_by_destination |= n->mapping != NAT_EI && n->allocation != NAT_LINUX;
		if (s.nat == NULL || !keeps_ports(n))
			s.nat = n;
	}
	return s;
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

static void put_times(struct text *t, const struct sum *s)
{
	/* refresh.* do not apply either, but have no word for that */
	static const char *const names[] = { "lifetime", "lifetime.one-way", "lifetime.low-port",
					     "keepalive" };
	double shortest = least(least(s->lifetime_s, s->one_way_s), s->low_port_s);
	double half = least(shortest / 2, KEEPALIVE_MAX);

	if (!s->keeps_state) {
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			line(t, names[i], "none");
		return;
	}
	put(t, "lifetime = %g\nlifetime.one-way = %g\nlifetime.low-port = %g\n", s->lifetime_s,
	    s->one_way_s, s->low_port_s);
	line(t, "refresh.outbound", yes_no(s->out_refreshes));
	line(t, "refresh.inbound", yes_no(s->in_refreshes));
	/* Two fit into the lifetime, and not many more. */
	put(t, "keepalive < %d\nkeepalive > %d\n", (int)half + 1, (int)(half * 0.9 - 2));
}

static bool counts(const struct nat_config *n)
{
	return n->allocation == NAT_SEQUENTIAL || n->allocation == NAT_PARITY_SEQUENTIAL;
}

/* A share of the local ports is kept, but for a constant. */
static bool keeps_some(const struct nat_config *n)
{
	switch (n->allocation) {
	case NAT_PRESERVING:
	case NAT_LINUX:
	case NAT_OFFSET:
	case NAT_PER_DESTINATION:
		return n->block_width == 0;
	default:
		return false;
	}
}

static void put_block(struct text *t, const struct nat_config *n)
{
	if (counts(n))
		line(t, "block", "unknown"); /* it does not come round */
	else if (n->block_width > 0)
		put(t, "block = %u\n", n->block_width);
	else
		line(t, "block", "none");
}

static void put_step(struct text *t, const struct sum *s)
{
	bool steps = counts(s->nat) || s->nat->allocation == NAT_PER_DESTINATION;

	if (s->maps_by_destination && steps)
		put(t, "delta.per-destination = %d\n", s->nat->step);
	else
		line(t, "delta.per-destination", "none");
}

static void put_ports(struct text *t, const struct sum *s)
{
	const struct nat_config *n = s->nat;

	if (n->block_width == 0) {
		put(t, "range.low = %u\n", n->port_low != 0 ? n->port_low : PORT_LOW);
		put(t, "range.high = %u\n", n->port_high != 0 ? n->port_high : PORT_HIGH);
	}
	put_block(t, n);
	if (counts(n))
		put(t, "background = %g\n", n->background_per_s);
	else
		line(t, "background", "none");
	if (keeps_some(n))
		put(t, "overload = %g\n", 100 * n->overload);
	else
		line(t, "overload", "none");
	put_step(t, s);
}

/* A mapping that the box next to the host grants works where no other one keeps anything out. */
static void put_portmap(struct text *t, const struct nat_profile *p)
{
	bool passes = true;

	if (p->layer_count == 0)
		return;
	for (unsigned i = 0; i + 1 < p->layer_count; i++)
		passes &= !translates(&p->layers[i]) && !filters(&p->layers[i]);
	if (p->layers[p->layer_count - 1].pcp || p->layers[p->layer_count - 1].nat_pmp)
		line(t, "portmap.works", yes_no(passes));
}

bool nat_truth_deep(const struct nat_profile *p, struct nat_deep_truth *out)
{
	static const char *const ports[] = { "range.low",  "range.high", "block",
					     "background", "overload",   "delta.per-destination" };
	struct text t = { .out = out->lines };
	struct sum s = sum_up(p);

	*out = (struct nat_deep_truth){ .lifetime_s = s.lifetime_s };
	if (s.blocks)
		return false;
	t.len = nat_truth_path(p, out->lines, sizeof(out->lines));
	if (s.is_stateless && !s.keeps_state) {
		/* As long as anybody looks. */
		out->lifetime_s = LONGEST_S;
		put(&t, "lifetime > %d\nlifetime.one-way > %d\n", LONGEST_S - 10, LONGEST_S - 10);
		return true;
	}
	if (s.one_way_s > out->lifetime_s)
		out->lifetime_s = s.one_way_s;
	if (s.low_port_s > out->lifetime_s)
		out->lifetime_s = s.low_port_s;
	put_times(&t, &s);
	if (s.nat == NULL) {
		for (size_t i = 0; i < ARRAY_LEN(ports); i++)
			line(&t, ports[i], "none");
	} else if (s.choosers <= 1) {
		put_ports(&t, &s);
	}
	put_portmap(&t, p);
	return true;
}
