#include "relay_proxy.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define READS_PER_WAKEUP 64
#define DATAGRAM_MAX     2048

struct relay_proxy {
	struct punch_io *io;
	struct event *readable;
	int fd;
	struct addr inner;
};

/* Only the program itself is relayed. */
static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct relay_proxy *p = arg;
	uint8_t buf[DATAGRAM_MAX];
	struct udp_dgram d;

	for (int i = 0; i < READS_PER_WAKEUP; i++) {
		int rc = udp_recv_one(fd, buf, sizeof(buf), &d);

		if (rc == 0)
			return;
		if (rc == 1 && !d.truncated && addr_equal(&d.peer, &p->inner))
			punch_io_send_relayed(p->io, d.data);
	}
}

static void on_relayed(void *arg, struct bytes data)
{
	struct relay_proxy *p = arg;
	const struct udp_dgram d = { .data = data, .peer = p->inner };

	(void)udp_send_one(p->fd, &d, NULL);
}

/* A port that nobody has now. */
static int find_port(struct addr *inner)
{
	const struct addr loopback = addr_ipv4(127, 0, 0, 1, 0);
	const struct udp_options options = { 0 };
	int fd = udp_open(&loopback, &options, inner);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int relay_proxy_open(struct event_base *base, struct punch_io *io, struct addr *inner,
		     struct addr *peer, struct relay_proxy **out)
{
	const struct addr loopback = addr_ipv4(127, 0, 0, 1, 0);
	const struct udp_options options = { 0 };
	struct relay_proxy *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		return -ENOMEM;
	p->io = io;
	p->fd = udp_open(&loopback, &options, peer);
	rc = p->fd >= 0 ? find_port(&p->inner) : p->fd;
	if (rc == 0) {
		p->readable = event_new(base, p->fd, EV_READ | EV_PERSIST, on_readable, p);
		if (p->readable == NULL || event_add(p->readable, NULL) != 0)
			rc = -ENOMEM;
	}
	if (rc != 0) {
		relay_proxy_free(p);
		return rc;
	}
	*inner = p->inner;
	punch_io_hear_relayed(io, on_relayed, p);
	*out = p;
	return 0;
}

void relay_proxy_free(struct relay_proxy *p)
{
	if (p == NULL)
		return;
	punch_io_hear_relayed(p->io, NULL, NULL);
	if (p->readable != NULL)
		event_free(p->readable);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}
