#include "partner_window.h"

static void clear_between(struct partner_window *w, uint64_t from, uint64_t to)
{
	if (to - from > PARTNER_WINDOW_WORDS)
		from = to - PARTNER_WINDOW_WORDS;
	while (from++ < to)
		w->seen[from % PARTNER_WINDOW_WORDS] = 0;
}

bool partner_window_take(struct partner_window *w, uint64_t number)
{
	uint64_t *word = &w->seen[number / 64 % PARTNER_WINDOW_WORDS];
	uint64_t bit = UINT64_C(1) << number % 64;

	if (number == 0)
		return false;
	if (number > w->top) {
		clear_between(w, w->top / 64, number / 64);
		w->top = number;
	} else if (w->top - number >= PARTNER_WINDOW || (*word & bit) != 0) {
		return false;
	}
	*word |= bit;
	return true;
}
