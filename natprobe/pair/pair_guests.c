#include "pair_guests.h"

#include <stdlib.h>

#include "clock.h"

#define GOOD_US UINT64_C(300000000) /* a diagnosis, while somebody may come: networks change */

struct house {
	const struct pair_ways *ways;
	struct meet_door *door;
	struct pair_run *host; /* NULL: none is made */
	uint64_t made_us;
	struct pair_run *guests[PAIR_GUESTS_MAX];
	size_t count;
	int64_t left; /* so many may come still */
	bool is_closing;
	int rc;
};

static struct pair_run *new_run(struct house *h)
{
	struct pair_run *run = malloc(sizeof(*run)); /* large */

	if (run != NULL)
		*run = h->ways->like;
	return run;
}

static void forget(struct pair_run *run)
{
	if (run != NULL)
		pair_run_clear(run);
	free(run);
}

static void close_door(struct house *h, int rc)
{
	h->is_closing = true;
	h->rc = rc;
}

static bool waits(const struct pair_run *run)
{
	return !run->is_ready && !run->is_over;
}

static struct pair_run *who_waits(const struct house *h)
{
	for (size_t i = 0; i < h->count; i++) {
		if (waits(h->guests[i]))
			return h->guests[i];
	}
	return NULL;
}

static void take_out(struct house *h, const struct pair_run *run)
{
	size_t i = 0;

	while (h->guests[i] != run)
		i++;
	h->count--;
	for (; i < h->count; i++)
		h->guests[i] = h->guests[i + 1];
}

static void make_host(struct house *h)
{
	int rc;

	h->host = new_run(h);
	rc = h->host != NULL ? pair_run_prepare(h->host) : EXIT_FAILED;
	h->made_us = clock_us();
	if (rc != 0)
		close_door(h, rc);
}

/* What the diagnosis said may be over: made anew while nobody is here. */
static void look_again(struct house *h)
{
	struct pair_run *idle = who_waits(h);

	if (h->count > 1 || (h->count == 1 && idle == NULL) || clock_us() < h->made_us + GOOD_US)
		return;
	if (idle != NULL) {
		take_out(h, idle);
		forget(idle);
		h->left++;
	}
	forget(h->host);
	make_host(h);
}

/* One more run, that waits for whoever comes next. */
static void open_door(struct house *h)
{
	const size_t most = h->ways->like.options->local_port != 0 ? 1 : PAIR_GUESTS_MAX;
	struct pair_run *run;
	int rc;

	if (h->is_closing || h->left == 0 || h->count >= most || who_waits(h) != NULL)
		return;
	run = new_run(h);
	if (run == NULL) {
		close_door(h, EXIT_FAILED);
		return;
	}
	run->accepts = h->door;
	run->host = h->host;
	h->left--;
	rc = pair_run_start(run);
	if (rc != 0) {
		close_door(h, rc);
		forget(run);
		return;
	}
	h->guests[h->count++] = run;
}

static void send_away(struct house *h, struct pair_run *run)
{
	bool is_end;

	take_out(h, run);
	h->rc = h->ways->run(run);
	is_end = run->is_interrupted || run->is_alone || h->rc == EXIT_USAGE ||
		 h->rc == EXIT_NO_SERVER;
	free(run);
	if (!is_end)
		look_again(h);
	h->is_closing = h->is_closing || is_end;
}

/* Returns false when none was over. */
static bool see_off(struct house *h)
{
	struct pair_run *idle = who_waits(h);

	if (h->is_closing && idle != NULL)
		pair_run_end(idle, h->rc);
	for (size_t i = 0; i < h->count; i++) {
		if (h->guests[i]->is_over) {
			send_away(h, h->guests[i]);
			return true;
		}
	}
	return false;
}

/* Alone, it may do what takes its own loop: meet again. */
static int serve_one(const struct pair_ways *w, struct meet_door *door)
{
	struct pair_run run = w->like;

	run.accepts = door;
	return w->run(&run);
}

int pair_guests_serve(const struct pair_ways *w, struct meet_door *door)
{
	struct house h = { .ways = w, .door = door, .left = w->like.options->accept_max };

	if (h.left == 1)
		return serve_one(w, door);
	make_host(&h);
	do {
		open_door(&h);
		if (!see_off(&h) && h.count > 0)
			event_base_dispatch(h.host->base);
	} while (h.count > 0 || (!h.is_closing && h.left > 0));
	forget(h.host);
	return h.rc;
}
