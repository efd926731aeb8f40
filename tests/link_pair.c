#include "link_pair.h"

#include <assert.h>
#include <string.h>

#define TRAFFIC_US (50 * LINK_PAIR_MS)

/* The configs' arg: which side of which pair. */
struct end {
	struct link_pair *pair;
	uint8_t side;
};

static struct end ends[2];

static void put(struct link_pair *l, uint8_t from, struct bytes frame)
{
	const struct link_pair_side *s = &l->sides[from];

	if (frame.len > s->width && s->is_told)
		link_path_doubt_width(s->path, l->now_us);
	if (s->is_dead || frame.len > s->width || rng_below(&l->rng, 100) < s->loss)
		return;
	for (size_t i = 0; i < LINK_PAIR_FLYING; i++) {
		struct link_pair_frame *f = &l->flying[i];

		if (f->len != 0)
			continue;
		f->at_us = l->now_us + l->delay_us;
		f->len = (uint16_t)frame.len;
		f->to = !from;
		memcpy(f->data, frame.data, frame.len);
		return;
	}
	assert(false); /* too many fly */
}

static void on_output(void *arg, struct bytes frame, bool is_probe)
{
	const struct end *e = arg;
	struct link_pair_side *s = &e->pair->sides[e->side];

	assert(frame.len > 0 && frame.len <= LINK_PATH_FRAME_MAX);
	s->sent++;
	s->sent_padded += is_probe;
	s->longest = frame.len > s->longest ? frame.len : s->longest;
	put(e->pair, e->side, frame);
}

static void on_identity(void *arg, const uint8_t fingerprint[static LINK_FINGERPRINT_LEN])
{
	const struct end *e = arg;
	struct link_pair_side *s = &e->pair->sides[e->side];

	s->identities++;
	memcpy(s->their_identity, fingerprint, LINK_FINGERPRINT_LEN);
}

static void on_frame_max(void *arg, uint16_t frame_max)
{
	const struct end *e = arg;
	struct link_pair_side *s = &e->pair->sides[e->side];

	assert(frame_max == link_path_frame_max(s->path) && frame_max != s->frame_max);
	s->widths++;
	s->frame_max = frame_max;
}

static void on_broken(void *arg, const char *why)
{
	const struct end *e = arg;
	struct link_pair_side *s = &e->pair->sides[e->side];

	assert(why != NULL);
	s->broken++;
	s->broken_us = e->pair->now_us;
	link_path_free(s->path);
	s->path = NULL;
}

static void on_random(void *arg, void *buf, size_t len)
{
	const struct end *e = arg;

	rng_fill(&e->pair->rng, buf, len);
}

void link_pair_init(struct link_pair *l, uint64_t seed)
{
	static const uint8_t key[32] = "the trial's key";

	memset(l, 0, sizeof(*l));
	l->rng = rng_seed(seed);
	l->now_us = 77 * LINK_PAIR_S;
	l->delay_us = 20 * LINK_PAIR_MS;
	for (uint8_t i = 0; i < 2; i++) {
		struct link_path_config *c = &l->config[i];

		ends[i] = (struct end){ .pair = l, .side = i };
		check_keys_make(&c->keys, key, i == LINK_PAIR_A);
		memset(c->fingerprint, 0xa0 + i, sizeof(c->fingerprint));
		c->remote = addr_ipv4(192, 0, 2, i, 4000);
		c->on_output = on_output;
		c->on_identity = on_identity;
		c->on_frame_max = on_frame_max;
		c->on_broken = on_broken;
		c->random = on_random;
		c->arg = &ends[i];
		l->sides[i].width = LINK_PATH_FRAME_MAX;
	}
}

void link_pair_begin(struct link_pair *l, int side)
{
	struct link_pair_side *s = &l->sides[side];

	s->path = link_path_new(&l->config[side], l->now_us);
	assert(s->path != NULL);
	s->frame_max = link_path_frame_max(s->path);
}

static struct link_pair_frame *next_frame(struct link_pair *l)
{
	struct link_pair_frame *next = NULL;

	for (size_t i = 0; i < LINK_PAIR_FLYING; i++) {
		struct link_pair_frame *f = &l->flying[i];

		if (f->len != 0 && (next == NULL || f->at_us < next->at_us))
			next = f;
	}
	return next;
}

static void answer(struct link_pair *l, const struct link_pair_frame *f)
{
	const struct link_path_config *c = &l->config[f->to];
	uint8_t buf[CHECK_BYTES_MAX];
	struct check check;
	size_t len;

	check_read_use(&c->keys, bytes_of(f->data, f->len), &check);
	if (check.kind != CHECK_REQUEST)
		return; /* other traffic */
	assert(!check.nominates);
	len = check_write_answer(&c->keys, &check.tid, &c->remote, buf);
	put(l, f->to, bytes_of(buf, len));
}

static void arrive(struct link_pair *l, struct link_pair_frame *f)
{
	struct link_pair_side *s = &l->sides[f->to];

	if (s->path == NULL && s->is_other)
		answer(l, f);
	else if (s->path != NULL && !link_path_input(s->path, bytes_of(f->data, f->len), l->now_us))
		link_path_heard(s->path, l->now_us);
	f->len = 0;
}

static void talk(struct link_pair *l, uint8_t side)
{
	struct link_pair_side *s = &l->sides[side];

	s->traffic_us = l->now_us + TRAFFIC_US;
	put(l, side, BYTES("\x17 other traffic"));
	link_path_sent(s->path, l->now_us);
}

static bool has_traffic(const struct link_pair_side *s)
{
	return s->has_traffic && s->path != NULL;
}

static uint64_t next_us(const struct link_pair *l)
{
	uint64_t at_us = UINT64_MAX;

	for (int i = 0; i < 2; i++) {
		const struct link_pair_side *s = &l->sides[i];

		if (s->path != NULL && link_path_next_us(s->path) < at_us)
			at_us = link_path_next_us(s->path);
		if (has_traffic(s) && s->traffic_us < at_us)
			at_us = s->traffic_us;
	}
	return at_us;
}

static void on_time(struct link_pair *l)
{
	for (uint8_t i = 0; i < 2; i++) {
		struct link_pair_side *s = &l->sides[i];

		if (s->path != NULL && link_path_next_us(s->path) <= l->now_us)
			link_path_on_time(s->path, l->now_us);
		if (has_traffic(s) && s->traffic_us <= l->now_us)
			talk(l, i);
	}
}

void link_pair_run(struct link_pair *l, uint64_t us)
{
	uint64_t end_us = l->now_us + us;
	unsigned int steps = 0;

	for (;;) {
		struct link_pair_frame *f = next_frame(l);
		uint64_t at_us = next_us(l);

		assert(++steps < 1000000); /* it would never wait */
		if (f != NULL && f->at_us <= at_us)
			at_us = f->at_us;
		else
			f = NULL;
		if (at_us > end_us)
			break;
		if (at_us > l->now_us)
			l->now_us = at_us;
		if (f != NULL)
			arrive(l, f);
		else
			on_time(l);
	}
	l->now_us = end_us;
}

void link_pair_clear(struct link_pair *l)
{
	for (int i = 0; i < 2; i++) {
		link_path_free(l->sides[i].path);
		l->sides[i].path = NULL;
	}
}
