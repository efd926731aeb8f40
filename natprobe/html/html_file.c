#include "html_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "natprobe/file.h"
#include "report_html.h"

int html_file_put(bool (*put)(const void *arg, FILE *out), const void *arg, const char *path)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool ok = out != NULL && put(arg, out);
	int rc;

	if (out != NULL && fclose(out) != 0)
		ok = false;
	rc = ok ? file_write(path, text, len) : -ENOMEM;
	free(text);
	if (rc == 0)
		return 0;
	fprintf(stderr, "natprobe: %s: %s\n", path, strerror(-rc));
	return EXIT_FAILED;
}

static bool put_report(const void *arg, FILE *out)
{
	return report_html(arg, out);
}

int html_file_write(const struct report *r, const char *path)
{
	return html_file_put(put_report, r, path);
}
