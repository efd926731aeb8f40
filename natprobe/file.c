#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_all(FILE *in, size_t max, char **text, size_t *len)
{
	size_t room = 0;

	do {
		char *bigger;

		if (*len == room) {
			room = room == 0 ? 4096 : 2 * room;
			bigger = realloc(*text, room);
			if (bigger == NULL)
				return -ENOMEM;
			*text = bigger;
		}
		*len += fread(*text + *len, 1, room - *len, in);
		if (*len > max)
			return -EFBIG;
	} while (!feof(in) && !ferror(in));
	return ferror(in) ? -EIO : 0;
}

int file_read(const char *path, size_t max, char **text, size_t *len)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *in = is_stdin ? stdin : fopen(path, "re");
	int rc;

	*text = NULL;
	*len = 0;
	if (in == NULL)
		return -errno;
	errno = 0;
	rc = read_all(in, max, text, len);
	if (rc == -EIO && errno == EISDIR)
		rc = -EISDIR;
	if (!is_stdin)
		(void)fclose(in);
	if (rc != 0) {
		free(*text);
		*text = NULL;
	}
	return rc;
}

int file_write(const char *path, const char *text, size_t len)
{
	FILE *out = fopen(path, "we");
	bool ok;
	int err;

	if (out == NULL)
		return -errno;
	errno = 0;
	ok = fwrite(text, 1, len, out) == len;
	err = errno;
	if (fclose(out) != 0 && ok)
		return errno != 0 ? -errno : -EIO;
	if (ok)
		return 0;
	return err != 0 ? -err : -EIO;
}
