#include "target_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "file_piece.h"
#include "file_place.h"
#include "file_walk.h"
#include "part_file.h"

#define DIRECTORY  (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define PLAIN      (O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
#define UNFINISHED (S_ISVTX | S_IRWXU) /* of a directory of ours */
#define MODE_BITS  07777

struct target_files {
	int top;
	int dir; /* where dir_path leads; -1: nowhere yet */
	int fd;  /* the open file */
	uint8_t dir_path[SAFE_PATH_MAX];
	size_t dir_len;
	char name[SAFE_COMPONENT_MAX + 1]; /* of the entry at hand */
	char part[SAFE_COMPONENT_MAX + 1];
};

int target_files_open(const char *directory, struct target_files **out)
{
	struct target_files *t = calloc(1, sizeof(*t));
	int err;

	if (t == NULL)
		return -ENOMEM;
	t->dir = -1;
	t->fd = -1;
	t->top = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->top < 0) {
		err = errno;
		free(t);
		return -err;
	}
	*out = t;
	return 0;
}

void target_files_free(struct target_files *t)
{
	if (t == NULL)
		return;
	if (t->fd >= 0)
		(void)close(t->fd);
	if (t->dir >= 0)
		(void)close(t->dir);
	(void)close(t->top);
	free(t);
}

static int use_directory(struct target_files *t, struct bytes path)
{
	if (t->dir >= 0 && bytes_equal(path, bytes_of(t->dir_path, t->dir_len)))
		return 0;
	if (t->dir >= 0)
		(void)close(t->dir);
	t->dir = file_walk(t->top, path);
	if (t->dir < 0)
		return t->dir;
	memcpy(t->dir_path, path.data, path.len);
	t->dir_len = path.len;
	return 0;
}

/* Its directory as t->dir, and its names. */
static int use_entry(struct target_files *t, const struct transfer_entry *e)
{
	struct bytes parent, name = file_walk_name(e->path, &parent);

	if (name.len == 0 || name.len > SAFE_COMPONENT_MAX)
		return -EINVAL;
	memcpy(t->name, name.data, name.len);
	t->name[name.len] = '\0';
	safe_name_part(name, t->part);
	return use_directory(t, parent);
}

static bool is_time(const struct stat *st, const struct transfer_entry *e)
{
	return st->st_mtim.tv_sec == e->mtime_s && (uint32_t)st->st_mtim.tv_nsec == e->mtime_ns;
}

/* Some file systems keep 2 seconds and nothing finer. What is in the file is compared anyway. */
static bool is_about_time(const struct stat *st, const struct transfer_entry *e)
{
	const int64_t s = st->st_mtim.tv_sec;

	if (s == e->mtime_s)
		return (uint32_t)st->st_mtim.tv_nsec <= e->mtime_ns;
	return s < e->mtime_s && s + 1 == e->mtime_s;
}

static enum transfer_found judge_directory(const struct stat *st, const struct transfer_entry *e)
{
	if (!S_ISDIR(st->st_mode))
		return FOUND_ODD;
	if ((st->st_mode & MODE_BITS) == UNFINISHED && st->st_uid == geteuid())
		return FOUND_OURS;
	return is_time(st, e) && (st->st_mode & MODE_BITS) == e->mode ? FOUND_SAME : FOUND_OTHER;
}

static enum transfer_found judge_file(const struct stat *st, const struct transfer_entry *e)
{
	if (S_ISLNK(st->st_mode))
		return FOUND_OTHER; /* replaced itself, never followed */
	if (!S_ISREG(st->st_mode))
		return FOUND_ODD;
	return is_about_time(st, e) && (uint64_t)st->st_size == e->size ? FOUND_SAME : FOUND_OTHER;
}

static int on_look(void *arg, const struct transfer_entry *e, enum transfer_found *found,
		   uint64_t *part)
{
	struct target_files *t = arg;
	int rc = use_entry(t, e);
	struct stat st;

	*part = 0;
	*found = FOUND_NOTHING;
	/* What is wrong with its directory is told of that one. */
	if (rc != 0)
		return rc == -ENOENT || rc == -ELOOP || rc == -ENOTDIR ? 0 : rc;
	if (fstatat(t->dir, t->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		*found = e->kind == ENTRY_DIRECTORY ? judge_directory(&st, e) : judge_file(&st, e);
	else if (errno != ENOENT)
		return -errno;
	*part = part_file_size(t->dir, t->part);
	return 0;
}

static void on_close(void *arg)
{
	struct target_files *t = arg;

	if (t->fd >= 0)
		(void)close(t->fd);
	t->fd = -1;
}

/* Opens it if it is a plain file. Returns a descriptor or -errno. */
static int open_plain(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | PLAIN);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	(void)close(fd);
	return -EPERM;
}

static int on_open_old(void *arg, const struct transfer_entry *e, bool is_part)
{
	struct target_files *t = arg;
	int rc = use_entry(t, e);

	if (rc != 0)
		return rc;
	t->fd = is_part ? part_file_open_old(t->dir, t->part) : open_plain(t->dir, t->name);
	return t->fd >= 0 ? 0 : t->fd;
}

static int64_t on_read(void *arg, uint64_t at, uint8_t *buf, size_t cap, uint64_t *hole)
{
	const struct target_files *t = arg;

	return file_piece_read(t->fd, at, buf, cap, hole);
}

/* Some file systems keep no modes, or not this one: there it stays as they have it. */
static int set_mode(int fd, mode_t mode)
{
	return fchmod(fd, mode) == 0 || errno == EPERM || errno == EOPNOTSUPP ? 0 : -errno;
}

static int on_make_directory(void *arg, const struct transfer_entry *e)
{
	struct target_files *t = arg;
	int rc = use_entry(t, e), fd;

	if (rc != 0)
		return rc;
	if (mkdirat(t->dir, t->name, UNFINISHED) != 0)
		return -errno;
	/* Whatever the umask, and the system's mind on S_ISVTX. */
	fd = openat(t->dir, t->name, DIRECTORY);
	if (fd < 0)
		return -errno;
	rc = set_mode(fd, UNFINISHED);
	(void)close(fd);
	return rc;
}

static int on_open(void *arg, const struct transfer_entry *e, uint64_t at)
{
	struct target_files *t = arg;
	int rc = use_entry(t, e);

	if (rc != 0)
		return rc;
	t->fd = part_file_open(t->dir, t->part, at);
	return t->fd >= 0 ? 0 : t->fd;
}

static int on_write(void *arg, uint64_t at, struct bytes data)
{
	const struct target_files *t = arg;

	while (data.len > 0) {
		ssize_t n = pwrite(t->fd, data.data, data.len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		data.data += n;
		data.len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

static int set_mode_and_time(int fd, const struct transfer_entry *e)
{
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = (time_t)e->mtime_s, .tv_nsec = (long)e->mtime_ns },
	};

	int rc = set_mode(fd, e->mode & TRANSFER_MODE);

	if (rc != 0)
		return rc;
	return futimens(fd, times) == 0 ? 0 : -errno;
}

static int on_finish(void *arg, const struct transfer_entry *e, bool replaces)
{
	struct target_files *t = arg;
	int rc = use_entry(t, e);

	if (rc == 0 && ftruncate(t->fd, (off_t)e->size) != 0)
		rc = -errno;
	if (rc == 0)
		rc = set_mode_and_time(t->fd, e);
	if (rc == 0 && !part_file_is(t->dir, t->part, t->fd))
		rc = -ENOENT;
	/* Some file systems tell only now that there was no room. */
	if (close(t->fd) != 0 && rc == 0)
		rc = -errno;
	t->fd = -1;
	return rc == 0 ? file_place(t->dir, t->part, t->name, replaces) : rc;
}

static int on_finish_directory(void *arg, const struct transfer_entry *e)
{
	struct target_files *t = arg;
	int rc = use_entry(t, e), fd;

	if (rc != 0)
		return rc;
	fd = openat(t->dir, t->name, DIRECTORY);
	if (fd < 0)
		return -errno;
	rc = set_mode_and_time(fd, e);
	(void)close(fd);
	return rc;
}

static void on_drop(void *arg, const struct transfer_entry *e)
{
	struct target_files *t = arg;

	on_close(t);
	if (use_entry(t, e) == 0)
		(void)unlinkat(t->dir, t->part, 0);
}

struct transfer_target target_files_table(struct target_files *t)
{
	return (struct transfer_target){ .look = on_look,
					 .open_old = on_open_old,
					 .read = on_read,
					 .make_directory = on_make_directory,
					 .open = on_open,
					 .write = on_write,
					 .finish = on_finish,
					 .finish_directory = on_finish_directory,
					 .close = on_close,
					 .drop = on_drop,
					 .arg = t };
}
