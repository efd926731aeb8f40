#include "parting_io.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "natprobe/net/await.h"
#include "sockaddr.h"

#define READS_PER_WAKEUP 64
#define DATAGRAM_MAX     2048
#define MARK_LEN         STUN_SHA256_FULL
#define PEEK_MAX         256

struct session {
	const struct parting_io_config *config;
	struct parting parting;
	struct event *readable, *timer;
	/* Of TCP. */
	uint8_t ours[MARK_LEN], theirs[2][MARK_LEN]; /* theirs: as they serve or not */
	uint8_t last[MARK_LEN];                      /* that was read */
	size_t read;
	uint64_t until_us;
	bool is_tcp_over, is_broken;
};

static bool is_over(const struct session *s)
{
	return s->is_broken || *s->config->is_interrupted ||
	       (s->config->is_tcp ? s->is_tcp_over : s->parting.phase == PARTING_OVER);
}

static void send_one(struct session *s, struct bytes data)
{
	const struct udp_dgram d = { .data = data, .peer = s->config->peer };

	if (s->config->fd >= 0)
		(void)udp_send_one(s->config->fd, &d, NULL);
	else
		punch_io_send_relayed(s->config->io, data);
}

static void drive(struct session *s)
{
	uint8_t buf[PARTING_BYTES_MAX];
	uint64_t deadline_us;
	struct bytes data;

	do {
		data = parting_next(&s->parting, clock_us(), buf, &deadline_us);
		if (data.len > 0)
			send_one(s, data);
	} while (data.len > 0);
	await_moment(s->timer, deadline_us);
}

/* Ours, or nothing that a program could want: none has been started yet. */
static bool is_ours(struct session *s, struct bytes data, const struct addr *from)
{
	if (!addr_equal(from, &s->config->peer))
		return s->parting.phase < PARTING_LEAVES;
	return parting_hear(&s->parting, data, clock_us()) == PARTING_OURS ||
	       s->parting.phase < PARTING_LEAVES;
}

/* Takes the next datagram where it is not a program's. False: it is, or there is none. */
static bool take_datagram(struct session *s, bool *is_there)
{
	uint8_t buf[DATAGRAM_MAX];
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);
	struct addr from = { 0 };
	ssize_t n = recvfrom(s->config->fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT,
			     (struct sockaddr *)&sa, &len);

	*is_there = n >= 0;
	if (n < 0 || !sockaddr_to_addr((struct sockaddr *)&sa, &from) ||
	    !is_ours(s, bytes_of(buf, (size_t)n), &from))
		return false;
	(void)recv(s->config->fd, buf, sizeof(buf), MSG_DONTWAIT);
	return true;
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct session *s = arg;
	bool is_there = true;

	for (int i = 0; i < READS_PER_WAKEUP && !is_over(s); i++) {
		if (take_datagram(s, &is_there))
			continue;
		if (is_there) /* it stays there for the program */
			event_del(s->readable);
		break;
	}
	drive(s);
}

static void on_relayed(void *arg, struct bytes data)
{
	struct session *s = arg;

	if (!is_over(s))
		(void)parting_hear(&s->parting, data, clock_us());
	drive(s);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct session *s = arg;

	if (s->config->is_tcp)
		s->is_tcp_over = true;
	else
		drive(s);
}

static void make_mark(const struct parting_config *c, bool of_a, bool serves,
		      uint8_t out[static MARK_LEN])
{
	static const char *const labels[2][2] = {
		{ "natkit parting mark B", "natkit parting mark B, which serves" },
		{ "natkit parting mark A", "natkit parting mark A, which serves" },
	};
	struct stun_key key;

	stun_key_make(&key, bytes_of(c->key, sizeof(c->key)));
	stun_key_hmac_sha256(&key, bytes_of_str(labels[of_a][serves]), out);
	stun_key_wipe(&key);
}

/* One byte more of theirs. True: the mark is whole. */
static bool take_byte(struct session *s, uint8_t byte)
{
	memmove(s->last, s->last + 1, sizeof(s->last) - 1);
	s->last[sizeof(s->last) - 1] = byte;
	for (int serves = 0; serves < 2; serves++) {
		if (CRYPTO_memcmp(s->last, s->theirs[serves], sizeof(s->last)) != 0)
			continue;
		s->parting.they_serve = serves != 0;
		s->parting.is_heard = s->is_tcp_over = true;
	}
	return s->is_tcp_over;
}

/* Not a byte further than their mark: what follows is the program's. */
static void on_stream(evutil_socket_t fd, short events, void *arg)
{
	struct session *s = arg;
	uint8_t buf[PEEK_MAX];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
	size_t used = 0;

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		s->is_broken = true;
	while (n > 0 && used < (size_t)n && !take_byte(s, buf[used++]))
		;
	if (used > 0 && recv(fd, buf, used, MSG_DONTWAIT) != (ssize_t)used)
		s->is_broken = true;
}

static bool open_stream(struct session *s)
{
	const struct parting_io_config *c = s->config;
	const uint64_t limit_us = c->parting.limit_us != 0 ? c->parting.limit_us : PARTING_LIMIT_US;

	make_mark(&c->parting, c->parting.is_a, c->parting.serves, s->ours);
	for (int serves = 0; serves < 2; serves++)
		make_mark(&c->parting, !c->parting.is_a, serves != 0, s->theirs[serves]);
	if (send(c->fd, s->ours, sizeof(s->ours), MSG_NOSIGNAL) != (ssize_t)sizeof(s->ours))
		return false;
	await_moment(s->timer, clock_us() + limit_us);
	return await_fd(&s->readable, c->base, c->fd, EV_READ | EV_PERSIST, on_stream, s);
}

static bool open_datagrams(struct session *s)
{
	const struct parting_io_config *c = s->config;

	if (c->fd >= 0)
		(void)udp_leave_errors(c->fd, c->peer.family);
	if (c->fd < 0)
		punch_io_hear_relayed(c->io, on_relayed, s);
	else if (!await_fd(&s->readable, c->base, c->fd, EV_READ | EV_PERSIST, on_readable, s))
		return false;
	parting_start(&s->parting, &c->parting, clock_us());
	drive(s);
	return true;
}

/* What is left of ours there, and came together with the last word. */
static void drain(struct session *s)
{
	bool is_there = true;

	if (s->config->fd < 0 || s->config->is_tcp)
		return;
	s->parting.phase = PARTING_OVER;
	for (int i = 0; i < READS_PER_WAKEUP && take_datagram(s, &is_there); i++)
		;
}

static enum parting_end judge(const struct session *s)
{
	if (s->is_broken)
		return PARTING_BROKEN;
	if (*s->config->is_interrupted)
		return PARTING_INTERRUPTED;
	return s->parting.is_heard ? PARTING_TOGETHER : PARTING_ALONE;
}

enum parting_end parting_io_run(const struct parting_io_config *config, bool *they_serve)
{
	struct session s = { .config = config };
	enum parting_end end;

	s.timer = evtimer_new(config->base, on_timer, &s);
	s.is_broken = s.timer == NULL || !(config->is_tcp ? open_stream(&s) : open_datagrams(&s));
	while (!is_over(&s))
		event_base_loop(config->base, EVLOOP_ONCE);
	drain(&s);
	end = judge(&s);
	*they_serve = s.parting.they_serve;
	if (config->fd < 0)
		punch_io_hear_relayed(config->io, NULL, NULL);
	await_no_more(&s.readable);
	await_no_more(&s.timer);
	parting_clear(&s.parting);
	explicit_bzero(&s, sizeof(s));
	return end;
}
