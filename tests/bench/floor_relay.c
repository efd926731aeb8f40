#include <config.h> /* _GNU_SOURCE */

#include "tests/bench/floor_relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "turn_chan.h"
#include "udp.h"

#define BATCH          64
#define BUFFER         2048
#define RECEIVE_BUFFER (1 << 20)

struct flow {
	int fd;
	struct sockaddr_in client, peer;
};

struct floor_relay {
	int epoll, client_fd;
	uint32_t flows, first_client; /* host byte order */
	int to_clients;               /* gathered */
	struct mmsghdr rx[BATCH], tx[BATCH];
	struct iovec rx_iov[BATCH], tx_iov[BATCH];
	struct sockaddr_in names[BATCH];
	uint8_t in[BATCH][BUFFER], out[BATCH][BUFFER];
	struct flow flow[];
};

static struct sockaddr_in name_of(const struct addr *a)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(a->port) };

	memcpy(&sin.sin_addr, a->ip, 4);
	return sin;
}

static int watch(struct floor_relay *f, int fd, uint32_t number)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = number };

	return fd < 0 ? fd : epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

static int open_flow(struct floor_relay *f, uint32_t i, const struct addr *relay,
		     struct load_turn *load)
{
	struct addr client = load_turn_client(load, i), peer = load_turn_peer(load, i), relayed;
	struct udp_options options = { 0 };
	int fd = udp_open(relay, &options, &relayed);

	f->flow[i] = (struct flow){ fd, name_of(&client), name_of(&peer) };
	if (fd >= 0)
		load_turn_set_relayed(load, i, &relayed);
	return watch(f, fd, i);
}

static void set_vectors(struct floor_relay *f)
{
	for (size_t i = 0; i < BATCH; i++) {
		f->rx_iov[i] = (struct iovec){ f->in[i], BUFFER };
		f->rx[i].msg_hdr.msg_name = &f->names[i];
		f->rx[i].msg_hdr.msg_iov = &f->rx_iov[i];
		f->rx[i].msg_hdr.msg_iovlen = 1;
		f->tx_iov[i].iov_base = f->out[i];
		f->tx[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_in);
		f->tx[i].msg_hdr.msg_iov = &f->tx_iov[i];
		f->tx[i].msg_hdr.msg_iovlen = 1;
	}
}

struct floor_relay *floor_relay_open(const struct addr *at, const struct addr *relay,
				     struct load_turn *load, uint32_t flows)
{
	struct udp_options options = { .receive_buffer = RECEIVE_BUFFER };
	struct floor_relay *f = calloc(1, sizeof(*f) + flows * sizeof(f->flow[0]));
	struct addr first = load_turn_client(load, 0);
	int rc;

	if (f == NULL)
		return NULL;
	set_vectors(f);
	f->first_client = ntohl(name_of(&first).sin_addr.s_addr);
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	f->client_fd = udp_open(at, &options, NULL);
	rc = watch(f, f->client_fd, UINT32_MAX);
	for (; rc == 0 && f->flows < flows; f->flows++)
		rc = open_flow(f, f->flows, relay, load);
	if (rc == 0)
		return f;
	floor_relay_close(f);
	errno = -rc;
	return NULL;
}

void floor_relay_close(struct floor_relay *f)
{
	if (f == NULL)
		return;
	for (uint32_t i = 0; i < f->flows; i++) {
		if (f->flow[i].fd >= 0)
			close(f->flow[i].fd);
	}
	if (f->client_fd >= 0)
		close(f->client_fd);
	close(f->epoll);
	free(f);
}

static void from_clients(struct floor_relay *f)
{
	int n;

	for (int i = 0; i < BATCH; i++)
		f->rx[i].msg_hdr.msg_namelen = sizeof(f->names[i]);
	n = recvmmsg(f->client_fd, f->rx, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		uint32_t number = ntohl(f->names[i].sin_addr.s_addr) - f->first_client;

		if (number >= f->flows || f->rx[i].msg_len < TURN_CHAN_HEADER_LEN)
			continue;
		(void)sendto(f->flow[number].fd, f->in[i] + TURN_CHAN_HEADER_LEN,
			     f->rx[i].msg_len - TURN_CHAN_HEADER_LEN, MSG_DONTWAIT,
			     (struct sockaddr *)&f->flow[number].peer, sizeof(struct sockaddr_in));
	}
}

static void from_peer(struct floor_relay *f, uint32_t number)
{
	uint8_t *out = f->out[f->to_clients];
	ssize_t len = recv(f->flow[number].fd, out + TURN_CHAN_HEADER_LEN,
			   BUFFER - TURN_CHAN_HEADER_LEN, MSG_DONTWAIT);

	if (len < 0)
		return;
	turn_chan_put_header(out, LOAD_TURN_CHANNEL, (uint16_t)len);
	f->tx_iov[f->to_clients].iov_len = TURN_CHAN_HEADER_LEN + (size_t)len;
	f->tx[f->to_clients].msg_hdr.msg_name = &f->flow[number].client;
	f->to_clients++;
}

int floor_relay_run(struct floor_relay *f)
{
	struct epoll_event events[BATCH];

	for (;;) {
		int n = epoll_wait(f->epoll, events, BATCH, -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		f->to_clients = 0;
		for (int i = 0; i < n; i++) {
			if (events[i].data.u32 == UINT32_MAX)
				from_clients(f);
			else
				from_peer(f, events[i].data.u32);
		}
		if (f->to_clients > 0)
			(void)sendmmsg(f->client_fd, f->tx, (unsigned int)f->to_clients,
				       MSG_DONTWAIT);
	}
}
