#include "meet_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static struct meet_kit kit;

struct meet_kit *open_kit(uint64_t seed)
{
	meet_kit_open(&kit, seed);
	return &kit;
}

int close_kit(void **state)
{
	if (kit.flying != NULL)
		meet_kit_close(&kit);
	kit = (struct meet_kit){ 0 };
	return 0;
}

const struct meet_kit_party *party(int i)
{
	return &kit.parties[i];
}

void assert_met(int a, int b)
{
	uint8_t keys[2][MEET_KEY_LEN], other[MEET_KEY_LEN];

	assert_true(party(a)->is_ready && party(b)->is_ready);
	assert_int_equal(party(a)->failure, -1);
	assert_int_equal(party(b)->failure, -1);
	assert_true(meet_is_a(party(a)->m) != meet_is_a(party(b)->m));
	meet_key(party(a)->m, "application", keys[0]);
	meet_key(party(b)->m, "application", keys[1]);
	assert_memory_equal(keys[0], keys[1], MEET_KEY_LEN);
	meet_key(party(a)->m, "punch 0", other);
	assert_memory_not_equal(keys[0], other, MEET_KEY_LEN);
}
