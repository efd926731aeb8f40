/* The PROXY header before the first byte of a client, where a listener expects one. */
#include "stream_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "proxy_header.h"

struct stream_proxy {
	size_t len;
	uint8_t bytes[PROXY_HEADER_MAX];
};

struct stream_proxy *stream_proxy_new(void)
{
	return calloc(1, sizeof(struct stream_proxy));
}

/* Takes `n` bytes, which were seen already, out of the socket. */
static bool consume(struct stream_conn *c, size_t n)
{
	struct stream_proxy *p = c->proxy;

	if (recv(c->fd, p->bytes + p->len, n, 0) != (ssize_t)n)
		return false;
	p->len += n;
	return true;
}

/* From now on it is the connection of whom the header names. */
static bool take_names(struct stream_conn *c, const struct proxy_header *h, bool has_names)
{
	if (has_names) {
		c->peer.remote = h->from;
		c->peer.local = h->to;
	}
	free(c->proxy);
	c->proxy = NULL;
	c->counted = stream_admits(c->set, &c->peer.remote);
	if (c->counted)
		return true;
	stream_conn_end(c, STREAM_END_CROWD);
	return false;
}

bool stream_proxy_read(struct stream_conn *c)
{
	struct stream_proxy *p = c->proxy;
	struct proxy_header h = { 0 };
	enum proxy_result found;
	/* What belongs to the client stays in the socket: TLS wants to read it there. */
	ssize_t n = recv(c->fd, p->bytes + p->len, sizeof(p->bytes) - p->len, MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		stream_await_byte(c);
		return false;
	}
	if (n <= 0) {
		stream_conn_end(c, STREAM_END_CLIENT);
		return false;
	}
	found = proxy_header_read(bytes_of(p->bytes, p->len + (size_t)n), &h);
	if (found == PROXY_SHORT && consume(c, (size_t)n)) {
		stream_await_byte(c);
		return false;
	}
	if ((found != PROXY_OK && found != PROXY_LOCAL) || !consume(c, h.len - p->len)) {
		stream_conn_end(c, STREAM_END_PROXY);
		return false;
	}
	return take_names(c, &h, found == PROXY_OK);
}
