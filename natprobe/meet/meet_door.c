#include "meet_door.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "meet_state.h"

#define SHOWN 16 /* bytes of an ephemeral key that are remembered */

struct meet_door {
	uint8_t private_key[MEET_CURVE_LEN];
	char topic[MEET_TOPIC_MAX];
	void (*random)(void *arg, void *buf, size_t len);
	void *random_arg;
	struct meet *next; /* what the next invitation makes ready: strangers make us allocate
			      nothing */
	uint32_t admissions;
	uint64_t admissions_us;
	uint32_t known_count;
	uint8_t known[MEET_DOOR_KNOWN][SHOWN];
};

/* One that waits; it inherits what strangers may still cost. */
static bool make_next(struct meet_door *d, const struct meet *last, uint64_t now_us)
{
	struct meet *m = meet_blank(now_us, d->random, d->random_arg);

	d->next = m;
	if (m == NULL)
		return false;
	m->mode = MEET_ACCEPT;
	if (last != NULL) {
		m->budget = last->budget;
		m->budget_us = last->budget_us;
	}
	return meet_accept_init(m, d->private_key);
}

struct meet_door *meet_door_new(const uint8_t private_key[static 32],
				void (*random)(void *arg, void *buf, size_t len), void *random_arg,
				uint64_t now_us)
{
	struct meet_door *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	memcpy(d->private_key, private_key, sizeof(d->private_key));
	d->random = random;
	d->random_arg = random_arg;
	d->admissions = MEET_DOOR_BURST;
	d->admissions_us = now_us;
	if (!make_next(d, NULL, now_us)) {
		meet_door_free(d);
		return NULL;
	}
	memcpy(d->topic, d->next->topics[0], sizeof(d->topic));
	return d;
}

void meet_door_free(struct meet_door *d)
{
	if (d == NULL)
		return;
	meet_free(d->next);
	OPENSSL_cleanse(d, sizeof(*d));
	free(d);
}

const char *meet_door_topic(const struct meet_door *d)
{
	return d->topic;
}

static bool is_known(const struct meet_door *d, const uint8_t *ephemeral)
{
	for (uint32_t i = 0; i < d->known_count && i < MEET_DOOR_KNOWN; i++) {
		if (memcmp(d->known[i], ephemeral, SHOWN) == 0)
			return true;
	}
	return false;
}

static void remember(struct meet_door *d, const uint8_t *ephemeral)
{
	memcpy(d->known[d->known_count % MEET_DOOR_KNOWN], ephemeral, SHOWN);
	d->known_count =
		d->known_count + 1 < 2 * MEET_DOOR_KNOWN ? d->known_count + 1 : MEET_DOOR_KNOWN;
}

static bool may_admit(struct meet_door *d, uint64_t now_us)
{
	uint64_t more =
		now_us > d->admissions_us ? (now_us - d->admissions_us) / MEET_DOOR_EACH_US : 0;

	d->admissions_us += more * MEET_DOOR_EACH_US;
	d->admissions = more > MEET_DOOR_BURST - d->admissions ? MEET_DOOR_BURST
							       : d->admissions + (uint32_t)more;
	return d->admissions > 0;
}

struct meet *meet_door_admit(struct meet_door *d, struct bytes data, uint64_t now_us)
{
	struct wire in = wire_read(data), key;
	const uint8_t *ephemeral;
	struct meet *m = d->next;
	bool is_one;

	if (data.len > MEET_ENVELOPE_MAX || meet_get_head(&in) != MEET_INVITATION)
		return NULL;
	key = in;
	ephemeral = wire_take(&key, MEET_CURVE_LEN);
	if (ephemeral == NULL || is_known(d, ephemeral) || !may_admit(d, now_us))
		return NULL;
	if (m == NULL && !make_next(d, NULL, now_us))
		return NULL;
	m = d->next;
	m->now_us = now_us;
	is_one = meet_invite_take(m, MEET_INVITATION, data, &in, now_us);
	if (m->stage == MEET_SEARCHING)
		return NULL;
	(void)make_next(d, m, now_us); /* without memory: tried again by the next invitation */
	remember(d, ephemeral);
	if (!is_one) { /* sealed rightly, and broken */
		meet_free(m);
		return NULL;
	}
	d->admissions--;
	return m;
}
