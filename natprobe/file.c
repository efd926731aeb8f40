#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int write_all(FILE *out, const char *text, size_t len)
{
	bool ok;
	int err;

	errno = 0;
	ok = fwrite(text, 1, len, out) == len;
	err = errno;
	if (fclose(out) != 0 && ok)
		return errno != 0 ? -errno : -EIO;
	if (ok)
		return 0;
	return err != 0 ? -err : -EIO;
}

static int write_over(const char *path, const char *text, size_t len)
{
	FILE *out = fopen(path, "we");

	return out != NULL ? write_all(out, text, len) : -errno;
}

/* What is not there, or is ours alone, may have another file put in its place. */
static bool is_replaceable(const char *path, struct stat *old)
{
	if (lstat(path, old) != 0) {
		old->st_mode = 0;
		return errno == ENOENT;
	}
	return S_ISREG(old->st_mode) && old->st_nlink == 1 && old->st_uid == geteuid() &&
	       access(path, W_OK) == 0;
}

/* A new file that looks like the old one, if there is one. NULL: it cannot be made here. */
static FILE *open_beside(const char *path, const struct stat *old)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	FILE *out = NULL;

	if (fd < 0)
		return NULL;
	if (old->st_mode == 0 ||
	    (fchown(fd, (uid_t)-1, old->st_gid) == 0 && fchmod(fd, old->st_mode & 07777) == 0))
		out = fdopen(fd, "w");
	if (out == NULL) {
		close(fd);
		unlink(path);
	}
	return out;
}

int file_write(const char *path, const char *text, size_t len)
{
	char beside[PATH_MAX];
	struct stat old;
	FILE *out = NULL;
	int n = snprintf(beside, sizeof(beside), "%s.%ld.new", path, (long)getpid());
	int rc;

	if (n > 0 && (size_t)n < sizeof(beside) && is_replaceable(path, &old))
		out = open_beside(beside, &old);
	if (out == NULL)
		return write_over(path, text, len);
	rc = write_all(out, text, len);
	if (rc == 0 && rename(beside, path) != 0)
		rc = -errno;
	if (rc != 0)
		unlink(beside);
	return rc;
}
