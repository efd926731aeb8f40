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

const char *document_pair_fault(char *const *paths, size_t count)
{
	if (count != 2)
		return "name two files that natprobe check --json wrote";
	if (strcmp(paths[0], "-") == 0 && strcmp(paths[1], "-") == 0)
		return "only one of them can be standard input";
	return NULL;
}

bool document_pair_read(char *const paths[2], struct report_document *pair[2])
{
	pair[1] = NULL;
	pair[0] = document_read(paths[0]);
	if (pair[0] != NULL)
		pair[1] = document_read(paths[1]);
	return pair[1] != NULL;
}

void document_pair_clear(struct report_document *pair[2])
{
	report_document_free(pair[0]);
	report_document_free(pair[1]);
}
