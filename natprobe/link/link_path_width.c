/* How much fits into a frame of a path: padded requests, as link_mtu wants them. */
#include "link_path_state.h"

#define SEARCH_US    (600 * S) /* from one search to the next */
#define AGAIN_US     (30 * S)  /* the same where there was doubt, or traffic */
#define TRY_LEAST_US (300 * MS)
#define TRY_MORE_US  (100 * MS)
#define IPV6_MORE    20 /* bytes of its header */
#define RELAY_MORE   36 /* of a Send indication */

static uint16_t mtu_max(const struct link_path_config *c)
{
	uint16_t max = LINK_PATH_FRAME_MAX;

	if (c->remote.family == ADDR_IPV6)
		max -= IPV6_MORE;
	if (c->is_relayed)
		max -= RELAY_MORE;
	return max;
}

void link_path_width_init(struct link_path *p)
{
	p->tried_us = NEVER;
	link_mtu_init(&p->mtu, LINK_PATH_FRAME_MIN, LINK_PATH_FRAME_LOW, mtu_max(&p->c));
}

static void search(struct link_path *p, uint64_t now_us)
{
	p->search_us = p->confirm_us = now_us;
	p->is_used = false;
	p->tried_us = NEVER;
	link_mtu_search(&p->mtu);
}

void link_path_width_doubted(struct link_path *p, uint64_t now_us)
{
	p->tried_us = NEVER;
	if (p->asks > 2 && p->search_us != 0 && now_us >= p->search_us + AGAIN_US)
		search(p, now_us);
}

static void tell_frame_max(struct link_path *p, uint16_t before)
{
	if (p->mtu.good != before && p->c.on_frame_max != NULL)
		p->c.on_frame_max(p->c.arg, p->mtu.good);
}

void link_path_width_answered(struct link_path *p, const struct asked *a)
{
	const uint16_t before = p->mtu.good, size = p->mtu.size;

	if (a->size == 0) {
		if (a->is_control && a->at_us == p->tried_us)
			p->is_control_answered = true;
		return;
	}
	link_mtu_passed(&p->mtu, a->size);
	if (p->mtu.size != size)
		p->tried_us = NEVER;
	tell_frame_max(p, before);
}

static bool is_searching(const struct link_path *p)
{
	return p->mtu.size != 0 && !p->is_doubted && !p->c.is_tcp;
}

static uint64_t try_us(const struct link_path *p)
{
	uint64_t wait_us = 2 * link_path_rtt(p) + TRY_MORE_US;

	if (p->tried_us == NEVER)
		return 0;
	return p->tried_us + (wait_us > TRY_LEAST_US ? wait_us : TRY_LEAST_US);
}

static bool may_search(const struct link_path *p)
{
	return !p->c.is_tcp && p->is_answered && !p->is_doubted && p->mtu.size == 0;
}

/* Whoever is no natprobe never says that its link is there. */
static uint64_t search_us(const struct link_path *p)
{
	if (!may_search(p))
		return NEVER;
	if (p->search_us == 0)
		return p->has_peer ? 0 : p->began_us + LINK_PATH_MEET_US;
	return p->search_us + SEARCH_US;
}

/* What passed once may not any more: traffic finds out by this alone, and soon. */
static uint64_t confirm_us(const struct link_path *p)
{
	return may_search(p) && p->is_used && p->confirm_us != 0 ? p->confirm_us + AGAIN_US : NEVER;
}

static void try_next(struct link_path *p, uint64_t now_us)
{
	uint16_t before = p->mtu.good;

	if (p->tried_us != NEVER && p->is_control_answered)
		link_mtu_lost(&p->mtu);
	tell_frame_max(p, before);
	if (p->mtu.size == 0)
		return;
	p->tried_us = now_us;
	p->is_control_answered = false;
	(void)link_path_ask(p, p->mtu.size, now_us);
	link_path_ask(p, 0, now_us)->is_control = true;
}

static void confirm(struct link_path *p, uint64_t now_us)
{
	p->confirm_us = now_us;
	p->is_used = false;
	p->tried_us = NEVER;
	link_mtu_confirm(&p->mtu);
}

void link_path_doubt_width(struct link_path *p, uint64_t now_us)
{
	if (!p->is_broken && may_search(p) && p->confirm_us != 0 &&
	    now_us >= p->confirm_us + LINK_PATH_DOUBT_LEAST_US)
		confirm(p, now_us);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t link_path_width_next_us(const struct link_path *p)
{
	const uint64_t next_us = earlier(search_us(p), confirm_us(p));

	return is_searching(p) ? earlier(next_us, try_us(p)) : next_us;
}

void link_path_width_on_time(struct link_path *p, uint64_t now_us)
{
	if (now_us >= search_us(p))
		search(p, now_us);
	if (now_us >= confirm_us(p))
		confirm(p, now_us);
	if (is_searching(p) && now_us >= try_us(p))
		try_next(p, now_us);
}
