/*
 * check_output - what natprobe check writes, and where: the report to standard output, an
 * expectation file (--save), JUnit's XML (--junit), a page (--html); and what it reads to compare with (--expect).
 */
#ifndef NATPROBE_CHECK_OUTPUT_H
#define NATPROBE_CHECK_OUTPUT_H

#include "check_options.h"
#include "natprobe/report/expect.h"
#include "natprobe/report/report.h"

/*
 * Before anything is probed: checks where output goes, and reads the file of --expect, if there
 * is one. Returns 0, or an exit code after saying what is wrong.
 */
int check_output_prepare(const struct check_options *options, struct expect *out);

/*
 * Writes all that the options ask for. expect is what was read above. Returns the exit code
 * of the run.
 */
int check_output(const struct report *found, const struct check_options *options,
		 const struct expect *expect, const struct report_style *style);

#endif
