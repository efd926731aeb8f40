#include "attach_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define BACKLOG    128
#define PATIENCE_S 2 /* for a link that does not take calls: it was stopped, say */
#define TRIES      8 /* others may come and go meanwhile */

/* --- the lock --- */

static void name_lock(struct attach_place *p)
{
	const char *path = p->address.sun_path, *name = strrchr(path, '/') + 1;

	/* No link's name begins with a dot. */
	(void)snprintf(p->lock_path, sizeof(p->lock_path), "%.*s.%s.lock", (int)(name - path), path,
		       name);
}

/* Whether it still is the file of that name. */
static bool is_there(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && lstat(path, &there) == 0 && ours.st_dev == there.st_dev &&
	       ours.st_ino == there.st_ino;
}

/* -EAGAIN: whoever had it has removed it just now. */
static int lock_once(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), rc = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		rc = errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
	else if (!is_there(fd, path))
		rc = -EAGAIN;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

static int take_lock(struct attach_place *p)
{
	int fd = -EAGAIN;

	name_lock(p);
	for (int i = 0; i < TRIES && fd == -EAGAIN; i++)
		fd = lock_once(p->lock_path);
	p->lock = fd;
	return fd >= 0 ? 0 : fd;
}

/* --- the socket --- */

static int open_unix(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 ? fd : -errno;
}

static int connect_to(const struct sockaddr_un *address)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S }, none = { 0 };
	int fd = open_unix(), rc;

	if (fd < 0)
		return fd;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
		return fd;
	}
	rc = -errno;
	close(fd);
	return rc;
}

/* What is there was left by a link that was killed, or it is in use, or none of ours. */
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int other;

	if (lstat(address->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	other = connect_to(address);
	if (other >= 0)
		close(other);
	if (other != -ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(address->sun_path) == 0 ? 0 : -errno;
}

static int bind_to(int fd, const struct sockaddr_un *address)
{
	const mode_t before = umask(0177);
	int rc = bind(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 ? -errno : 0;

	(void)umask(before);
	return rc;
}

static int listen_at(struct attach_place *p)
{
	int rc = remove_stale(&p->address), fd;

	if (rc != 0)
		return rc;
	fd = open_unix();
	if (fd < 0)
		return fd;
	rc = bind_to(fd, &p->address);
	if (rc == 0 && (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || listen(fd, BACKLOG) != 0)) {
		rc = -errno;
		(void)unlink(p->address.sun_path);
	}
	if (rc == 0)
		p->fd = fd;
	else
		close(fd);
	return rc;
}

/* --- both --- */

void attach_place_init(struct attach_place *p)
{
	*p = (struct attach_place){ .fd = -1, .lock = -1 };
}

int attach_place_take(struct attach_place *p, const char *name)
{
	int rc;

	attach_place_init(p);
	rc = attach_path(name, &p->address);
	if (rc == 0)
		rc = take_lock(p);
	if (rc != 0)
		return rc;
	rc = listen_at(p);
	if (rc != 0)
		attach_place_leave(p);
	return rc;
}

void attach_place_leave(struct attach_place *p)
{
	/* Else the directory was made anew, and may be another link's. */
	const bool is_ours = p->lock >= 0 && is_there(p->lock, p->lock_path);

	if (is_ours && p->fd >= 0)
		(void)unlink(p->address.sun_path);
	if (is_ours)
		(void)unlink(p->lock_path);
	if (p->fd >= 0)
		close(p->fd);
	if (p->lock >= 0)
		close(p->lock);
	attach_place_init(p);
}

int attach_call(const char *name)
{
	struct sockaddr_un address;
	int rc = attach_path(name, &address);

	return rc != 0 ? rc : connect_to(&address);
}
