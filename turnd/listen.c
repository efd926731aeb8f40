#include "listen.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "daemon.h"
#include "handover.h"
#include "listen_parts.h"
#include "log.h"
#include "relay.h"
#include "tcp_relay.h"

/* While anything may expire. That much later it may be told. */
#define TICK_US 500000

static void set_tick(struct listen *l, uint64_t in_us)
{
	struct timeval wait = { (time_t)(in_us / 1000000), (suseconds_t)(in_us % 1000000) };

	l->ticking = evtimer_add(l->tick, &wait) == 0;
}

static void on_tick(evutil_socket_t fd, short events, void *arg)
{
	struct listen *l = arg;
	uint64_t now_us = listen_begin(l)->us;
	uint64_t due_us = turnd_on_time(l->turnd, &l->now);

	l->ticking = false;
	listen_link_review(l);
	if (due_us == UINT64_MAX && list_is_empty(&l->kept))
		return;
	if (due_us == UINT64_MAX)
		due_us = now_us + TICK_US;
	due_us = due_us > now_us ? due_us - now_us : 0;
	set_tick(l, due_us < TICK_US ? due_us + 1000 : TICK_US);
}

static void on_round_end(evutil_socket_t fd, short events, void *arg)
{
	struct listen *l = arg;

	l->in_round = false;
	listen_flush(l);
	if (l->dtls != NULL)
		listen_dtls_rearm(l);
	if (!l->ticking)
		set_tick(l, TICK_US);
}

/*
 * libevent puts what is made active while it runs callbacks behind all that are due, so the
 * round ends when each socket that was readable has been read.
 */
const struct turnd_now *listen_begin(struct listen *l)
{
	if (l->in_round)
		return &l->now;
	l->in_round = true;
	l->round++;
	l->now = (struct turnd_now){ .us = clock_us(), .wall_s = (uint64_t)time(NULL) };
	event_active(l->round_end, EV_TIMEOUT, 0);
	return &l->now;
}

static void end_link(void *arg, void *link)
{
	listen_link_close(arg, link);
}

static void to_client(void *arg, const struct five_tuple *tuple, void *link, struct bytes data)
{
	struct turnd_out out = {
		.data = data, .tuple = *tuple, .link = link, .ip = TURND_IP_DEFAULT
	};

	listen_begin(arg);
	listen_send(arg, &out);
}

/* By blocks: a call for each id and port would cost more than all else of an Allocate. */
static void take_random(void *arg, void *buf, size_t len)
{
	struct listen *l = arg;
	uint8_t *to = buf;

	while (len > 0) {
		size_t n;

		if (l->random_left == 0) {
			if (RAND_bytes(l->random, sizeof(l->random)) != 1)
				abort(); /* nothing may go on with numbers that can be guessed */
			l->random_left = sizeof(l->random);
		}
		n = len < l->random_left ? len : l->random_left;
		l->random_left -= n;
		memcpy(to, l->random + l->random_left, n);
		OPENSSL_cleanse(l->random + l->random_left, n);
		to += n;
		len -= n;
	}
}

/* A host without IPv6 is no reason not to serve IPv4, where nobody asked for either. */
static bool may_be_missing(const struct listen *l, int error)
{
	const struct turnd_conf *conf = l->common->conf;

	return conf->listen.count == 0 && conf->listeners.count == 0 &&
	       (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL);
}

/* Opens an address for all it serves. Returns 0 or -errno, *what naming what failed. */
static int open_address(struct listen_socket *s, const char **what)
{
	int rc = 0;

	*what = "UDP";
	if (s->at->udp || s->at->dtls)
		rc = listen_udp_open(s);
	if (rc != 0 || (!s->at->tcp && !s->at->tls))
		return rc;
	*what = "TCP";
	return listen_stream_add(s);
}

static void tell_opened(const struct listen_socket *s)
{
	const struct turnd_listener *at = s->at;
	char text[ADDR_TEXT_MAX];

	log_event(LOG_LEVEL_INFO, "listen", "%s for%s%s%s%s", addr_print(&at->local, text),
		  at->udp ? " UDP" : "", at->tcp ? " TCP" : "", at->tls ? " TLS" : "",
		  at->dtls ? " DTLS" : "");
}

static void init_socket(struct listen *l, size_t i)
{
	struct listen_socket *s = &l->sockets[i];
	const struct turnd_listener *at = &l->common->listeners[i];

	s->owner = l;
	s->at = at;
	s->fd = -1;
	s->any = addr_is_any(&at->local);
	if (at->realm != NULL)
		s->realm = snapshot_realm_id(bytes_of_str(at->realm));
}

static int open_sockets(struct listen *l)
{
	size_t opened = 0;

	for (size_t i = 0; i < l->common->listener_count; i++) {
		struct listen_socket *s = &l->sockets[i];
		const char *what;
		int rc = open_address(s, &what);
		bool missing = may_be_missing(l, rc);

		if (l->index == 0 && rc == 0)
			tell_opened(s);
		else if (l->index == 0)
			daemon_tell_not_opened(&s->at->local, what, rc, missing);
		if (rc != 0 && !missing)
			return rc;
		opened += rc == 0;
	}
	return opened > 0 ? 0 : -EADDRNOTAVAIL;
}

static bool wants_streams(const struct listen_common *c)
{
	for (size_t i = 0; i < c->listener_count; i++) {
		if (c->listeners[i].tcp || c->listeners[i].tls)
			return true;
	}
	return false;
}

static int open_turnd(struct listen *l)
{
	struct turnd_config config = {
		.snapshot = &l->settings->snapshot,
		.shared = &l->shared,
		.io = &l->io,
		.worker = l->index,
		.now_us = clock_us(),
	};

	l->io = (struct turnd_io){
		.open_relay = relay_open,
		.close_relay = relay_close,
		.pass_relay = relay_pass,
		.end_link = end_link,
		.to_client = to_client,
		.release_port = handover_release_port,
		.connect_peer = tcp_relay_connect,
		.close_peer = tcp_relay_close_peer,
		.random = take_random,
		.arg = l,
	};
	l->turnd = turnd_new(&config);
	return l->turnd != NULL ? 0 : -ENOMEM;
}

static int open_parts(struct listen *l)
{
	int rc;

	l->arena = malloc(LISTEN_ARENA);
	l->batch = udp_batch_new_for(LISTEN_DGRAM_MAX, TURND_HEADROOM);
	l->round_end = event_new(l->base, -1, 0, on_round_end, l);
	l->tick = evtimer_new(l->base, on_tick, l);
	if (l->arena == NULL || l->batch == NULL || l->round_end == NULL || l->tick == NULL)
		return -ENOMEM;
	udp_batch_join(l->batch);
	rc = open_turnd(l);
	if (rc == 0 && wants_streams(l->common))
		rc = listen_stream_open(l);
	if (rc == 0 && l->settings->name_count > 0)
		rc = listen_dtls_open(l);
	return rc == 0 ? open_sockets(l) : rc;
}

int listen_open(struct worker *w, struct listen_common *common, struct settings *settings,
		struct listen **out)
{
	struct listen *l = calloc(1, sizeof(*l));
	int rc;

	if (l == NULL)
		return -ENOMEM;
	l->common = common;
	l->worker = w;
	l->base = worker_base(w);
	l->index = (uint16_t)worker_index(w);
	l->settings = settings_retain(settings);
	l->shared = common->shared;
	for (size_t i = 0; i < LISTEN_WIRES; i++)
		list_init(&l->wires[i]);
	list_init(&l->kept);
	for (size_t i = 0; i < common->listener_count; i++)
		init_socket(l, i);
	listen_site_see(l);
	rc = open_parts(l);
	if (rc != 0) {
		listen_close(l);
		return rc;
	}
	worker_set_data(w, l);
	atomic_store(&common->threads[l->index], w);
	*out = l;
	return 0;
}

void listen_quiesce(struct listen *l)
{
	l->quiet = true;
	stream_set_free(l->streams);
	l->streams = NULL;
	if (l->dtls != NULL)
		listen_dtls_close(l); /* says goodbye through the sockets */
	listen_flush(l);
	for (size_t i = 0; i < l->common->listener_count; i++)
		listen_udp_close(&l->sockets[i]);
}

void listen_close(struct listen *l)
{
	if (l == NULL)
		return;
	if (!l->quiet)
		listen_quiesce(l);
	turnd_free(l->turnd);
	handover_free_all(l);
	if (l->round_end != NULL)
		event_free(l->round_end);
	if (l->tick != NULL)
		event_free(l->tick);
	udp_batch_free(l->batch);
	free(l->arena);
	OPENSSL_cleanse(l->random, sizeof(l->random));
	settings_release(l->settings);
	free(l);
}

void listen_use_settings(struct listen *l, struct settings *settings,
			 const struct turnd_budgets *budgets)
{
	struct settings *before = l->settings;

	l->shared.budgets = *budgets;
	l->settings = settings_retain(settings);
	listen_site_see(l);
	turnd_use_snapshot(l->turnd, &settings->snapshot, listen_begin(l)->us);
	if (l->streams != NULL && settings->name_count > 0)
		stream_set_use_tls(l->streams, settings->names[0].tls);
	if (l->dtls != NULL && settings->name_count > 0)
		dtls_use_ctx(l->dtls, settings->names[0].dtls);
	settings_release(before);
}

void listen_drain(struct listen *l, bool on)
{
	l->shared.drains = on;
}

struct turnd *listen_turnd(struct listen *l)
{
	return l->turnd;
}

const struct listen_stats *listen_stats(const struct listen *l)
{
	return &l->stats;
}

const struct stream_stats *listen_stream_stats(const struct listen *l)
{
	return l->streams != NULL ? stream_set_stats(l->streams) : NULL;
}

const struct dtls_stats *listen_dtls_stats(const struct listen *l)
{
	return l->dtls != NULL ? dtls_stats(l->dtls) : NULL;
}
