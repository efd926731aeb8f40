/* A client's connections: frames there and back, certificates, and every way in which one fails. */
#include "dial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "dtls.h"
#include "sockaddr.h"
#include "stream_echo.h"
#include "udp.h"

/* The certificate that the server has. */
static struct cert own;

struct call {
	struct dial *dial;
	struct dial_config config;
	int opens, frames, closes;
	struct dial_failure why;
	uint8_t last[64];
	size_t last_len;
	bool frees_on_open, frees_on_frame, frees_on_close;
};

static void hang_up(struct call *c)
{
	dial_free(c->dial);
	c->dial = NULL;
}

static void on_open(void *arg)
{
	struct call *c = arg;

	c->opens++;
	if (c->frees_on_open)
		hang_up(c);
}

static void on_frame(struct bytes frame, void *arg)
{
	struct call *c = arg;

	c->frames++;
	assert_true(frame.len <= sizeof(c->last));
	memcpy(c->last, frame.data, frame.len);
	c->last_len = frame.len;
	if (c->frees_on_frame)
		hang_up(c);
}

static void on_close(const struct dial_failure *why, void *arg)
{
	struct call *c = arg;

	c->closes++;
	c->why = *why;
	if (c->frees_on_close)
		hang_up(c);
}

/* domain  NULL: nothing secure */
static void call(struct call *c, struct echo_server *s, uint8_t transport, const char *ca_file,
		 const char *domain)
{
	struct tls_error err;

	c->config = (struct dial_config){
		.base = s->base,
		.transport = transport,
		.to = s->at,
		.domain = domain,
		.insecure = c->config.insecure,
		.timeout_ms = c->config.timeout_ms != 0 ? c->config.timeout_ms : 10000,
		.on_open = on_open,
		.on_frame = on_frame,
		.on_close = on_close,
		.arg = c,
	};
	if (domain != NULL)
		c->config.tls = dial_context_new(
			transport == TURN_OVER_DTLS ? TLS_DATAGRAM : TLS_STREAM, ca_file, &err);
	c->config.dtls = c->config.tls;
	assert_true(domain == NULL || c->config.tls != NULL);
	c->dial = dial_new(&c->config);
	assert_non_null(c->dial);
	assert_int_equal(c->opens + c->frames + c->closes, 0); /* not before it returns */
}

static void end_call(struct call *c)
{
	dial_free(c->dial);
	SSL_CTX_free(c->config.tls);
	*c = (struct call){ 0 };
}

static void await(struct echo_server *s, const int *counter, int want)
{
	for (int i = 0; *counter < want && i < ECHO_PATIENCE; i++)
		echo_patient_turn(s, i);
	assert_int_equal(*counter, want);
}

static void ask(struct call *c, struct echo_server *s, char id)
{
	struct echo_request r = echo_request(id);
	int before = c->frames;

	dial_send(c->dial, bytes_of(r.bytes, sizeof(r.bytes)));
	await(s, &c->frames, before + 1);
	assert_true(
		bytes_equal(bytes_of(c->last, c->last_len), bytes_of(r.bytes, sizeof(r.bytes))));
}

static void open_echo(struct echo_server *s)
{
	static const char *const alpn[] = { TLS_ALPN_TURN, NULL };
	const struct tls_server_options options = { own.cert_file, own.key_file, alpn };
	struct tls_error err;
	SSL_CTX *ctx = tls_server_new(TLS_STREAM, &options, &err);

	echo_open(s, (struct stream_limits){ 0 }, (struct stream_listen_options){ 0 });
	assert_non_null(ctx);
	stream_set_use_tls(s->set, ctx);
	SSL_CTX_free(ctx);
}

static void frames_there_and_back(void **state)
{
	struct call c = { 0 };
	struct echo_server s;
	struct addr local;

	open_echo(&s);
	call(&c, &s, TURN_OVER_TCP, NULL, NULL);
	dial_send(c.dial, BYTES("before it is open")); /* is lost */
	await(&s, &c.opens, 1);
	ask(&c, &s, 'a');
	ask(&c, &s, 'b');
	assert_true(dial_local(c.dial, &local));
	assert_true(addr_is_loopback(&local));
	assert_null(dial_certificate_problem(c.dial));
	end_call(&c);
	call(&c, &s, TURN_OVER_TLS, own.cert_file, "turn.test");
	await(&s, &c.opens, 1);
	ask(&c, &s, 'c');
	end_call(&c);
	call(&c, &s, TURN_OVER_TLS, own.cert_file, "turn.test."); /* as DNS writes it */
	await(&s, &c.opens, 1);
	end_call(&c);
	echo_close(&s);
}

/* The same server for DTLS, on a UDP socket. */
struct dtls_echo {
	struct dtls *dtls;
	int fd, ends;
	struct event *readable;
};

static void on_record(struct bytes datagram, const struct addr *to, const struct addr *local,
		      void *arg)
{
	const struct dtls_echo *e = arg;
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(to, &sa);

	(void)sendto(e->fd, datagram.data, datagram.len, 0, (struct sockaddr *)&sa, len);
}

static void on_data(struct dtls_session *session, struct bytes data, void *arg)
{
	assert_true(dtls_send(session, data));
}

static void on_end(struct dtls_session *session, enum dtls_end why, void *arg)
{
	struct dtls_echo *e = arg;

	e->ends++;
}

static void on_datagram(evutil_socket_t fd, short events, void *arg)
{
	struct dtls_echo *e = arg;
	struct sockaddr_storage sa;
	socklen_t sa_len = sizeof(sa);
	uint8_t buf[2048];
	ssize_t len = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&sa, &sa_len);
	struct addr from, none = { 0 };

	if (len >= 0 && sockaddr_to_addr((struct sockaddr *)&sa, &from))
		dtls_input(e->dtls, bytes_of(buf, (size_t)len), &from, &none, clock_us());
}

/* Opens it on the loop of `s`, and calls go there from now on. */
static void open_dtls(struct dtls_echo *e, struct echo_server *s)
{
	static const char *const alpn[] = { TLS_ALPN_TURN, NULL };
	static const struct dtls_events events = { on_record, on_data, on_end };
	static const struct dtls_limits limits = { 0 };
	static const struct udp_options options = { 0 };
	const struct tls_server_options server = { own.cert_file, own.key_file, alpn };
	struct addr loopback = addr_ipv4(127, 0, 0, 1, 0);
	struct tls_error err;
	SSL_CTX *ctx = tls_server_new(TLS_DATAGRAM, &server, &err);

	assert_non_null(ctx);
	*e = (struct dtls_echo){ .fd = udp_open(&loopback, &options, &s->at) };
	assert_true(e->fd >= 0);
	e->dtls = dtls_new(ctx, &limits, &events, e, clock_us());
	SSL_CTX_free(ctx);
	e->readable = event_new(s->base, e->fd, EV_READ | EV_PERSIST, on_datagram, e);
	assert_true(e->dtls != NULL && event_add(e->readable, NULL) == 0);
}

static void close_dtls(struct dtls_echo *e)
{
	event_free(e->readable);
	dtls_free(e->dtls);
	close(e->fd);
}

static void datagrams_are_secure_too(void **state)
{
	struct call c = { 0 };
	struct echo_server s;
	struct dtls_echo e;

	open_echo(&s);
	open_dtls(&e, &s);
	call(&c, &s, TURN_OVER_DTLS, own.cert_file, "turn.test");
	dial_send(c.dial, BYTES("before it is open")); /* is lost */
	await(&s, &c.opens, 1);
	ask(&c, &s, 'a');
	ask(&c, &s, 'b');
	assert_null(dial_certificate_problem(c.dial));
	end_call(&c);
	await(&s, &e.ends, 1); /* it is told of the end */

	call(&c, &s, TURN_OVER_DTLS, own.cert_file, "turn.other");
	await(&s, &c.closes, 1);
	assert_int_equal(c.opens, 0);
	assert_int_equal(c.why.cause, DIAL_CERT_NAME);
	end_call(&c);
	c.config.insecure = true;
	call(&c, &s, TURN_OVER_DTLS, echo_other_cert.cert_file, "turn.test");
	await(&s, &c.opens, 1);
	assert_non_null(dial_certificate_problem(c.dial));
	c.frees_on_frame = true;
	dial_send(c.dial, BYTES("the last one"));
	await(&s, &c.frames, 1);
	end_call(&c);
	close_dtls(&e);
	echo_close(&s);
}

/* Two of them in one segment, and one in two. */
static void frames_are_cut_from_the_stream(void **state)
{
	struct echo_request two[2] = { echo_request('a'), echo_request('b') };
	struct call c = { 0 };
	struct echo_server s;

	open_echo(&s);
	call(&c, &s, TURN_OVER_TCP, NULL, NULL);
	await(&s, &c.opens, 1);
	dial_send(c.dial, bytes_of(two, sizeof(two)));
	await(&s, &c.frames, 2);
	assert_int_equal(c.last_len, sizeof(two[0]));
	dial_send(c.dial, bytes_of(&two[0], 7));
	echo_settle(&s);
	dial_send(c.dial, bytes_of((const uint8_t *)&two[0] + 7, sizeof(two[0]) - 7));
	await(&s, &c.frames, 3);
	end_call(&c);
	echo_close(&s);
}

static void certificates_are_checked(void **state)
{
	const struct {
		const char *why, *ca_file, *domain;
		uint8_t cause;
	} cases[] = {
		{ "another name", own.cert_file, "turn.other", DIAL_CERT_NAME },
		{ "a name below", own.cert_file, "a.turn.test", DIAL_CERT_NAME },
		{ "an address", own.cert_file, "127.0.0.1", DIAL_CERT_NAME },
		{ "an IPv6 address", own.cert_file, "::1", DIAL_CERT_NAME },
		{ "another CA", echo_other_cert.cert_file, "turn.test", DIAL_CERT_UNTRUSTED },
		{ "what the system trusts", NULL, "turn.test", DIAL_CERT_UNTRUSTED },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct call c = { 0 };
		struct echo_server s;

		open_echo(&s);
		call(&c, &s, TURN_OVER_TLS, cases[i].ca_file, cases[i].domain);
		await(&s, &c.closes, 1);
		if (c.opens != 0 || c.why.cause != cases[i].cause || c.why.detail[0] == '\0')
			fail_msg("%s: %s (%s)", cases[i].why, dial_cause_word(c.why.cause),
				 c.why.detail);
		end_call(&c);
		c.config.insecure = true;
		call(&c, &s, TURN_OVER_TLS, cases[i].ca_file, cases[i].domain);
		await(&s, &c.opens, 1);
		assert_non_null(dial_certificate_problem(c.dial));
		end_call(&c);
		echo_close(&s);
	}
}

static void a_ca_file_that_is_none_is_told(void **state)
{
	struct tls_error err = { 0 };

	assert_null(dial_context_new(TLS_STREAM, "/nonexistent", &err));
	assert_non_null(strstr(err.text, "/nonexistent"));
	assert_null(dial_context_new(TLS_DATAGRAM, own.key_file, &err));
}

/* A listener of the test's own, which takes connections and says `text`, or nothing. */
static int listen_at(struct addr *at)
{
	struct addr any = addr_ipv4(127, 0, 0, 1, 0);
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&any, &sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, 1) == 0);
	assert_true(getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
	assert_true(sockaddr_to_addr((struct sockaddr *)&sa, at));
	return fd;
}

static void what_listens_and_says_nothing_is_slow(void **state)
{
	struct call c = { .config = { .timeout_ms = 50 } };
	struct echo_server s;
	int fd;

	open_echo(&s);
	fd = listen_at(&s.at);
	call(&c, &s, TURN_OVER_TLS, own.cert_file, "turn.test");
	await(&s, &c.closes, 1);
	assert_int_equal(c.why.cause, DIAL_SLOW_HANDSHAKE);
	end_call(&c);
	close(fd);
	echo_close(&s);
}

static void what_speaks_something_else_is_told(void **state)
{
	struct call c = { 0 };
	struct echo_server s;
	int fd, conn;

	open_echo(&s);
	fd = listen_at(&s.at);
	call(&c, &s, TURN_OVER_TCP, NULL, NULL);
	await(&s, &c.opens, 1);
	conn = accept(fd, NULL, NULL);
	echo_put(conn, "\xffSSH-2.0", 8);
	await(&s, &c.closes, 1);
	assert_int_equal(c.why.cause, DIAL_NOT_STUN);
	assert_int_equal(c.frames, 0);
	end_call(&c);
	close(conn);
	close(fd);
	echo_close(&s);
}

static void where_nobody_listens_is_told(void **state)
{
	static const uint8_t transports[] = { TURN_OVER_TCP, TURN_OVER_TLS };

	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		struct call c = { 0 };
		struct echo_server s;

		open_echo(&s);
		close(listen_at(&s.at));
		call(&c, &s, transports[i], own.cert_file,
		     transports[i] == TURN_OVER_TLS ? "turn.test" : NULL);
		await(&s, &c.closes, 1);
		assert_int_equal(c.why.cause, DIAL_REFUSED);
		assert_int_equal(c.opens, 0);
		end_call(&c);
		echo_close(&s);
	}
}

/* UDP is open at once; that nobody is there comes by ICMP. */
static void udp_to_nobody_is_refused(void **state)
{
	struct call c = { 0 };
	struct echo_server s;

	open_echo(&s);
	close(listen_at(&s.at));
	call(&c, &s, TURN_OVER_UDP, NULL, NULL);
	await(&s, &c.opens, 1);
	dial_send(c.dial, BYTES("x"));
	await(&s, &c.closes, 1);
	assert_int_equal(c.why.cause, DIAL_REFUSED);
	end_call(&c);
	echo_close(&s);
}

static void the_end_is_told(void **state)
{
	struct call c = { 0 };
	struct echo_server s;

	open_echo(&s);
	call(&c, &s, TURN_OVER_TCP, NULL, NULL);
	await(&s, &c.opens, 1);
	ask(&c, &s, 'C');
	await(&s, &c.closes, 1);
	assert_int_equal(c.why.cause, DIAL_CLOSED);
	end_call(&c);
	echo_close(&s);
}

static void it_may_be_freed_in_any_callback(void **state)
{
	static const uint8_t transports[] = { TURN_OVER_TCP, TURN_OVER_TLS };
	struct echo_request two[2] = { echo_request('a'), echo_request('b') };

	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		const char *domain = transports[i] == TURN_OVER_TLS ? "turn.test" : NULL;
		struct call c = { .frees_on_open = true };
		struct echo_server s;

		open_echo(&s);
		call(&c, &s, transports[i], own.cert_file, domain);
		await(&s, &c.opens, 1);
		end_call(&c);
		c.frees_on_frame = true;
		call(&c, &s, transports[i], own.cert_file, domain);
		await(&s, &c.opens, 1);
		dial_send(c.dial, bytes_of(two, sizeof(two)));
		await(&s, &c.frames, 1);
		echo_settle(&s);
		assert_int_equal(c.frames, 1);
		end_call(&c);
		c.frees_on_close = true;
		call(&c, &s, transports[i], own.cert_file, domain);
		await(&s, &c.opens, 1);
		two[0] = echo_request('C');
		dial_send(c.dial, bytes_of(&two[0], sizeof(two[0])));
		await(&s, &c.closes, 1);
		end_call(&c);
		echo_close(&s);
	}
}

static int set_up(void **state)
{
	return echo_set_up(state) == 0 && cert_make(&own, "turn.test") ? 0 : -1;
}

static int tear_down(void **state)
{
	cert_remove(&own);
	return echo_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_there_and_back),
		cmocka_unit_test(datagrams_are_secure_too),
		cmocka_unit_test(frames_are_cut_from_the_stream),
		cmocka_unit_test(certificates_are_checked),
		cmocka_unit_test(a_ca_file_that_is_none_is_told),
		cmocka_unit_test(what_listens_and_says_nothing_is_slow),
		cmocka_unit_test(what_speaks_something_else_is_told),
		cmocka_unit_test(where_nobody_listens_is_told),
		cmocka_unit_test(udp_to_nobody_is_refused),
		cmocka_unit_test(the_end_is_told),
		cmocka_unit_test(it_may_be_freed_in_any_callback),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
