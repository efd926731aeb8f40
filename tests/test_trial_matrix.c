/* trial_matrix: many runs in one table, each trial once, and nobody's address in it. */
#include "trial_fixture.h"

#include "natprobe/trial/trial_matrix_print.h"
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

/* Our networks come first in neither. */
static struct trial_matrix *merged(void)
{
	struct trial_matrix *m = trial_matrix_new();
	struct trial_run a = fixture_trials(), b = fixture_run(false), other = fixture_run(true);

	assert_non_null(m);
	assert_null(trial_matrix_add(m, &a));
	/* The other side's file of the same run, which saw one trial more. */
	for (int i = 0; i < 5; i++)
		fixture_add_failure(&b);
	assert_null(trial_matrix_add(m, &b));
	/* A run with itself. */
	(void)snprintf(other.id, sizeof(other.id), "another");
	other.theirs = other.ours;
	fixture_add_simultaneous(&other, 1000);
	assert_null(trial_matrix_add(m, &other));
	trial_run_clear(&a);
	trial_run_clear(&b);
	trial_run_clear(&other);
	return m;
}

static void each_trial_counts_once(void **state)
{
	struct trial_matrix *m = merged();
	const struct trial_cell *c = &m->cells[0][1];

	assert_int_equal(m->count, 2);
	assert_string_equal(m->labels[0], "port-filtered");
	assert_string_equal(m->labels[1], "random, IPv6 firewalled");
	assert_int_equal(m->runs, 3);
	assert_int_equal(m->trials, 6);
	assert_int_equal(m->repeated, 4);
	assert_int_equal(c->tries, 5);
	assert_int_equal(c->paths, 2);
	assert_int_equal(c->relayed, 1);
	assert_int_equal(c->reasons[REASON_MAPPING_DIFFERS], 2);
	assert_int_equal(trial_cell_reason(c), REASON_MAPPING_DIFFERS);
	assert_memory_equal(c, &m->cells[1][0], sizeof(*c));
	assert_int_equal(m->cells[0][0].paths, 1);
	assert_int_equal(trial_cell_best(&m->cells[0][0]), PUNCH_SIMULTANEOUS);
	assert_int_equal(m->cells[1][1].tries, 0);
	assert_int_equal(trial_cell_best(&m->cells[1][1]), PUNCH_NONE);
	trial_matrix_free(m);
}

/* What is not told apart by an id is counted as often as it comes. */
static void runs_without_an_id_are_not_compared(void **state)
{
	struct trial_matrix *m = trial_matrix_new();
	struct trial_run run = fixture_trials();

	run.id[0] = '\0';
	assert_non_null(m);
	assert_null(trial_matrix_add(m, &run));
	assert_null(trial_matrix_add(m, &run));
	assert_int_equal(m->trials, 8);
	trial_run_clear(&run);
	trial_matrix_free(m);
}

static void networks_are_in_order_and_bounded(void **state)
{
	struct trial_matrix *m = trial_matrix_new();
	struct trial_run run = fixture_run(true);
	const char *why = NULL;
	unsigned added = 0;

	assert_non_null(m);
	fixture_add_failure(&run);
	/* Two classes in each of two families. */
	for (uint8_t i = 0; i < 100 && why == NULL; i++, added++) {
		run.id[0] = '\0';
		run.theirs.count = 2;
		run.theirs.items[0].class = (uint8_t)(9 - i / 10);
		run.theirs.items[1].class = i % 10;
		run.theirs.items[1].family = ADDR_IPV6;
		why = trial_matrix_add(m, &run);
	}
	assert_non_null(why);
	assert_int_equal(m->count, TRIAL_NETWORKS_MAX);
	assert_int_equal(m->trials, added - 1);
	for (size_t i = 1; i < m->count; i++)
		assert_true(strcmp(m->labels[i - 1], m->labels[i]) < 0);
	for (size_t i = 0; i < m->count; i++) {
		for (size_t j = 0; j < m->count; j++)
			assert_memory_equal(&m->cells[i][j], &m->cells[j][i],
					    sizeof(m->cells[0][0]));
	}
	trial_run_clear(&run);
	trial_matrix_free(m);
}

static void labels_name_all_networks(void **state)
{
	struct trial_networks n = { .items = { { .family = ADDR_IPV6, .class = 2 },
					       { .family = ADDR_IPV4, .class = 8 },
					       { .family = ADDR_IPV4, .class = 5 },
					       { .family = ADDR_IPV4, .class = 5 } },
				    .count = 4 };
	char label[TRIAL_LABEL_MAX];

	trial_networks_label(&n, label);
	assert_string_equal(label, "port-filtered + random, IPv6 firewalled");
	n.count = 1;
	trial_networks_label(&n, label);
	assert_string_equal(label, "IPv6 firewalled");
	n.count = 0;
	trial_networks_label(&n, label);
	assert_string_equal(label, "unknown");
	for (n.count = 0; n.count < PEER_PATHS_MAX; n.count++)
		n.items[n.count] = (struct trial_network){ .family = ADDR_IPV4, .class = n.count };
	trial_networks_label(&n, label);
	assert_true(strlen(label) < TRIAL_LABEL_MAX);
}

static void tables_show_no_address(void **state)
{
	struct report_style style = { 0 };
	struct trial_matrix *m = merged();
	struct page pages[3];
	const char *fault;
	size_t at;

	trial_matrix_text(m, &style, open_page(&pages[0]));
	assert_true(trial_matrix_json(m, "natprobe <1>", open_page(&pages[1])));
	assert_true(trial_matrix_html(m, "natprobe <1>", open_page(&pages[2])));
	for (int i = 0; i < 3; i++) {
		fclose(pages[i].out);
		assert_null(strstr(pages[i].text, "192.168"));
		assert_null(strstr(pages[i].text, "21.0.0"));
		has(&pages[i], "random, IPv6 firewalled");
		has(&pages[i], "simultaneous");
	}
	has(&pages[0], "  1  1/1               2/5, relay 1\n");
	has(&pages[0], "     21 to 100 %       12 to 77 %\n");
	has(&pages[0], "  2  2/5, relay 1      -\n");
	has(&pages[1], "\"repeated\": 4");
	has(&pages[2], "2 of 5");
	fault = page_fault(pages[2].text, pages[2].len, &at);
	if (fault != NULL)
		fail_msg("%s, at byte %zu: %.80s", fault, at, pages[2].text + at);
	for (int i = 0; i < 3; i++)
		free(pages[i].text);
	trial_matrix_free(m);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_trial_counts_once),
		cmocka_unit_test(runs_without_an_id_are_not_compared),
		cmocka_unit_test(networks_are_in_order_and_bounded),
		cmocka_unit_test(labels_name_all_networks),
		cmocka_unit_test(tables_show_no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
