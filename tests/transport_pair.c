#include "transport_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define BEGIN_US   1700000000000000U
#define LATE_US    8000
#define FRAME_SPAN 20000 /* of a frame on TCP, at most */

struct frame {
	struct list link;
	uint64_t due_us;
	int to;
	size_t len;
	uint8_t data[];
};

static uint64_t virtual_us = BEGIN_US;
static bool is_open; /* a test that failed leaves its own, of which libusrsctp still knows */

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	tv->tv_sec = (time_t)(virtual_us / 1000000);
	tv->tv_usec = (suseconds_t)(virtual_us % 1000000);
	return 0;
}

static void die(const char *what)
{
	(void)fprintf(stderr, "transport_pair: %s\n", what);
	exit(1);
}

uint32_t pair_random(struct transport_pair *p)
{
	p->seed ^= p->seed << 13;
	p->seed ^= p->seed >> 7;
	p->seed ^= p->seed << 17;
	return (uint32_t)(p->seed >> 16);
}

/* When a frame arrives that leaves now; 0: never. */
static uint64_t arrival(struct transport_pair *p, struct pair_path *path, size_t len)
{
	uint64_t begin_us = path->free_us > p->now_us ? path->free_us : p->now_us;
	uint64_t due_us = begin_us;

	if (path->queue_us > 0 && begin_us - p->now_us > path->queue_us)
		return 0;
	if (path->rate > 0) {
		path->free_us = begin_us + (len + 28) * 1000000 / path->rate;
		due_us = path->free_us;
	}
	if (path->loss > 0 && pair_random(p) % 10000 < path->loss)
		return 0;
	if (path->overtakes > 0 && pair_random(p) % 10000 < path->overtakes)
		due_us += LATE_US;
	return due_us + path->delay_us;
}

static void insert(struct transport_pair *p, struct frame *f)
{
	struct list *at = p->frames.prev;

	while (at != &p->frames && LIST_OF(at, struct frame, link)->due_us > f->due_us)
		at = at->prev;
	f->link.prev = at;
	f->link.next = at->next;
	at->next->prev = &f->link;
	at->next = &f->link;
}

static void on_output(void *arg, struct bytes bytes)
{
	struct pair_side *side = arg;
	struct transport_pair *p = side->pair;
	int from = side == &p->side[0] ? 0 : 1;
	struct frame *f = malloc(sizeof(*f) + bytes.len);

	if (f == NULL || bytes.len > FRAME_SPAN)
		die("a frame too many");
	f->to = 1 - from;
	f->len = bytes.len;
	memcpy(f->data, bytes.data, bytes.len);
	if (p->on_frame != NULL)
		p->on_frame(p, from, f->data, &f->len);
	f->due_us = arrival(p, &side->path, f->len);
	p->frames_sent++;
	p->bytes_sent += f->len;
	if (f->due_us == 0 || f->len == 0) {
		p->frames_lost++;
		free(f);
		return;
	}
	insert(p, f);
}

void pair_inject(struct transport_pair *p, int to, struct bytes bytes)
{
	transport_input(p->side[to].transport, bytes, p->now_us);
}

static void on_ready(void *arg)
{
	((struct pair_side *)arg)->is_ready = true;
}

static bool on_channel(void *arg, struct channel *c)
{
	struct pair_side *side = arg;

	return side->on_channel != NULL && side->on_channel(side, c);
}

static void on_failed(void *arg, enum transport_failure failure, const char *why)
{
	struct pair_side *side = arg;

	side->has_failed = true;
	side->failure = failure;
}

static void on_due(void *arg)
{
	((struct pair_side *)arg)->is_due = true;
}

void pair_begin(struct transport_pair *p, uint64_t delay_us, size_t window_max)
{
	if (is_open)
		die("the pair of the test before is still there");
	is_open = true;
	*p = (struct transport_pair){ .now_us = virtual_us, .seed = 88172645463325252U };
	list_init(&p->frames);
	for (int i = 0; i < 2; i++) {
		struct pair_side *side = &p->side[i];
		struct transport_config config = { .identity = &side->identity,
						   .is_client = i == 0,
						   .on_output = on_output,
						   .on_ready = on_ready,
						   .on_channel = on_channel,
						   .on_failed = on_failed,
						   .on_due = on_due,
						   .arg = side,
						   .window_max = window_max };

		side->pair = p;
		side->next_us = TRANSPORT_NEVER;
		side->path.delay_us = delay_us;
		if (!identity_make(&side->identity))
			die("no identity");
		side->transport = transport_new(&config);
		if (side->transport == NULL)
			die("no transport");
	}
}

static void drop_frames(struct transport_pair *p)
{
	while (!list_is_empty(&p->frames)) {
		struct frame *f = LIST_OF(p->frames.next, struct frame, link);

		list_remove(&f->link);
		free(f);
	}
}

void pair_end(struct transport_pair *p)
{
	for (int i = 0; i < 2; i++) {
		transport_free(p->side[i].transport);
		identity_clear(&p->side[i].identity);
	}
	drop_frames(p);
	is_open = false;
}

void pair_introduce(struct transport_pair *p)
{
	for (int i = 0; i < 2; i++)
		transport_expect(p->side[i].transport, p->side[1 - i].identity.fingerprint);
}

void pair_use_path(struct transport_pair *p, bool is_tcp, uint16_t frame_max)
{
	drop_frames(p);
	for (int i = 0; i < 2; i++)
		transport_use_path(p->side[i].transport, is_tcp, frame_max, p->now_us);
}

void pair_lose_path(struct transport_pair *p)
{
	drop_frames(p);
	for (int i = 0; i < 2; i++)
		transport_lose_path(p->side[i].transport);
}

/* A host that asks when it was told to, and at no other time, is late for nothing. */
static uint64_t ask_next(struct pair_side *side)
{
	const uint64_t us = transport_next_us(side->transport);

	if (!side->is_due && us < side->next_us)
		die("a transport has something to do, and did not tell");
	side->is_due = false;
	side->next_us = us;
	return us;
}

static uint64_t next_us(struct transport_pair *p)
{
	uint64_t next = TRANSPORT_NEVER;

	if (!list_is_empty(&p->frames))
		next = LIST_OF(p->frames.next, struct frame, link)->due_us;
	for (int i = 0; i < 2; i++) {
		uint64_t us = ask_next(&p->side[i]);

		next = us < next ? us : next;
	}
	return next;
}

static void deliver(struct transport_pair *p)
{
	while (!list_is_empty(&p->frames)) {
		struct frame *f = LIST_OF(p->frames.next, struct frame, link);

		if (f->due_us > p->now_us)
			return;
		list_remove(&f->link);
		transport_input(p->side[f->to].transport, bytes_of(f->data, f->len), p->now_us);
		free(f);
	}
}

/* One step, not beyond that moment. */
static void step(struct transport_pair *p, uint64_t until_us)
{
	uint64_t next = next_us(p);

	next = next < until_us ? next : until_us;
	p->now_us = next > p->now_us ? next : p->now_us;
	virtual_us = p->now_us;
	deliver(p);
	for (int i = 0; i < 2; i++) {
		if (transport_next_us(p->side[i].transport) <= p->now_us)
			transport_on_time(p->side[i].transport, p->now_us);
	}
}

bool pair_run_until(struct transport_pair *p, bool (*is_done)(void *arg), void *arg, uint64_t us)
{
	uint64_t until_us = p->now_us + us;

	while (!is_done(arg)) {
		if (p->now_us >= until_us)
			return false;
		step(p, until_us);
	}
	return true;
}

static bool never(void *arg)
{
	return false;
}

void pair_run(struct transport_pair *p, uint64_t us)
{
	(void)pair_run_until(p, never, NULL, us);
}

static bool is_connected(void *arg)
{
	struct transport_pair *p = arg;

	return p->side[0].is_ready && p->side[1].is_ready;
}

bool pair_connect(struct transport_pair *p)
{
	pair_introduce(p);
	pair_use_path(p, false, 1472);
	return pair_run_until(p, is_connected, p, 20000000);
}
