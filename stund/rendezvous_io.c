#include "rendezvous_io.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "counter.h"
#include "daemon.h"
#include "log.h"
#include "rendezvous.h"
#include "rendezvous_http.h"
#include "stream.h"
#include "worker.h"

#define OUTPUT_MAX    (2 * RENDEZVOUS_LIST_MAX)
#define LIMIT_PLACES  65536 /* 512 KiB, as for requests of STUN */
#define SHARES        16    /* of the memory; one source has one of them */
#define TIDY_S        5     /* at the latest, what has expired goes */
#define REPLIES       600   /* codes of answers */
#define BURST_SECONDS 4

/* Gauges and counts of the core, for other threads. */
struct figures {
	_Atomic uint64_t topics, messages, bytes, sources;
	_Atomic uint64_t published, repeated, expired, pushed_out;
	_Atomic uint64_t waiting;
	_Atomic uint64_t replies[REPLIES];
};

struct rendezvous_io {
	const struct stund_conf *conf;
	struct rendezvous *core;
	struct limit *limit; /* NULL: none */
	size_t footprint;
	SSL_CTX *tls;       /* borrowed, while a policy is taken over */
	uint64_t server;    /* whose clock it is */
	uint64_t origin_us; /* of that clock */
	struct worker_pool *pool;
	struct stream_set *set;
	struct event *tidy;
	struct figures figures;
	uint8_t key[16];
	uint8_t list[RENDEZVOUS_LIST_MAX];
};

/* What a connection waits for. */
struct visitor {
	struct rendezvous_waiter waiter;
	struct rendezvous_io *io;
	struct stream_conn *conn;
	struct event *late;
	uint64_t received_us;
	bool is_waiting, close;
};

static uint64_t now_us(const struct rendezvous_io *io)
{
	return clock_us() - io->origin_us;
}

static void set_figure(_Atomic uint64_t *figure, uint64_t value)
{
	atomic_store_explicit(figure, value, memory_order_relaxed);
}

static void tell_figures(struct rendezvous_io *io)
{
	const struct rendezvous_stats *s = rendezvous_stats(io->core);
	struct figures *f = &io->figures;

	set_figure(&f->topics, s->topics);
	set_figure(&f->messages, s->messages);
	set_figure(&f->bytes, s->bytes);
	set_figure(&f->sources, s->sources);
	set_figure(&f->published, s->published);
	set_figure(&f->repeated, s->repeated);
	set_figure(&f->expired, s->expired);
	set_figure(&f->pushed_out, s->pushed_out);
}

/* --- answers --- */

/* len  of what lies in io->list, for 200 */
static void reply(struct rendezvous_io *io, struct stream_conn *c, int code, size_t len, bool close,
		  uint64_t received_us)
{
	struct rendezvous_clock clock = { .server = io->server, .received_us = received_us };
	char head[RENDEZVOUS_REPLY_MAX];
	size_t head_len;
	bool sent;

	clock.sent_us = now_us(io);
	head_len = rendezvous_reply(code, len, close, &clock, head);
	counter_add(&io->figures.replies[code], 1);
	sent = stream_send(c, bytes_of(head, head_len)) &&
	       (len == 0 || stream_send(c, bytes_of(io->list, len)));
	if (close || !sent)
		stream_close(c);
}

static void stop_waiting(struct visitor *v)
{
	if (!v->is_waiting)
		return;
	v->is_waiting = false;
	counter_sub(&v->io->figures.waiting, 1);
	rendezvous_cancel(&v->waiter);
	evtimer_del(v->late);
	stream_keep(v->conn, false);
	stream_resume(v->conn);
}

/* It has waited: there is something now, or there is not. */
static void end_wait(struct visitor *v)
{
	struct rendezvous_io *io = v->io;
	size_t len = rendezvous_read(io->core, v->waiter.topic, v->waiter.after, now_us(io),
				     io->list, sizeof(io->list));

	reply(io, v->conn, len > 0 ? 200 : 204, len, v->close, v->received_us);
	stop_waiting(v);
}

static void on_late(evutil_socket_t fd, short events, void *arg)
{
	end_wait(arg);
}

static struct visitor *visitor_of(struct rendezvous_io *io, struct stream_conn *c)
{
	struct visitor *v = stream_user(c);

	if (v != NULL)
		return v;
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return NULL;
	v->io = io;
	v->conn = c;
	rendezvous_waiter_init(&v->waiter);
	v->late = evtimer_new(event_get_base(io->tidy), on_late, v);
	if (v->late == NULL) {
		free(v);
		return NULL;
	}
	stream_set_user(c, v);
	return v;
}

static void begin_wait(struct rendezvous_io *io, struct stream_conn *c,
		       const struct rendezvous_request *r, uint64_t received_us)
{
	struct timeval patience = { .tv_sec = r->wait_s };
	struct visitor *v = visitor_of(io, c);

	if (v == NULL || evtimer_add(v->late, &patience) != 0) {
		stream_close(c);
		return;
	}
	v->received_us = received_us;
	v->close = r->close;
	v->is_waiting = true;
	counter_add(&io->figures.waiting, 1);
	rendezvous_wait(io->core, &v->waiter, r->topic, r->after);
	stream_keep(c, true);
	stream_pause(c);
}

static void on_publish(struct rendezvous_io *io, struct stream_conn *c,
		       const struct rendezvous_request *r, uint64_t received_us)
{
	struct rendezvous_waiter *w;

	rendezvous_publish(io->core, r->topic, &stream_peer(c)->remote, r->body, received_us);
	reply(io, c, 204, 0, r->close, received_us);
	while ((w = rendezvous_woken(io->core)) != NULL)
		end_wait(LIST_OF(w, struct visitor, waiter));
}

static void on_poll(struct rendezvous_io *io, struct stream_conn *c,
		    const struct rendezvous_request *r, uint64_t received_us)
{
	size_t len = rendezvous_read(io->core, r->topic, r->after, received_us, io->list,
				     sizeof(io->list));

	if (len == 0 && r->wait_s > 0)
		begin_wait(io, c, r, received_us);
	else
		reply(io, c, len > 0 ? 200 : 204, len, r->close, received_us);
}

static void on_request(struct stream_conn *c, struct bytes frame, void *arg)
{
	struct rendezvous_io *io = arg;
	uint64_t received_us = now_us(io);
	struct rendezvous_request r;

	rendezvous_parse(frame, &r);
	if (r.status == 0 && io->limit != NULL &&
	    !limit_allows(io->limit, &stream_peer(c)->remote, clock_ms()))
		r.status = 429;
	if (r.status != 0)
		reply(io, c, r.status, 0, r.close, received_us);
	else if (r.is_post)
		on_publish(io, c, &r, received_us);
	else
		on_poll(io, c, &r, received_us);
	tell_figures(io);
}

static void on_end(struct stream_conn *c, enum stream_end why, void *arg)
{
	struct visitor *v = stream_user(c);

	if (v == NULL)
		return;
	if (v->is_waiting)
		counter_sub(&v->io->figures.waiting, 1);
	rendezvous_cancel(&v->waiter);
	event_free(v->late);
	free(v);
}

static void on_tidy(evutil_socket_t fd, short events, void *arg)
{
	struct rendezvous_io *io = arg;

	rendezvous_expire(io->core, now_us(io));
	tell_figures(io);
}

/* --- start and stop --- */

static int listen_on(struct rendezvous_io *io, const struct addr *local)
{
	struct stream_listen_options options = { 0 };
	struct addr bound;
	char text[ADDR_TEXT_MAX];
	int rc = stream_listen(io->set, local, &options, &bound);

	if (rc != 0) {
		daemon_tell_not_opened(local, "rendezvous", rc, false);
		return rc;
	}
	log_event(LOG_LEVEL_INFO, "listen", "rendezvous on %s, %s", addr_print(&bound, text),
		  io->tls != NULL ? "HTTP and HTTPS" : "HTTP");
	return 0;
}

static int open_set(struct rendezvous_io *io, struct event_base *base)
{
	const struct stund_conf *conf = io->conf;
	const struct stream_events events = { .on_frame = on_request,
					      .on_end = on_end,
					      .cut = rendezvous_cut };
	const struct stream_limits limits = {
		.max_frame = RENDEZVOUS_REQUEST_MAX,
		.max_output = OUTPUT_MAX,
		.max_conns = (uint32_t)conf->max_connections,
		.max_per_source = (uint32_t)conf->max_connections_per_source,
		.idle_ms = (uint32_t)conf->idle_timeout_ms,
		.end_when_paused = true,
	};
	const struct timeval period = { .tv_sec = TIDY_S };

	io->set = stream_set_new(base, &limits, &events, io, io->tls, io->key);
	io->tidy = event_new(base, -1, EV_PERSIST, on_tidy, io);
	return io->set != NULL && io->tidy != NULL && event_add(io->tidy, &period) == 0 ? 0
											: -ENOMEM;
}

static void close_set(struct rendezvous_io *io)
{
	stream_set_free(io->set);
	io->set = NULL;
	if (io->tidy != NULL)
		event_free(io->tidy);
	io->tidy = NULL;
}

static int on_start(struct worker *w, void *arg)
{
	struct rendezvous_io *io = arg;
	const struct addr *list = io->conf->rendezvous.items;
	int rc = open_set(io, worker_base(w));

	for (size_t i = 0; i < io->conf->rendezvous.count && rc == 0; i++)
		rc = listen_on(io, &list[i]);
	if (rc != 0)
		close_set(io);
	return rc;
}

static void on_stop(struct worker *w, void *arg)
{
	close_set(arg);
}

static bool open_core(struct rendezvous_io *io)
{
	const struct stund_conf *conf = io->conf;
	struct rendezvous_config config = {
		.topics = (size_t)conf->rendezvous_topics,
		.bytes = conf->rendezvous_memory,
		.topics_per_source = (uint32_t)conf->rendezvous_topics_per_source,
		.bytes_per_source = conf->rendezvous_memory / SHARES,
		.expiry_us = conf->rendezvous_expiry_ms * 1000,
		/* Numbers go on behind those of the server that was here before. */
		.first_number = (uint64_t)time(NULL) * 1000000,
	};
	uint32_t rate = (uint32_t)conf->rendezvous_rate;

	if (RAND_bytes(config.key, sizeof(config.key)) != 1 ||
	    RAND_bytes(io->key, sizeof(io->key)) != 1 ||
	    RAND_bytes((uint8_t *)&io->server, sizeof(io->server)) != 1)
		return false;
	io->origin_us = clock_us();
	io->footprint = rendezvous_footprint(&config);
	io->core = rendezvous_new(&config);
	if (rate > 0)
		io->limit = limit_new(rate, rate * BURST_SECONDS, LIMIT_PLACES, io->key);
	return io->core != NULL && (io->limit != NULL || rate == 0);
}

int rendezvous_io_start(const struct stund_conf *conf, const struct policy *policy,
			struct rendezvous_io **out)
{
	struct rendezvous_io *io;
	struct worker_hooks hooks = { .start = on_start, .stop = on_stop };
	int rc;

	*out = NULL;
	if (conf->rendezvous.count == 0)
		return 0;
	io = calloc(1, sizeof(*io));
	if (io == NULL)
		return -ENOMEM;
	io->conf = conf;
	io->tls = policy->https;
	hooks.arg = io;
	rc = open_core(io) ? worker_pool_start(1, &hooks, &io->pool) : -ENOMEM;
	if (rc == 0)
		*out = io;
	else
		rendezvous_io_stop(io);
	return rc;
}

void rendezvous_io_stop(struct rendezvous_io *io)
{
	if (io == NULL)
		return;
	worker_pool_stop(io->pool);
	rendezvous_free(io->core);
	limit_free(io->limit);
	free(io);
}

static void take_policy(struct worker *w, void *arg)
{
	struct rendezvous_io *io = arg;

	stream_set_use_tls(io->set, io->tls);
}

bool rendezvous_io_use_policy(struct rendezvous_io *io, const struct policy *policy)
{
	if (io == NULL)
		return true;
	io->tls = policy->https;
	return worker_pool_run(io->pool, take_policy, io);
}

/* --- figures --- */

static void report_one(struct metrics *m, const char *name, enum metrics_type type,
		       const char *help, uint64_t value)
{
	metrics_family(m, name, type, help);
	if (type == METRICS_COUNTER)
		metrics_count(m, NULL, value);
	else
		metrics_gauge(m, NULL, (double)value);
}

static void report_replies(const struct rendezvous_io *io, struct metrics *m)
{
	metrics_family(m, "stund_rendezvous_answers_total", METRICS_COUNTER,
		       "Answers of the rendezvous, by their code.");
	for (int code = 0; code < REPLIES; code++) {
		uint64_t count = counter_read(&io->figures.replies[code]);
		char text[16];

		snprintf(text, sizeof(text), "%d", code);
		if (count > 0)
			metrics_count(m, METRICS_LABELS("code", text), count);
	}
}

void rendezvous_io_report(const struct rendezvous_io *io, struct metrics *m)
{
	const struct figures *f;
	const struct stream_stats *s;

	if (io == NULL)
		return;
	f = &io->figures;
	s = stream_set_stats(io->set);
	report_one(m, "stund_rendezvous_topics", METRICS_GAUGE, "Topics that have messages.",
		   counter_read(&f->topics));
	report_one(m, "stund_rendezvous_messages", METRICS_GAUGE, "Messages that are kept.",
		   counter_read(&f->messages));
	report_one(m, "stund_rendezvous_sources", METRICS_GAUGE, "Sources that they came from.",
		   counter_read(&f->sources));
	report_one(m, "stund_rendezvous_message_bytes", METRICS_GAUGE,
		   "Memory that messages take, in whole blocks.", counter_read(&f->bytes));
	report_one(m, "stund_rendezvous_memory_bytes", METRICS_GAUGE,
		   "Memory that topics and messages may take, all in all.", io->footprint);
	report_one(m, "stund_rendezvous_waiting", METRICS_GAUGE, "Clients that wait for a message.",
		   counter_read(&f->waiting));
	report_one(m, "stund_rendezvous_connections", METRICS_GAUGE, "Connections of clients.",
		   counter_read(&s->open));
	report_one(m, "stund_rendezvous_connections_total", METRICS_COUNTER,
		   "Connections that were accepted.", counter_read(&s->accepted));
	report_one(m, "stund_rendezvous_refused_total", METRICS_COUNTER,
		   "Connections beyond max-connections, of one source or of all.",
		   counter_read(&s->refused_total) + counter_read(&s->refused_source));
	report_one(m, "stund_rendezvous_published_total", METRICS_COUNTER,
		   "Messages that were left here.", counter_read(&f->published));
	report_one(m, "stund_rendezvous_repeated_total", METRICS_COUNTER,
		   "Messages that came again, and took the place of the first.",
		   counter_read(&f->repeated));
	report_one(m, "stund_rendezvous_expired_total", METRICS_COUNTER,
		   "Messages that were kept for rendezvous-expiry.", counter_read(&f->expired));
	report_one(m, "stund_rendezvous_pushed_out_total", METRICS_COUNTER,
		   "Messages that made room for newer ones.", counter_read(&f->pushed_out));
	report_replies(io, m);
}
