#include <math.h>

#include "deep_ladder.h"
#include "deep_ports.h"

#define WRONG        0.0005 /* at each end of an interval: the truth is inside with 99.9 % */
#define SAMPLES_MAX  (DEEP_SLOTS_MAX + VERDICT_SAMPLES_MAX + PORTS_WALKERS * PORTS_ENDPOINTS)
#define BLOCK_MAX    16384 /* a range that is wider is nobody's block */
#define UNIFORM_MIN  20    /* samples that it takes to say something about a range */
#define PORT_HIGHEST 65535.0

struct gathered {
	struct deep_sample all[SAMPLES_MAX];
	size_t count;
};

static void add(struct gathered *g, uint16_t local, const struct addr *mapped)
{
	if (g->count < SAMPLES_MAX && mapped->family != ADDR_NONE && mapped->port != 0)
		g->all[g->count++] = (struct deep_sample){ local, *mapped };
}

/* Fresh sockets of the discovery and of all trials. */
static void gather(const struct deep *d, const struct verdict *v, struct gathered *g)
{
	g->count = deep_samples(d, g->all, DEEP_SLOTS_MAX);
	for (size_t i = 0; i < v->sample_count; i++)
		add(g, v->samples[i].local_port, &v->samples[i].mapped);
}

/* What is uniformly spread over an unknown range. */
struct spread {
	size_t count;
	double low, high; /* seen */
};

static void widen(struct spread *s, double port)
{
	if (s->count == 0 || port < s->low)
		s->low = port;
	if (s->count == 0 || port > s->high)
		s->high = port;
	s->count++;
}

/* The widest range that spreads `count` samples no further, by P(spread < s) <= n (s/W)^(n-1). */
static double widest(const struct spread *s)
{
	double width = s->high - s->low + 1;

	if (s->count < UNIFORM_MIN)
		return PORT_HIGHEST;
	width /= pow(2 * WRONG / (double)s->count, 1 / (double)(s->count - 1));
	return width < PORT_HIGHEST ? width : PORT_HIGHEST;
}

/* How far the range may go beyond what was seen, at one end. */
static double beyond(const struct spread *s)
{
	return ceil(widest(s) * (1 - pow(WRONG, 1 / (double)s->count))) + 1;
}

static bool is_kept(const struct verdict_ports *p, const struct deep_sample *s)
{
	int32_t wanted = s->local_port + (p->delta == DELTA_PRESERVING ? p->value : 0);

	return s->mapped.port == (uint16_t)wanted;
}

static bool keeps(const struct verdict_ports *p)
{
	return p->delta == DELTA_EQUAL || p->delta == DELTA_PRESERVING;
}

static bool is_by_lot(const struct verdict_ports *p)
{
	/* Our ports are no neighbours, so that nothing depends on them. */
	return p->delta == DELTA_RANDOM || p->delta == DELTA_DEPENDENT;
}

static void judge_range(const struct ports *p, const struct gathered *g, struct verdict *v)
{
	struct spread all = { 0 }, lot = { 0 };
	double low = 1, high = PORT_HIGHEST;

	for (size_t i = 0; i < g->count; i++) {
		widen(&all, g->all[i].mapped.port);
		if (is_by_lot(&v->ports) || (keeps(&v->ports) && !is_kept(&v->ports, &g->all[i])))
			widen(&lot, g->all[i].mapped.port);
	}
	for (int i = 0; i < p->edge_count; i++) {
		if (p->edges[i].mapped != 0)
			widen(&all, p->edges[i].mapped);
	}
	if (all.count == 0) {
		deep_set_unknown(&v->deep, DEEP_RANGE_LOW, CAUSE_LOSS);
		deep_set_unknown(&v->deep, DEEP_RANGE_HIGH, CAUSE_LOSS);
		return;
	}
	if (lot.count >= UNIFORM_MIN) {
		low = fmax(low, lot.low - beyond(&lot));
		high = fmin(high, lot.high + beyond(&lot));
	}
	deep_set_number(&v->deep, DEEP_RANGE_LOW, fmin(low, all.low), all.low);
	deep_set_number(&v->deep, DEEP_RANGE_HIGH, all.high, fmax(high, all.high));
}

static void judge_block(const struct gathered *g, struct verdict *v)
{
	struct spread s = { 0 };

	for (size_t i = 0; i < g->count; i++)
		widen(&s, g->all[i].mapped.port);
	if (v->ports.delta == DELTA_UNKNOWN || s.count < UNIFORM_MIN) {
		deep_set_unknown(&v->deep, DEEP_BLOCK,
				 v->ports.cause != CAUSE_NONE ? v->ports.cause
							      : (uint8_t)CAUSE_LOSS);
	} else if (keeps(&v->ports) || s.high - s.low >= BLOCK_MAX) {
		deep_set_none(&v->deep, DEEP_BLOCK);
	} else if (!is_by_lot(&v->ports)) {
		/* A counter has not come to the end of its range. */
		deep_set_unknown(&v->deep, DEEP_BLOCK, CAUSE_AMBIGUOUS);
	} else if (widest(&s) > BLOCK_MAX) {
		deep_set_unknown(&v->deep, DEEP_BLOCK, CAUSE_AMBIGUOUS);
	} else {
		deep_set_number(&v->deep, DEEP_BLOCK, s.high - s.low + 1, floor(widest(&s)));
	}
}

/* The chance of at most k events where `mean` are expected. */
static double poisson_at_most(double k, double mean)
{
	double log_term = -mean, sum = 0;

	if (mean <= 0)
		return 1;
	for (double i = 0; i <= k; i++) {
		sum += exp(log_term);
		log_term += log(mean) - log(i + 1);
	}
	return sum < 1 ? sum : 1;
}

/* The mean at which at most k are seen with a chance of `chance`. */
static double poisson_mean(double k, double chance)
{
	double low = 0, high = 2 * k + 30;

	for (int i = 0; i < 60; i++) {
		double mean = (low + high) / 2;

		if (poisson_at_most(k, mean) > chance)
			low = mean;
		else
			high = mean;
	}
	return (low + high) / 2;
}

static void judge_background(const struct ports *p, struct verdict *v)
{
	double s = (double)p->background_us / 1e6, k = p->background;

	if (v->ports.delta == DELTA_UNKNOWN) {
		deep_set_unknown(&v->deep, DEEP_BACKGROUND, v->ports.cause);
	} else if (v->ports.delta != DELTA_INDEPENDENT) {
		deep_set_none(&v->deep, DEEP_BACKGROUND);
	} else if (!p->background_known || s <= 0) {
		deep_set_unknown(&v->deep, DEEP_BACKGROUND,
				 p->has_count ? CAUSE_AMBIGUOUS : CAUSE_LOSS);
	} else {
		deep_set_number(&v->deep, DEEP_BACKGROUND,
				k > 0 ? poisson_mean(k - 1, 1 - WRONG) / s : 0,
				poisson_mean(k, WRONG) / s);
	}
}

/* The chance of at most k in n where each happens with a chance of p. */
static double binomial_at_most(double k, double n, double p)
{
	double sum = 0;

	if (p <= 0 || k >= n)
		return 1;
	if (p >= 1)
		return 0;
	for (double i = 0; i <= k; i++)
		sum += exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) + i * log(p) +
			   (n - i) * log1p(-p));
	return sum < 1 ? sum : 1;
}

static double binomial_share(double k, double n, double chance)
{
	double low = 0, high = 1;

	for (int i = 0; i < 60; i++) {
		double p = (low + high) / 2;

		if (binomial_at_most(k, n, p) > chance)
			low = p;
		else
			high = p;
	}
	return (low + high) / 2;
}

/* Shares of sockets that do not keep their port. */
static void judge_overload(const struct gathered *g, struct verdict *v)
{
	double n = (double)g->count, k = 0;

	for (size_t i = 0; i < g->count; i++)
		k += !is_kept(&v->ports, &g->all[i]);
	if (v->ports.delta == DELTA_UNKNOWN)
		deep_set_unknown(&v->deep, DEEP_OVERLOAD, v->ports.cause);
	else if (!keeps(&v->ports))
		deep_set_none(&v->deep, DEEP_OVERLOAD);
	else if (g->count < UNIFORM_MIN)
		deep_set_unknown(&v->deep, DEEP_OVERLOAD, CAUSE_LOSS);
	else
		deep_set_number(&v->deep, DEEP_OVERLOAD,
				k > 0 ? 100 * binomial_share(k - 1, n, 1 - WRONG) : 0,
				100 * binomial_share(k, n, WRONG));
}

/* Steps from one endpoint to the next, of all walkers. */
static size_t walk_steps(const struct ports *p, int32_t out[PORTS_WALKERS * PORTS_ENDPOINTS])
{
	size_t count = 0;

	for (int i = 0; i < PORTS_WALKERS; i++) {
		const struct walker *w = &p->walkers[i];

		for (int j = 1; j < PORTS_ENDPOINTS; j++) {
			if (w->ports[j] != 0 && w->ports[j - 1] != 0 &&
			    w->ports[j] != w->ports[j - 1])
				out[count++] = w->ports[j] - w->ports[j - 1];
		}
	}
	return count;
}

static void judge_steps(const struct ports *p, struct verdict *v)
{
	int32_t steps[PORTS_WALKERS * PORTS_ENDPOINTS];
	size_t count = walk_steps(p, steps), best = 0, most = 0;

	if (v->mapping.value == BEHAVIOUR_ENDPOINT_INDEPENDENT) {
		deep_set_none(&v->deep, DEEP_PER_DESTINATION);
		return;
	}
	if (v->mapping.value == BEHAVIOUR_UNKNOWN || v->mapping.value == BEHAVIOUR_MIXED ||
	    count < 3) {
		uint8_t cause = v->mapping.cause;

		deep_set_unknown(&v->deep, DEEP_PER_DESTINATION,
				 cause != CAUSE_NONE ? cause : (uint8_t)CAUSE_FEW_ENDPOINTS);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		size_t same = 0;

		for (size_t j = 0; j < count; j++)
			same += steps[j] == steps[i];
		if (same > most) {
			most = same;
			best = i;
		}
	}
	if (2 * most > count)
		deep_set_number(&v->deep, DEEP_PER_DESTINATION, steps[best], steps[best]);
	else
		deep_set_none(&v->deep, DEEP_PER_DESTINATION);
}

static const enum deep_property values[] = {
	DEEP_RANGE_LOW,  DEEP_RANGE_HIGH, DEEP_BLOCK,
	DEEP_BACKGROUND, DEEP_OVERLOAD,   DEEP_PER_DESTINATION
};

void deep_ports_end(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	const struct ports *p = state;
	struct gathered g = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		if (v->nat.value == VERDICT_NO)
			deep_set_none(&v->deep, values[i]);
		else if (early != CAUSE_NONE || v->nat.value != VERDICT_YES || !deep_cooperates(d))
			deep_set_unknown(
				&v->deep, values[i],
				(uint8_t)(early != CAUSE_NONE ? early : ladder_obstacle(d, v)));
	}
	if (v->nat.value != VERDICT_YES || !deep_cooperates(d) || early != CAUSE_NONE)
		return;
	gather(d, v, &g);
	judge_range(p, &g, v);
	judge_block(&g, v);
	judge_background(p, v);
	judge_overload(&g, v);
	judge_steps(p, v);
}
