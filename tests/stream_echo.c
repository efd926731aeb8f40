#include "stream_echo.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "sockaddr.h"
#include "tls.h"

struct cert echo_other_cert;

static const uint8_t key[16] = "stream test key";
static struct cert cert;

static void on_frame(struct stream_conn *c, struct bytes frame, void *arg)
{
	static const uint8_t zeros[65536];
	struct echo_server *s = arg;

	s->frames++;
	s->last_conn = c;
	s->last_peer = *stream_peer(c);
	s->last_len = frame.len;
	memcpy(s->last_frame, frame.data,
	       frame.len < sizeof(s->last_frame) ? frame.len : sizeof(s->last_frame));
	if (s->on_frame != NULL) {
		s->on_frame(s, c, frame);
		return;
	}
	if (!stream_send(c, frame))
		s->all_sent = false;
	if (s->answer_len > frame.len)
		stream_send(c, bytes_of(zeros, s->answer_len - frame.len));
	if (frame.len >= 20 && frame.data[8] == 'C')
		stream_close(c);
}

static void on_end(struct stream_conn *c, enum stream_end why, void *arg)
{
	struct echo_server *s = arg;

	s->ends++;
	s->last_end = why;
	assert_false(stream_send(c, BYTES("too late")));
}

SSL_CTX *echo_ctx(const struct cert *c)
{
	static const char *const alpn[] = { TLS_ALPN_NAT_DISCOVERY, NULL };
	struct tls_server_options o = { c->cert_file, c->key_file, alpn };
	struct tls_error err;
	SSL_CTX *ctx = tls_server_new(TLS_STREAM, &o, &err);

	assert_non_null(ctx);
	return ctx;
}

void echo_open(struct echo_server *s, struct stream_limits limits,
	       struct stream_listen_options options)
{
	struct stream_events events = { .on_frame = on_frame, .on_end = on_end };
	struct addr at = addr_ipv4(127, 0, 0, 1, 0);
	SSL_CTX *ctx = echo_ctx(&cert);

	*s = (struct echo_server){ .base = event_base_new(), .all_sent = true };
	s->set = stream_set_new(s->base, &limits, &events, s, ctx, key);
	s->ctx = ctx;
	SSL_CTX_free(ctx);
	assert_non_null(s->set);
	assert_int_equal(stream_listen(s->set, &at, &options, &s->at), 0);
}

void echo_close(struct echo_server *s)
{
	stream_set_free(s->set);
	event_base_free(s->base);
}

void echo_turn(struct echo_server *s)
{
	event_base_loop(s->base, EVLOOP_NONBLOCK);
}

void echo_patient_turn(struct echo_server *s, int turns)
{
	struct timeval ms = { .tv_usec = 1000 };

	if (turns > 50) {
		event_base_loopexit(s->base, &ms);
		event_base_loop(s->base, EVLOOP_ONCE);
	}
	echo_turn(s);
}

void echo_settle(struct echo_server *s)
{
	for (int i = 0; i < 55; i++)
		echo_patient_turn(s, i);
}

void echo_await(struct echo_server *s, const int *counter, int want)
{
	for (int i = 0; i < ECHO_PATIENCE && *counter < want; i++)
		echo_patient_turn(s, i);
	assert_int_equal(*counter, want);
}

uint64_t echo_ended(const struct echo_server *s, enum stream_end why)
{
	return stream_set_stats(s->set)->ended[why];
}

int echo_dial_from(struct echo_server *s, struct addr from)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&from, &sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	assert_true(fd >= 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	len = sockaddr_from_addr(&s->at, &sa);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

int echo_dial(struct echo_server *s)
{
	return echo_dial_from(s, addr_ipv4(127, 0, 0, 1, 0));
}

void echo_put(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

size_t echo_get(struct echo_server *s, int fd, uint8_t *buf, size_t want, bool *at_end)
{
	size_t got = 0;

	*at_end = false;
	for (int i = 0; i < ECHO_PATIENCE && got < want; i++) {
		ssize_t n = recv(fd, buf + got, want - got, 0);

		if (n > 0)
			got += (size_t)n;
		else if (n == 0 || errno != EAGAIN) {
			*at_end = true;
			break;
		}
		echo_patient_turn(s, n > 0 ? 0 : i);
	}
	return got;
}

bool echo_is_closed(struct echo_server *s, int fd)
{
	uint8_t rest[4096];
	bool at_end;

	echo_get(s, fd, rest, sizeof(rest), &at_end);
	return at_end;
}

struct echo_request echo_request(char id)
{
	struct echo_request r = { { 0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42, (uint8_t)id } };

	return r;
}

void echo_ask(struct echo_server *s, int fd, char id)
{
	struct echo_request r = echo_request(id);
	uint8_t answer[20];
	bool at_end;

	echo_put(fd, r.bytes, sizeof(r.bytes));
	assert_int_equal(echo_get(s, fd, answer, sizeof(answer), &at_end), sizeof(answer));
	assert_memory_equal(answer, r.bytes, sizeof(answer));
}

int echo_set_up(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	return cert_make(&cert, "natkit test") && cert_make(&echo_other_cert, "another") ? 0 : -1;
}

int echo_tear_down(void **state)
{
	cert_remove(&cert);
	cert_remove(&echo_other_cert);
	return 0;
}
