/*
 * Pooling of external addresses, as allocation.h declares it. A pool of two addresses is the
 * hardest to see: how likely it is that it looked like another rule is the error.
 */
#include <math.h>

#include "allocation.h"
#include "wire.h"

#define POOLS       0.1 /* of all NATs, some draw addresses by lot */
#define REMOTES_MAX (VERDICT_SIGHTINGS_MAX + 1)

/* What one destination saw of us. */
struct remote {
	struct addr addr;
	unsigned flows;     /* that it saw */
	uint16_t externals; /* bits: the external addresses that they had */
};

struct pool {
	struct remote remotes[REMOTES_MAX];
	size_t remote_count;
	unsigned sockets; /* fresh ones that were answered */
	/* Of the samples, in the order of sending. */
	unsigned samples, changes; /* from one external address to another */
};

static uint8_t external_index(struct verdict *v, const struct addr *mapped)
{
	uint8_t i = 0;

	while (i < v->pooling.external_count && !addr_equal_ip(&v->pooling.externals[i], mapped))
		i++;
	if (i == v->pooling.external_count && i < VERDICT_EXTERNALS_MAX) {
		v->pooling.externals[i] = addr_with_port(mapped, 0);
		v->pooling.external_count++;
	}
	return i;
}

static struct remote *find_remote(struct pool *p, const struct addr *addr)
{
	size_t i = 0;

	while (i < p->remote_count && !addr_equal_ip(&p->remotes[i].addr, addr))
		i++;
	if (i == p->remote_count)
		p->remotes[p->remote_count++] = (struct remote){ .addr = *addr };
	return &p->remotes[i];
}

static void note_flow(struct pool *p, struct verdict *v, const struct addr *remote,
		      const struct addr *mapped)
{
	struct remote *r = find_remote(p, remote);

	r->flows++;
	r->externals |= (uint16_t)(1u << external_index(v, mapped));
}

static void fill_samples(struct pool *p, struct verdict *v, const struct addr *sampled)
{
	const struct addr *last = NULL;

	for (size_t i = 0; i < v->sample_count; i++) {
		const struct addr *mapped = &v->samples[i].mapped;

		if (mapped->family == ADDR_NONE)
			continue;
		note_flow(p, v, sampled, mapped);
		p->sockets++;
		p->samples++;
		p->changes += last != NULL && !addr_equal_ip(last, mapped);
		last = mapped;
	}
}

static void fill(struct pool *p, struct verdict *v, const struct addr *sampled)
{
	uint64_t slots = 0;

	for (size_t i = 0; i < v->sighting_count; i++) {
		const struct verdict_sighting *s = &v->sightings[i];

		if (s->mapped.family == ADDR_NONE)
			continue;
		note_flow(p, v, &s->endpoint, &s->mapped);
		p->sockets += (slots >> (s->slot & 63) & 1) == 0;
		slots |= UINT64_C(1) << (s->slot & 63);
	}
	fill_samples(p, v, sampled);
}

static bool one_each(const struct pool *p)
{
	for (size_t i = 0; i < p->remote_count; i++) {
		uint16_t bits = p->remotes[i].externals;

		if ((bits & (bits - 1)) != 0)
			return false;
	}
	return true;
}

/* The chance that addresses which are drawn by lot look like one for each destination. */
static double lot_looks_fixed(const struct pool *p)
{
	double chance = 1;

	for (size_t i = 0; i < p->remote_count; i++)
		chance *= pow(0.5, p->remotes[i].flows - 1);
	return chance;
}

/*
 * One destination saw several addresses, but the samples show that they came one after the other:
 * the NAT got another one while we looked. Lots would have to fall oddly for that.
 */
static bool has_moved(const struct pool *p, double error_max)
{
	double orders = 1.0 + p->samples; /* with one change at most */

	return !one_each(p) && p->changes <= 1 && p->samples > 1 &&
	       orders * pow(0.5, p->samples - 1.0) <= error_max;
}

static enum verdict_pooling judge(const struct pool *p, const struct verdict *v, double *error)
{
	*error = 0;
	if (v->pooling.external_count == 1) {
		*error = POOLS * pow(0.5, p->sockets - 1);
		return POOLING_PAIRED;
	}
	if (!one_each(p))
		return POOLING_ARBITRARY;
	*error = lot_looks_fixed(p);
	return POOLING_PER_DESTINATION;
}

void allocation_pooling(struct verdict *v, const struct addr *sampled, double error_max)
{
	struct pool p = { 0 };

	memset(&v->pooling, 0, sizeof(v->pooling));
	if (v->nat.value == VERDICT_NO) {
		v->pooling.value = POOLING_NOT_APPLICABLE;
		return;
	}
	fill(&p, v, sampled);
	if (v->pooling.external_count == 0) {
		v->pooling.cause = v->nat.cause != CAUSE_NONE ? v->nat.cause : CAUSE_NO_SERVER;
		return;
	}
	enum verdict_pooling value = judge(&p, v, &v->pooling.error);

	if (has_moved(&p, error_max))
		v->pooling.cause = CAUSE_CHANGED;
	else if (v->pooling.error > error_max)
		v->pooling.cause = v->sample_count > 0 ? CAUSE_LOSS : CAUSE_NOT_TRIED;
	else
		v->pooling.value = (uint8_t)value;
}
