#include "tests/port_box.h"

#include <math.h>
#include <string.h>

#define PACE_US    10000
#define TRIES_MAX  4096
#define LOCAL_LOW  32768 /* what Linux hands out */
#define LOCAL_HIGH 60999

struct box {
	struct port_box_config config;
	struct rng rng;
	uint16_t low, high;
	uint16_t last[16]; /* counters, by address or parity */
	uint16_t last_local, last_external;
	uint64_t now_us;
	bool used[65536];   /* external ports */
	bool opened[65536]; /* local ones */
};

static double chance(struct rng *rng)
{
	return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

static uint32_t poisson(struct rng *rng, double mean)
{
	double p = exp(-mean), left = chance(rng);
	uint32_t k = 0;

	while (left > p && k < 1000) {
		left -= p;
		p *= mean / ++k;
	}
	return k;
}

static uint16_t wrap(const struct box *b, int32_t port)
{
	int32_t width = b->high - b->low + 1, at = (port - b->low) % width;

	return (uint16_t)(b->low + (at < 0 ? at + width : at));
}

static uint16_t any_port(struct box *b)
{
	uint16_t port;

	do {
		port = (uint16_t)(b->low + rng_below(&b->rng, (uint32_t)(b->high - b->low + 1)));
	} while (b->used[port]);
	return port;
}

static void box_start(struct box *b, const struct port_box_config *config, uint64_t seed)
{
	memset(b, 0, sizeof(*b));
	b->config = *config;
	b->rng = rng_seed(seed);
	b->low = config->low != 0 ? config->low : 1024;
	b->high = config->high != 0 ? config->high : 65535;
	if (config->block > 0) {
		uint32_t room = (uint32_t)(b->high - b->low + 1) / config->block;

		b->low = (uint16_t)(b->low + rng_below(&b->rng, room) * config->block);
		b->high = (uint16_t)(b->low + config->block - 1);
	}
	for (size_t i = 0; i < 16; i++)
		b->last[i] = any_port(b);
}

/* A counter goes on until it finds a free port that will do. */
static uint16_t count_on(struct box *b, size_t counter, int32_t step, int parity)
{
	uint16_t port = wrap(b, b->last[counter] + step);
	int32_t one = step < 0 ? -1 : 1;

	if (parity >= 0 && (port & 1) != parity)
		port = wrap(b, port + one);
	for (unsigned tries = 0; b->used[port]; tries++) {
		if (tries == TRIES_MAX)
			return any_port(b); /* the steps go round without a free one */
		port = wrap(b, port + (parity >= 0 && step % 2 != 0 ? 2 * one : step));
	}
	b->last[counter] = port;
	return port;
}

/* Mappings of others, since the last call. */
static void others(struct box *b, size_t counter, uint64_t now_us)
{
	uint32_t n =
		poisson(&b->rng, b->config.background_per_s * (double)(now_us - b->now_us) / 1e6);

	while (n-- > 0) {
		int parity =
			b->config.rule == PORT_PARITY_COUNTER ? (int)rng_below(&b->rng, 2) : -1;

		(void)count_on(b, counter, b->config.value, parity);
	}
	b->now_us = now_us;
}

static uint16_t pick(struct box *b, uint16_t local, uint8_t address)
{
	int32_t value = b->config.value;

	if (chance(&b->rng) < b->config.overload)
		return any_port(b);
	switch (b->config.rule) {
	case PORT_EQUAL:
		return b->used[local] || local < b->low || local > b->high ? any_port(b) : local;
	case PORT_OFFSET:
		return wrap(b, local + value);
	case PORT_COUNTER:
		return count_on(b, 0, value, -1);
	case PORT_COUNTER_BY_ADDRESS:
		return count_on(b, address, value, -1);
	case PORT_COUNTER_BY_PARITY:
		b->last[local & 1] = (uint16_t)((b->last[local & 1] & ~1) | (local & 1));
		return count_on(b, local & 1, value, -1);
	case PORT_PARITY_COUNTER:
		return count_on(b, 0, value, local & 1);
	case PORT_DEPENDENT:
	case PORT_CONTIGUOUS:
		if (local == b->last_local + 1 && !b->used[wrap(b, b->last_external + value)])
			return wrap(b, b->last_external + value);
		return any_port(b);
	case PORT_PARITY_RANDOM:
		return (uint16_t)((any_port(b) & ~1) | (local & 1));
	default:
		return any_port(b);
	}
}

static struct addr map(struct box *b, uint16_t local, uint64_t now_us)
{
	uint8_t address =
		b->config.addresses > 1 ? (uint8_t)rng_below(&b->rng, b->config.addresses) : 0;

	others(b, b->config.rule == PORT_COUNTER_BY_ADDRESS ? address : 0, now_us);
	uint16_t port = pick(b, local, address);

	b->used[port] = true;
	b->last_local = local;
	b->last_external = port;
	return addr_ipv4(5, 1, 1, (uint8_t)(1 + address), port);
}

static uint16_t any_local(struct box *b, int parity)
{
	uint16_t port;

	do {
		port = (uint16_t)(LOCAL_LOW + rng_below(&b->rng, LOCAL_HIGH - LOCAL_LOW - 64));
		port = (uint16_t)((port & ~1) | parity);
	} while (b->opened[port]);
	return port;
}

/* Fresh local ports as a plan wants them: random ones even first. */
static void choose_locals(struct box *b, const struct allocation_plan *plan, struct port_run *run)
{
	uint16_t local = any_local(b, 0);

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->locals == ALLOCATION_RANDOM)
			local = any_local(b, i >= (plan->count + 1u) / 2);
		else
			local = b->opened[local + 1] ? any_local(b, 0) : (uint16_t)(local + 1);
		b->opened[local] = true;
		run->samples[run->count + i] = (struct verdict_sample){
			.local_port = local,
			.serial = plan->serial,
		};
	}
}

/* The order in which samples reach the box: as they were sent, or not. */
static void choose_order(struct box *b, bool serial, size_t count,
			 size_t order[VERDICT_SAMPLES_MAX])
{
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	for (size_t i = 1; i < count && !serial; i++) {
		size_t back = b->config.shuffles ? rng_below(&b->rng, (uint32_t)i + 1)
			      : chance(&b->rng) < b->config.swap ? 1
								 : 0;
		size_t t = order[i];

		order[i] = order[i - back];
		order[i - back] = t;
	}
}

static void ask(struct box *b, const struct allocation_plan *plan, uint64_t *now_us,
		struct port_run *run)
{
	size_t order[VERDICT_SAMPLES_MAX];
	struct verdict_sample *s = &run->samples[run->count];
	uint64_t rtt_us = (b->config.rtt_ms > 0 ? b->config.rtt_ms : 50) * 1000;

	choose_locals(b, plan, run);
	choose_order(b, plan->serial, plan->count, order);
	for (size_t i = 0; i < plan->count; i++) {
		s[i].sent_us = *now_us;
		*now_us += plan->serial ? rtt_us : PACE_US;
	}
	for (size_t i = 0; i < plan->count; i++) {
		struct verdict_sample *one = &s[order[i]];

		if (chance(&b->rng) < b->config.loss)
			continue; /* before the box */
		one->mapped = map(b, one->local_port, s[i].sent_us);
		if (chance(&b->rng) < b->config.loss)
			one->mapped = (struct addr){ 0 };
	}
	if (!plan->serial)
		*now_us += rtt_us;
	run->count += plan->count;
}

static void finish(struct box *b, uint64_t now_us, double error_max, struct port_run *run)
{
	struct allocation_plan next = { .locals = ALLOCATION_RANDOM, .count = 1 };
	uint64_t last_us = 0;

	allocation_classify(run->samples, run->count, VERDICT_YES, error_max, &run->ports,
			    &run->prediction);
	for (size_t i = 0; i < run->count; i++) {
		if (run->samples[i].mapped.family != ADDR_NONE) {
			run->last_external = run->samples[i].mapped.port;
			last_us = run->samples[i].sent_us;
		}
	}
	struct port_run one = { 0 };

	choose_locals(b, &next, &one);
	run->next_local = (uint16_t)(one.samples[0].local_port | (rng_next(&b->rng) & 1));
	if (run->prediction.count > 0 && run->ports.delta == DELTA_DEPENDENT)
		run->next_local = (uint16_t)(b->last_local + 1);
	run->next_external = map(b, run->next_local,
				 last_us + PACE_US > b->now_us ? last_us + PACE_US : b->now_us)
				     .port;
	(void)now_us;
}

void port_box_run(const struct port_box_config *config, uint64_t seed, double error_max,
		  struct port_run *run)
{
	static struct box b;
	uint64_t now_us = 1000000;
	struct allocation_plan plan;

	box_start(&b, config, seed);
	b.now_us = now_us;
	memset(run, 0, sizeof(*run));
	for (;;) {
		plan = allocation_more(run->samples, run->count, VERDICT_YES, error_max,
				       VERDICT_SAMPLES_MAX);
		if (plan.locals == ALLOCATION_ENOUGH)
			break;
		ask(&b, &plan, &now_us, run);
	}
	finish(&b, now_us, error_max, run);
}

void port_box_samples(const struct port_box_config *config, uint64_t seed, size_t count,
		      struct port_run *run)
{
	static struct box b;
	uint64_t now_us = 1000000;
	struct allocation_plan plan = { .locals = ALLOCATION_RANDOM };

	box_start(&b, config, seed);
	b.now_us = now_us;
	memset(run, 0, sizeof(*run));
	plan.count = (uint8_t)count;
	ask(&b, &plan, &now_us, run);
}
