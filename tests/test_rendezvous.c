/* Mailboxes for strangers: what is kept, for how long, and who loses when there is no room. */
#include "stund/rendezvous.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECOND 1000000u
#define EXPIRY (600u * SECOND)

static uint8_t list[RENDEZVOUS_LIST_MAX];

static struct rendezvous *open_one(struct rendezvous_config config)
{
	struct rendezvous *r;

	config.topics = config.topics != 0 ? config.topics : 64;
	config.bytes = config.bytes != 0 ? config.bytes : 256 * 1024;
	config.topics_per_source = config.topics_per_source != 0 ? config.topics_per_source : 16;
	config.bytes_per_source =
		config.bytes_per_source != 0 ? config.bytes_per_source : 64 * 1024;
	config.expiry_us = EXPIRY;
	r = rendezvous_new(&config);
	assert_non_null(r);
	return r;
}

static struct addr host(unsigned n)
{
	return addr_ipv4(192, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 40000);
}

static void say(struct rendezvous *r, const char *topic, unsigned who, const char *text,
		uint64_t now_us)
{
	struct addr from = host(who);

	rendezvous_publish(r, topic, &from, bytes_of_str(text), now_us);
}

/* What lies in a topic, with blanks between; *last: the number of its last message. */
static const char *heard(struct rendezvous *r, const char *topic, uint64_t after, uint64_t now_us,
			 uint64_t *last)
{
	static char text[RENDEZVOUS_LIST_MAX];
	size_t len = rendezvous_read(r, topic, after, now_us, list, sizeof(list));
	struct wire in = wire_read(bytes_of(list, len));
	struct rendezvous_message m;
	uint64_t before = 0;
	size_t at = 0;

	text[0] = '\0';
	if (len == 0)
		return text;
	assert_true(rendezvous_get_list(&in));
	while (rendezvous_get_message(&in, &m)) {
		assert_true(m.number > before && m.at_us <= now_us);
		before = m.number;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s", at > 0 ? " " : "",
				       (int)m.data.len, (const char *)m.data.data);
	}
	assert_true(wire_done(&in));
	assert_true(at > 0);
	if (last != NULL)
		*last = before;
	return text;
}

static void messages_come_in_order_and_once(void **state)
{
	struct rendezvous *r = open_one((struct rendezvous_config){ .first_number = 100 });
	uint64_t last = 0;

	assert_string_equal(heard(r, "a/b", 0, 0, NULL), "");
	say(r, "a/b", 1, "one", 1);
	say(r, "a/c", 1, "other", 1);
	say(r, "a/b", 2, "two", 2);
	assert_string_equal(heard(r, "a/b", 0, 3, &last), "one two");
	assert_true(last >= 101);
	assert_string_equal(heard(r, "a/b", last, 3, NULL), "");
	say(r, "a/b", 1, "three", 4);
	assert_string_equal(heard(r, "a/b", last, 4, NULL), "three");
	/* A number of a server that is no more. */
	assert_string_equal(heard(r, "a/b", last + 100, 4, NULL), "one two three");
	rendezvous_free(r);
}

static void long_messages_come_back_whole(void **state)
{
	static const size_t sizes[] = { 1, 511, 512, 513, 8191, 8192 };
	struct rendezvous *r = open_one((struct rendezvous_config){ 0 });
	uint8_t data[RENDEZVOUS_MESSAGE_MAX];
	struct addr from = host(1);

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 512);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct rendezvous_message m;
		struct wire in;
		char topic[8];

		snprintf(topic, sizeof(topic), "t%zu", i);
		rendezvous_publish(r, topic, &from, bytes_of(data, sizes[i]), 0);
		in = wire_read(bytes_of(list, rendezvous_read(r, topic, 0, 0, list, sizeof(list))));
		assert_true(rendezvous_get_list(&in) && rendezvous_get_message(&in, &m));
		assert_int_equal(m.data.len, sizes[i]);
		assert_memory_equal(m.data.data, data, sizes[i]);
		assert_true(wire_done(&in));
	}
	rendezvous_free(r);
}

static void a_list_holds_what_there_is_room_for(void **state)
{
	struct rendezvous *r = open_one((struct rendezvous_config){ 0 });
	uint64_t last = 0;
	size_t len;

	say(r, "t", 1, "first", 0);
	say(r, "t", 1, "second", 0);
	len = rendezvous_read(r, "t", 0, 0, list, 4 + 18 + 5 + 18 + 6 - 1);
	assert_int_equal(len, 4 + 18 + 5);
	assert_int_equal(rendezvous_read(r, "t", 0, 0, list, 4 + 18 + 5 - 1), 0);
	assert_int_equal(rendezvous_read(r, "t", 0, 0, list, 3), 0);
	assert_string_equal(heard(r, "t", 0, 0, &last), "first second");
	rendezvous_free(r);
}

static void the_same_again_takes_its_place(void **state)
{
	struct rendezvous *r = open_one((struct rendezvous_config){ 0 });
	uint64_t last = 0;

	say(r, "t", 1, "same", 0);
	say(r, "t", 1, "next", 0);
	assert_string_equal(heard(r, "t", 0, 0, &last), "same next");
	say(r, "t", 1, "same", 1);
	assert_string_equal(heard(r, "t", 0, 1, NULL), "next same");
	assert_string_equal(heard(r, "t", last, 1, NULL), "same");
	say(r, "t", 2, "same", 2);
	assert_string_equal(heard(r, "t", 0, 2, NULL), "next same same");
	assert_int_equal(rendezvous_stats(r)->repeated, 1);
	rendezvous_free(r);
}

static void messages_expire(void **state)
{
	struct rendezvous *r = open_one((struct rendezvous_config){ 0 });

	assert_true(rendezvous_expire(r, 0) == UINT64_MAX);
	say(r, "t", 1, "old", 5);
	say(r, "t", 1, "new", 6);
	assert_int_equal(rendezvous_expire(r, EXPIRY + 4), EXPIRY + 5);
	assert_string_equal(heard(r, "t", 0, EXPIRY + 4, NULL), "old new");
	assert_string_equal(heard(r, "t", 0, EXPIRY + 5, NULL), "new");
	assert_string_equal(heard(r, "t", 0, EXPIRY + 6, NULL), "");
	assert_int_equal(rendezvous_stats(r)->topics, 0);
	assert_int_equal(rendezvous_stats(r)->sources, 0);
	assert_int_equal(rendezvous_stats(r)->bytes, 0);
	assert_int_equal(rendezvous_stats(r)->expired, 2);
	rendezvous_free(r);
}

static void waiters_are_woken_by_their_topic(void **state)
{
	struct rendezvous *r = open_one((struct rendezvous_config){ 0 });
	struct rendezvous_waiter a, b, other, left;

	rendezvous_waiter_init(&a);
	rendezvous_waiter_init(&b);
	rendezvous_waiter_init(&other);
	rendezvous_waiter_init(&left);
	rendezvous_wait(r, &a, "t", 0);
	rendezvous_wait(r, &b, "t", 7);
	rendezvous_wait(r, &other, "t2", 0);
	rendezvous_wait(r, &left, "t", 0);
	rendezvous_cancel(&left);
	assert_null(rendezvous_woken(r));
	say(r, "t", 1, "x", 0);
	assert_ptr_equal(rendezvous_woken(r), &a);
	assert_ptr_equal(rendezvous_woken(r), &b);
	assert_null(rendezvous_woken(r));
	say(r, "t", 1, "y", 0);
	assert_null(rendezvous_woken(r));
	rendezvous_wait(r, &a, "t", 0);
	say(r, "t", 1, "z", 0);
	rendezvous_cancel(&a); /* woken already, and gone before it could read */
	assert_null(rendezvous_woken(r));
	rendezvous_cancel(&other);
	rendezvous_free(r);
}

/* A stranger who knows the topic cannot wash out what the two say. */
static void a_full_topic_costs_who_fills_it(void **state)
{
	struct rendezvous *r = open_one((struct rendezvous_config){ 0 });
	char text[24];

	say(r, "t", 1, "alice", 0);
	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "noise%d", i);
		say(r, "t", 3, text, 1);
	}
	say(r, "t", 2, "bob", 2);
	heard(r, "t", 0, 3, NULL);
	assert_int_equal(rendezvous_stats(r)->messages, RENDEZVOUS_PER_TOPIC);
	assert_non_null(strstr(heard(r, "t", 0, 3, NULL), "alice"));
	assert_non_null(strstr(heard(r, "t", 0, 3, NULL), "bob"));
	rendezvous_free(r);
}

static void a_source_has_so_many_topics(void **state)
{
	struct rendezvous *r = open_one((struct rendezvous_config){ .topics_per_source = 4 });
	char topic[16];

	say(r, "pair", 1, "hello", 0);
	for (int i = 0; i < 20; i++) {
		snprintf(topic, sizeof(topic), "mine%d", i);
		say(r, topic, 2, "x", 1);
	}
	assert_int_equal(rendezvous_stats(r)->topics, 5);
	assert_string_equal(heard(r, "mine15", 0, 2, NULL), "");
	assert_string_equal(heard(r, "mine16", 0, 2, NULL), "x");
	assert_string_equal(heard(r, "pair", 0, 2, NULL), "hello");
	/* In a topic of its own it may go on. */
	say(r, "mine16", 2, "y", 3);
	assert_string_equal(heard(r, "mine16", 0, 3, NULL), "x y");
	assert_int_equal(rendezvous_stats(r)->topics, 5);
	rendezvous_free(r);
}

static void a_source_is_a_network_of_ipv6(void **state)
{
	struct rendezvous *r = open_one((struct rendezvous_config){ .topics_per_source = 2 });
	struct addr from;
	char topic[16], text[40];

	for (int i = 0; i < 8; i++) {
		snprintf(topic, sizeof(topic), "t%d", i);
		snprintf(text, sizeof(text), "2001:db8:0:1::%d", i + 1);
		assert_true(addr_parse_ip(text, (uint16_t)(i + 1), &from));
		rendezvous_publish(r, topic, &from, BYTES("x"), 0);
	}
	assert_int_equal(rendezvous_stats(r)->sources, 1);
	assert_int_equal(rendezvous_stats(r)->topics, 2);
	assert_true(addr_parse_ip("2001:db8:0:2::1", 1, &from));
	rendezvous_publish(r, "t", &from, BYTES("x"), 0);
	assert_int_equal(rendezvous_stats(r)->sources, 2);
	rendezvous_free(r);
}

static void a_source_has_so_many_bytes(void **state)
{
	static uint8_t data[RENDEZVOUS_MESSAGE_MAX];
	struct rendezvous *r = open_one((struct rendezvous_config){ .bytes_per_source = 20000 });
	struct addr from = host(7);
	char topic[16];

	for (int i = 0; i < 10; i++) {
		snprintf(topic, sizeof(topic), "t%d", i);
		rendezvous_publish(r, topic, &from, bytes_of(data, sizeof(data)), 0);
		assert_true(rendezvous_stats(r)->bytes <= 20000);
	}
	assert_int_equal(rendezvous_stats(r)->messages, 2);
	rendezvous_free(r);
}

/* One heavy source: it loses, whoever needs the room. */
static void the_heaviest_makes_room(void **state)
{
	static uint8_t data[RENDEZVOUS_MESSAGE_MAX];
	struct rendezvous *r = open_one((struct rendezvous_config){
		.bytes = 128 * 1024, .bytes_per_source = 128 * 1024, .topics_per_source = 64 });
	struct addr heavy = host(99);
	char topic[16];

	say(r, "pair", 1, "hello", 0);
	for (int i = 0; i < 60; i++) {
		snprintf(topic, sizeof(topic), "big%d", i);
		rendezvous_publish(r, topic, &heavy, bytes_of(data, sizeof(data)), 1);
	}
	for (unsigned i = 0; i < 20; i++) {
		snprintf(topic, sizeof(topic), "small%u", i);
		say(r, topic, 200 + i, "x", 2);
	}
	assert_string_equal(heard(r, "pair", 0, 3, NULL), "hello");
	for (unsigned i = 0; i < 20; i++) {
		snprintf(topic, sizeof(topic), "small%u", i);
		assert_string_equal(heard(r, topic, 0, 3, NULL), "x");
	}
	rendezvous_free(r);
}

static void check_consistent(const struct rendezvous *r, size_t topics, size_t bytes)
{
	const struct rendezvous_stats *s = rendezvous_stats(r);

	assert_true(s->topics <= topics && s->sources <= topics && s->bytes <= bytes);
	assert_true(s->messages >= s->topics && s->messages >= s->sources);
	assert_true(s->bytes >= s->messages * RENDEZVOUS_BLOCK);
}

/* 10,000 topics of a few hosts, as many as there are places; and a pair that meets nevertheless. */
static void ten_thousand_topics_and_a_pair_meets(void **state)
{
	enum { TOPICS = 4096, BYTES_ALL = 4 * 1024 * 1024 };
	struct rendezvous *r = open_one((struct rendezvous_config){ .topics = TOPICS,
								    .bytes = BYTES_ALL,
								    .topics_per_source = 1000,
								    .bytes_per_source = 1 << 20 });
	char topic[24], text[32];

	say(r, "pair", 1, "alice", 0);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(topic, sizeof(topic), "flood/%u", i);
		snprintf(text, sizeof(text), "%u", i * 7);
		say(r, topic, 1000 + i % 10, text, i);
		check_consistent(r, TOPICS, BYTES_ALL);
	}
	assert_int_equal(rendezvous_stats(r)->topics, TOPICS);
	say(r, "pair", 2, "bob", 10001);
	assert_string_equal(heard(r, "pair", 0, 10002, NULL), "alice bob");
	rendezvous_free(r);
}

/* As many sources as topics: whoever said something last stays. */
static void a_flood_of_sources_costs_the_oldest(void **state)
{
	struct rendezvous *r = open_one((struct rendezvous_config){ .topics = 64 });
	struct rendezvous_waiter alice;
	char topic[24];

	rendezvous_waiter_init(&alice);
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(topic, sizeof(topic), "flood/%u", i);
		say(r, topic, 1000 + i, "x", i);
		if (i % 50 == 0)
			say(r, "pair", 1, "alice", i); /* says so again, as meet does */
		check_consistent(r, 64, 256 * 1024);
	}
	assert_string_equal(heard(r, "pair", 0, 5001, NULL), "alice");
	rendezvous_wait(r, &alice, "pair", 0);
	say(r, "pair", 2, "bob", 5002);
	assert_ptr_equal(rendezvous_woken(r), &alice);
	assert_string_equal(heard(r, "pair", 0, 5003, NULL), "alice bob");
	rendezvous_free(r);
}

/* Limits that leave room for nothing leave room for one. */
static void the_smallest_one_holds_one_message(void **state)
{
	const struct rendezvous_config config = { .expiry_us = EXPIRY };
	struct rendezvous *r = rendezvous_new(&config);
	static uint8_t data[RENDEZVOUS_MESSAGE_MAX];
	struct addr from = host(1);

	assert_non_null(r);
	assert_true(rendezvous_footprint(&config) > RENDEZVOUS_MESSAGE_MAX);
	for (int i = 0; i < 3; i++) {
		data[0] = (uint8_t)i;
		rendezvous_publish(r, i == 1 ? "a" : "b", &from, bytes_of(data, sizeof(data)), 0);
		say(r, "b", 2, "x", 0);
	}
	assert_string_equal(heard(r, "b", 0, 0, NULL), "x");
	rendezvous_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_in_order_and_once),
		cmocka_unit_test(long_messages_come_back_whole),
		cmocka_unit_test(a_list_holds_what_there_is_room_for),
		cmocka_unit_test(the_same_again_takes_its_place),
		cmocka_unit_test(messages_expire),
		cmocka_unit_test(waiters_are_woken_by_their_topic),
		cmocka_unit_test(a_full_topic_costs_who_fills_it),
		cmocka_unit_test(a_source_has_so_many_topics),
		cmocka_unit_test(a_source_is_a_network_of_ipv6),
		cmocka_unit_test(a_source_has_so_many_bytes),
		cmocka_unit_test(the_heaviest_makes_room),
		cmocka_unit_test(ten_thousand_topics_and_a_pair_meets),
		cmocka_unit_test(a_flood_of_sources_costs_the_oldest),
		cmocka_unit_test(the_smallest_one_holds_one_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
