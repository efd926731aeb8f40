/* trial_html - a run of trials as one page of HTML: nothing in it comes from elsewhere. */
#ifndef NATPROBE_TRIAL_HTML_H
#define NATPROBE_TRIAL_HTML_H

#include <stdio.h>

#include "trial_record.h"

/* False where it cannot be written. */
bool trial_html(const struct trial_run *run, FILE *out);

/* The same in a file. 0, or an exit code after saying what is wrong. */
int trial_html_write(const struct trial_run *run, const char *path);

#endif
