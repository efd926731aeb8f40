/* punch: trials with a NAT that ends a mapping when somebody meets it who is not expected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "punch_rig.h"

#define SECOND     UINT64_C(1000000)
#define MS         UINT64_C(1000)
#define FIRST_PORT 40000 /* of the rig's */
#define BLOCK      512
#define LATE_US    450000

static struct rig r;

static struct {
	bool is_expected[BLOCK]; /* ports of A that B has sent to */
	unsigned openers;        /* of A's, that went all the way */
	unsigned unexpected;     /* ... before the first that was found could be proven */
	uint64_t heard_us;       /* A: of B */
	uint64_t first_us;       /* datagram between the two */
	bool is_open_again;
} seen;

static int setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	rig_init(&r);
	return 0;
}

static int teardown(void **state)
{
	rig_end(&r);
	return 0;
}

static void meets(enum punch_strategy strategy)
{
	for (uint8_t i = 0; i < 2; i++)
		r.sides[i].config.plan.only = PUNCH_BIT(strategy);
	rig_start(&r);
	assert_true(rig_run(&r, 30 * SECOND));
	for (uint8_t i = 0; i < 2; i++)
		assert_int_equal(rig_result(&r, i)->path.strategy, strategy);
	assert_true(addr_equal(&rig_result(&r, 0)->path.outer, &rig_result(&r, 1)->path.remote));
}

static bool has_socket(const struct rig_side *s, uint16_t port)
{
	for (size_t i = 0; i < PUNCH_SLOTS_MAX; i++) {
		if (s->slots[i].open && s->slots[i].local.port == port)
			return true;
	}
	return false;
}

/* What B sends takes so long that it arrives while A's openers go all the way. */
static bool is_found_late(struct rig *w, uint8_t side, const struct addr *from,
			  const struct addr *to, struct bytes data)
{
	uint16_t at = (uint16_t)((side == 0 ? from->port : to->port) - FIRST_PORT);

	if (at >= BLOCK)
		return true;
	if (side == 1 && seen.openers > 0)
		return false;
	if (side == 1) {
		seen.is_expected[at] = true;
		if (seen.heard_us == 0 && has_socket(&w->sides[0], to->port))
			seen.heard_us = w->now_us + LATE_US;
		rig_inject(w, 0, from, to, data, LATE_US);
		return true;
	}
	seen.openers++;
	if (w->now_us > seen.heard_us && w->now_us < seen.heard_us + 2 * w->delay_us)
		seen.unexpected += !seen.is_expected[at];
	return !seen.is_expected[at];
}

static void openers_are_silent_once_one_was_found(void **state)
{
	struct peer_path *a = &r.sides[0].profile.paths[0], *b = &r.sides[1].profile.paths[0];

	a->mapping = BEHAVIOUR_ADDRESS_AND_PORT_DEPENDENT;
	a->delta = DELTA_RANDOM;
	a->port_low = FIRST_PORT;
	a->port_high = FIRST_PORT + BLOCK - 1;
	b->mapping = BEHAVIOUR_ENDPOINT_INDEPENDENT;
	b->unexpected = PEER_WORD(DEEP_ENDS_MAPPING);
	r.filter = is_found_late;
	meets(PUNCH_BIRTHDAY);
	assert_true(seen.openers > 1);
	assert_int_equal(seen.unexpected, 0);
}

/*
 * Both have proven the path; then, before A's nomination arrives, B's mapping ends, and lets nobody
 * in until B sends again, later than by the few checks that follow any success.
 */
static bool ends_before_nomination(struct rig *w, uint8_t side, const struct addr *from,
				   const struct addr *to, struct bytes data)
{
	uint64_t since_us;

	if (seen.first_us == 0)
		seen.first_us = w->now_us;
	since_us = w->now_us - seen.first_us;
	seen.is_open_again |= side == 1 && since_us > 160 * MS;
	return side == 0 && since_us > 60 * MS && !seen.is_open_again;
}

static void a_nomination_that_does_not_come_is_asked_for(void **state)
{
	r.filter = ends_before_nomination;
	meets(PUNCH_SIMULTANEOUS);
	assert_true(seen.is_open_again);
	for (uint8_t i = 0; i < 2; i++)
		assert_true(rig_result(&r, i)->elapsed_us < SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(openers_are_silent_once_one_was_found, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_nomination_that_does_not_come_is_asked_for, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
