#include <config.h>

#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_NAME   "control"
#define CLAIM_TRIES   40
#define CLAIM_WAIT_NS 5000000

/* What is in `dir` may be a link only where the user has chosen it. */
static bool make_dir(const char *dir, bool chosen, struct lab_error *err)
{
	struct stat st;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return lab_fail(err, "cannot make %.200s: %s", dir, strerror(errno));
	if ((chosen ? stat(dir, &st) : lstat(dir, &st)) != 0 || !S_ISDIR(st.st_mode))
		return lab_fail(err, "%.200s is no directory; name another one with --dir", dir);
	/* /tmp is everybody's: somebody else may have made it, to see our orders. */
	if (st.st_uid != geteuid())
		return lab_fail(err, "%.200s belongs to somebody else; name another one with --dir",
				dir);
	return true;
}

/* Returns whether the user has chosen it. */
static bool default_dir(char *dir, size_t cap)
{
	const char *named = getenv("NATLAB_DIR"), *runtime = getenv("XDG_RUNTIME_DIR");

	if (named != NULL && named[0] != '\0')
		snprintf(dir, cap, "%s", named);
	else if (runtime != NULL && runtime[0] != '\0')
		snprintf(dir, cap, "%s/natlab", runtime);
	else
		snprintf(dir, cap, "/tmp/natlab-%u", (unsigned int)geteuid());
	return named != NULL && named[0] != '\0';
}

bool control_path(const char *dir, char path[static CONTROL_PATH_MAX], struct lab_error *err)
{
	char chosen[PATH_MAX], whole[PATH_MAX];
	bool by_user = true;

	if (dir != NULL)
		snprintf(chosen, sizeof(chosen), "%s", dir);
	else
		by_user = default_dir(chosen, sizeof(chosen));
	if (!make_dir(chosen, by_user, err))
		return false;
	if (realpath(chosen, whole) == NULL)
		return lab_fail(err, "%.200s: %s", chosen, strerror(errno));
	/* Orders are lines. */
	if (strchr(whole, '\n') != NULL)
		return lab_fail(err, "the name of --dir has a line break");
	if (snprintf(path, CONTROL_PATH_MAX, "%s/" SOCKET_NAME, whole) >= CONTROL_PATH_MAX)
		return lab_fail(err,
				"%.200s: too long a path for a socket; name another one with "
				"--dir",
				whole);
	return true;
}

/* A laboratory that ends may need a moment. */
static bool lock(int fd)
{
	static const struct timespec moment = { .tv_nsec = CLAIM_WAIT_NS };

	for (int i = 0; i < CLAIM_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return false;
		nanosleep(&moment, NULL);
	}
	errno = EWOULDBLOCK;
	return false;
}

bool control_claim(const char *path, struct lab_error *err)
{
	char dir[CONTROL_PATH_MAX];
	int fd;

	snprintf(dir, sizeof(dir), "%s", path);
	*strrchr(dir, '/') = '\0';
	/* It stays open: whoever has it open has the directory. */
	fd = open(dir[0] != '\0' ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && lock(fd))
		return true;
	if (errno == EWOULDBLOCK)
		lab_fail(err,
			 "there is a laboratory at %s already: natlab down ends it, --dir makes "
			 "room for another one",
			 path);
	else
		lab_fail(err, "cannot lock %s: %s; name another one with --dir", dir,
			 strerror(errno));
	if (fd >= 0)
		close(fd);
	return false;
}

struct sockaddr_un control_address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return a;
}

bool control_is_ours(int fd)
{
	struct ucred other;
	socklen_t len = sizeof(other);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &len) == 0 && other.uid == geteuid();
}
