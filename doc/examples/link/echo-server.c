/*
 * echo-server SOCKET SERVICE - gives back to each program that connects to SERVICE, on the other side
 * of the link, what it says. One after the other; start several for several at once.
 *
 *	cc -o echo-server echo-server.c
 *	./echo-server "$XDG_RUNTIME_DIR/natprobe/default" echo
 *
 * Nothing but the C library and sockets is needed. Copy what you like of it.
 */
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
		/* Not a signal where the other side has left. */
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Waits until somebody connects. Returns the stream, or -1: there is no link any more. */
static int accept_stream(const char *path, const char *service)
{
	char line[LINE_MAX_BYTES];
	int fd = call_link(path);
	int len = snprintf(line, sizeof(line), "accept %s\n", service);

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

static void echo(int fd)
{
	char data[65536];
	ssize_t n;

	while ((n = read(fd, data, sizeof(data))) > 0) {
		if (write_all(fd, data, (size_t)n) != 0)
			break;
	}
	close(fd);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: %s SOCKET SERVICE\n", argv[0]);
		return 2;
	}
	while ((fd = accept_stream(argv[1], argv[2])) >= 0)
		echo(fd);
	return 1;
}
