/*
 * UPnP: what the gateway offers is asked by libminiupnpc. Its search for gateways is not used: it
 * listens for a second after each answer, which is when the rest of a diagnosis has ended.
 */
#include "upnp.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "probe_socket.h"
#include "sockaddr.h"
#include "ssdp.h"
#include "upnp_gateway.h"

#define ROUNDS   4 /* a lost datagram costs one */
#define ROUND_MS 100
#define LISTEN_MS \
	1200        /* a device may take a second (UPnP Device Architecture 1.1, section 1.3.2) */
#define HEAR_MAX 32 /* answers at a time */
#define HOPS     2

/* Owned by the thread and by who started it: the last one frees it. */
struct upnp {
	pthread_mutex_t lock;
	int owners;
	struct verdict_portmap found;
	/* The rest is set before the thread starts. */
	struct upnp_gateway gateway;
};

void upnp_release(struct upnp *u)
{
	bool is_last;

	if (u == NULL)
		return;
	pthread_mutex_lock(&u->lock);
	is_last = --u->owners == 0;
	pthread_mutex_unlock(&u->lock);
	if (!is_last)
		return;
	pthread_mutex_destroy(&u->lock);
	free(u);
}

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
static bool hear(const struct upnp_gateway *g, int fd, bool *is_other, struct verdict_portmap *out)
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
		if (upnp_gateway_ask(g, url, out))
			return true;
		*is_other = true;
	}
	return false;
}

/* Returns 0 when all that could be heard was heard, or -errno. */
static int search_on(const struct upnp_gateway *g, int fd, bool *is_other,
		     struct verdict_portmap *out)
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
		if (poll(&wait, 1, ROUND_MS) > 0 && hear(g, fd, is_other, out))
			return 0;
		now_ms = clock_ms();
	}
	return was_sent ? 0 : -ENETUNREACH;
}

static struct verdict_portmap search(const struct upnp_gateway *g)
{
	struct verdict_portmap out = { 0 };
	bool is_other = false;
	int fd = open_socket(g);
	int rc = fd < 0 ? fd : search_on(g, fd, &is_other, &out);

	if (fd >= 0)
		close(fd);
	if (out.present.value == VERDICT_YES)
		return out;
	if (rc != 0)
		out.present.cause = CAUSE_LOCAL_ERROR;
	else if (is_other)
		out.present.cause = CAUSE_AMBIGUOUS;
	else
		out.present.value = VERDICT_NO;
	return out;
}

static void *run(void *arg)
{
	struct upnp *u = arg;
	struct verdict_portmap found = search(&u->gateway);

	pthread_mutex_lock(&u->lock);
	u->found = found;
	pthread_mutex_unlock(&u->lock);
	upnp_release(u);
	return NULL;
}

/* Signals are for the thread that has the event loop. */
static bool start_thread(struct upnp *u)
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
	rc = pthread_create(&thread, &attr, run, u);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return rc == 0;
}

struct upnp *upnp_start(const struct probe_source *source, const struct addr *gateway)
{
	struct upnp *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->owners = 2;
	u->found.present.cause = CAUSE_TIMEOUT;
	upnp_gateway_fill(&u->gateway, source, gateway);
	if (pthread_mutex_init(&u->lock, NULL) != 0) {
		free(u);
		return NULL;
	}
	if (start_thread(u))
		return u;
	pthread_mutex_destroy(&u->lock);
	free(u);
	return NULL;
}

struct verdict_portmap upnp_result(struct upnp *u)
{
	struct verdict_portmap found;

	pthread_mutex_lock(&u->lock);
	found = u->found;
	pthread_mutex_unlock(&u->lock);
	return found;
}
