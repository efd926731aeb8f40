#include "dtls.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "counter.h"
#include "dtls_parts.h"

#define MTU_MIN 256 /* what OpenSSL needs for its handshake */

static void send_cookie(struct dtls *d, const struct dtls_hello *hello, const struct addr *to,
			const struct addr *local)
{
	uint8_t cookie[DTLS_COOKIE_LEN], buf[DTLS_VERIFY_MAX];
	struct bytes datagram;

	dtls_cookie_make(&d->cookies, to, cookie);
	datagram = dtls_hello_verify_request(hello, bytes_of(cookie, sizeof(cookie)), buf);
	counter_add(&d->stats.cookies_sent, 1);
	d->events.on_datagram(datagram, to, local, d->arg);
}

/*
 * Whether there is a place for the newcomer, who is counted already; the oldest half-open
 * session may have to make it.
 */
static bool make_room(struct dtls *d)
{
	bool full = per_source_alive(d->sources) > d->limits.max_sessions;

	if (!full && d->half_open_sessions < d->limits.max_half_open)
		return true;
	if (list_is_empty(&d->half_open))
		return false;
	dtls_session_end(dtls_session_of(d->half_open.next), DTLS_END_HANDSHAKE);
	return true;
}

/* The cookie was good: now this client may cost something. */
static void begin(struct dtls *d, const struct dtls_hello *hello, const struct addr *from,
		  const struct addr *local, uint64_t now_us)
{
	struct dtls_session *s;

	if (per_source_add(d->sources, from) != PER_SOURCE_OK) {
		counter_add(&d->stats.refused, 1);
		return;
	}
	s = make_room(d) ? dtls_session_new(d, hello, from, local, now_us) : NULL;
	if (s == NULL) {
		per_source_remove(d->sources, from);
		counter_add(&d->stats.refused, 1);
		return;
	}
	ERR_clear_error();
	s->end.in = hello->record;
	/* Brings OpenSSL to where it were had it sent the HelloVerifyRequest itself. */
	if (DTLSv1_listen(s->ssl, d->unused_addr) != 1) {
		dtls_session_end(s, DTLS_END_HANDSHAKE);
		return;
	}
	if (dtls_session_shake(s, now_us))
		s->end.in = (struct bytes){ 0 };
}

static void on_hello(struct dtls *d, struct dtls_session *s, const struct dtls_hello *hello,
		     const struct addr *from, const struct addr *local, uint64_t now_us)
{
	bool has_cookie = hello->cookie.len > 0;

	/* The ClientHello that began this session, again: OpenSSL's timer is at it already. */
	if (s != NULL && has_cookie && memcmp(s->random, hello->random.data, 32) == 0)
		return;
	if (!dtls_cookie_is_good(&d->cookies, hello->cookie, from)) {
		if (has_cookie)
			counter_add(&d->stats.cookies_bad, 1);
		send_cookie(d, hello, from, local);
		return;
	}
	if (hello->message_seq != 1) { /* we ask once, so it is the client's second message */
		counter_add(&d->stats.dropped, 1);
		return;
	}
	if (s != NULL) /* begun anew from the same port (RFC 6347, section 4.2.8) */
		dtls_session_end(s, s->established ? DTLS_END_CLIENT : DTLS_END_HANDSHAKE);
	begin(d, hello, from, local, now_us);
}

void dtls_input(struct dtls *d, struct bytes datagram, const struct addr *from,
		const struct addr *local, uint64_t now_us)
{
	struct dtls_session *s = dtls_session_find(d, from, local);
	struct dtls_hello hello;
	enum dtls_hello_result found = dtls_hello_parse(datagram, &hello);

	dtls_cookies_rotate(&d->cookies, now_us);
	if (found == DTLS_HELLO_OK)
		on_hello(d, s, &hello, from, local, now_us);
	else if (found == DTLS_HELLO_NONE && s != NULL)
		dtls_session_feed(s, datagram, now_us);
	else
		counter_add(&d->stats.dropped, 1);
}

uint64_t dtls_next_deadline_us(const struct dtls *d)
{
	return d->next_us;
}

/* Sends flights again. A session that fails at it ends. */
static void retry_flights(struct dtls *d, uint64_t now_us)
{
	struct list *next;

	for (struct list *at = d->half_open.next; at != &d->half_open; at = next) {
		struct dtls_session *s = dtls_session_of(at);

		next = at->next;
		if (now_us < s->retry_us)
			continue;
		ERR_clear_error();
		if (DTLSv1_handle_timeout(s->ssl) < 0)
			dtls_session_end(s, DTLS_END_HANDSHAKE);
		else
			dtls_session_plan_retry(s, now_us);
	}
}

/* Ends those at the head of a list that are `live_us` old; returns when the next one is. */
static uint64_t end_overdue(struct list *l, uint64_t live_us, enum dtls_end why, uint64_t now_us)
{
	while (!list_is_empty(l)) {
		struct dtls_session *s = dtls_session_of(l->next);

		if (now_us < s->since_us + live_us)
			return s->since_us + live_us;
		dtls_session_end(s, why);
	}
	return DTLS_NEVER;
}

void dtls_on_time(struct dtls *d, uint64_t now_us)
{
	uint64_t handshake_us = (uint64_t)d->limits.handshake_ms * 1000;
	uint64_t idle_us = (uint64_t)d->limits.idle_ms * 1000;

	if (now_us < d->next_us)
		return;
	d->next_us = DTLS_NEVER;
	dtls_wake_by(d, end_overdue(&d->half_open, handshake_us, DTLS_END_HANDSHAKE, now_us));
	dtls_wake_by(d, end_overdue(&d->established, idle_us, DTLS_END_IDLE, now_us));
	retry_flights(d, now_us);
	for (struct list *at = d->half_open.next; at != &d->half_open; at = at->next)
		dtls_wake_by(d, dtls_session_of(at)->retry_us);
}

static struct dtls_limits with_defaults(struct dtls_limits l)
{
	if (l.max_sessions == 0)
		l.max_sessions = 1024;
	if (l.max_half_open == 0)
		l.max_half_open = (l.max_sessions + 3) / 4;
	if (l.max_per_source == 0)
		l.max_per_source = l.max_sessions;
	if (l.idle_ms == 0)
		l.idle_ms = 60000;
	if (l.handshake_ms == 0)
		l.handshake_ms = 30000;
	if (l.mtu == 0)
		l.mtu = 1200;
	if (l.mtu < MTU_MIN)
		l.mtu = MTU_MIN;
	if (l.data_max > DTLS_RECORD_MAX)
		l.data_max = DTLS_RECORD_MAX;
	return l;
}

static bool make_parts(struct dtls *d)
{
	size_t buckets = 1;
	uint8_t source_key[16];

	while (buckets < d->limits.max_sessions)
		buckets *= 2;
	d->hash_mask = buckets - 1;
	if (RAND_bytes(d->hash_key, sizeof(d->hash_key)) != 1 ||
	    RAND_bytes(source_key, sizeof(source_key)) != 1)
		return false;
	d->hash = calloc(buckets, sizeof(struct dtls_session *));
	/* One more than may live: a newcomer is counted before another makes room for it. */
	if (d->limits.shared == NULL)
		d->own = per_source_new((size_t)d->limits.max_sessions + 1,
					d->limits.max_per_source, source_key);
	d->sources = d->limits.shared != NULL ? d->limits.shared : d->own;
	d->method = dgram_bio_method_new();
	d->unused_addr = BIO_ADDR_new();
	return d->hash != NULL && d->sources != NULL && d->method != NULL && d->unused_addr != NULL;
}

struct dtls *dtls_new(SSL_CTX *ctx, const struct dtls_limits *limits,
		      const struct dtls_events *events, void *arg, uint64_t now_us)
{
	struct dtls *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->limits = with_defaults(*limits);
	d->events = *events;
	d->arg = arg;
	d->next_us = DTLS_NEVER;
	list_init(&d->half_open);
	list_init(&d->established);
	list_init(&d->kept);
	if (!dtls_cookies_init(&d->cookies, now_us) || !make_parts(d)) {
		dtls_free(d);
		return NULL;
	}
	dtls_use_ctx(d, ctx);
	return d;
}

void dtls_free(struct dtls *d)
{
	if (d == NULL)
		return;
	while (!list_is_empty(&d->half_open))
		dtls_session_end(dtls_session_of(d->half_open.next), DTLS_END_SELF);
	while (!list_is_empty(&d->established))
		dtls_session_end(dtls_session_of(d->established.next), DTLS_END_SELF);
	while (!list_is_empty(&d->kept))
		dtls_session_end(dtls_session_of(d->kept.next), DTLS_END_SELF);
	SSL_CTX_free(d->ctx);
	BIO_meth_free(d->method);
	BIO_ADDR_free(d->unused_addr);
	per_source_free(d->own);
	free(d->hash);
	dtls_cookies_clear(&d->cookies);
	free(d);
}

void dtls_use_ctx(struct dtls *d, SSL_CTX *ctx)
{
	SSL_CTX_up_ref(ctx);
	SSL_CTX_free(d->ctx);
	d->ctx = ctx;
}

const struct dtls_stats *dtls_stats(const struct dtls *d)
{
	return &d->stats;
}

const char *dtls_end_word(enum dtls_end why)
{
	static const char *const words[DTLS_ENDS] = {
		[DTLS_END_CLIENT] = "client",       [DTLS_END_SELF] = "self",
		[DTLS_END_HANDSHAKE] = "handshake", [DTLS_END_IDLE] = "idle",
		[DTLS_END_ERROR] = "error",
	};

	return words[why];
}
