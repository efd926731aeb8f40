#include <config.h> /* _GNU_SOURCE */

#include "tests/bench/stun_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sockaddr.h"
#include "stun.h"
#include "udp.h"
#include "wire.h"

#define SOURCES_MAX 64
#define SLOTS_MAX   64 /* of one source */
#define ANSWER_MAX  512

/* A request in flight. Its number is part of the transaction id. */
struct slot {
	uint32_t number;
	bool in_flight;
};

struct source {
	int fd;
	uint32_t index;
	struct slot slots[SLOTS_MAX];
	uint8_t requests[SLOTS_MAX][STUN_HEADER_LEN];
};

struct stun_load {
	int epoll;
	int sources, slots;
	int in_flight;
	uint32_t secret; /* of this run: an answer to an earlier one is a bad answer */
	struct stun_load_result result;
	struct mmsghdr rx[SLOTS_MAX], tx[SLOTS_MAX];
	struct iovec rx_iov[SLOTS_MAX], tx_iov[SLOTS_MAX];
	uint8_t answers[SLOTS_MAX][ANSWER_MAX];
	struct source source[SOURCES_MAX];
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint32_t load_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Connected, so that the kernel drops what comes from elsewhere. */
static int open_source(struct stun_load *l, int index, const struct addr *server)
{
	struct addr from = addr_ipv4(127, 0, 1, (uint8_t)(index + 1), 0);
	struct udp_options options = { .receive_buffer = 1 << 20 };
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = (uint32_t)index };
	struct source *s = &l->source[index];
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(server, &sa);

	s->index = (uint32_t)index;
	s->fd = udp_open(&from, &options, NULL);
	if (s->fd < 0)
		return s->fd;
	if (connect(s->fd, (struct sockaddr *)&sa, len) != 0 ||
	    epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &ev) != 0)
		return -errno;
	return 0;
}

struct stun_load *stun_load_open(const struct addr *server, int sources, int window)
{
	struct stun_load *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->sources = sources;
	l->slots = window / sources;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < SOURCES_MAX; i++)
		l->source[i].fd = -1;
	for (int i = 0; i < SLOTS_MAX; i++) {
		l->rx_iov[i] = (struct iovec){ l->answers[i], ANSWER_MAX };
		l->rx[i].msg_hdr = (struct msghdr){ .msg_iov = &l->rx_iov[i], .msg_iovlen = 1 };
		l->tx[i].msg_hdr = (struct msghdr){ .msg_iov = &l->tx_iov[i], .msg_iovlen = 1 };
	}
	for (int i = 0; i < sources; i++) {
		int rc = open_source(l, i, server);

		if (rc < 0) {
			stun_load_close(l);
			errno = -rc;
			return NULL;
		}
	}
	return l;
}

void stun_load_close(struct stun_load *l)
{
	if (l == NULL)
		return;
	for (int i = 0; i < SOURCES_MAX; i++) {
		if (l->source[i].fd >= 0)
			close(l->source[i].fd);
	}
	close(l->epoll);
	free(l);
}

/* Header only: type, length 0, cookie, then secret, source and slot, number. */
static void write_request(struct stun_load *l, struct source *s, uint32_t slot)
{
	uint8_t *p = s->requests[slot];

	s->slots[slot].number++;
	s->slots[slot].in_flight = true;
	wire_store_u32(p, (uint32_t)STUN_BINDING << 16);
	wire_store_u32(p + 4, STUN_COOKIE);
	wire_store_u32(p + 8, l->secret);
	wire_store_u32(p + 12, s->index << 16 | slot);
	wire_store_u32(p + 16, s->slots[slot].number);
}

static void send_slots(struct stun_load *l, struct source *s, const uint32_t *slots, int count)
{
	int sent = 0;

	for (int i = 0; i < count; i++) {
		write_request(l, s, slots[i]);
		l->tx_iov[i] = (struct iovec){ s->requests[slots[i]], STUN_HEADER_LEN };
	}
	while (sent < count) {
		int n = sendmmsg(s->fd, l->tx + sent, (unsigned int)(count - sent), 0);

		if (n <= 0)
			break; /* what was not sent is counted as lost */
		sent += n;
	}
	l->in_flight += count;
}

/* The slot that an answer belongs to, or -1. */
static int slot_of_answer(const struct stun_load *l, const struct source *s, const uint8_t *p,
			  size_t len)
{
	uint32_t slot;

	if (len < STUN_HEADER_LEN || p[0] != 0x01 || p[1] != 0x01 ||
	    load_u32(p + 4) != STUN_COOKIE || load_u32(p + 8) != l->secret)
		return -1;
	slot = load_u32(p + 12) & 0xffff;
	if (load_u32(p + 12) >> 16 != s->index || slot >= (uint32_t)l->slots ||
	    !s->slots[slot].in_flight || load_u32(p + 16) != s->slots[slot].number)
		return -1;
	return (int)slot;
}

/* Takes the answers of a source, and sends as many requests anew if there is time. */
static void on_answers(struct stun_load *l, struct source *s, bool again)
{
	uint32_t slots[SLOTS_MAX];
	int n = recvmmsg(s->fd, l->rx, (unsigned int)l->slots, MSG_DONTWAIT, NULL), good = 0;

	for (int i = 0; i < n; i++) {
		int slot = slot_of_answer(l, s, l->answers[i], l->rx[i].msg_len);

		if (slot < 0) {
			l->result.bad++;
			continue;
		}
		s->slots[slot].in_flight = false;
		l->result.answer_len = l->rx[i].msg_len;
		slots[good++] = (uint32_t)slot;
	}
	l->result.answers += (uint64_t)good;
	l->in_flight -= good;
	if (again && good > 0)
		send_slots(l, s, slots, good);
}

/* Sends on every slot that waits for nothing. */
static void fill_window(struct stun_load *l)
{
	for (int i = 0; i < l->sources; i++) {
		struct source *s = &l->source[i];
		uint32_t slots[SLOTS_MAX];
		int count = 0;

		for (int k = 0; k < l->slots; k++) {
			if (!s->slots[k].in_flight)
				slots[count++] = (uint32_t)k;
		}
		send_slots(l, s, slots, count);
	}
}

static void give_up_window(struct stun_load *l)
{
	l->result.lost += (uint64_t)l->in_flight;
	l->in_flight = 0;
	for (int i = 0; i < l->sources; i++) {
		for (int k = 0; k < l->slots; k++)
			l->source[i].slots[k].in_flight = false;
	}
}

struct stun_load_result stun_load_run(struct stun_load *l, uint64_t ms, int patience_ms)
{
	uint64_t start = now_ns(), now = start, end = start + ms * 1000000;
	struct epoll_event events[SOURCES_MAX];

	if (getrandom(&l->secret, sizeof(l->secret), 0) < 0)
		l->secret++;
	l->result = (struct stun_load_result){ 0 };
	fill_window(l);
	while (now < end || l->in_flight > 0) {
		int n = epoll_wait(l->epoll, events, SOURCES_MAX, patience_ms);

		now = now_ns();
		for (int i = 0; i < n; i++)
			on_answers(l, &l->source[events[i].data.u32], now < end);
		if (n > 0)
			continue;
		give_up_window(l);
		if (now < end)
			fill_window(l);
	}
	l->result.took_ns = now - start;
	return l->result;
}
