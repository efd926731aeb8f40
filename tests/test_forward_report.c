/* forward_report: what people are told of failures that another side may cause without end. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "natprobe/forward/forward_report.h"
#include "natprobe/forward/forward_wire.h"

static char text[65536];

/* What standard error is written by failures of so many targets. Returns how many lines. */
static int lines_of(struct forward_report *r, uint16_t targets, bool is_served)
{
	FILE *out = tmpfile();
	int own = dup(STDERR_FILENO), lines = 0;
	size_t n;

	assert_non_null(out);
	(void)fflush(stderr);
	(void)dup2(fileno(out), STDERR_FILENO);
	for (uint16_t i = 0; i < targets; i++) {
		const struct forward_target target = { .host = "web", .port = (uint16_t)(i + 1) };
		const struct forward_event e = { .kind = FORWARD_FAILED,
						 .is_served = is_served,
						 .target = &target,
						 .word = FORWARD_NOT_ALLOWED };

		forward_report_event(r, &e);
	}
	(void)fflush(stderr);
	(void)dup2(own, STDERR_FILENO);
	close(own);
	rewind(out);
	n = fread(text, 1, sizeof(text) - 1, out);
	text[n] = '\0';
	fclose(out);
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	return lines;
}

static void the_same_is_told_once(void **state)
{
	struct forward_report r = { .quiet = true };

	assert_int_equal(lines_of(&r, 1, true), 1);
	assert_non_null(strstr(text, "--allow web:1 would"));
	assert_int_equal(lines_of(&r, 1, true), 0);
}

static void a_flood_of_targets_is_cut(void **state)
{
	struct forward_report r = { .quiet = true };

	assert_in_range(lines_of(&r, 1000, true), 8, 16);
	r.begin_ms -= 10000; /* as if it was long ago */
	assert_in_range(lines_of(&r, 1, true), 1, 2);
	assert_non_null(strstr(text, "failures more were not shown"));
	assert_non_null(strstr(text, "--allow web:1 would"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_is_told_once),
		cmocka_unit_test(a_flood_of_targets_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
