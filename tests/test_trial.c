/* trial: what is told of trials, for people, for machines, and as a page. */
#include "trial_fixture.h"

#include "natprobe/plan.h"
#include "natprobe/trial/trial_html.h"
#include "natprobe/trial/trial_json.h"
#include "natprobe/trial/trial_stats.h"
#include "natprobe/trial/trial_text.h"
#include "page.h"
#include "page_law.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void has(const struct page *p, const char *want)
{
	if (strstr(p->text, want) == NULL)
		fail_msg("no \"%s\" in:\n%s", want, p->text);
}

static void has_not(const struct page *p, const char *unwanted)
{
	if (strstr(p->text, unwanted) != NULL)
		fail_msg("\"%s\" in:\n%s", unwanted, p->text);
}

static struct page json_of(const struct trial_run *run)
{
	struct page p;

	assert_true(trial_json(run, open_page(&p)));
	fclose(p.out);
	return p;
}

static void intervals_are_wilsons(void **state)
{
	struct trial_interval i = trial_wilson(0, 0);

	assert_true(i.low == 0 && i.high == 1);
	i = trial_wilson(9, 10); /* 0.5958 to 0.9821 */
	assert_float_equal(i.low, 0.5958, 0.0002);
	assert_float_equal(i.high, 0.9821, 0.0002);
	i = trial_wilson(0, 10);
	assert_true(i.low == 0);
	assert_float_equal(i.high, 0.2775, 0.0002);
	i = trial_wilson(10, 10);
	assert_true(i.high == 1);
	assert_float_equal(i.low, 0.7225, 0.0002);
}

static void medians_are_of_the_middle(void **state)
{
	uint32_t odd[] = { 5, 1, 9 }, even[] = { UINT32_MAX, 1, 3, UINT32_MAX - 2 };

	assert_int_equal(trial_median(odd, 0), 0);
	assert_int_equal(trial_median(odd, 3), 5);
	assert_int_equal(trial_median(even, 4), ((uint64_t)UINT32_MAX - 2 + 3) / 2);
}

static void strategies_are_counted_by_trial(void **state)
{
	struct trial_run run = fixture_trials();
	struct trial_stats s;

	fixture_add_simultaneous(&run, 267500);
	assert_true(trial_stats_make(&run, &s));
	assert_int_equal(s.trials, 5);
	assert_int_equal(s.paths, 4);
	assert_int_equal(s.relayed, 1);
	assert_int_equal(s.strategies[PUNCH_SIMULTANEOUS].tries, 5);
	assert_int_equal(s.strategies[PUNCH_SIMULTANEOUS].paths, 2);
	assert_int_equal(s.strategies[PUNCH_SIMULTANEOUS].to_path_us, 200000);
	assert_int_equal(s.strategies[PUNCH_SIMULTANEOUS].packets, 11);
	assert_int_equal(s.strategies[PUNCH_SIMULTANEOUS].reasons[REASON_MAPPING_DIFFERS], 3);
	assert_int_equal(s.strategies[PUNCH_BIRTHDAY].tries, 3);
	assert_int_equal(s.strategies[PUNCH_BIRTHDAY].paths, 1);
	assert_int_equal(s.strategies[PUNCH_RELAY].tries, 2);
	assert_int_equal(s.strategies[PUNCH_TCP].tries, 0);
	assert_int_equal(s.reasons[REASON_MAPPING_DIFFERS], 1);
	assert_int_equal(s.rtt_us, 41000);
	assert_int_equal(s.pings - s.pongs, 4);
	assert_int_equal(s.held, 4);
	assert_int_equal(s.survived, 4);
	trial_run_clear(&run);
}

static void networks_have_their_class(void **state)
{
	struct trial_run run = fixture_run(true);

	assert_int_equal(run.ours.items[0].class, PLAN_PORT_FILTERED);
	assert_int_equal(run.theirs.items[0].class, PLAN_RANDOM);
	assert_int_equal(run.theirs.items[1].class, PLAN_FIREWALLED);
}

static void json_comes_back(void **state)
{
	struct trial_run run = fixture_trials(), back;
	struct page first = json_of(&run), second;
	struct report_read_error why;

	if (!trial_read(bytes_of(first.text, first.len), &back, &why))
		fail_msg("%s in:\n%s", why.text, first.text);
	assert_int_equal(back.count, run.count);
	assert_int_equal(back.records[2].overall.side, PUNCH_SIDE_B);
	assert_int_equal(back.records[1].skew_us, -1250);
	assert_int_equal(back.records[1].steps[0].ours.began_us, -1500);
	second = json_of(&back);
	assert_string_equal(first.text, second.text);
	has(&first, "\"exit_code\": 0");
	has(&first, "\"outcome\": \"path\"");
	trial_run_clear(&run);
	trial_run_clear(&back);
	free(first.text);
	free(second.text);
}

/* From the other side the same verdict is about the other network. */
static void sides_are_told_as_ours_and_theirs(void **state)
{
	struct trial_run a = fixture_run(true), b = fixture_run(false);
	struct page of_a, of_b;

	fixture_add_failure(&a);
	fixture_add_failure(&b);
	of_a = json_of(&a);
	of_b = json_of(&b);
	has(&of_a, "\"side\": \"theirs\"");
	has_not(&of_a, "\"side\": \"ours\"");
	has(&of_b, "\"side\": \"ours\"");
	has(&of_a, "\"outcome\": \"no-path\"");
	assert_int_equal(trial_exit(&a), EXIT_FAILED);
	a.records[0].overall.reason = REASON_UNSURE;
	assert_int_equal(trial_exit(&a), EXIT_INCONCLUSIVE);
	free(of_a.text);
	free(of_b.text);
	trial_run_clear(&a);
	trial_run_clear(&b);
}

static void refuses(const char *text, const char *want)
{
	struct report_read_error why;
	struct trial_run run;

	assert_false(trial_read(bytes_of_str(text), &run, &why));
	if (strstr(why.text, want) == NULL)
		fail_msg("\"%s\" and not \"%s\"", why.text, want);
	assert_int_equal(run.count, 0);
	assert_null(run.records);
}

static void other_documents_are_refused(void **state)
{
	refuses("", "line");
	refuses("[1]", "command");
	refuses("{\"command\":\"check\"}", "command");
	refuses("{\"command\":\"punch\",\"version\":2}", "version");
	refuses("{\"command\":\"punch\",\"version\":1,\"role\":\"c\"}", "role");
	refuses("{\"command\":\"punch\",\"version\":1,\"role\":\"a\",\"allowed\":[\"x\"]}",
		"allowed");
	refuses("{\"command\":\"punch\",\"version\":1,\"role\":\"a\",\"trials\":[{}]}", "reason");
	refuses("{\"command\":\"punch\",\"version\":1,\"role\":\"a\",\"trials\":{}}", "trials");
}

static void text_is_short_and_says_why(void **state)
{
	struct report_style style = { 0 }, colours = { .colour = true }, quiet = { .quiet = true },
			    verbose = { .verbose = true };
	struct trial_run run = fixture_trials();
	struct page p;

	open_page(&p);
	for (size_t i = 0; i < run.count; i++)
		trial_text_one(&run.records[i], &style, p.out);
	trial_text_summary(&run, &style, p.out);
	fclose(p.out);
	has(&p, "trial 1: path over UDP by simultaneous after 132 ms\n");
	has(&p, "from        192.168.1.2:40000, seen as 21.0.0.2:40000\n");
	has(&p, "round trip  41 ms, jitter 0.8 ms, 1 of 10 lost\n");
	has(&p, "idle        it survived 30 s without traffic\n");
	has(&p, "trial 3: no path. ");
	has(&p, "All trials: 3 of 4 made a path (30.1 to 95.4 %), 1 of them through the relay.");
	has(&p, "  birthday           1 of 3 ");
	has(&p, "1 x  ");
	has_not(&p, "\033");
	free(p.text);

	open_page(&p);
	trial_text_one(&run.records[0], &colours, p.out);
	trial_text_one(&run.records[0], &quiet, p.out);
	fclose(p.out);
	has(&p, "\033[32mpath\033[0m");
	has(&p, " after 132 ms, from 192.168.1.2:40000 to ");
	free(p.text);

	open_page(&p);
	trial_text_one(&run.records[0], &verbose, p.out);
	fclose(p.out);
	has(&p, "  simultaneous   It made the path.\n    we ");
	has(&p, "    they ");
	has(&p, " checks sent, ");
	free(p.text);
	trial_run_clear(&run);
}

/* What profiles tell is said as such; a peer that went away is no matter of chances. */
static void a_trial_without_steps_says_why(void **state)
{
	const struct peer_profile nobody = { 0 };
	struct punch_result r = { .overall = { .reason = REASON_UDP_BLOCKED,
					       .side = PUNCH_SIDE_B } };
	struct trial_record record;

	trial_record_make(&r, &nobody, &nobody, &record);
	assert_string_equal(record.why,
			    "No strategy but a relay has a chance here. "
			    "Our network passes no UDP: it leaves, and nothing returns.");
	r.overall = (struct punch_verdict){ .reason = REASON_PEER_SILENT, .side = PUNCH_SIDE_A };
	trial_record_make(&r, &nobody, &nobody, &record);
	assert_string_equal(record.why, "The other side was not heard again after the meeting.");
}

static void a_single_trial_has_no_table(void **state)
{
	struct report_style style = { 0 };
	struct trial_run run = fixture_run(true);
	struct page p;

	fixture_add_failure(&run);
	trial_text_summary(&run, &style, open_page(&p));
	fclose(p.out);
	assert_int_equal(p.len, 0);
	free(p.text);
	trial_run_clear(&run);
}

/* A path that is not from the application's port says so, and why; any other says nothing. */
static void a_port_that_was_not_held_is_explained(void **state)
{
	const struct report_style style = { 0 };
	struct punch_path *path;
	struct trial_run run = fixture_trials();
	struct page p;

	path = &run.records[0].path;
	assert_int_not_equal(path->strategy, PUNCH_NONE);
	path->wanted = path->local.port;
	assert_null(trial_port_why(&run.records[0]));
	path->wanted = 51820;
	path->strategy = PUNCH_PREDICTION;
	trial_text_one(&run.records[0], &style, open_page(&p));
	fclose(p.out);
	has(&p, "not 51820. Ports were foretold or searched");
	free(p.text);
	p = json_of(&run);
	has(&p, "\"local_port\": 51820");
	has(&p, "\"local_port_why\": \"Ports were foretold");
	free(p.text);
	path->is_relayed = true;
	assert_non_null(strstr(trial_port_why(&run.records[0]), "relay"));
	trial_run_clear(&run);
}

static void pages_are_whole(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct trial_run run = i == 0 ? fixture_trials() : fixture_run(i == 1);
		const char *fault;
		struct page p;
		size_t at;

		(void)snprintf(run.program, sizeof(run.program), "<script>alert(1)</script>");
		if (i == 1)
			fixture_add_failure(&run);
		assert_true(trial_html(&run, open_page(&p)));
		fclose(p.out);
		fault = page_fault(p.text, p.len, &at);
		if (fault != NULL)
			fail_msg("%s, at byte %zu: %.80s", fault, at, p.text + at);
		has(&p, i == 0 ? "3 of 4 trials made a path" : i == 1 ? "No path." : "0 of 0");
		has_not(&p, "<script");
		free(p.text);
		trial_run_clear(&run);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals_are_wilsons),
		cmocka_unit_test(medians_are_of_the_middle),
		cmocka_unit_test(strategies_are_counted_by_trial),
		cmocka_unit_test(networks_have_their_class),
		cmocka_unit_test(json_comes_back),
		cmocka_unit_test(sides_are_told_as_ours_and_theirs),
		cmocka_unit_test(other_documents_are_refused),
		cmocka_unit_test(text_is_short_and_says_why),
		cmocka_unit_test(a_trial_without_steps_says_why),
		cmocka_unit_test(a_single_trial_has_no_table),
		cmocka_unit_test(a_port_that_was_not_held_is_explained),
		cmocka_unit_test(pages_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
