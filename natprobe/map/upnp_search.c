/*
 * The library's own search for gateways is not used: it listens for a second after each answer,
 * which is when the rest of a diagnosis has ended.
 */
#include "upnp_search.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "natprobe/net/probe_socket.h"
#include "sockaddr.h"
#include "ssdp.h"

#define ROUNDS   4 /* a lost datagram costs one */
#define ROUND_MS 100
#define LISTEN_MS \
	1200        /* a device may take a second (UPnP Device Architecture 1.1, section 1.3.2) */
#define HEAR_MAX 32 /* answers at a time */
#define HOPS     2

static int open_socket(const struct upnp_gateway *g)
{
	const unsigned char hops = HOPS;
	struct sockaddr_storage sa;
	struct addr bound;
	int fd = probe_socket_udp(&g->source, 0, &bound);

	if (fd < 0)
		return fd;
	sockaddr_from_addr(&g->source.local, &sa);
	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &((struct sockaddr_in *)&sa)->sin_addr,
		   sizeof(struct in_addr));
	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof(hops));
	return fd;
}

static bool send_search(int fd, const struct addr *to)
{
	char request[SSDP_REQUEST_MAX];
	size_t request_len = ssdp_search(to, request);
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(to, &sa);

	return sendto(fd, request, request_len, 0, (struct sockaddr *)&sa, len) >= 0;
}

/* The group, and the gateway itself: a firewall on this host may let in its answer only. */
static bool send_searches(const struct upnp_gateway *g, int fd)
{
	const struct addr group = ssdp_group();
	const struct addr gateway = addr_with_port(&g->addr, SSDP_PORT);
	bool to_group = send_search(fd, &group);

	return send_search(fd, &gateway) || to_group;
}

/* What came in is judged. Returns true when the gateway turned out to offer port mappings. */
static bool hear(const struct upnp_gateway *g, int fd, struct upnp_find *f)
{
	uint8_t buf[SSDP_ANSWER_MAX];
	char url[SSDP_URL_MAX];
	ssize_t len;

	for (int i = 0; i < HEAR_MAX; i++) {
		len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (len < 0)
			break;
		if (!ssdp_answer(bytes_of(buf, (size_t)len), url))
			continue;
		if (upnp_gateway_use(g, url, f->use, f->arg))
			return f->is_there = true;
		f->is_other = true;
	}
	return false;
}

/* Returns 0 when all that could be heard was heard, or -errno. */
static int search_on(const struct upnp_gateway *g, int fd, struct upnp_find *f)
{
	uint64_t started_ms = clock_ms();
	uint64_t now_ms = started_ms;
	bool was_sent = false;
	unsigned int rounds = 0;

	while (now_ms - started_ms < LISTEN_MS) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };

		if (rounds < ROUNDS && now_ms - started_ms >= (uint64_t)rounds * ROUND_MS) {
			was_sent = send_searches(g, fd) || was_sent;
			rounds++;
		}
		if (poll(&wait, 1, ROUND_MS) > 0 && hear(g, fd, f))
			return 0;
		now_ms = clock_ms();
	}
	return was_sent ? 0 : -ENETUNREACH;
}

int upnp_search(const struct upnp_gateway *g, struct upnp_find *f)
{
	int fd = open_socket(g);
	int rc = fd < 0 ? fd : search_on(g, fd, f);

	if (fd >= 0)
		close(fd);
	return rc;
}

/* Signals are for the thread that has the event loop. */
bool upnp_start_thread(void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all;
	sigset_t before;
	int rc;

	if (pthread_attr_init(&attr) != 0)
		return false;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return rc == 0;
}
