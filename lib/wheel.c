#include "wheel.h"

/*
 * Read times as digits to the base of 64. A node lies in the level of the highest digit in which
 * its deadline differs from now, in the slot of its own digit there; that digit is the higher
 * one. So whatever is in a level comes before all that is in the levels above, and time may pass
 * up to the first slot in use without anything having to move.
 */
#define DIGIT (WHEEL_SLOTS - 1)

static unsigned highest_bit(uint64_t x)
{
	return 63u - (unsigned)__builtin_clzll(x);
}

static unsigned lowest_bit(uint64_t x)
{
	return (unsigned)__builtin_ctzll(x);
}

void wheel_init(struct wheel *w, uint64_t now_ms)
{
	w->now_ms = now_ms;
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		w->occupied[level] = 0;
		for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
			list_init(&w->slots[level][slot]);
	}
	list_init(&w->due);
}

void wheel_node_init(struct wheel_node *n)
{
	list_init(&n->link);
	n->deadline_ms = 0;
}

bool wheel_is_pending(const struct wheel_node *n)
{
	return !list_is_empty(&n->link);
}

/* Puts a node that is in no list where its deadline belongs. */
static void place(struct wheel *w, struct wheel_node *n)
{
	unsigned level, slot;

	if (n->deadline_ms <= w->now_ms) {
		list_append(&w->due, &n->link);
		return;
	}
	level = highest_bit(n->deadline_ms ^ w->now_ms) / WHEEL_BITS;
	slot = (unsigned)(n->deadline_ms >> level * WHEEL_BITS) & DIGIT;
	list_append(&w->slots[level][slot], &n->link);
	w->occupied[level] |= (uint64_t)1 << slot;
}

void wheel_cancel(struct wheel *w, struct wheel_node *n)
{
	struct list *head = n->link.next;
	bool was_last = head == n->link.prev && head != &w->due;

	if (!wheel_is_pending(n))
		return;
	list_remove(&n->link);
	if (was_last) {
		/* Its only neighbour was the head of the slot. */
		size_t at = (size_t)(head - &w->slots[0][0]);

		w->occupied[at / WHEEL_SLOTS] &= ~((uint64_t)1 << at % WHEEL_SLOTS);
	}
}

void wheel_set(struct wheel *w, struct wheel_node *n, uint64_t deadline_ms)
{
	wheel_cancel(w, n);
	n->deadline_ms = deadline_ms;
	place(w, n);
}

/* The lowest level in use; WHEEL_LEVELS: nothing waits. */
static unsigned first_level(const struct wheel *w)
{
	unsigned level = 0;

	while (level < WHEEL_LEVELS && w->occupied[level] == 0)
		level++;
	return level;
}

/* When the first slot of a level that is in use begins. */
static uint64_t slot_start(const struct wheel *w, unsigned level)
{
	uint64_t slot = lowest_bit(w->occupied[level]);
	unsigned shift = level * WHEEL_BITS;
	unsigned above = shift + WHEEL_BITS;
	uint64_t upper = above < 64 ? w->now_ms >> above << above : 0;

	return upper | slot << shift;
}

/* Moves time to the first slot in use, and its nodes to lower levels or to what is due. */
static void open_slot(struct wheel *w, unsigned level)
{
	unsigned slot = lowest_bit(w->occupied[level]);
	struct list *head = &w->slots[level][slot];

	w->now_ms = slot_start(w, level);
	w->occupied[level] &= ~((uint64_t)1 << slot);
	while (!list_is_empty(head)) {
		struct wheel_node *n = LIST_OF(head->next, struct wheel_node, link);

		list_remove(&n->link);
		place(w, n);
	}
}

static struct wheel_node *take_due(struct wheel *w)
{
	struct wheel_node *n = LIST_OF(w->due.next, struct wheel_node, link);

	list_remove(&n->link);
	return n;
}

struct wheel_node *wheel_expire(struct wheel *w, uint64_t now_ms)
{
	while (list_is_empty(&w->due)) {
		unsigned level = first_level(w);

		if (level == WHEEL_LEVELS || slot_start(w, level) > now_ms) {
			if (now_ms > w->now_ms)
				w->now_ms = now_ms;
			return NULL;
		}
		open_slot(w, level);
	}
	return take_due(w);
}

uint64_t wheel_next(const struct wheel *w)
{
	unsigned level = first_level(w);

	if (!list_is_empty(&w->due))
		return w->now_ms;
	return level == WHEEL_LEVELS ? UINT64_MAX : slot_start(w, level);
}
