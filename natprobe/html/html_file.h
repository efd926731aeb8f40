/* html_file - the report as a page (report_html.h) in a file, for the commands that write one. */
#ifndef NATPROBE_HTML_FILE_H
#define NATPROBE_HTML_FILE_H

#include "natprobe/report/report.h"

/* What `put` writes of `arg`, in a file. Returns as html_file_write does. */
int html_file_put(bool (*put)(const void *arg, FILE *out), const void *arg, const char *path);

/* Returns 0, or an exit code after saying what is wrong; what was there is as it was then. */
int html_file_write(const struct report *r, const char *path);

#endif
