/*
 * echo-client SOCKET SERVICE - connects to SERVICE on the other side of the link: what stands in its
 * input goes there, and what comes back is its output.
 *
 *	cc -o echo-client echo-client.c
 *	echo hello | ./echo-client "$XDG_RUNTIME_DIR/natprobe/default" echo
 *
 * Nothing but the C library and sockets is needed. Copy what you like of it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_BYTES 256

static int call_link(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Byte by byte: what stands behind the line belongs to the stream. */
static int read_line(int fd, char *line, size_t cap)
{
	size_t len = 0;

	while (len + 1 < cap && read(fd, line + len, 1) == 1) {
		if (line[len] == '\n') {
			line[len] = '\0';
			return 0;
		}
		len++;
	}
	return -1;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Waits until the other side's natprobe has the stream. */
static int connect_stream(const char *path, const char *service)
{
	char line[LINE_MAX_BYTES];
	int fd = call_link(path);
	int len = snprintf(line, sizeof(line), "connect %s\n", service);

	if (fd < 0) {
		perror(path);
		return -1;
	}
	if (len < 0 || (size_t)len >= sizeof(line) || write_all(fd, line, (size_t)len) != 0 ||
	    read_line(fd, line, sizeof(line)) != 0) {
		fprintf(stderr, "the link has ended\n");
	} else if (strcmp(line, "ok") != 0) {
		fprintf(stderr, "%s\n", line);
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

/* What our input had, and the link has not yet taken. */
struct waiting {
	char data[65536];
	size_t at, len;
	int has_ended;
};

/* Returns -1: the stream broke. */
static int send_some(int fd, struct waiting *w)
{
	ssize_t n = send(fd, w->data + w->at, w->len - w->at, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return -1;
	w->at += n > 0 ? (size_t)n : 0;
	return 0;
}

static void read_input(int fd, struct waiting *w)
{
	ssize_t n = read(STDIN_FILENO, w->data, sizeof(w->data));

	w->at = 0;
	w->len = n > 0 ? (size_t)n : 0;
	if (n <= 0) {
		w->has_ended = 1;
		shutdown(fd, SHUT_WR);
	}
}

/* Returns 0: the stream has ended; -1: it broke. */
static int write_output(int fd)
{
	char data[65536];
	ssize_t n = read(fd, data, sizeof(data));

	if (n <= 0)
		return (int)n;
	return write_all(STDOUT_FILENO, data, (size_t)n) == 0 ? 1 : -1;
}

/*
 * Until the stream has ended; our input may do so before. Never waits to write to the link without
 * reading from it: the other side may do the same.
 */
static int talk(int fd)
{
	static struct waiting w;

	for (;;) {
		int is_full = w.at < w.len, rc;
		struct pollfd p[2] = {
			{ .fd = fd, .events = is_full ? POLLIN | POLLOUT : POLLIN },
			{ .fd = is_full || w.has_ended ? -1 : STDIN_FILENO, .events = POLLIN },
		};

		if (poll(p, 2, -1) < 0)
			return 1;
		if ((p[0].revents & POLLOUT) != 0 && send_some(fd, &w) != 0)
			return 1;
		if (p[1].revents != 0)
			read_input(fd, &w);
		if ((p[0].revents & ~POLLOUT) == 0)
			continue;
		rc = write_output(fd);
		if (rc <= 0)
			return rc == 0 ? 0 : 1;
	}
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: %s SOCKET SERVICE\n", argv[0]);
		return 2;
	}
	fd = connect_stream(argv[1], argv[2]);
	return fd >= 0 ? talk(fd) : 1;
}
