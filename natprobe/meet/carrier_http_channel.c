/* One connection to a rendezvous: requests, answers, and trying again. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "carrier_http_state.h"
#include "carrier_tls.h"
#include "clock.h"
#include "rendezvous_wire.h"

#define FIRST_ANSWER_S 6  /* connection and handshake included */
#define WAIT_S         25 /* that we ask the server to wait; many a NAT forgets TCP in minutes */
#define GRACE_S        8  /* on top, for the answer */
#define HEADERS_MAX    8192
#define PAUSE_MIN_MS   250
#define PAUSE_MAX_MS   15000

static void wait_ms(struct event *ev, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
			      .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(ev, &tv);
}

static void hang_up(struct http_channel *c)
{
	event_del(c->deadline);
	c->is_asking = false;
	if (c->conn != NULL)
		evhttp_connection_free(c->conn);
	c->conn = NULL;
	SSL_free(c->ssl);
	c->ssl = NULL;
	ERR_clear_error();
}

static struct bufferevent *open_stream(struct http_channel *c)
{
	struct carrier_http *h = c->http;
	struct bufferevent *bev;

	if (h->tls == NULL)
		return bufferevent_socket_new(h->base, -1, BEV_OPT_CLOSE_ON_FREE);
	c->ssl = carrier_tls_session(h->tls, &h->uri);
	if (c->ssl == NULL)
		return NULL;
	bev = bufferevent_openssl_socket_new(h->base, -1, c->ssl, BUFFEREVENT_SSL_CONNECTING,
					     BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL) {
		c->ssl = NULL; /* is freed with the attempt */
		return NULL;
	}
	SSL_up_ref(c->ssl);
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

/* libevent would connect it again, which TLS does not survive. */
static void on_close(struct evhttp_connection *conn, void *arg)
{
	struct http_channel *c = arg;

	c->is_closed = true;
}

static bool connect_to(struct http_channel *c)
{
	struct carrier_http *h = c->http;
	const struct addr *to = &h->addrs[h->at];
	struct bufferevent *bev = open_stream(c);
	char ip[ADDR_TEXT_MAX];

	if (bev == NULL)
		return false;
	c->tried = h->at;
	c->is_closed = false;
	c->conn = evhttp_connection_base_bufferevent_new(h->base, NULL, bev, addr_print_ip(to, ip),
							 to->port);
	if (c->conn == NULL) {
		bufferevent_free(bev);
		return false;
	}
	evhttp_connection_set_closecb(c->conn, on_close, c);
	evhttp_connection_set_max_body_size(c->conn, RENDEZVOUS_LIST_MAX);
	evhttp_connection_set_max_headers_size(c->conn, HEADERS_MAX);
	evhttp_connection_set_timeout(c->conn, WAIT_S + 2 * GRACE_S); /* ours comes first */
	return true;
}

/* --- failures --- */

static void tell_failed(struct http_channel *c, const char *why)
{
	const struct carrier_hooks *hooks = &c->http->hooks;
	const char *certificate = c->ssl != NULL ? carrier_tls_problem(c->ssl) : NULL;

	hooks->on_state(hooks->arg, false, certificate != NULL ? certificate : why);
}

/* The connection is given up later: libevent may be using it. */
static void fail(struct http_channel *c, const char *why)
{
	struct carrier_http *h = c->http;
	bool had_worked = c->is_answered, is_last;
	uint64_t pause_ms = PAUSE_MIN_MS;

	c->is_asking = false;
	c->is_answered = false;
	event_del(c->deadline);
	c->failures++;
	if (h->at == c->tried)
		h->at++; /* another address, where there is one */
	is_last = h->at >= h->count;
	if (is_last)
		h->count = 0;
	for (unsigned i = 1; is_last && i < c->failures && pause_ms < PAUSE_MAX_MS; i++)
		pause_ms *= 2;
	/* A connection that ends after a while is made again before anybody is told. */
	if ((is_last && !had_worked) || c->is_wrong)
		tell_failed(c, why);
	wait_ms(c->next, pause_ms);
}

static void on_deadline(evutil_socket_t fd, short events, void *arg)
{
	struct http_channel *c = arg;
	bool was_there = c->is_answered;

	fail(c, was_there ? "it does not answer any more"
			  : "it does not answer; is it the right host and port, and is there no "
			    "firewall between?");
	hang_up(c);
}

/* --- answers --- */

static void learn_clock(struct http_channel *c, struct evhttp_request *req)
{
	struct carrier_http *h = c->http;
	const char *text =
		evhttp_find_header(evhttp_request_get_input_headers(req), RENDEZVOUS_CLOCK_HEADER);
	uint64_t now_us = clock_us(), trip_us, error_us;
	struct rendezvous_clock clock;
	int64_t offset_us;
	char name[32];

	if (h->hooks.on_server_time == NULL || text == NULL ||
	    !rendezvous_parse_clock(text, &clock) ||
	    clock.sent_us - clock.received_us > now_us - c->asked_us)
		return;
	trip_us = now_us - c->asked_us - (clock.sent_us - clock.received_us);
	error_us = trip_us / 2 + 1;
	if (clock.server == h->clock_server &&
	    error_us >= h->clock_error_us - h->clock_error_us / 4)
		return;
	h->clock_server = clock.server;
	h->clock_error_us = error_us;
	offset_us = (int64_t)(clock.received_us - trip_us / 2 - c->asked_us);
	(void)snprintf(name, sizeof(name), "stund %016" PRIx64, clock.server);
	h->hooks.on_server_time(h->hooks.arg, name, offset_us, error_us);
}

/* False: it is none of ours. */
static bool take_list(struct http_channel *c, struct evhttp_request *req)
{
	struct carrier_http *h = c->http;
	struct evbuffer *body = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(body);
	struct wire in = wire_read(bytes_of(evbuffer_pullup(body, -1), len));
	uint64_t now_us = clock_us();
	struct rendezvous_message m;

	if (!rendezvous_get_list(&in))
		return false;
	while (rendezvous_get_message(&in, &m)) {
		c->after = m.number;
		h->hooks.on_message(h->hooks.arg, c->topic, m.data, now_us);
	}
	return !in.failed;
}

static bool take_answer(struct http_channel *c, struct evhttp_request *req, int code)
{
	if (c->topic[0] != '\0')
		return code == 204 || (code == 200 && take_list(c, req));
	if (code != 204 && code != 413)
		return false;
	if (c->http->queue.count > 0)
		carrier_queue_drop_first(&c->http->queue);
	return true;
}

static void tell_up(struct http_channel *c)
{
	const struct carrier_hooks *hooks = &c->http->hooks;

	if (c->is_answered)
		return;
	c->is_answered = true;
	c->http->good = c->http->addrs[c->tried];
	c->failures = 0;
	c->is_wrong = false;
	hooks->on_state(hooks->arg, true, NULL);
}

static void on_answer(struct evhttp_request *req, void *arg)
{
	struct http_channel *c = arg;
	int code = req != NULL ? evhttp_request_get_response_code(req) : 0;

	if (!c->is_asking)
		return;
	event_del(c->deadline);
	if (code == 0) {
		fail(c, "it cannot be reached; is it the right host and port, and is it running?");
		return;
	}
	learn_clock(c, req);
	c->is_asking = false;
	if (code == 429 || code == 503) {
		wait_ms(c->next, 1000);
		return;
	}
	if (!take_answer(c, req, code)) {
		c->is_wrong = true;
		fail(c, "what answers there is no rendezvous of natkit; is stund's `rendezvous` "
			"set, and is the port right?");
		return;
	}
	tell_up(c);
	/* One that does not hold back its answers is asked again less eagerly. */
	wait_ms(c->next, code == 204 && c->waits && clock_us() - c->asked_us < 1000000 ? 1000 : 0);
}

/* --- requests --- */

static struct evhttp_request *new_request(struct http_channel *c)
{
	struct evhttp_request *req = evhttp_request_new(on_answer, c);
	struct evkeyvalq *headers;

	if (req == NULL)
		return NULL;
	headers = evhttp_request_get_output_headers(req);
	evhttp_add_header(headers, "Host", c->http->authority);
	return req;
}

static void send_request(struct http_channel *c, struct evhttp_request *req,
			 enum evhttp_cmd_type method, const char *target, uint64_t patience_s)
{
	c->asked_us = clock_us();
	c->is_asking = true;
	wait_ms(c->deadline, patience_s * 1000);
	if (req == NULL || evhttp_make_request(c->conn, req, method, target) != 0)
		fail(c, "this host is out of memory");
}

static void poll_topic(struct http_channel *c)
{
	unsigned wait_s = c->is_answered ? WAIT_S : 0; /* at first: is anybody there? */
	char target[160];

	c->waits = wait_s > 0;
	(void)snprintf(target, sizeof(target), RENDEZVOUS_PATH "%s?after=%" PRIu64 "&wait=%u",
		       c->topic, c->after, wait_s);
	send_request(c, new_request(c), EVHTTP_REQ_GET, target,
		     c->is_answered ? WAIT_S + GRACE_S : FIRST_ANSWER_S);
}

static void publish_first(struct http_channel *c)
{
	struct carrier_letter *l = carrier_queue_first(&c->http->queue, clock_us());
	struct evhttp_request *req;
	char target[128];

	if (l == NULL)
		return;
	req = new_request(c);
	if (req != NULL) {
		evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type",
				  RENDEZVOUS_TYPE);
		evbuffer_add(evhttp_request_get_output_buffer(req), l->data, l->len);
	}
	(void)snprintf(target, sizeof(target), RENDEZVOUS_PATH "%s", l->topic);
	send_request(c, req, EVHTTP_REQ_POST, target, c->is_answered ? GRACE_S : FIRST_ANSWER_S);
}

static void on_next(evutil_socket_t fd, short events, void *arg)
{
	struct http_channel *c = arg;
	struct carrier_http *h = c->http;

	if (c->is_asking)
		return;
	if (c->topic[0] == '\0' && carrier_queue_first(&h->queue, clock_us()) == NULL)
		return;
	if (!c->is_answered || c->is_closed)
		hang_up(c);
	if (h->count == 0) {
		carrier_http_find(h);
		if (h->lookup == NULL)
			wait_ms(c->next, PAUSE_MAX_MS);
		return;
	}
	if (c->conn == NULL && !connect_to(c)) {
		fail(c, "this host is out of memory or sockets");
		return;
	}
	if (c->topic[0] != '\0')
		poll_topic(c);
	else
		publish_first(c);
}

void http_channel_poke(struct http_channel *c)
{
	if (c->is_asking || event_pending(c->next, EV_TIMEOUT, NULL))
		return;
	wait_ms(c->next, c->http->count > 0 ? 0 : PAUSE_MAX_MS / 4);
}

void http_channel_refresh(struct http_channel *c)
{
	hang_up(c);
	c->is_answered = false;
	c->failures = 0;
	wait_ms(c->next, 0);
}

struct http_channel *http_channel_new(struct carrier_http *h, const char *topic)
{
	struct http_channel *c = calloc(1, sizeof(*c));
	size_t len = strlen(topic);

	if (c == NULL || len >= sizeof(c->topic)) {
		free(c);
		return NULL;
	}
	list_init(&c->link);
	c->http = h;
	memcpy(c->topic, topic, len + 1);
	c->next = evtimer_new(h->base, on_next, c);
	c->deadline = evtimer_new(h->base, on_deadline, c);
	if (c->next != NULL && c->deadline != NULL)
		return c;
	http_channel_free(c);
	return NULL;
}

void http_channel_free(struct http_channel *c)
{
	if (c == NULL)
		return;
	if (c->deadline != NULL)
		hang_up(c);
	if (c->next != NULL)
		event_free(c->next);
	if (c->deadline != NULL)
		event_free(c->deadline);
	list_remove(&c->link);
	free(c);
}
