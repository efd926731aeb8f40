/*
 * What is read as a run of trials is the same once it was printed again, makes a whole page, and
 * fits into a table.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz_check.h"
#include "natprobe/trial/trial_html.h"
#include "natprobe/trial/trial_json.h"
#include "natprobe/trial/trial_matrix_print.h"
#include "natprobe/trial/trial_text.h"
#include "page.h"
#include "page_law.h"

static void check_page(struct page *p)
{
	size_t at;

	fclose(p->out);
	FUZZ_CHECK(page_fault(p->text, p->len, &at) == NULL);
	free(p->text);
}

/* Nothing that it says reaches a terminal as more than text. */
static void check_text(const struct trial_run *run)
{
	struct report_style style = { .verbose = true };
	struct page p;

	open_page(&p);
	for (size_t i = 0; i < run->count; i++)
		trial_text_one(&run->records[i], &style, p.out);
	trial_text_summary(run, &style, p.out);
	fclose(p.out);
	FUZZ_CHECK(memchr(p.text, '\033', p.len) == NULL);
	free(p.text);
}

static void check_matrix(const struct trial_run *run)
{
	struct report_style style = { 0 };
	struct trial_matrix *m = trial_matrix_new();
	struct page p;

	FUZZ_CHECK(m != NULL && trial_matrix_add(m, run) == NULL);
	FUZZ_CHECK(m->trials + m->repeated == run->count);
	trial_matrix_text(m, &style, open_page(&p));
	fclose(p.out);
	free(p.text);
	FUZZ_CHECK(trial_matrix_html(m, run->program, open_page(&p)));
	check_page(&p);
	trial_matrix_free(m);
}

static void check_again(const struct trial_run *run)
{
	struct report_read_error why;
	struct page first, second;
	struct trial_run back;

	FUZZ_CHECK(trial_json(run, open_page(&first)));
	fclose(first.out);
	FUZZ_CHECK(trial_read(bytes_of(first.text, first.len), &back, &why));
	FUZZ_CHECK(trial_json(&back, open_page(&second)));
	fclose(second.out);
	FUZZ_CHECK(first.len == second.len && memcmp(first.text, second.text, first.len) == 0);
	free(first.text);
	free(second.text);
	trial_run_clear(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct report_read_error why;
	struct trial_run run;
	struct page p;

	if (!trial_read(bytes_of(data, len), &run, &why)) {
		FUZZ_CHECK(run.records == NULL && why.text[0] != '\0');
		return 0;
	}
	check_again(&run);
	check_text(&run);
	check_matrix(&run);
	FUZZ_CHECK(trial_html(&run, open_page(&p)));
	check_page(&p);
	trial_run_clear(&run);
	return 0;
}
