#include "dtls.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "counter.h"
#include "dgram_bio.h"
#include "dtls_cookie.h"
#include "dtls_hello.h"
#include "list.h"
#include "per_source.h"
#include "tls.h"

#define MTU_MIN    256 /* what OpenSSL needs for its handshake */
#define AEAD_MAX   32  /* OpenSSL 3.0 forgets nonce and tag when it fills a datagram */
#define RECORD_MAX 16384

struct dtls_session {
	struct dtls *d;
	struct dtls_session *hash_next;
	struct list link; /* in half_open or established, oldest first */
	uint64_t since_us;
	uint64_t retry_us; /* half open: when OpenSSL wants to send its flight again */
	struct addr peer, local;
	uint8_t random[32]; /* of its ClientHello: tells a new client from an old datagram */
	SSL *ssl;
	struct dgram_bio end;
	void *user;
	bool established;
	bool kept;    /* dtls_keep */
	bool closing; /* dtls_close from a callback */
};

struct dtls {
	struct dtls_limits limits;
	struct dtls_events events;
	void *arg;
	SSL_CTX *ctx;
	BIO_METHOD *method;
	BIO_ADDR *unused_addr;      /* DTLSv1_listen wants to tell the client's */
	struct per_source *sources; /* shared or own */
	struct per_source *own;
	uint8_t hash_key[16];
	struct dtls_cookies cookies;
	size_t hash_mask;
	struct dtls_session **hash;
	struct list half_open, established, kept;
	struct dtls_session *busy; /* whose callback is running */
	uint64_t next_us;          /* nothing is due before; may be too early */
	uint32_t half_open_sessions;
	struct dtls_stats stats;
	uint8_t record[RECORD_MAX];
};

static struct dtls_session *session_of(struct list *link)
{
	return LIST_OF(link, struct dtls_session, link);
}

static void wake_by(struct dtls *d, uint64_t us)
{
	if (us < d->next_us)
		d->next_us = us;
}

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

static struct dtls_session **bucket_of(const struct dtls *d, const struct addr *peer)
{
	return &d->hash[addr_hash(peer, d->hash_key) & d->hash_mask];
}

static struct dtls_session *find(const struct dtls *d, const struct addr *peer,
				 const struct addr *local)
{
	struct dtls_session *s = *bucket_of(d, peer);

	while (s != NULL && !(addr_equal(&s->peer, peer) && addr_equal(&s->local, local)))
		s = s->hash_next;
	return s;
}

static void hash_remove(struct dtls *d, struct dtls_session *s)
{
	struct dtls_session **at = bucket_of(d, &s->peer);

	while (*at != s)
		at = &(*at)->hash_next;
	*at = s->hash_next;
}

static void on_bio_write(struct bytes datagram, void *arg)
{
	struct dtls_session *s = arg;

	s->d->events.on_datagram(datagram, &s->peer, &s->local, s->d->arg);
}

/* An SSL that reads from and writes to s->end; NULL when memory runs out. */
static SSL *ssl_new(struct dtls *d, struct dtls_session *s)
{
	SSL *ssl = SSL_new(d->ctx);
	BIO *bio = dgram_bio_new(d->method, &s->end);

	if (ssl == NULL || bio == NULL) {
		SSL_free(ssl);
		BIO_free(bio);
		return NULL;
	}
	s->end.mtu = d->limits.mtu;
	s->end.on_write = on_bio_write;
	s->end.arg = s;
	SSL_set_bio(ssl, bio, bio);
	SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
	SSL_set_mtu(ssl, d->limits.mtu - AEAD_MAX);
	SSL_set_accept_state(ssl);
	return ssl;
}

/* A goodbye, unless the client is gone or knows nothing of this session any more. */
static void say_close_notify(struct dtls_session *s, enum dtls_end why)
{
	bool heard = (SSL_get_shutdown(s->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;

	if (s->established && (why == DTLS_END_SELF || why == DTLS_END_IDLE || heard)) {
		ERR_clear_error();
		SSL_shutdown(s->ssl);
	}
	ERR_clear_error();
}

static void session_end(struct dtls_session *s, enum dtls_end why)
{
	struct dtls *d = s->d;

	s->closing = true; /* nothing more is sent, not from on_end either */
	if (d->events.on_end != NULL)
		d->events.on_end(s, why, d->arg);
	say_close_notify(s, why);
	SSL_free(s->ssl);
	hash_remove(d, s);
	list_remove(&s->link);
	per_source_remove(d->sources, &s->peer);
	counter_sub(&d->stats.sessions, 1);
	if (!s->established) {
		d->half_open_sessions--;
		counter_sub(&d->stats.half_open, 1);
	}
	counter_add(&d->stats.ended[why], 1);
	free(s);
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
	session_end(session_of(d->half_open.next), DTLS_END_HANDSHAKE);
	return true;
}

static struct dtls_session *session_new(struct dtls *d, const struct dtls_hello *hello,
					const struct addr *peer, const struct addr *local,
					uint64_t now_us)
{
	struct dtls_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->d = d;
	s->peer = *peer;
	s->local = *local;
	s->since_us = now_us;
	s->retry_us = DTLS_NEVER;
	memcpy(s->random, hello->random.data, sizeof(s->random));
	s->ssl = ssl_new(d, s);
	if (s->ssl == NULL) {
		free(s);
		return NULL;
	}
	s->hash_next = *bucket_of(d, peer);
	*bucket_of(d, peer) = s;
	list_init(&s->link);
	list_append(&d->half_open, &s->link);
	d->half_open_sessions++;
	counter_add(&d->stats.sessions, 1);
	counter_add(&d->stats.half_open, 1);
	wake_by(d, now_us + (uint64_t)d->limits.handshake_ms * 1000);
	return s;
}

static void touch(struct dtls_session *s, uint64_t now_us)
{
	s->since_us = now_us;
	list_append(s->kept ? &s->d->kept : &s->d->established, &s->link);
	wake_by(s->d, now_us + (uint64_t)s->d->limits.idle_ms * 1000);
}

static void establish(struct dtls_session *s, uint64_t now_us)
{
	struct dtls *d = s->d;

	s->established = true;
	s->retry_us = DTLS_NEVER;
	d->half_open_sessions--;
	counter_sub(&d->stats.half_open, 1);
	counter_add(&d->stats.established, 1);
	touch(s, now_us);
}

/* When OpenSSL wants to be woken to send its flight again. */
static void plan_retry(struct dtls_session *s, uint64_t now_us)
{
	struct timeval left;

	s->retry_us = DTLS_NEVER;
	if (DTLSv1_get_timeout(s->ssl, &left) == 1)
		s->retry_us = now_us + (uint64_t)left.tv_sec * 1000000 + (uint64_t)left.tv_usec;
	wake_by(s->d, s->retry_us);
}

/* Goes on with the handshake. Returns false when that was its end; then `s` is gone. */
static bool shake(struct dtls_session *s, uint64_t now_us)
{
	int rc = SSL_do_handshake(s->ssl);

	if (rc == 1) {
		establish(s, now_us);
		return true;
	}
	if (SSL_get_error(s->ssl, rc) == SSL_ERROR_WANT_READ) {
		plan_retry(s, now_us);
		return true;
	}
	session_end(s, DTLS_END_HANDSHAKE);
	return false;
}

/* What an SSL_read that brought nothing means for the session. False: it is gone. */
static bool survives(struct dtls_session *s, int rc)
{
	int err = SSL_get_error(s->ssl, rc);

	if (err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE)
		return true;
	session_end(s, err == SSL_ERROR_ZERO_RETURN ? DTLS_END_CLIENT : DTLS_END_ERROR);
	return false;
}

/* Hands on what was decrypted. Returns false when the session is gone after it. */
static bool take_records(struct dtls_session *s, uint64_t now_us)
{
	struct dtls *d = s->d;

	for (;;) {
		int n;

		ERR_clear_error();
		n = SSL_read(s->ssl, d->record, sizeof(d->record));
		if (n <= 0)
			return survives(s, n);
		touch(s, now_us);
		d->busy = s;
		d->events.on_data(s, bytes_of(d->record, (size_t)n), d->arg);
		d->busy = NULL;
		if (s->closing) {
			session_end(s, DTLS_END_SELF);
			return false;
		}
	}
}

/* Nonce and tag: no true record of this session is shorter (RFC 5288, section 3; RFC 7905). */
static size_t least_record(const SSL *ssl)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	bool has_nonce =
		cipher == NULL || SSL_CIPHER_get_cipher_nid(cipher) != NID_chacha20_poly1305;

	return has_nonce ? 8 + 16 : 16;
}

static void feed(struct dtls_session *s, struct bytes datagram, uint64_t now_us)
{
	/* To be dropped in silence (RFC 6347, section 4.1.2.7); some OpenSSL ends the session. */
	if (dtls_has_short_record(datagram, least_record(s->ssl))) {
		counter_add(&s->d->stats.dropped, 1);
		return;
	}
	ERR_clear_error();
	s->end.in = datagram;
	if (!s->established && !shake(s, now_us))
		return;
	if (s->established && !take_records(s, now_us))
		return;
	s->end.in = (struct bytes){ 0 };
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
	s = make_room(d) ? session_new(d, hello, from, local, now_us) : NULL;
	if (s == NULL) {
		per_source_remove(d->sources, from);
		counter_add(&d->stats.refused, 1);
		return;
	}
	ERR_clear_error();
	s->end.in = hello->record;
	/* Brings OpenSSL to where it were had it sent the HelloVerifyRequest itself. */
	if (DTLSv1_listen(s->ssl, d->unused_addr) != 1) {
		session_end(s, DTLS_END_HANDSHAKE);
		return;
	}
	if (shake(s, now_us))
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
		session_end(s, s->established ? DTLS_END_CLIENT : DTLS_END_HANDSHAKE);
	begin(d, hello, from, local, now_us);
}

void dtls_input(struct dtls *d, struct bytes datagram, const struct addr *from,
		const struct addr *local, uint64_t now_us)
{
	struct dtls_session *s = find(d, from, local);
	struct dtls_hello hello;
	enum dtls_hello_result found = dtls_hello_parse(datagram, &hello);

	dtls_cookies_rotate(&d->cookies, now_us);
	if (found == DTLS_HELLO_OK)
		on_hello(d, s, &hello, from, local, now_us);
	else if (found == DTLS_HELLO_NONE && s != NULL)
		feed(s, datagram, now_us);
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
		struct dtls_session *s = session_of(at);

		next = at->next;
		if (now_us < s->retry_us)
			continue;
		ERR_clear_error();
		if (DTLSv1_handle_timeout(s->ssl) < 0)
			session_end(s, DTLS_END_HANDSHAKE);
		else
			plan_retry(s, now_us);
	}
}

/* Ends those at the head of a list that are `live_us` old; returns when the next one is. */
static uint64_t end_overdue(struct list *l, uint64_t live_us, enum dtls_end why, uint64_t now_us)
{
	while (!list_is_empty(l)) {
		struct dtls_session *s = session_of(l->next);

		if (now_us < s->since_us + live_us)
			return s->since_us + live_us;
		session_end(s, why);
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
	wake_by(d, end_overdue(&d->half_open, handshake_us, DTLS_END_HANDSHAKE, now_us));
	wake_by(d, end_overdue(&d->established, idle_us, DTLS_END_IDLE, now_us));
	retry_flights(d, now_us);
	for (struct list *at = d->half_open.next; at != &d->half_open; at = at->next)
		wake_by(d, session_of(at)->retry_us);
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
	if (l.data_max > RECORD_MAX)
		l.data_max = RECORD_MAX;
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
		session_end(session_of(d->half_open.next), DTLS_END_SELF);
	while (!list_is_empty(&d->established))
		session_end(session_of(d->established.next), DTLS_END_SELF);
	while (!list_is_empty(&d->kept))
		session_end(session_of(d->kept.next), DTLS_END_SELF);
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

const struct addr *dtls_peer(const struct dtls_session *s)
{
	return &s->peer;
}

const struct addr *dtls_local(const struct dtls_session *s)
{
	return &s->local;
}

uint64_t dtls_name_tag(const struct dtls_session *s)
{
	return tls_name_tag(s->ssl);
}

void dtls_keep(struct dtls_session *s, bool keep, uint64_t now_us)
{
	s->kept = keep;
	if (s->established)
		touch(s, now_us);
}

void dtls_set_user(struct dtls_session *s, void *user)
{
	s->user = user;
}

void *dtls_user(const struct dtls_session *s)
{
	return s->user;
}

static size_t data_max(const struct dtls_session *s)
{
	return s->d->limits.data_max != 0 ? s->d->limits.data_max : DTLS_get_data_mtu(s->ssl);
}

bool dtls_send(struct dtls_session *s, struct bytes data)
{
	if (!s->established || s->closing || data.len == 0 || data.len > data_max(s))
		return false;
	ERR_clear_error();
	return SSL_write(s->ssl, data.data, (int)data.len) == (int)data.len;
}

void dtls_close(struct dtls_session *s)
{
	s->closing = true;
	if (s->d->busy != s)
		session_end(s, DTLS_END_SELF);
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
