/*
 * Which kinds of translators there are, from what others found: our own addresses and those of
 * routers, the largest packets, and what DNS tells of a NAT64. Nothing is sent.
 *
 *	DS-Lite  has routers or hosts in 192.0.0.0/29 (RFC 6333); 464XLAT hosts (RFC 7335), and a
 *		 NAT64 beside it. Both make packets smaller, by what IPv6 has in front.
 *	NPTv6    exchanges prefixes so that checksums stay right, and keeps ports (RFC 6296).
 */
#include "deep_kit.h"
#include "deep_trials.h"

#include "wire.h"

#define MTU_WHOLE     1500 /* nothing is in front of packets */
#define MTU_DS_LITE   1460 /* ... but an IPv6 header */
#define MTU_464XLAT   1480 /* ... an IPv6 header in place of IPv4's */
#define MTU_FRAGMENTS 1472 /* ... with a fragment header */

#define DNS_US 2000000 /* for what DNS tells */

struct translators {
	uint64_t ends_us;
};

static void start(struct deep *d, void *state)
{
	((struct translators *)state)->ends_us = deep_now_us(d) + DNS_US;
}

static void step(struct deep *d, void *state)
{
}

static uint64_t deadline_us(const struct deep *d, const void *state)
{
	return ((const struct translators *)state)->ends_us;
}

static bool is_over(const struct deep *d, const void *state)
{
	const struct deep_config *c = deep_config(d);

	return c->nat64_asked || !c->nat64_awaited ||
	       deep_now_us(d) >= ((const struct translators *)state)->ends_us;
}

/* 192.0.0.0/29, of IPv4 service on IPv6. */
static bool is_of_service(const struct addr *a)
{
	return a->family == ADDR_IPV4 && a->ip[0] == 192 && a->ip[1] == 0 && a->ip[2] == 0 &&
	       a->ip[3] < 8;
}

static bool has_hop_of_service(const struct verdict_deep *v)
{
	for (size_t i = 0; i < v->hop_count; i++) {
		if (is_of_service(&v->hops[i].router))
			return true;
	}
	return false;
}

/* Whether `size` may be what passes at most, as far as that is known. */
static bool may_be(const struct verdict_deep *v, double size)
{
	const struct deep_value *mtu = &v->values[DEEP_MTU_OUT];

	return mtu->state != DEEP_NUMBER || (mtu->low <= size && size <= mtu->high);
}

static bool is_whole(const struct verdict_deep *v)
{
	const struct deep_value *mtu = &v->values[DEEP_MTU_OUT];

	return mtu->state == DEEP_NUMBER && mtu->low >= MTU_WHOLE;
}

static void put(struct verdict_deep *v, enum deep_property which, bool yes)
{
	deep_set_word(v, which, yes ? DEEP_YES : DEEP_NO);
}

static void judge_service(const struct deep_config *c, struct verdict_deep *v)
{
	bool asked = c->nat64_asked, has_nat64 = c->nat64_prefix.family == ADDR_IPV6;
	bool is_ours = is_of_service(&c->local), is_near = is_ours || has_hop_of_service(v);
	bool fits_xlat = may_be(v, MTU_464XLAT) || may_be(v, MTU_FRAGMENTS);
	bool sees_hops = v->hop_count > 0 && v->hops[0].router.family != ADDR_NONE;

	if (!is_near && is_whole(v)) {
		put(v, DEEP_DS_LITE, false);
		put(v, DEEP_464XLAT, false);
		return;
	}
	/* What makes packets smaller than 464XLAT does is a tunnel. */
	if (is_near && has_nat64 && fits_xlat) {
		put(v, DEEP_DS_LITE, false);
		put(v, DEEP_464XLAT, true);
		return;
	}
	if (is_near && may_be(v, MTU_DS_LITE) && (asked || !fits_xlat)) {
		put(v, DEEP_DS_LITE, true);
		put(v, DEEP_464XLAT, false);
		return;
	}
	if (is_near)
		deep_set_unknown(v, DEEP_DS_LITE, CAUSE_AMBIGUOUS);
	else if (sees_hops || !may_be(v, MTU_DS_LITE))
		put(v, DEEP_DS_LITE, false);
	else
		deep_set_unknown(v, DEEP_DS_LITE, CAUSE_AMBIGUOUS);
	/* A router may do for a whole network what this host does not. */
	if (!fits_xlat || (asked && !has_nat64))
		put(v, DEEP_464XLAT, false);
	else
		deep_set_unknown(v, DEEP_464XLAT, asked ? CAUSE_AMBIGUOUS : CAUSE_DNS_SILENT);
}

static uint32_t sum_of(const struct addr *a)
{
	struct wire in = wire_read(bytes_of(a->ip, sizeof(a->ip)));
	uint32_t sum = 0;

	while (in.left > 0)
		sum += wire_get_u16(&in);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum % 0xffff; /* both zeros are one */
}

static bool exchanges_prefix(const struct verdict *v)
{
	return v->local.family == ADDR_IPV6 && v->mapped.family == ADDR_IPV6 &&
	       !addr_equal_ip(&v->local, &v->mapped) && v->local.port == v->mapped.port &&
	       sum_of(&v->local) == sum_of(&v->mapped);
}

static void judge_prefix(const struct deep_config *c, struct verdict *v)
{
	if (c->local.family != ADDR_IPV6 || v->nat.value == VERDICT_NO ||
	    v->nat64.value == VERDICT_YES)
		put(&v->deep, DEEP_NPTV6, false);
	else if (v->nat.value != VERDICT_YES || v->mapped.family == ADDR_NONE)
		deep_set_unknown(&v->deep, DEEP_NPTV6, CAUSE_NO_SERVER);
	else
		put(&v->deep, DEEP_NPTV6, exchanges_prefix(v) && v->ports.delta == DELTA_EQUAL);
}

static void end(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	const struct deep_config *c = deep_config(d);

	judge_prefix(c, v);
	if (!c->nat64_asked)
		deep_set_unknown(&v->deep, DEEP_NAT64_PREFIX, CAUSE_DNS_SILENT);
	else if (c->nat64_prefix.family == ADDR_IPV6)
		deep_set_number(&v->deep, DEEP_NAT64_PREFIX, c->nat64_prefix_len,
				c->nat64_prefix_len);
	else
		deep_set_none(&v->deep, DEEP_NAT64_PREFIX);
	v->deep.nat64_prefix = c->nat64_prefix;
	if (c->local.family == ADDR_IPV6) {
		put(&v->deep, DEEP_DS_LITE, false);
		put(&v->deep, DEEP_464XLAT, false);
		return;
	}
	judge_service(c, &v->deep);
}

const struct deep_trial deep_translators = {
	.name = "kinds of translators",
	.state_size = sizeof(struct translators),
	.start = start,
	.step = step,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end,
};
