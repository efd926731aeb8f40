#include "attach_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "link_options.h"
#include "natprobe/state_file.h"

/* Whoever else may write there could put a socket of his own in the place of ours. */
static int check_directory(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return st.st_uid == geteuid() && (st.st_mode & 077) == 0 ? 0 : -EPERM;
}

static int make_directory(const char *path)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return -errno;
	return check_directory(path);
}

static int below_runtime(char *path, size_t cap)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int len;

	if (runtime == NULL || runtime[0] != '/')
		return -ENOENT;
	len = snprintf(path, cap, "%s/natprobe", runtime);
	return len < 0 || (size_t)len >= cap ? -ENAMETOOLONG : make_directory(path);
}

static int below_state(char *path, size_t cap)
{
	int rc = state_file_path("link", path, cap);

	return rc != 0 ? rc : make_directory(path);
}

static int below_tmp(char *path, size_t cap)
{
	int len = snprintf(path, cap, "/tmp/natprobe-%lu", (unsigned long)geteuid());

	return len < 0 || (size_t)len >= cap ? -ENAMETOOLONG : make_directory(path);
}

/* The next one where there is no such place; not where it is somebody else's. */
int attach_directory(char *path, size_t cap)
{
	static int (*const places[])(char *path, size_t cap) = { below_runtime, below_state,
								 below_tmp };
	const size_t room = cap > LINK_NAME_MAX + 1 ? cap - LINK_NAME_MAX - 1 : 0;
	int rc = -ENOENT;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		rc = places[i](path, room);
		if (rc == 0 || rc == -EPERM)
			return rc;
	}
	return rc;
}

int attach_path(const char *name, struct sockaddr_un *out)
{
	char directory[ATTACH_DIRECTORY_MAX];
	int rc, len;

	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!link_name_is(name))
		return -EINVAL;
	rc = attach_directory(directory, sizeof(directory));
	if (rc != 0)
		return rc;
	len = snprintf(out->sun_path, sizeof(out->sun_path), "%s/%s", directory, name);
	return len < 0 || (size_t)len >= sizeof(out->sun_path) ? -ENAMETOOLONG : 0;
}
