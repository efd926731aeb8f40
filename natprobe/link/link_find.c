#include "link_find.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "attach_place.h"
#include "link_tag.h"

#define STATUS_MAX 16384
#define LINKS_MAX  256 /* entries that are looked at */
#define LINE       "status\n"

static size_t read_all(int fd, char *buf, size_t cap)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, buf + len, cap - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && len < cap);
	return len;
}

/* A link answers at once, or it hangs. */
static size_t ask_status(const char *name, char *buf, size_t cap)
{
	const struct timeval patience = { .tv_sec = 1 };
	int fd = attach_call(name);
	size_t len = 0;

	if (fd < 0)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
	    send(fd, LINE, strlen(LINE), MSG_NOSIGNAL) == (ssize_t)strlen(LINE))
		len = read_all(fd, buf, cap);
	close(fd);
	return len;
}

static bool has_code(const char *name, const char *code)
{
	char text[STATUS_MAX];
	size_t len = ask_status(name, text, sizeof(text));
	json_t *status = json_loadb(text, len, 0, NULL);
	const char *tag = json_string_value(json_object_get(status, "tag"));
	bool is_it = tag != NULL && link_tag_is_of(tag, code);

	json_decref(status);
	return is_it;
}

static bool find(DIR *d, const char *code, char out[static LINK_NAME_MAX + 1])
{
	const struct dirent *e;

	for (int i = 0; i < LINKS_MAX && (e = readdir(d)) != NULL; i++) {
		if (!link_name_is(e->d_name) || !has_code(e->d_name, code))
			continue;
		memcpy(out, e->d_name, strlen(e->d_name) + 1); /* link_name_is: it fits */
		return true;
	}
	return false;
}

bool link_find_by_code(const char *code, const char *name, char out[static LINK_NAME_MAX + 1])
{
	char path[ATTACH_DIRECTORY_MAX];
	bool found = false;
	DIR *d;

	if (name != NULL) {
		(void)snprintf(out, LINK_NAME_MAX + 1, "%s", name);
		return has_code(name, code);
	}
	d = attach_directory(path, sizeof(path)) == 0 ? opendir(path) : NULL;
	if (d != NULL) {
		found = find(d, code, out);
		closedir(d);
	}
	return found;
}
