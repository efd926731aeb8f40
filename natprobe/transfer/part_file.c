#include "part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLAIN (O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
#define MODE  (S_IRUSR | S_IWUSR)

/* Nobody else has a name for it, or gave it to us. */
static bool is_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_nlink == 1 && st->st_uid == geteuid();
}

static int check(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	return is_ours(&st) ? 0 : -EPERM;
}

uint64_t part_file_size(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !is_ours(&st))
		return 0;
	return (uint64_t)st.st_size;
}

int part_file_open_old(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | PLAIN), rc;

	if (fd < 0)
		return -errno;
	rc = check(fd);
	if (rc == 0)
		return fd;
	(void)close(fd);
	return rc;
}

bool part_file_is(int dir, const char *name, int fd)
{
	struct stat there, here;

	return fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &here) == 0 &&
	       there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

/* It may have been renamed before we had it. Where there are no locks we go without. */
static int lock(int dir, const char *name, int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return -EBUSY;
	return part_file_is(dir, name, fd) ? 0 : -EBUSY;
}

static int take(int dir, const char *name, int fd, uint64_t at)
{
	int rc = check(fd);

	if (rc == 0)
		rc = lock(dir, name, fd);
	if (rc == 0 && (fchmod(fd, MODE) != 0 || ftruncate(fd, (off_t)at) != 0))
		rc = -errno;
	return rc;
}

static int make(int dir, const char *name)
{
	int fd, rc;

	if (unlinkat(dir, name, 0) != 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | PLAIN, MODE);
	if (fd < 0)
		return -errno;
	rc = lock(dir, name, fd);
	if (rc == 0)
		return fd;
	(void)close(fd);
	return rc;
}

int part_file_open(int dir, const char *name, uint64_t at)
{
	int fd = openat(dir, name, O_WRONLY | PLAIN);
	int rc = fd >= 0 ? take(dir, name, fd, at) : -errno;

	if (rc == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return at > 0 || rc == -EBUSY ? rc : make(dir, name);
}
