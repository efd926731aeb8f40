/* The oracle against what is known of pairs of NATs in principle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "punch_oracle.h"

struct expected {
	const char *a, *b;
	const char *udp, *tcp; /* signs that are right */
};

static void check(const struct expected *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct expected *e = &list[i];
		struct punch_oracle o;

		punch_oracle_ask(nat_profile_find(e->a), nat_profile_find(e->b), false, &o);
		if (e->udp[0] != punch_oracle_sign((enum punch_oracle_answer)o.udp) ||
		    e->tcp[0] != punch_oracle_sign((enum punch_oracle_answer)o.tcp))
			fail_msg("%s x %s: %c/%c, not %s/%s", e->a, e->b,
				 punch_oracle_sign((enum punch_oracle_answer)o.udp),
				 punch_oracle_sign((enum punch_oracle_answer)o.tcp), e->udp,
				 e->tcp);
	}
}

/* O, F, C1, C2, C3, C3L in this order, against each other: reachable, whatever it takes. */
static void test_easy(void **state)
{
	static const char *const easy[] = { "N01", "N02", "N05", "N06", "N07", "K1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(easy); i++) {
		for (size_t k = i; k < ARRAY_LEN(easy); k++) {
			const struct expected e = { easy[i], easy[k], "R", "R" };

			check(&e, 1);
		}
	}
}

/* A port for each destination: who lets in whom it hears from is reached by anybody. */
static void test_symmetric(void **state)
{
	static const struct expected
		list[] = {
			{ "N01", "N22", "R", "R" }, { "N05", "N22", "R", "R" },
			{ "N06", "N22", "R", "R" }, { "N06", "N27", "R", "R" },
			{ "N07", "N17", "R", "R" }, /* the next port is known where nobody else uses it */
			{ "N17", "N17", "R", "R" }, { "K1", "N17", "R", "R" },
		};

	(void)state;
	check(list, ARRAY_LEN(list));
}

static void test_luck(void **state)
{
	static const struct expected list[] = {
		{ "N07", "N27", "p", "-" },
		{ "N07", "N22", "p", "-" },
		{ "N22", "N22", "-", "-" },
	};

	(void)state;
	check(list, ARRAY_LEN(list));
}

static void test_blocked(void **state)
{
	static const struct expected list[] = {
		{ "N35", "N01", "-", "R" },
		{ "N35", "N07", "-", "R" },
		{ "N35", "N35", "-", "R" },
	};

	(void)state;
	check(list, ARRAY_LEN(list));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_easy),
		cmocka_unit_test(test_symmetric),
		cmocka_unit_test(test_luck),
		cmocka_unit_test(test_blocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
