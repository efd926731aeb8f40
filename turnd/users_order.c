/* The part of users that sorts them, so that they are found in a few steps. */
#include "users.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "users_state.h"

/* Where a user goes. Sorting leaves copies behind, so it gets no keys to see. */
struct place {
	uint64_t id;
	uint32_t index;
	uint32_t line;
	enum users_source source;
};

/* By id, which stands for the name; then in the order in which sources are asked. */
static int compare_places(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

static struct place *sorted_places(const struct users *u)
{
	struct place *order = calloc(u->count, sizeof(*order));

	if (order == NULL)
		return NULL;
	for (size_t i = 0; i < u->count; i++) {
		const struct user *user = &u->list[i];

		order[i] = (struct place){ user->id, (uint32_t)i, user->line, user->source };
	}
	qsort(order + 1, u->count - 1, sizeof(*order), compare_places);
	return order;
}

/*
 * Copies users to `sorted`, without those whom an earlier source has. Two names with one id
 * (SipHash, 64 bits, a random key) will not be seen before the end of the world, and would be
 * called twins.
 */
static enum users_result copy_sorted(struct users *u, const struct place *order,
				     struct user *sorted, size_t *kept, uint32_t *line)
{
	sorted[0] = u->list[0];
	*kept = 1;
	for (size_t i = 1; i < u->count; i++) {
		const struct user *user = &u->list[order[i].index];
		const struct user *before = &sorted[*kept - 1];
		bool is_twin = *kept > 1 && before->id == user->id;

		if (is_twin && before->source == user->source) {
			*line = user->line;
			return USERS_TWICE;
		}
		if (!is_twin)
			sorted[(*kept)++] = *user;
	}
	return USERS_OK;
}

static enum users_result sort_users(struct users *u, uint32_t *line)
{
	struct place *order = sorted_places(u);
	struct user *sorted = calloc(u->count, sizeof(*sorted));
	enum users_result result = USERS_NO_MEMORY;
	size_t kept = 0;

	if (order != NULL && sorted != NULL)
		result = copy_sorted(u, order, sorted, &kept, line);
	if (result == USERS_OK) {
		struct user *old = u->list;
		size_t old_count = u->count;

		u->list = sorted;
		u->count = kept;
		u->room = old_count;
		sorted = old;
		kept = old_count;
	}
	free(order);
	OPENSSL_cleanse(sorted, kept * sizeof(*sorted));
	free(sorted);
	return result;
}

/* Order of userhashes while they are sorted: number and hash side by side. */
struct hashed {
	uint8_t userhash[STUN_USERHASH_LEN];
	uint32_t index;
};

static int compare_hashed(const void *left, const void *right)
{
	const struct hashed *a = left, *b = right;

	return memcmp(a->userhash, b->userhash, sizeof(a->userhash));
}

static bool sort_hashes(struct users *u)
{
	struct hashed *order = calloc(u->count, sizeof(*order));

	free(u->by_hash); /* of a try that ran out of memory */
	u->by_hash = calloc(u->count, sizeof(*u->by_hash));
	if (order == NULL || u->by_hash == NULL) {
		free(order);
		return false;
	}
	for (size_t i = 0; i < u->count; i++) {
		memcpy(order[i].userhash, u->list[i].userhash, sizeof(order[i].userhash));
		order[i].index = (uint32_t)i;
	}
	qsort(order + 1, u->count - 1, sizeof(*order), compare_hashed);
	for (size_t i = 0; i < u->count; i++)
		u->by_hash[i] = order[i].index;
	free(order);
	return true;
}

enum users_result users_finish(struct users *u, uint32_t *line)
{
	enum users_result result;

	assert(!u->finished);
	result = sort_users(u, line);
	if (result != USERS_OK)
		return result;
	if (!sort_hashes(u))
		return USERS_NO_MEMORY;
	u->finished = true;
	return USERS_OK;
}
