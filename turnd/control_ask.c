/* The client's side of control. */
#include "control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool failed(struct opt_error *err, const char *path, const char *what)
{
	snprintf(err->text, sizeof(err->text), "%.200s: %s", path, what);
	return false;
}

static int open_socket(const char *path, unsigned timeout_s)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = (time_t)timeout_s };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(where.sun_path))
		return fd;
	memcpy(where.sun_path, path, strlen(path) + 1);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&where, sizeof(where)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool send_line(int fd, const char *line)
{
	char text[CONTROL_LINE_MAX + 2];
	int len = snprintf(text, sizeof(text), "%s\n", line);

	return len > 0 && (size_t)len < sizeof(text) &&
	       send(fd, text, (size_t)len, MSG_NOSIGNAL) == len;
}

/* Prints all but the first line, which says how it went. */
static bool print_answer(FILE *in, const char *path, FILE *out, struct opt_error *err)
{
	char first[256], more[4096];
	size_t len;

	if (fgets(first, sizeof(first), in) == NULL)
		return failed(err, path, "no answer");
	first[strcspn(first, "\n")] = '\0';
	if (strcmp(first, "ok") != 0)
		return failed(err, path,
			      strncmp(first, "error: ", 7) == 0 ? first + 7 : "no turnd answers");
	while ((len = fread(more, 1, sizeof(more), in)) > 0)
		(void)fwrite(more, 1, len, out);
	return !ferror(in) || failed(err, path, "the answer broke off");
}

bool control_ask(const char *path, const char *line, unsigned timeout_s, FILE *out,
		 struct opt_error *err)
{
	int fd = open_socket(path, timeout_s);
	FILE *in;
	bool ok;

	if (fd < 0)
		return failed(err, path, strerror(errno));
	if (!send_line(fd, line)) {
		close(fd);
		return failed(err, path, "cannot send");
	}
	in = fdopen(fd, "r");
	if (in == NULL) {
		close(fd);
		return failed(err, path, strerror(errno));
	}
	ok = print_answer(in, path, out, err);
	(void)fclose(in);
	return ok;
}
