/* Where messages lie, whose they are, and which go when there is no room. */
#include "rendezvous_state.h"

#include <stdio.h>

#include "siphash.h"

#define NO_BLOCK UINT32_MAX

uint64_t rendezvous_hash(const struct rendezvous *r, struct bytes text)
{
	struct siphash s = siphash_start(r->config.key);
	uint8_t rest[8] = { 0 };
	size_t i = 0;

	for (; text.len - i >= 8; i += 8)
		siphash_word(&s, siphash_load_le64(text.data + i), 2);
	if (text.len > i)
		memcpy(rest, text.data + i, text.len - i);
	rest[7] = (uint8_t)text.len;
	siphash_word(&s, siphash_load_le64(rest), 2);
	return siphash_end(&s, 4);
}

static struct list *topic_bucket(struct rendezvous *r, const char *name)
{
	return &r->topic_buckets[rendezvous_hash(r, bytes_of_str(name)) & (r->buckets - 1)];
}

struct rendezvous_topic *rendezvous_find_topic(struct rendezvous *r, const char *name)
{
	struct list *bucket = topic_bucket(r, name);

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		struct rendezvous_topic *t = LIST_OF(l, struct rendezvous_topic, chain);

		if (strcmp(t->name, name) == 0)
			return t;
	}
	return NULL;
}

/* Who shares what it has: an IPv4 address, an IPv6 /64. */
static struct addr source_of(const struct addr *from)
{
	struct addr a = addr_unmap(from);

	a.port = 0;
	if (a.family == ADDR_IPV6)
		memset(a.ip + 8, 0, 8);
	return a;
}

static struct list *source_bucket(struct rendezvous *r, const struct addr *addr)
{
	return &r->source_buckets[addr_hash(addr, r->config.key) & (r->buckets - 1)];
}

static struct rendezvous_source *find_source(struct rendezvous *r, const struct addr *addr)
{
	struct list *bucket = source_bucket(r, addr);

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		struct rendezvous_source *s = LIST_OF(l, struct rendezvous_source, chain);

		if (addr_equal(&s->addr, addr))
			return s;
	}
	return NULL;
}

/* --- what a source weighs --- */

static unsigned weight_of(const struct rendezvous_source *s)
{
	size_t has = s->blocks + s->topics;
	unsigned class = 0;

	for (; has > 1 && class < RENDEZVOUS_WEIGHTS - 1; has >>= 1)
		class ++;
	return class;
}

static void weigh(struct rendezvous *r, struct rendezvous_source *s)
{
	list_append(&r->weights[weight_of(s)], &s->by_weight);
}

static struct rendezvous_letter *oldest_of(struct rendezvous_source *s)
{
	return LIST_OF(s->letters.next, struct rendezvous_letter, in_source);
}

/* Of who has most; of `self`, where nobody has more. */
static struct rendezvous_letter *victim(struct rendezvous *r, struct rendezvous_source *self)
{
	unsigned class = RENDEZVOUS_WEIGHTS - 1;

	while (class > 0 && list_is_empty(&r->weights[class]))
		class --;
	if (self != NULL && weight_of(self) >= class)
		return oldest_of(self);
	return oldest_of(LIST_OF(r->weights[class].next, struct rendezvous_source, by_weight));
}

/* --- blocks --- */

static size_t blocks_for(size_t len)
{
	return (len + RENDEZVOUS_BLOCK - 1) / RENDEZVOUS_BLOCK;
}

static void put_bytes(struct rendezvous *r, struct rendezvous_letter *l, struct bytes data)
{
	uint32_t *link = &l->first;

	l->len = (uint16_t)data.len;
	for (size_t done = 0; done < data.len; done += RENDEZVOUS_BLOCK) {
		size_t part = data.len - done;
		uint32_t block = r->free_block;

		r->free_block = r->next[block];
		memcpy(r->blocks[block].data, data.data + done,
		       part < RENDEZVOUS_BLOCK ? part : RENDEZVOUS_BLOCK);
		*link = block;
		link = &r->next[block];
	}
	*link = NO_BLOCK;
	r->blocks_free -= blocks_for(data.len);
}

static void free_bytes(struct rendezvous *r, struct rendezvous_letter *l)
{
	uint32_t last = l->first;

	while (r->next[last] != NO_BLOCK)
		last = r->next[last];
	r->next[last] = r->free_block;
	r->free_block = l->first;
	r->blocks_free += blocks_for(l->len);
}

void rendezvous_copy(const struct rendezvous *r, const struct rendezvous_letter *l,
		     struct wire_out *out)
{
	size_t left = l->len;

	for (uint32_t block = l->first; left > 0; block = r->next[block]) {
		size_t part = left < RENDEZVOUS_BLOCK ? left : RENDEZVOUS_BLOCK;

		wire_put_mem(out, r->blocks[block].data, part);
		left -= part;
	}
}

/* --- letters --- */

/* How many letters of a source lie in a topic. */
static uint32_t count_of(const struct rendezvous_topic *t, const struct rendezvous_source *s)
{
	uint32_t count = 0;

	for (const struct list *l = t->messages.next; l != &t->messages; l = l->next)
		count += LIST_OF(l, struct rendezvous_letter, in_topic)->source == s;
	return count;
}

static void tell_use(struct rendezvous *r)
{
	r->stats.bytes = (r->blocks_count - r->blocks_free) * RENDEZVOUS_BLOCK;
}

static void leave_source(struct rendezvous *r, struct rendezvous_source *s)
{
	if (!list_is_empty(&s->letters)) {
		weigh(r, s);
		return;
	}
	list_remove(&s->by_weight);
	list_append(&r->free_sources, &s->chain);
	r->stats.sources--;
}

void rendezvous_drop(struct rendezvous *r, struct rendezvous_letter *l)
{
	struct rendezvous_topic *t = l->topic;
	struct rendezvous_source *s = l->source;

	list_remove(&l->in_topic);
	list_remove(&l->in_source);
	list_remove(&l->by_age);
	free_bytes(r, l);
	s->blocks -= blocks_for(l->len);
	if (count_of(t, s) == 0)
		s->topics--;
	leave_source(r, s);
	if (--t->count == 0) {
		list_append(&r->free_topics, &t->chain);
		r->stats.topics--;
	}
	list_append(&r->free_letters, &l->in_topic);
	r->stats.messages--;
	tell_use(r);
}

static void push_out(struct rendezvous *r, struct rendezvous_letter *l)
{
	rendezvous_drop(r, l);
	r->stats.pushed_out++;
}

/* The same bytes by the same source: they came once more. */
static void drop_repeated(struct rendezvous *r, const char *topic, const struct addr *addr,
			  uint64_t hash, size_t len)
{
	struct rendezvous_topic *t = rendezvous_find_topic(r, topic);

	if (t == NULL)
		return;
	for (struct list *i = t->messages.next; i != &t->messages; i = i->next) {
		struct rendezvous_letter *l = LIST_OF(i, struct rendezvous_letter, in_topic);

		if (l->hash != hash || l->len != len || !addr_equal(&l->source->addr, addr))
			continue;
		rendezvous_drop(r, l);
		r->stats.repeated++;
		return;
	}
}

/* A source stays within its share: its oldest go. */
static void keep_share(struct rendezvous *r, const char *topic, const struct addr *addr,
		       size_t need)
{
	size_t most = r->config.bytes_per_source / RENDEZVOUS_BLOCK;
	struct rendezvous_source *s;

	while ((s = find_source(r, addr)) != NULL) {
		const struct rendezvous_topic *t = rendezvous_find_topic(r, topic);
		bool is_new = t == NULL || count_of(t, s) == 0;

		if (s->blocks + need <= most && s->topics + is_new <= r->config.topics_per_source)
			return;
		push_out(r, oldest_of(s));
	}
}

/* A full topic loses the oldest letter of who has most of them in it. */
static void make_room_in_topic(struct rendezvous *r, const char *topic)
{
	struct rendezvous_topic *t = rendezvous_find_topic(r, topic);
	struct rendezvous_letter *found = NULL;
	uint32_t most = 0;

	if (t == NULL || t->count < RENDEZVOUS_PER_TOPIC)
		return;
	for (struct list *i = t->messages.next; i != &t->messages; i = i->next) {
		struct rendezvous_letter *l = LIST_OF(i, struct rendezvous_letter, in_topic);
		uint32_t count = count_of(t, l->source);

		if (count > most) {
			most = count;
			found = l;
		}
	}
	push_out(r, found);
}

static void make_room(struct rendezvous *r, const char *topic, const struct addr *addr, size_t need)
{
	for (;;) {
		struct rendezvous_source *self = find_source(r, addr);

		if (r->blocks_free >= need && !list_is_empty(&r->free_letters) &&
		    (self != NULL || !list_is_empty(&r->free_sources)) &&
		    (rendezvous_find_topic(r, topic) != NULL || !list_is_empty(&r->free_topics)))
			return;
		push_out(r, victim(r, self));
	}
}

static struct rendezvous_topic *take_topic(struct rendezvous *r, const char *name)
{
	struct rendezvous_topic *t = rendezvous_find_topic(r, name);

	if (t != NULL)
		return t;
	t = LIST_OF(r->free_topics.next, struct rendezvous_topic, chain);
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	t->count = 0;
	list_init(&t->messages);
	list_append(topic_bucket(r, name), &t->chain);
	r->stats.topics++;
	return t;
}

static struct rendezvous_source *take_source(struct rendezvous *r, const struct addr *addr)
{
	struct rendezvous_source *s = find_source(r, addr);

	if (s != NULL)
		return s;
	s = LIST_OF(r->free_sources.next, struct rendezvous_source, chain);
	s->addr = *addr;
	s->topics = 0;
	s->blocks = 0;
	list_init(&s->letters);
	list_init(&s->by_weight);
	list_append(source_bucket(r, addr), &s->chain);
	r->stats.sources++;
	return s;
}

struct rendezvous_letter *rendezvous_store(struct rendezvous *r, const char *topic,
					   const struct addr *from, struct bytes data,
					   uint64_t now_us)
{
	struct addr addr = source_of(from);
	uint64_t hash = rendezvous_hash(r, data);
	size_t need = blocks_for(data.len);
	struct rendezvous_letter *l;

	drop_repeated(r, topic, &addr, hash, data.len);
	keep_share(r, topic, &addr, need);
	make_room_in_topic(r, topic);
	make_room(r, topic, &addr, need);
	l = LIST_OF(r->free_letters.next, struct rendezvous_letter, in_topic);
	l->topic = take_topic(r, topic);
	l->source = take_source(r, &addr);
	l->number = r->number++;
	l->at_us = now_us;
	l->hash = hash;
	put_bytes(r, l, data);
	l->source->topics += count_of(l->topic, l->source) == 0;
	l->source->blocks += need;
	list_append(&l->topic->messages, &l->in_topic);
	list_append(&l->source->letters, &l->in_source);
	list_append(&r->by_age, &l->by_age);
	weigh(r, l->source);
	l->topic->count++;
	r->stats.messages++;
	tell_use(r);
	return l;
}
