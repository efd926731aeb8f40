/*
 * report_tests - a run as a list of tests: one for each line of expectations and interface that
 * it is about, or, without expectations, one for each property. report_expect.c prints them for
 * people, report_tap.c and report_junit.c for machines. Pure.
 */
#ifndef NATPROBE_REPORT_TESTS_H
#define NATPROBE_REPORT_TESTS_H

#include "expect.h"
#include "report.h"

enum report_test_result {
	TEST_PASSED = 0,
	TEST_FAILED,
	TEST_OPEN,    /* unknown, and it matters */
	TEST_SKIPPED, /* unknown, and nobody expected it */
	TEST_RESULTS,
};

struct report_test {
	const struct report_probe *probe; /* NULL: nothing was probed that the line is about */
	const struct expect_line *line;   /* NULL: without expectations */
	const struct property *property;  /* NULL: whether there was any answer */
	uint8_t result;                   /* enum report_test_result */
	struct property_value got;
};

struct report_tests {
	const char *file; /* borrowed: of the expectations; NULL: none */
	struct report_test *items;
	size_t count;
	size_t by_result[TEST_RESULTS];
};

/*
 * expect  NULL: without expectations
 * Returns false when memory runs out. What is borrowed (report, expectations, file name) must
 * outlive the tests.
 */
bool report_tests_make(const struct report *r, const struct expect *expect, const char *file,
		       struct report_tests *out);
void report_tests_clear(struct report_tests *t); /* zeroed is fine */

/* "met", "missed", "open", "skipped". */
const char *report_test_word(enum report_test_result result);

#define REPORT_TEST_TEXT_MAX 320

/* "eth0 ipv4", as much of it as is known; "" for any. */
const char *report_test_place(const struct report_test *t, char buf[static REPORT_TEST_TEXT_MAX]);

/* "mapping = endpoint-independent", "mapping is known". */
const char *report_test_name(const struct report_test *t, char buf[static REPORT_TEST_TEXT_MAX]);

/* "address-dependent", "unknown (too many probes were lost)". */
const char *report_test_got(const struct report_test *t, char buf[static REPORT_TEST_TEXT_MAX]);

/* What was seen that made this value; "" where there is nothing to show. */
const char *report_evidence(const struct property *p, const struct verdict *v,
			    char buf[static REPORT_TEST_TEXT_MAX]);

/* What was missed, and what is open, for people; verbose: all the others as well. */
void report_expect(const struct report_tests *t, const struct report_style *style, FILE *out);

/* TAP version 13. */
void report_tap(const struct report_tests *t, FILE *out);

/* JUnit's XML: a suite for each interface and family. False when `out` fails. */
bool report_junit(const struct report *r, const struct report_tests *t, FILE *out);

#endif
