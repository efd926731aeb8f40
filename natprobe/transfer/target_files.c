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

/* The next component of *path, and takes it off. */
static bool next_component(struct bytes *path, char out[static SAFE_COMPONENT_MAX + 1])
{
	const uint8_t *slash = memchr(path->data, '/', path->len);
	size_t len = slash != NULL ? (size_t)(slash - path->data) : path->len;
	size_t used = slash != NULL ? len + 1 : len;

	if (len == 0 || len > SAFE_COMPONENT_MAX)
		return false;
	memcpy(out, path->data, len);
	out[len] = '\0';
	path->data += used;
	path->len -= used;
	return true;
}

/* From component to component, so that no link leads away. Returns a descriptor or -errno. */
static int walk(int top, struct bytes path)
{
	char name[SAFE_COMPONENT_MAX + 1];
	int fd = dup(top);

	while (fd >= 0 && path.len > 0) {
		int next = next_component(&path, name) ? openat(fd, name, DIRECTORY) : -1;
		int err = errno;

		(void)close(fd);
		fd = next;
		errno = err;
	}
	return fd >= 0 ? fd : -errno;
}

static int use_directory(struct target_files *t, struct bytes path)
{
	if (t->dir >= 0 && bytes_equal(path, bytes_of(t->dir_path, t->dir_len)))
		return 0;
	if (t->dir >= 0)
		(void)close(t->dir);
	t->dir = walk(t->top, path);
	if (t->dir < 0)
		return t->dir;
	memcpy(t->dir_path, path.data, path.len);
	t->dir_len = path.len;
	return 0;
}

/* Its directory as t->dir, and its names. */
static int use_entry(struct target_files *t, const struct transfer_entry *e)
{
	struct bytes name = e->path, parent;

	while (name.len > 0 && memchr(name.data, '/', name.len) != NULL) {
		const uint8_t *slash = memchr(name.data, '/', name.len);

		name.len -= (size_t)(slash + 1 - name.data);
		name.data = slash + 1;
	}
	if (name.len == 0 || name.len > SAFE_COMPONENT_MAX)
		return -EINVAL;
	parent = bytes_of(e->path.data, e->path.len - name.len);
	if (parent.len > 0)
		parent.len--;
	memcpy(t->name, name.data, name.len);
	t->name[name.len] = '\0';
	safe_name_part(name, t->part);
	return use_directory(t, parent);
}

static bool is_time(const struct stat *st, const struct transfer_entry *e)
{
	return st->st_mtim.tv_sec == e->mtime_s && (uint32_t)st->st_mtim.tv_nsec == e->mtime_ns;
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
	return is_time(st, e) && (uint64_t)st->st_size == e->size ? FOUND_SAME : FOUND_OTHER;
}

/* Nobody else has a name for it, or gave it to us. */
static bool is_part(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_nlink == 1 && st->st_uid == geteuid();
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
	if (fstatat(t->dir, t->part, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_part(&st))
		*part = (uint64_t)st.st_size;
	return 0;
}

static void on_close(void *arg)
{
	struct target_files *t = arg;

	if (t->fd >= 0)
		(void)close(t->fd);
	t->fd = -1;
}

/* Opens it if it is a plain file. Of a part: of nobody else. */
static int open_plain(struct target_files *t, const char *name, int flags, bool is_ours)
{
	struct stat st;
	int err;

	t->fd = openat(t->dir, name, flags | PLAIN);
	if (t->fd < 0)
		return -errno;
	if (fstat(t->fd, &st) == 0 && (is_ours ? is_part(&st) : S_ISREG(st.st_mode)))
		return 0;
	err = EPERM;
	on_close(t);
	return -err;
}

static int on_open_old(void *arg, const struct transfer_entry *e, bool is_part_file)
{
	struct target_files *t = arg;
	int rc = use_entry(t, e);

	if (rc != 0)
		return rc;
	return open_plain(t, is_part_file ? t->part : t->name, O_RDONLY, is_part_file);
}

static int64_t on_read(void *arg, uint64_t at, uint8_t *buf, size_t cap, uint64_t *hole)
{
	const struct target_files *t = arg;

	return file_piece_read(t->fd, at, buf, cap, hole);
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
	rc = fchmod(fd, UNFINISHED) == 0 ? 0 : -errno;
	(void)close(fd);
	return rc;
}

static int open_new_part(struct target_files *t)
{
	if (unlinkat(t->dir, t->part, 0) != 0 && errno != ENOENT)
		return -errno;
	t->fd = openat(t->dir, t->part, O_WRONLY | O_CREAT | O_EXCL | PLAIN, S_IRUSR | S_IWUSR);
	return t->fd >= 0 ? 0 : -errno;
}

static int on_open(void *arg, const struct transfer_entry *e, uint64_t at)
{
	struct target_files *t = arg;
	int rc = use_entry(t, e);

	if (rc != 0)
		return rc;
	if (at == 0)
		return open_new_part(t);
	rc = open_plain(t, t->part, O_WRONLY, true);
	if (rc != 0)
		return rc;
	if (fchmod(t->fd, S_IRUSR | S_IWUSR) == 0 && ftruncate(t->fd, (off_t)at) == 0)
		return 0;
	rc = -errno;
	on_close(t);
	return rc;
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

	if (fchmod(fd, e->mode & TRANSFER_MODE) != 0)
		return -errno;
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
