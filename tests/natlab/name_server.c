#include "name_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "names.h"
#include "sockaddr.h"

#define PORT             53
#define READS_PER_WAKEUP 16

struct name_server {
	int fd;
	struct event *on_readable;
	struct addr prefix;
	uint8_t len;
};

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	const struct name_server *s = arg;
	uint8_t question[NAMES_MAX], answer[NAMES_MAX];

	for (int i = 0; i < READS_PER_WAKEUP; i++) {
		struct sockaddr_storage from;
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, question, sizeof(question), 0, (struct sockaddr *)&from,
				     &from_len);
		size_t len;

		if (n < 0)
			return;
		len = names_answer(bytes_of(question, (size_t)n), &s->prefix, s->len, answer);
		if (len > 0)
			(void)sendto(fd, answer, len, 0, (struct sockaddr *)&from, from_len);
	}
}

/* A command on this host may have a DNS of its own, on all addresses: it may take the port, too. */
static int bind_here(int fd)
{
	struct sockaddr_storage sa;
	struct addr here;
	const int on = 1;

	if (!addr_parse_ip(NAME_SERVER, PORT, &here))
		return -EINVAL;
	socklen_t len = sockaddr_from_addr(&here, &sa);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&sa, len) != 0)
		return -errno;
	return 0;
}

int name_server_open(struct event_base *base, const struct addr *prefix, uint8_t len,
		     struct name_server **out)
{
	struct name_server *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return -ENOMEM;
	s->prefix = *prefix;
	s->len = len;
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	rc = s->fd < 0 ? -errno : bind_here(s->fd);
	if (rc != 0)
		goto fail;
	rc = -ENOMEM;
	s->on_readable = event_new(base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
	if (s->on_readable == NULL || event_add(s->on_readable, NULL) != 0)
		goto fail;
	*out = s;
	return 0;
fail:
	name_server_close(s);
	return rc;
}

void name_server_close(struct name_server *s)
{
	if (s == NULL)
		return;
	if (s->on_readable != NULL)
		event_free(s->on_readable);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}
