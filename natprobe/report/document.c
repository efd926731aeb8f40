#include "document.h"

#include <stdlib.h>
#include <string.h>

#include "natprobe/file.h"

struct report_document *document_read(const char *path)
{
	struct report_read_error err;
	struct report_document *d;
	char *text;
	size_t len;
	int rc = file_read(path, REPORT_READ_BYTES_MAX, &text, &len);

	if (rc != 0) {
		fprintf(stderr, "natprobe: %s: %s\n", path, strerror(-rc));
		return NULL;
	}
	d = report_read(bytes_of(text, len), &err);
	free(text);
	if (d == NULL)
		fprintf(stderr, "natprobe: %s: %s\n", path, err.text);
	return d;
}
