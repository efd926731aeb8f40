#include "tls_check.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "sockaddr.h"
#include "stun_attr.h"
#include "stun_stream.h"

#define ANSWER_MAX 2048

struct tls_check {
	struct tls_check_config config;
	struct bufferevent *bev;
	struct event *timer; /* the timeout; at once where it could not even start */
	struct stun_tid tid;
	uint64_t started_us;
	struct report_tls result;
	bool is_done;
};

SSL_CTX *tls_check_context(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (tls == NULL)
		return NULL;
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	/* The chain is judged, but not insisted on: to see what is in the way is our purpose. */
	SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_default_verify_paths(tls);
	ERR_clear_error();
	return tls;
}

static void explain(struct tls_check *t, const char *why)
{
	if (t->result.why[0] == '\0')
		snprintf(t->result.why, sizeof(t->result.why), "%s", why);
}

static void finish(struct tls_check *t, const char *why)
{
	if (t->is_done)
		return;
	t->is_done = true;
	if (why != NULL)
		explain(t, why);
	event_del(t->timer);
	if (t->bev != NULL)
		bufferevent_free(t->bev);
	t->bev = NULL;
	t->config.on_done(t->config.arg);
}

/* libevent tells of TCP and TLS together; only the socket knows how far it got. */
static void note_connected(struct tls_check *t)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	if (t->bev != NULL &&
	    getpeername(bufferevent_getfd(t->bev), (struct sockaddr *)&peer, &len) == 0)
		t->result.connected = true;
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct tls_check *t = arg;

	note_connected(t);
	finish(t, t->result.handshaken  ? "no answer to a Binding request in time"
		  : t->result.connected ? "the TLS handshake took too long"
					: "no TCP connection in time");
}

static void send_request(struct tls_check *t)
{
	uint8_t random[12];
	uint8_t buf[STUN_HEADER_LEN];
	struct stun_builder b;
	struct bytes msg;

	if (RAND_bytes(random, sizeof(random)) != 1) {
		finish(t, "no random bytes");
		return;
	}
	t->tid = stun_tid_make(random);
	b = stun_build(buf, sizeof(buf), STUN_BINDING, STUN_REQUEST, &t->tid);
	if (stun_build_finish(&b, &msg) == STUN_OK)
		bufferevent_write(t->bev, msg.data, msg.len);
}

static void judge_certificate(struct tls_check *t)
{
	SSL *ssl = bufferevent_openssl_get_ssl(t->bev);
	long verdict = SSL_get_verify_result(ssl);

	t->result.verified = verdict == X509_V_OK;
	if (!t->result.verified) {
		char why[sizeof(t->result.why)];

		snprintf(why, sizeof(why), "its certificate is not to be trusted: %s",
			 X509_verify_cert_error_string(verdict));
		explain(t, why);
	}
}

static void on_message(struct tls_check *t, struct bytes frame)
{
	struct stun_msg msg;
	struct bytes value;
	struct addr mapped;

	if (stun_msg_parse(frame, &msg) != STUN_OK || msg.method != STUN_BINDING ||
	    !stun_tid_equal(&msg.tid, &t->tid)) {
		finish(t, "it does not speak STUN");
		return;
	}
	if (msg.class != STUN_SUCCESS ||
	    !stun_msg_find(&msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value) ||
	    stun_attr_get_xor_addr(value, &msg.tid, &mapped) != STUN_OK) {
		finish(t, "it answers without telling an address");
		return;
	}
	t->result.mapped = mapped;
	t->result.took_us = clock_us() - t->started_us;
	finish(t, NULL);
}

static void on_data(struct bufferevent *bev, void *arg)
{
	struct tls_check *t = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len = evbuffer_get_length(in);
	struct bytes bytes = bytes_of(evbuffer_pullup(in, (ev_ssize_t)len), len);
	struct bytes frame;
	size_t used;

	if (bytes.data == NULL)
		return;
	switch (stun_stream_next(bytes, ANSWER_MAX, &frame, &used)) {
	case STUN_OK:
		on_message(t, frame);
		return;
	case STUN_SHORT:
		return;
	default:
		finish(t, "it does not speak STUN");
	}
}

static const char *reason(struct tls_check *t)
{
	unsigned long err = bufferevent_get_openssl_error(t->bev);
	const char *text = err != 0 ? ERR_reason_error_string(err) : NULL;

	if (text != NULL)
		return text;
	return t->result.connected ? "it closed the connection" : "no TCP connection";
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
	struct tls_check *t = arg;

	note_connected(t);
	if ((events & BEV_EVENT_CONNECTED) != 0) {
		t->result.handshaken = true;
		judge_certificate(t);
		send_request(t);
	} else if ((events & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0) {
		finish(t, reason(t));
	}
}

static const unsigned char alpn[] = "\x12stun.nat-discovery";

static SSL *new_ssl(const struct tls_check_config *config)
{
	const struct stun_uri *uri = &config->server->uri;
	SSL *ssl = SSL_new(config->tls);

	if (ssl == NULL)
		return NULL;
	SSL_set_alpn_protos(ssl, alpn, sizeof(alpn) - 1);
	if (uri->ip.family == ADDR_NONE) {
		SSL_set_tlsext_host_name(ssl, uri->host);
		SSL_set1_host(ssl, uri->host);
	} else {
		X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), uri->host);
	}
	return ssl;
}

/* Takes care of fd and ssl, also where it fails. */
static bool connect_tls(struct tls_check *t, int fd, SSL *ssl)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&t->result.to, &sa);

	t->bev = bufferevent_openssl_socket_new(t->config.base, fd, ssl, BUFFEREVENT_SSL_CONNECTING,
						BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (t->bev == NULL) {
		SSL_free(ssl);
		close(fd);
		return false;
	}
	bufferevent_setcb(t->bev, on_data, NULL, on_event, t);
	bufferevent_setwatermark(t->bev, EV_READ, 0, ANSWER_MAX);
	return bufferevent_enable(t->bev, EV_READ | EV_WRITE) == 0 &&
	       bufferevent_socket_connect(t->bev, (struct sockaddr *)&sa, (int)len) == 0;
}

static bool start(struct tls_check *t)
{
	SSL *ssl;
	int fd = probe_socket_tcp(&t->config.source, 0);

	if (fd < 0) {
		explain(t, strerror(-fd));
		return false;
	}
	ssl = new_ssl(&t->config);
	if (ssl == NULL) {
		close(fd);
		explain(t, "out of memory");
		return false;
	}
	if (connect_tls(t, fd, ssl))
		return true;
	explain(t, "no TCP connection");
	return false;
}

struct tls_check *tls_check_new(const struct tls_check_config *config)
{
	struct timeval tv = { .tv_sec = (time_t)(config->timeout_ms / 1000),
			      .tv_usec = (suseconds_t)(config->timeout_ms % 1000 * 1000) };
	const struct timeval at_once = { 0 };
	struct tls_check *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->config = *config;
	t->started_us = clock_us();
	t->result.server = config->server->name;
	t->result.to = config->server->tcp[server_family(config->source.local.family)];
	t->timer = evtimer_new(config->base, on_timer, t);
	if (t->timer == NULL) {
		free(t);
		return NULL;
	}
	event_add(t->timer, start(t) ? &tv : &at_once);
	return t;
}

void tls_check_free(struct tls_check *t)
{
	if (t == NULL)
		return;
	if (t->bev != NULL)
		bufferevent_free(t->bev);
	event_free(t->timer);
	free(t);
}

const struct report_tls *tls_check_result(const struct tls_check *t)
{
	return &t->result;
}

void tls_check_stop(struct tls_check *t)
{
	finish(t, "interrupted");
}
