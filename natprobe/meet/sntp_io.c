#include "sntp_io.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "carrier_lookup.h"
#include "clock.h"
#include "sockaddr.h"

#define SAMPLES     4
#define INTERVAL_MS 500
#define PATIENCE_MS 1500 /* for the last answer */

struct ask {
	uint64_t cookie, sent_us;
	bool is_answered;
};

struct sntp_io {
	struct sntp_io_config config;
	struct carrier_lookup *lookup;
	struct event *readable, *timer;
	int fd;
	unsigned asked, answered, count;
	struct ask asks[SNTP_IO_SAMPLES_MAX];
	struct sntp_sample samples[SNTP_IO_SAMPLES_MAX];
	const char *why;
};

static void wait_ms(struct sntp_io *s, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
			      .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(s->timer, &tv);
}

/* The last call: it may free us. */
static void finish(struct sntp_io *s)
{
	struct sntp_sample best;

	event_del(s->timer);
	if (s->readable != NULL)
		event_del(s->readable);
	if (sntp_best(s->samples, s->count, clock_us(), &best))
		s->config.on_done(s->config.arg, &best, NULL);
	else if (s->count > 0)
		s->config.on_done(s->config.arg, NULL,
				  "it tells times that cannot all be true; use another server");
	else
		s->config.on_done(s->config.arg, NULL, s->why);
}

static void ask(struct sntp_io *s)
{
	struct ask *a = &s->asks[s->asked++];
	uint8_t request[SNTP_LEN];

	if (RAND_bytes((uint8_t *)&a->cookie, sizeof(a->cookie)) != 1)
		return; /* counts as one that was lost */
	sntp_request(a->cookie, request);
	a->sent_us = clock_us();
	if (send(s->fd, request, sizeof(request), 0) < 0)
		s->why = "its port for time is closed; use another server";
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct sntp_io *s = arg;

	if (s->asked == s->config.samples) {
		finish(s);
		return;
	}
	ask(s);
	wait_ms(s, s->asked < s->config.samples ? s->config.interval_ms : PATIENCE_MS);
}

static enum sntp_result take(struct sntp_io *s, struct bytes in, uint64_t now_us)
{
	for (unsigned i = 0; i < s->asked; i++) {
		struct ask *a = &s->asks[i];
		enum sntp_result result;

		if (a->is_answered || a->sent_us == 0)
			continue;
		result = sntp_answer(in, a->cookie, a->sent_us, now_us, &s->samples[s->count]);
		if (result == SNTP_NONE)
			continue;
		a->is_answered = true;
		s->answered++;
		s->count += result == SNTP_FINE;
		return result;
	}
	return SNTP_NONE;
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct sntp_io *s = arg;
	uint8_t answer[SNTP_ANSWER];
	ssize_t n = recv(fd, answer, sizeof(answer), 0);
	enum sntp_result result;

	if (n <= 0)
		return;
	result = take(s, bytes_of(answer, (size_t)n), clock_us());
	if (result == SNTP_NO_CLOCK)
		s->why = "it does not know the time itself; use another server";
	if (result == SNTP_KISS)
		s->why = "it asks not to be asked; use another server";
	if (result == SNTP_KISS || s->answered == s->config.samples)
		finish(s);
}

static int open_socket(const struct addr *to)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_from_addr(to, &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&ss, len) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void on_found(void *arg, const struct addr *list, size_t count, const char *why)
{
	struct sntp_io *s = arg;

	carrier_lookup_free(s->lookup);
	s->lookup = NULL;
	if (count > 0) {
		s->why = "it does not answer; is UDP blocked, or is it no time server?";
		s->fd = open_socket(&list[0]);
		s->readable =
			event_new(s->config.base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
	} else {
		s->why = why;
	}
	if (s->fd < 0 || s->readable == NULL || event_add(s->readable, NULL) != 0)
		s->asked = s->config.samples; /* nothing to wait for */
	wait_ms(s, 0);
}

static bool start(struct sntp_io *s, const char **why)
{
	struct carrier_uri uri = { 0 };

	if (!stun_uri_parse(bytes_of_str(s->config.server), &uri.at, why))
		return false;
	*why = "is HOST or HOST:PORT of a time server, without a scheme";
	if (uri.at.scheme != STUN_URI_PLAIN)
		return false;
	uri.at.port = uri.at.port != 0 ? uri.at.port : SNTP_PORT;
	uri.at.ip.port = uri.at.port;
	s->config.server = NULL; /* not needed any more */
	*why = "out of memory";
	s->timer = evtimer_new(s->config.base, on_timer, s);
	s->lookup = carrier_lookup_new(s->config.base, &uri, on_found, s);
	return s->timer != NULL && s->lookup != NULL;
}

struct sntp_io *sntp_io_new(const struct sntp_io_config *config, const char **why)
{
	struct sntp_io *s = calloc(1, sizeof(*s));

	*why = "out of memory";
	if (s == NULL)
		return NULL;
	s->config = *config;
	s->fd = -1;
	s->why = "this host is out of memory";
	if (s->config.samples == 0)
		s->config.samples = SAMPLES;
	if (s->config.samples > SNTP_IO_SAMPLES_MAX)
		s->config.samples = SNTP_IO_SAMPLES_MAX;
	if (s->config.interval_ms == 0)
		s->config.interval_ms = INTERVAL_MS;
	if (start(s, why))
		return s;
	sntp_io_free(s);
	return NULL;
}

void sntp_io_free(struct sntp_io *s)
{
	if (s == NULL)
		return;
	carrier_lookup_free(s->lookup);
	if (s->readable != NULL)
		event_free(s->readable);
	if (s->timer != NULL)
		event_free(s->timer);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}
