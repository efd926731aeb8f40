#include "tests/nat_link.h"

#define QUEUE_US 1000000

static bool happens(struct rng *rng, double share)
{
	/* 53 bits are what a double holds. */
	return share > 0 && (double)(rng_next(rng) >> 11) * 0x1p-53 < share;
}

/* Bursts begin so often that the share is as asked for (the model of Gilbert). */
static bool loses(struct nat_link *l, struct rng *rng)
{
	double loss = l->config.loss, ends;

	if (l->config.burst < 2 || loss <= 0 || loss >= 1)
		return happens(rng, loss);
	ends = 1.0 / l->config.burst;
	l->bad = l->bad ? !happens(rng, ends) : happens(rng, ends * loss / (1 - loss));
	return l->bad;
}

/* When the last bit is out; false when the queue is too long for it. */
static bool pass_rate(struct nat_link *l, size_t len, uint64_t now_us, uint64_t *out_us)
{
	uint64_t queue_us = l->config.queue_us > 0 ? l->config.queue_us : QUEUE_US;

	*out_us = now_us;
	if (l->config.rate_bit_s == 0)
		return true;
	uint64_t start = l->free_us > now_us ? l->free_us : now_us;
	if (start - now_us > queue_us)
		return false;
	l->free_us = start + (uint64_t)len * 8 * 1000000 / l->config.rate_bit_s;
	*out_us = l->free_us;
	return true;
}

static uint64_t arrival(struct nat_link *l, struct rng *rng, uint64_t out_us)
{
	const struct nat_link_config *c = &l->config;
	uint64_t at = out_us + c->delay_us;

	if (happens(rng, c->reorder))
		return out_us;
	if (c->jitter_us > 0)
		at += rng_next(rng) % ((uint64_t)c->jitter_us + 1);
	if (c->jitter_reorders != 0)
		return at;
	if (at < l->last_us)
		at = l->last_us;
	l->last_us = at;
	return at;
}

size_t nat_link_send(struct nat_link *l, struct rng *rng, size_t len, uint64_t now_us,
		     uint64_t arrivals[2])
{
	uint64_t out_us;

	if (!pass_rate(l, len, now_us, &out_us) || loses(l, rng))
		return 0;
	arrivals[0] = arrival(l, rng, out_us);
	if (!happens(rng, l->config.duplicate))
		return 1;
	arrivals[1] = arrival(l, rng, out_us);
	return 2;
}
