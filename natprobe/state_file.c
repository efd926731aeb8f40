#include "state_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Makes the folders of a path, as far as they are missing, but none within the first `there` bytes. */
static int make_folders(char *path, size_t there)
{
	for (char *at = strchr(path + there + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
		*at = '\0';
		int rc = mkdir(path, 0700) != 0 && errno != EEXIST ? -errno : 0;

		*at = '/';
		if (rc != 0)
			return rc;
	}
	return 0;
}

int state_file_path(const char *name, char *path, size_t cap)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	size_t there = 0;
	int len;

	if (state != NULL && state[0] == '/') {
		len = snprintf(path, cap, "%s/natprobe/%s", state, name);
	} else if (home != NULL && home[0] == '/') {
		len = snprintf(path, cap, "%s/.local/state/natprobe/%s", home, name);
		there = strlen(home); /* who has no home, such as nobody, gets none */
	} else {
		return -ENOENT;
	}
	return len >= 0 && (size_t)len < cap ? make_folders(path, there) : -ENAMETOOLONG;
}
