/* Two partners in virtual time: loss, replay, reordering, clocks, death, restart, forgery. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "partner_kit.h"
#include "stun_attr.h"

static const struct addr client = { .family = ADDR_IPV4, .port = 40000, .ip = { 93, 184, 7, 9 } };
static const struct addr client6 = { .family = ADDR_IPV6,
				     .port = 40000,
				     .ip = { 0x2a, 0x01, 0x04, 0xf8, [15] = 9 } };

static struct partner_kit kit;

static struct partner_kit *live_kit(uint64_t seed)
{
	partner_kit_open(&kit, seed);
	partner_kit_run(&kit, 200);
	for (int side = 0; side < 2; side++) {
		assert_int_equal(partner_kit_why(&kit, side), PARTNER_LIVE);
		assert_true(partner_kit_has(&kit, side, 0));
		assert_true(partner_kit_has(&kit, side, 1));
		assert_false(partner_kit_has(&kit, side, 2));
	}
	return &kit;
}

static bool both_live(struct partner_kit *k)
{
	return partner_kit_why(k, 0) == PARTNER_LIVE && partner_kit_why(k, 1) == PARTNER_LIVE;
}

/* The last of a type that a side said. */
static struct bytes heard(const struct partner_kit *k, int side, enum partner_type type)
{
	const struct partner_kit_flying *f = &k->heard[side][type];

	assert_true(f->len > 0);
	return bytes_of(f->bytes, f->len);
}

static void tell_each_other_their_addresses(void **state)
{
	struct partner_kit *k = live_kit(1);
	struct partner_view v;

	partner_view(&k->sides[0].p, &v);
	assert_int_equal(v.faces[0].seen[0].ip[0], 91);
	assert_int_equal(v.faces[0].seen[1].port, 3479);
	assert_int_equal(v.faces[1].seen[0].family, ADDR_IPV6);
	partner_kit_run(k, 60000);
	assert_true(both_live(k));
	assert_true(k->datagrams < 300); /* it goes on quietly */
}

static void send_for_each_other(void **state)
{
	struct partner_kit *k = live_kit(2);

	assert_true(partner_kit_hand(k, 0, 0, 1, &client));
	partner_kit_run(k, 30);
	assert_int_equal(k->sides[1].took[PARTNER_SEND], 1);
	assert_true(addr_equal(&k->sides[1].sent.to, &client));
	assert_int_equal(k->sides[1].sent.port, 1);

	assert_true(partner_kit_hand(k, 1, 1, 0, &client6));
	partner_kit_run(k, 30);
	assert_int_equal(k->sides[0].took[PARTNER_SEND], 1);
	assert_true(addr_equal(&k->sides[0].sent.to, &client6));
	assert_false(partner_kit_hand(k, 0, 2, 0, &client)); /* no such face */
}

static void stand_a_bad_line(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		int down = 0;

		partner_kit_open(&kit, seed);
		kit.loss_percent[0] = kit.loss_percent[1] = 20;
		kit.double_percent = 10;
		kit.jitter_ms = 300; /* more than from one to the next of a burst */
		partner_kit_run(&kit, 6000);
		for (int i = 0; i < 100; i++) {
			partner_kit_run(&kit, 100);
			down += !both_live(&kit);
		}
		if (down > 10)
			fail_msg("seed %u: down for %d tenths of 10 s", (unsigned int)seed, down);
		for (int side = 0; side < 2; side++)
			assert_int_equal(kit.sides[side].took[PARTNER_FORGED], 0);
	}
}

static void take_what_was_overtaken_once(void **state)
{
	struct partner_kit *k = live_kit(3);
	uint32_t *took = k->sides[1].took;

	k->jitter_ms = 200;
	k->double_percent = 50;
	for (int i = 0; i < 100; i++)
		assert_true(partner_kit_hand(k, 0, 0, i % 2 == 1, &client));
	partner_kit_run(k, 400);
	assert_int_equal(took[PARTNER_SEND], 100);
	assert_true(took[PARTNER_REPLAYED] > 20);
	assert_int_equal(took[PARTNER_FORGED], 0);
}

static void take_nothing_twice(void **state)
{
	struct partner_kit *k = live_kit(4);

	assert_true(partner_kit_hand(k, 0, 0, 0, &client));
	partner_kit_run(k, 700);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(partner_kit_say(k, 1, heard(k, 0, PARTNER_HAND)),
				 PARTNER_REPLAYED);
		assert_int_equal(partner_kit_say(k, 1, heard(k, 0, PARTNER_BEAT)),
				 PARTNER_REPLAYED);
	}
	/* What A said is nothing that B could have said. */
	assert_int_equal(partner_kit_say(k, 0, heard(k, 0, PARTNER_HAND)), PARTNER_FORGED);
	assert_int_equal(partner_kit_say(k, 0, heard(k, 0, PARTNER_BEAT)), PARTNER_FORGED);
	assert_true(both_live(k));
}

/* All that was ever said, again, to both sides, after each restart and while one is dead. */
static void old_sessions_never_come_back(void **state)
{
	static struct partner_kit_flying all[2][PARTNER_TYPES];
	struct partner_kit *k = live_kit(5);

	assert_true(partner_kit_hand(k, 0, 0, 0, &client));
	assert_true(partner_kit_hand(k, 1, 0, 0, &client));
	partner_kit_run(k, 700);
	memcpy(all, k->heard, sizeof(all));
	partner_kit_restart(k, 1);
	k->sides[0].is_off = true; /* nothing but what the listener says reaches B */
	memset(k->sides[1].took, 0, sizeof(k->sides[1].took));
	for (int round = 0; round < 50; round++) {
		for (int from = 0; from < 2; from++) {
			for (int type = 1; type < PARTNER_TYPES; type++) {
				struct bytes d = { all[from][type].bytes, all[from][type].len };

				if (d.len > 0)
					(void)partner_kit_say(k, 1, d);
				assert_int_not_equal(partner_kit_why(k, 1), PARTNER_LIVE);
			}
		}
		partner_kit_run(k, 100);
	}
	assert_int_equal(k->sides[1].took[PARTNER_SEND], 0);
	k->sides[0].is_off = false;
	partner_kit_run(k, 6000);
	assert_true(both_live(k));
}

/* What a side asks with is nothing for itself to answer, nor is an answer to it. */
static void nobody_is_the_partner_of_itself(void **state)
{
	struct partner_kit *k = live_kit(23);

	k->sides[1].is_off = true;
	partner_kit_restart(k, 0);
	for (int i = 0; i < 20; i++) {
		partner_kit_run(k, 200);
		assert_int_equal(partner_kit_say(k, 0, heard(k, 0, PARTNER_INIT)),
				 PARTNER_REPLAYED);
		assert_int_equal(partner_kit_why(k, 0), PARTNER_NEW);
	}
}

static void what_was_overtaken_is_no_news(void **state)
{
	struct partner_kit *k = live_kit(24);
	struct partner_kit_flying old;

	k->loss_percent[1] = 100;
	partner_kit_run(k, PARTNER_BEAT_MS);
	k->loss_percent[1] = 0;
	old = k->heard[0][PARTNER_BEAT];
	k->sides[0].p.setup.own[1] = (struct partner_face){ 0 };
	partner_kit_run(k, PARTNER_BEAT_MS + 50);
	assert_false(partner_kit_has(k, 1, 1));
	assert_int_equal(partner_kit_say(k, 1, bytes_of(old.bytes, old.len)), PARTNER_TAKEN);
	assert_false(partner_kit_has(k, 1, 1));
}

static void nobody_has_heard_what_was_not_said(void **state)
{
	struct partner_kit *k = live_kit(25);
	struct partner_session *s = &k->sides[0].p.session;
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct partner_state st = { .heard = k->sides[1].p.session.number + 1 };

	assert_int_equal(partner_kit_say(k, 1,
					 partner_put_beat(buf, sizeof(buf), &s->keys.control_out,
							  s->number + 1, &st)),
			 PARTNER_FORGED);
	st.heard--;
	assert_int_equal(partner_kit_say(k, 1,
					 partner_put_beat(buf, sizeof(buf), &s->keys.control_out,
							  s->number + 1, &st)),
			 PARTNER_TAKEN);
}

static void replays_do_not_end_a_session(void **state)
{
	struct partner_kit *k = live_kit(6);
	uint64_t generation = k->sides[0].p.generation;

	for (int round = 0; round < 100; round++) {
		for (int type = 1; type < PARTNER_TYPES; type++) {
			for (int side = 0; side < 4; side++) {
				struct partner_kit_flying f = k->heard[side % 2][type];

				if (f.len > 0)
					(void)partner_kit_say(k, side / 2,
							      bytes_of(f.bytes, f.len));
			}
		}
		partner_kit_run(k, 50);
		assert_true(both_live(k));
	}
	assert_int_equal(k->sides[0].p.generation, generation);
}

static void clocks_start_and_run_as_they_like(void **state)
{
	static const struct {
		uint64_t from[2];
		uint32_t percent[2];
	} cases[] = {
		{ { 0, UINT64_C(1) << 60 }, { 100, 100 } },
		{ { 5, 1234567890123 }, { 80, 120 } },
		{ { 1234567890123, 0 }, { 150, 75 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		partner_kit_open(&kit, 7 + i);
		for (int side = 0; side < 2; side++) {
			kit.sides[side].clock_from_ms = cases[i].from[side];
			kit.sides[side].clock_percent = cases[i].percent[side];
			partner_kit_restart(&kit, side);
		}
		partner_kit_run(&kit, 500);
		for (int n = 0; n < 100; n++) {
			partner_kit_run(&kit, 100);
			if (!both_live(&kit))
				fail_msg("case %zu: not live after %d tenths", i, n);
		}
		assert_true(partner_kit_hand(&kit, 0, 0, 0, &client));
		partner_kit_run(&kit, 100);
		assert_int_equal(kit.sides[1].took[PARTNER_SEND], 1);
	}
}

static void a_dead_partner_is_withdrawn(void **state)
{
	struct partner_kit *k = live_kit(8);

	k->sides[1].is_off = true;
	partner_kit_run(k, PARTNER_DEAD_MS - PARTNER_BEAT_MS - 100);
	assert_int_equal(partner_kit_why(k, 0), PARTNER_LIVE);
	partner_kit_run(k, PARTNER_BEAT_MS + 200);
	assert_int_equal(partner_kit_why(k, 0), PARTNER_SILENT);
	assert_false(partner_kit_has(k, 0, 0));
	assert_false(partner_kit_hand(k, 0, 0, 0, &client));

	partner_kit_run(k, 60000);
	k->sides[1].is_off = false; /* its session is over as well, by its clock */
	partner_kit_run(k, 2500);
	assert_true(both_live(k));
}

static void one_that_does_not_hear_us_is_none(void **state)
{
	struct partner_kit *k = live_kit(9);

	k->loss_percent[1] = 100;
	partner_kit_run(k, PARTNER_DEAD_MS + PARTNER_BEAT_MS + 100);
	assert_int_not_equal(partner_kit_why(k, 0), PARTNER_LIVE);
	assert_int_equal(partner_kit_why(k, 1), PARTNER_SILENT);
	partner_kit_run(k, 60000);
	assert_false(partner_kit_has(k, 0, 0));
	assert_false(partner_kit_has(k, 1, 0));
	k->loss_percent[1] = 0;
	partner_kit_run(k, 2500);
	assert_true(both_live(k));
}

static void a_restart_makes_a_new_session(void **state)
{
	struct partner_kit *k = live_kit(10);

	for (int i = 0; i < 10; i++) {
		struct partner_kit_flying old;

		assert_true(partner_kit_hand(k, i % 2, 0, 0, &client));
		old = k->heard[i % 2][PARTNER_HAND];
		partner_kit_run(k, 1000 + 77 * (uint64_t)i);
		partner_kit_restart(k, i % 2);
		partner_kit_run(k, 150);
		if (!both_live(k))
			fail_msg("not live after restart %d", i);
		assert_int_equal(partner_kit_say(k, !(i % 2), bytes_of(old.bytes, old.len)),
				 PARTNER_FORGED);
	}
}

static void both_that_start_at_once_agree(void **state)
{
	for (uint64_t seed = 1; seed <= 50; seed++) {
		partner_kit_open(&kit, seed);
		kit.delay_ms = (uint32_t)seed * 7 % 90;
		kit.jitter_ms = (uint32_t)seed % 5 * 40;
		partner_kit_run(&kit, 1500);
		if (!both_live(&kit))
			fail_msg("seed %u: not live", (unsigned int)seed);
		assert_true(partner_kit_hand(&kit, 0, 0, 0, &client));
		assert_true(partner_kit_hand(&kit, 1, 0, 0, &client));
		partner_kit_run(&kit, 500);
		for (int side = 0; side < 2; side++)
			assert_int_equal(kit.sides[side].took[PARTNER_SEND], 1);
	}
}

static void another_key_is_no_partner(void **state)
{
	partner_kit_open(&kit, 11);
	kit.sides[1].setup.key[31] ^= 1;
	partner_kit_restart(&kit, 1);
	partner_kit_run(&kit, 20000);
	for (int side = 0; side < 2; side++) {
		assert_int_equal(partner_kit_why(&kit, side), PARTNER_NEW);
		assert_true(kit.sides[side].took[PARTNER_FORGED] > 5);
		assert_int_equal(kit.sides[side].took[PARTNER_REPLY], 0);
	}
}

static void a_new_key_is_taken_in_flight(void **state)
{
	static const uint8_t next[PARTNER_KEY_LEN] = "the key that comes after the one";
	struct partner_kit *k = live_kit(12);
	uint64_t generation = k->sides[1].p.generation;

	partner_use_key(&k->sides[0].p, next, partner_kit_clock(k, 0));
	for (int i = 0; i < 300; i++) {
		partner_kit_run(k, 100);
		assert_true(both_live(k));
	}
	partner_use_key(&k->sides[1].p, next, partner_kit_clock(k, 1));
	for (int i = 0; i < 1000; i++) {
		partner_kit_run(k, 100);
		assert_true(both_live(k));
	}
	assert_true(k->sides[1].p.generation > generation);
	/* The same again: nothing happens. */
	generation = k->sides[1].p.generation;
	partner_use_key(&k->sides[1].p, next, partner_kit_clock(k, 1));
	partner_kit_run(k, 5000);
	assert_int_equal(k->sides[1].p.generation, generation);
}

static void an_old_key_ends_in_time(void **state)
{
	static const uint8_t next[PARTNER_KEY_LEN] = "the key that comes after the one";
	struct partner_kit *k = live_kit(13);

	partner_use_key(&k->sides[0].p, next, partner_kit_clock(k, 0));
	partner_kit_run(k, PARTNER_RETIRE_MS + 1);
	assert_int_equal(partner_kit_why(k, 0), PARTNER_RETIRED);
	partner_kit_run(k, PARTNER_DEAD_MS + PARTNER_BEAT_MS);
	assert_int_equal(partner_kit_why(k, 1), PARTNER_SILENT);
}

static void a_goodbye_is_heard_at_once(void **state)
{
	struct partner_kit *k = live_kit(14);
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct bytes bye = partner_bye(&k->sides[1].p, buf);

	k->sides[1].is_off = true;
	assert_int_equal(partner_kit_say(k, 0, bye), PARTNER_TAKEN);
	assert_int_equal(partner_kit_why(k, 0), PARTNER_LEFT);
	assert_int_equal(partner_kit_say(k, 0, bye), PARTNER_STALE);
}

/* Each bit of each message, and each length, with the side that would take it untouched. */
static void forged_and_cut_messages_are_dropped(void **state)
{
	struct partner_kit *k = live_kit(15);

	assert_true(partner_kit_hand(k, 0, 0, 0, &client));
	partner_kit_run(k, 600);
	for (int type = 1; type < PARTNER_TYPES; type++) {
		struct partner_kit_flying f = k->heard[0][type];

		if (f.len == 0)
			f = k->heard[1][type];
		for (size_t i = 0; i < f.len * 8; i++) {
			enum partner_took took;

			f.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
			took = partner_kit_say(k, 1, bytes_of(f.bytes, f.len));
			f.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
			if (took != PARTNER_FORGED && took != PARTNER_STALE)
				fail_msg("type %d, bit %zu: %s", type, i, partner_took_name(took));
		}
		for (size_t len = 0; len < f.len; len++) {
			enum partner_took took = partner_kit_say(k, 1, bytes_of(f.bytes, len));

			if (took != PARTNER_FORGED && took != PARTNER_STALE)
				fail_msg("type %d, %zu bytes: %s", type, len,
					 partner_took_name(took));
		}
	}
	assert_true(both_live(k));
}

static void strangers_get_nothing(void **state)
{
	struct partner_kit *k = live_kit(16);
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct partner_out out;

	for (int type = 1; type < PARTNER_TYPES; type++) {
		const struct partner_kit_flying *f = &k->heard[0][type];
		struct bytes d = { f->bytes, f->len };

		assert_int_equal(partner_input(&k->sides[1].p, d, &client, 1000, buf, &out),
				 PARTNER_STRANGER);
	}
}

static void answers_are_as_long_as_what_asks(void **state)
{
	struct partner_kit *k = live_kit(17);
	uint8_t buf[PARTNER_CONTROL_MAX];
	struct partner_out out;
	struct bytes init;

	partner_kit_restart(k, 0);
	init = partner_next(&k->sides[0].p, partner_kit_clock(k, 0), buf);
	assert_int_equal(partner_input(&k->sides[1].p, init, &k->sides[1].setup.peer,
				       partner_kit_clock(k, 1), buf, &out),
			 PARTNER_REPLY);
	assert_int_equal(out.datagram.len, init.len);
}

static void too_much_is_not_sent(void **state)
{
	struct partner_kit *k = live_kit(18);
	uint32_t *took = k->sides[1].took;

	k->delay_ms = 0;
	partner_kit_run(k, 2000);
	k->sides[1].p.setup.rate = 100;
	for (int i = 0; i < 200; i++) {
		assert_true(partner_kit_hand(k, 0, 0, 0, &client));
		if (i % 20 == 19)
			partner_kit_run(k, 1);
	}
	assert_in_range(took[PARTNER_SEND], 100, 102);
	assert_int_equal(took[PARTNER_SEND] + took[PARTNER_LIMITED], 200);
	partner_kit_run(k, 500);
	for (int i = 0; i < 100; i++)
		assert_true(partner_kit_hand(k, 0, 0, 0, &client));
	partner_kit_run(k, 5);
	assert_in_range(took[PARTNER_SEND], 145, 155);
}

static void one_address_gets_its_share(void **state)
{
	static const uint8_t key[16] = "a key of a test";
	struct partner_kit *k = live_kit(22);
	uint32_t *took = k->sides[1].took;
	struct limit *limit = limit_new(10, 20, 64, key);
	struct addr other = addr_ipv4(93, 200, 7, 9, 40000);

	assert_non_null(limit);
	partner_kit_run(k, 2000);
	k->sides[1].p.setup.limit = limit;
	for (int i = 0; i < 60; i++)
		assert_true(partner_kit_hand(k, 0, 0, 0, i < 50 ? &client : &other));
	partner_kit_run(k, 50);
	assert_int_equal(took[PARTNER_SEND], 30);
	assert_int_equal(took[PARTNER_LIMITED], 30);
	limit_free(limit);
}

/* What the partner signs, and is still not sent. `own` is where clients see us. */
static void what_is_no_answer_is_refused(void **state)
{
	struct partner_kit *k = live_kit(19);
	struct partner_session *s = &k->sides[0].p.session;
	uint8_t msg[2048], buf[PARTNER_DATAGRAM_MAX];
	struct addr other = addr_ipv4(93, 184, 7, 10, 40000);
	struct stun_tid tid = stun_tid_make((const uint8_t *)"another one!");
	const struct {
		const char *why;
		int kind; /* 0: as it should be */
		struct addr to;
	} cases[] = {
		{ "as it should be", 0, client },
		{ "tells another address", 1, client },
		{ "a request", 2, client },
		{ "an error", 3, client },
		{ "no STUN", 4, client },
		{ "nothing", 5, client },
		{ "another method", 6, client },
		{ "RFC 3489", 7, client },
		{ "no address in it", 8, client },
		{ "port 0", 0, addr_ipv4(93, 184, 7, 9, 0) },
		{ "private", 0, addr_ipv4(10, 1, 2, 3, 40000) },
		{ "loopback", 0, addr_ipv4(127, 0, 0, 1, 40000) },
		{ "multicast", 0, addr_ipv4(224, 0, 0, 251, 5353) },
		{ "broadcast", 0, addr_ipv4(255, 255, 255, 255, 40000) },
		{ "the secrets of a cloud", 0, addr_ipv4(169, 254, 169, 254, 80) },
		{ "unspecified", 0, addr_ipv4(0, 0, 0, 0, 40000) },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct partner_hand h = { .to = cases[i].to };
		enum partner_took want = i == 0 ? PARTNER_SEND : PARTNER_REFUSED, took;
		struct stun_builder b;

		h.msg = partner_kit_answer(msg, sizeof(msg),
					   cases[i].kind == 1 ? &other : &cases[i].to,
					   cases[i].kind == 7);
		if (cases[i].kind == 2)
			msg[0] = 0;
		if (cases[i].kind == 3)
			msg[1] = 0x11;
		if (cases[i].kind == 4)
			msg[0] |= 0x80;
		if (cases[i].kind == 5)
			h.msg.len = 0;
		if (cases[i].kind == 6)
			msg[1] |= 2;
		if (cases[i].kind == 8) {
			b = stun_build(msg, sizeof(msg), STUN_BINDING, STUN_SUCCESS, &tid);
			assert_int_equal(stun_build_finish(&b, &h.msg), STUN_OK);
		}
		took = partner_kit_say(k, 1,
				       partner_put_hand(buf, sizeof(buf), &s->keys.hand_out,
							++k->sides[0].number, &h));
		if (took != want)
			fail_msg("%s: %s", cases[i].why, partner_took_name(took));
	}
}

/* The size that still goes, and one byte more (STUN counts in fours). */
static void long_answers_are_refused(void **state)
{
	static const struct {
		size_t padding;
		enum partner_took want;
	} cases[] = { { PARTNER_MSG_MAX - 20 - 12 - 4, PARTNER_SEND },
		      { PARTNER_MSG_MAX - 20 - 12, PARTNER_REFUSED } };
	struct partner_kit *k = live_kit(20);
	uint8_t msg[2048], buf[2048];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stun_tid tid = stun_tid_make((const uint8_t *)"another one!");
		struct stun_builder b =
			stun_build(msg, sizeof(msg), STUN_BINDING, STUN_SUCCESS, &tid);
		struct partner_hand h = { .to = client };
		struct bytes d;

		(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_MAPPED_ADDRESS, &client);
		memset(stun_build_attr(&b, STUN_ATTR_PADDING, cases[i].padding), 0,
		       cases[i].padding);
		assert_int_equal(stun_build_finish(&b, &h.msg), STUN_OK);
		d = partner_put_hand(buf, sizeof(buf), &k->sides[0].p.session.keys.hand_out,
				     ++k->sides[0].number, &h);
		assert_int_equal(partner_kit_say(k, 1, d), cases[i].want);
	}
}

static void in_a_lab_special_addresses_are_served(void **state)
{
	static const struct {
		const char *why;
		struct addr own, to;
		bool may;
	} cases[] = {
		{ "lab",
		  { 1, 3478, { 10, 0, 0, 1 }, 0 },
		  { 1, 5000, { 192, 168, 3, 4 }, 0 },
		  true },
		{ "out of a lab",
		  { 1, 3478, { 10, 0, 0, 1 }, 0 },
		  { 1, 5000, { 8, 8, 8, 8 }, 0 },
		  true },
		{ "multicast",
		  { 1, 3478, { 10, 0, 0, 1 }, 0 },
		  { 1, 5000, { 239, 1, 1, 1 }, 0 },
		  false },
		{ "broadcast",
		  { 1, 3478, { 10, 0, 0, 1 }, 0 },
		  { 1, 5000, { 255, 255, 255, 255 }, 0 },
		  false },
		{ "cloud",
		  { 1, 3478, { 169, 254, 0, 1 }, 0 },
		  { 1, 80, { 169, 254, 169, 254 }, 0 },
		  false },
		{ "no lab",
		  { 1, 3478, { 84, 20, 3, 1 }, 0 },
		  { 1, 5000, { 192, 168, 3, 4 }, 0 },
		  false },
		{ "other family",
		  { 1, 3478, { 84, 20, 3, 1 }, 0 },
		  { 2, 5000, { 0x2a, 1, 4, 0xf8 }, 0 },
		  false },
		{ "disguised",
		  { 2, 3478, { 0x2a, 6 }, 0 },
		  { 2, 5000, { [10] = 255, 255, 10, 0, 0, 1 }, 0 },
		  false },
		{ "with a zone",
		  { 2, 3478, { 0xfe, 0x80, [15] = 1 }, 0 },
		  { 2, 5000, { 0xfe, 0x80, [15] = 2 }, 3 },
		  false },
		{ "IPv6",
		  { 2, 3478, { 0x2a, 6 }, 0 },
		  { 2, 5000, { 0x2a, 1, 4, 0xf8, [15] = 1 }, 0 },
		  true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (partner_may_reach(&cases[i].own, &cases[i].to) != cases[i].may)
			fail_msg("%s", cases[i].why);
	}
}

static void faces_have_to_fit(void **state)
{
	const struct addr a = addr_ipv4(84, 20, 3, 1, 3478), b = addr_ipv4(91, 80, 1, 1, 3478),
			  c = addr_ipv4(10, 0, 0, 1, 3478);
	const struct partner_face own = { { a, addr_with_port(&a, 3479) } },
				  good = { { b, addr_with_port(&b, 3479) } },
				  other_port = { { b, addr_with_port(&b, 3500) } },
				  private = { { c, addr_with_port(&c, 3479) } }, none = { 0 };

	assert_int_equal(partner_fit(&own, &good), PARTNER_FIT_OK);
	assert_int_equal(partner_fit(&own, &none), PARTNER_FIT_MISSING);
	assert_int_equal(partner_fit(&none, &good), PARTNER_FIT_ABSENT);
	assert_int_equal(partner_fit(&own, &own), PARTNER_FIT_SAME);
	assert_int_equal(partner_fit(&own, &other_port), PARTNER_FIT_PORTS);
	assert_int_equal(partner_fit(&own, &private), PARTNER_FIT_SPECIAL);
	assert_int_equal(partner_fit(&private, &good), PARTNER_FIT_OK);
}

static void a_window_takes_each_number_once(void **state)
{
	static struct partner_window w;
	static uint8_t model[5000];
	struct rng rng = rng_seed(21);
	uint64_t top = 0;

	assert_false(partner_window_take(&w, 0));
	for (int i = 0; i < 200000; i++) {
		uint64_t n = 1 + rng_below(&rng, i / 40 < 4990 ? (uint32_t)i / 40 + 9 : 4999);
		bool want = n > top || (top - n < PARTNER_WINDOW && model[n] == 0);

		if (partner_window_take(&w, n) != want)
			fail_msg("number %u, the highest was %u", (unsigned int)n,
				 (unsigned int)top);
		model[n] |= want;
		top = n > top ? n : top;
	}
	assert_true(partner_window_take(&w, UINT64_MAX));
	assert_false(partner_window_take(&w, UINT64_MAX));
	assert_true(partner_window_take(&w, UINT64_MAX - PARTNER_WINDOW + 1));
	assert_false(partner_window_take(&w, UINT64_MAX - PARTNER_WINDOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tell_each_other_their_addresses),
		cmocka_unit_test(send_for_each_other),
		cmocka_unit_test(stand_a_bad_line),
		cmocka_unit_test(take_what_was_overtaken_once),
		cmocka_unit_test(take_nothing_twice),
		cmocka_unit_test(old_sessions_never_come_back),
		cmocka_unit_test(nobody_is_the_partner_of_itself),
		cmocka_unit_test(what_was_overtaken_is_no_news),
		cmocka_unit_test(nobody_has_heard_what_was_not_said),
		cmocka_unit_test(replays_do_not_end_a_session),
		cmocka_unit_test(clocks_start_and_run_as_they_like),
		cmocka_unit_test(a_dead_partner_is_withdrawn),
		cmocka_unit_test(one_that_does_not_hear_us_is_none),
		cmocka_unit_test(a_restart_makes_a_new_session),
		cmocka_unit_test(both_that_start_at_once_agree),
		cmocka_unit_test(another_key_is_no_partner),
		cmocka_unit_test(a_new_key_is_taken_in_flight),
		cmocka_unit_test(an_old_key_ends_in_time),
		cmocka_unit_test(a_goodbye_is_heard_at_once),
		cmocka_unit_test(forged_and_cut_messages_are_dropped),
		cmocka_unit_test(strangers_get_nothing),
		cmocka_unit_test(answers_are_as_long_as_what_asks),
		cmocka_unit_test(too_much_is_not_sent),
		cmocka_unit_test(one_address_gets_its_share),
		cmocka_unit_test(what_is_no_answer_is_refused),
		cmocka_unit_test(long_answers_are_refused),
		cmocka_unit_test(in_a_lab_special_addresses_are_served),
		cmocka_unit_test(faces_have_to_fit),
		cmocka_unit_test(a_window_takes_each_number_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
