/* natprobe reach: each verdict has a sentence, and where it is not "open" a remedy. */
#include "natprobe/reach/reach_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct reach_report report_of(uint8_t cause)
{
	return (struct reach_report){
		.program = "x",
		.facts = { .transport = PORTMAP_TCP,
			   .local = addr_ipv4(192, 168, 1, 2, 4900),
			   .mapped = addr_ipv4(84, 20, 3, 2, 0),
			   .server = REACH_SERVER_TRIED },
		.verdict = { .cause = cause, .has_nat = true },
		.server = "stun.example.org",
		.port = 4900,
	};
}

static void each_verdict_says_what_and_what_helps(void **state)
{
	for (uint8_t cause = 0; cause < REACH_CAUSES; cause++) {
		struct reach_report r = report_of(cause);
		char text[REACH_TEXT_MAX], remedy[REACH_TEXT_MAX];

		if (reach_text_of(&r, text)[0] == '\0')
			fail_msg("%s: no text", reach_cause_word(cause));
		if ((reach_remedy_of(&r, remedy)[0] == '\0') != (cause == REACH_OPEN))
			fail_msg("%s: remedy \"%s\"", reach_cause_word(cause),
				 reach_remedy_of(&r, remedy));
	}
}

static void the_exit_status_is_that_of_the_verdict(void **state)
{
	static const struct {
		uint8_t cause, why;
		enum report_exit code;
	} cases[] = {
		{ REACH_OPEN, 0, EXIT_REACHED },
		{ REACH_NOTHING_LISTENS, 0, EXIT_FAILED },
		{ REACH_HOST_FIREWALL, 0, EXIT_FAILED },
		{ REACH_NAT_FILTER, 0, EXIT_FAILED },
		{ REACH_CGN, 0, EXIT_FAILED },
		{ REACH_HOST_OR_NAT, 0, EXIT_FAILED },
		{ REACH_ARRIVES, 0, EXIT_INCONCLUSIVE },
		{ REACH_UNKNOWN, REACH_WHY_SILENT, EXIT_NO_SERVER },
		{ REACH_UNKNOWN, REACH_WHY_OTHER, EXIT_INCONCLUSIVE },
		{ REACH_UNKNOWN, REACH_WHY_UNSEEN, EXIT_INCONCLUSIVE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reach_report r = report_of(cases[i].cause);

		r.verdict.why = cases[i].why;
		if (reach_report_exit(&r) != cases[i].code)
			fail_msg("%s: %d", reach_cause_word(cases[i].cause), reach_report_exit(&r));
	}
}

/* Who watches, who does not, and what a gateway says of itself. */
static void what_was_seen_is_printed(void **state)
{
	struct reach_report r = report_of(REACH_CGN);
	const struct report_style style = { .quiet = false };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	r.verdict.further = LEASE_ADDRESS_SHARED;
	r.facts.external = addr_ipv4(100, 64, 0, 2, 0);
	r.facts.listener = REACH_NATPROBE;
	reach_text(&r, &style, out);
	r.tap_error = -1;
	reach_text(&r, &style, out);
	assert_true(reach_json(&r, out));
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "tcp 4900: cgn\n"));
	assert_non_null(strstr(text, "100.64.0.2, and others see 84.20.3.2"));
	assert_non_null(strstr(text, "nothing arrived at the interface"));
	assert_non_null(strstr(text, "nobody may, which takes root"));
	assert_non_null(strstr(text, "\"arrived\": null"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_verdict_says_what_and_what_helps),
		cmocka_unit_test(the_exit_status_is_that_of_the_verdict),
		cmocka_unit_test(what_was_seen_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
