#include "rendezvous.h"

#include <stdlib.h>

#include "rendezvous_state.h"

static size_t at_least(size_t value, size_t least)
{
	return value > least ? value : least;
}

static size_t power_of_two(size_t least)
{
	size_t n = 1;

	while (n < least)
		n *= 2;
	return n;
}

/* Limits below which nobody could leave a single message. */
static struct rendezvous_config sane(const struct rendezvous_config *config)
{
	struct rendezvous_config c = *config;

	c.topics = at_least(c.topics, 1);
	c.bytes = at_least(c.bytes, RENDEZVOUS_MESSAGE_MAX);
	c.topics_per_source = (uint32_t)at_least(c.topics_per_source, 1);
	c.bytes_per_source = at_least(c.bytes_per_source, RENDEZVOUS_MESSAGE_MAX);
	c.first_number = at_least(c.first_number, 1);
	return c;
}

/* A message takes a block at least, and a topic has no more than it may. */
static size_t letters_of(const struct rendezvous_config *c)
{
	size_t blocks = c->bytes / RENDEZVOUS_BLOCK, places = c->topics * RENDEZVOUS_PER_TOPIC;

	return blocks < places ? blocks : places;
}

size_t rendezvous_footprint(const struct rendezvous_config *config)
{
	struct rendezvous_config c = sane(config);

	return sizeof(struct rendezvous) +
	       c.bytes / RENDEZVOUS_BLOCK * (sizeof(struct rendezvous_block) + sizeof(uint32_t)) +
	       c.topics * (sizeof(struct rendezvous_topic) + sizeof(struct rendezvous_source)) +
	       letters_of(&c) * sizeof(struct rendezvous_letter) +
	       2 * power_of_two(c.topics) * sizeof(struct list);
}

static bool allocate(struct rendezvous *r)
{
	const struct rendezvous_config *c = &r->config;

	r->blocks_count = r->blocks_free = c->bytes / RENDEZVOUS_BLOCK;
	r->buckets = power_of_two(c->topics);
	r->blocks = calloc(r->blocks_count, sizeof(*r->blocks));
	r->next = calloc(r->blocks_count, sizeof(*r->next));
	r->topics = calloc(c->topics, sizeof(*r->topics));
	r->sources = calloc(c->topics, sizeof(*r->sources));
	r->letters = calloc(letters_of(c), sizeof(*r->letters));
	r->topic_buckets = calloc(r->buckets, sizeof(*r->topic_buckets));
	r->source_buckets = calloc(r->buckets, sizeof(*r->source_buckets));
	return r->blocks != NULL && r->next != NULL && r->topics != NULL && r->sources != NULL &&
	       r->letters != NULL && r->topic_buckets != NULL && r->source_buckets != NULL;
}

static void init_lists(struct list *lists, size_t count)
{
	for (size_t i = 0; i < count; i++)
		list_init(&lists[i]);
}

static void fill(struct rendezvous *r)
{
	for (size_t i = 0; i < r->blocks_count; i++)
		r->next[i] = (uint32_t)i + 1;
	for (size_t i = 0; i < r->config.topics; i++) {
		list_init(&r->topics[i].chain);
		list_append(&r->free_topics, &r->topics[i].chain);
		list_init(&r->sources[i].chain);
		list_append(&r->free_sources, &r->sources[i].chain);
	}
	for (size_t i = 0; i < letters_of(&r->config); i++) {
		list_init(&r->letters[i].in_topic);
		list_init(&r->letters[i].in_source);
		list_init(&r->letters[i].by_age);
		list_append(&r->free_letters, &r->letters[i].in_topic);
	}
	init_lists(r->topic_buckets, r->buckets);
	init_lists(r->source_buckets, r->buckets);
}

struct rendezvous *rendezvous_new(const struct rendezvous_config *config)
{
	struct rendezvous *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->config = sane(config);
	r->number = r->config.first_number;
	list_init(&r->free_topics);
	list_init(&r->free_sources);
	list_init(&r->free_letters);
	list_init(&r->by_age);
	list_init(&r->woken);
	init_lists(r->weights, RENDEZVOUS_WEIGHTS);
	init_lists(r->waiting, RENDEZVOUS_WAITING_BUCKETS);
	if (!allocate(r)) {
		rendezvous_free(r);
		return NULL;
	}
	fill(r);
	return r;
}

void rendezvous_free(struct rendezvous *r)
{
	if (r == NULL)
		return;
	free(r->blocks);
	free(r->next);
	free(r->topics);
	free(r->sources);
	free(r->letters);
	free(r->topic_buckets);
	free(r->source_buckets);
	free(r);
}

const struct rendezvous_stats *rendezvous_stats(const struct rendezvous *r)
{
	return &r->stats;
}

/* --- waiting --- */

static struct list *waiting_bucket(struct rendezvous *r, const char *topic)
{
	uint64_t hash = rendezvous_hash(r, bytes_of_str(topic));

	return &r->waiting[hash % RENDEZVOUS_WAITING_BUCKETS];
}

void rendezvous_waiter_init(struct rendezvous_waiter *w)
{
	*w = (struct rendezvous_waiter){ 0 };
	list_init(&w->link);
}

void rendezvous_wait(struct rendezvous *r, struct rendezvous_waiter *w, const char *topic,
		     uint64_t after)
{
	size_t len = strnlen(topic, RENDEZVOUS_TOPIC_MAX);

	memcpy(w->topic, topic, len);
	w->topic[len] = '\0';
	w->after = after;
	list_append(waiting_bucket(r, w->topic), &w->link);
}

void rendezvous_cancel(struct rendezvous_waiter *w)
{
	list_remove(&w->link);
}

static void wake(struct rendezvous *r, const char *topic)
{
	struct list *bucket = waiting_bucket(r, topic), *next;

	for (struct list *l = bucket->next; l != bucket; l = next) {
		struct rendezvous_waiter *w = LIST_OF(l, struct rendezvous_waiter, link);

		next = l->next;
		if (strcmp(w->topic, topic) == 0)
			list_append(&r->woken, l);
	}
}

struct rendezvous_waiter *rendezvous_woken(struct rendezvous *r)
{
	struct rendezvous_waiter *w;

	if (list_is_empty(&r->woken))
		return NULL;
	w = LIST_OF(r->woken.next, struct rendezvous_waiter, link);
	list_remove(&w->link);
	return w;
}

/* --- messages --- */

void rendezvous_publish(struct rendezvous *r, const char *topic, const struct addr *from,
			struct bytes data, uint64_t now_us)
{
	rendezvous_expire(r, now_us);
	rendezvous_store(r, topic, from, data, now_us);
	r->stats.published++;
	wake(r, topic);
}

size_t rendezvous_read(struct rendezvous *r, const char *topic, uint64_t after, uint64_t now_us,
		       uint8_t *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);
	struct rendezvous_topic *t;
	bool has_any = false;

	rendezvous_expire(r, now_us);
	t = rendezvous_find_topic(r, topic);
	if (t == NULL)
		return 0;
	if (after >= r->number)
		after = 0; /* given by a server before this one */
	rendezvous_put_list(&out);
	for (struct list *i = t->messages.next; i != &t->messages; i = i->next) {
		struct rendezvous_letter *l = LIST_OF(i, struct rendezvous_letter, in_topic);

		if (l->number <= after)
			continue;
		if (out.failed || cap - out.len < RENDEZVOUS_MESSAGE_HEAD + (size_t)l->len)
			break;
		rendezvous_put_head(&out, l->number, l->at_us, l->len);
		rendezvous_copy(r, l, &out);
		has_any = true;
	}
	return has_any ? out.len : 0;
}

uint64_t rendezvous_expire(struct rendezvous *r, uint64_t now_us)
{
	while (!list_is_empty(&r->by_age)) {
		struct rendezvous_letter *l =
			LIST_OF(r->by_age.next, struct rendezvous_letter, by_age);
		uint64_t end_us = l->at_us + r->config.expiry_us;

		if (end_us > now_us)
			return end_us;
		rendezvous_drop(r, l);
		r->stats.expired++;
	}
	return UINT64_MAX;
}
