#include "lease_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "natprobe/state_file.h"

#define TEXT_MAX (LEASE_BOOK_MAX * LEASE_RECORD_TEXT_MAX)

static int read_book(struct lease_file *f)
{
	char *text = malloc(TEXT_MAX);
	ssize_t len;

	if (text == NULL)
		return -ENOMEM;
	len = pread(f->fd, text, TEXT_MAX, 0);
	if (len >= 0)
		lease_book_read(bytes_of(text, (size_t)len), &f->book);
	free(text);
	lease_book_expire(&f->book, (uint64_t)time(NULL));
	return len >= 0 ? 0 : -errno;
}

int lease_file_open(struct lease_file *f)
{
	int rc;

	*f = (struct lease_file){ .fd = -1 };
	rc = state_file_path("leases", f->path, sizeof(f->path));
	if (rc != 0)
		return rc;
	f->fd = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->fd < 0)
		return -errno;
	rc = flock(f->fd, LOCK_EX) != 0 ? -errno : read_book(f);
	if (rc != 0)
		(void)lease_file_close(f, false);
	return rc;
}

static int write_book(const struct lease_file *f)
{
	char line[LEASE_RECORD_TEXT_MAX];
	off_t at = 0;

	for (size_t i = 0; i < f->book.count; i++) {
		size_t len = lease_record_print(&f->book.items[i], line);

		if (pwrite(f->fd, line, len, at) != (ssize_t)len)
			return -EIO;
		at += (off_t)len;
	}
	return ftruncate(f->fd, at) == 0 ? 0 : -errno;
}

int lease_file_close(struct lease_file *f, bool saves)
{
	int rc = 0;

	if (f->fd < 0)
		return 0;
	if (saves)
		rc = write_book(f);
	close(f->fd);
	f->fd = -1;
	return rc;
}
