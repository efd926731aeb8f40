/* The part of dtls that knows one client: from its cookie to its end. */
#include "dtls_parts.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "counter.h"
#include "per_source.h"
#include "tls.h"

#define AEAD_MAX 32 /* OpenSSL 3.0 forgets nonce and tag when it fills a datagram */

static struct dtls_session **bucket_of(const struct dtls *d, const struct addr *peer)
{
	return &d->hash[addr_hash(peer, d->hash_key) & d->hash_mask];
}

struct dtls_session *dtls_session_find(const struct dtls *d, const struct addr *peer,
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

void dtls_session_end(struct dtls_session *s, enum dtls_end why)
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

struct dtls_session *dtls_session_new(struct dtls *d, const struct dtls_hello *hello,
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
	dtls_wake_by(d, now_us + (uint64_t)d->limits.handshake_ms * 1000);
	return s;
}

static void touch(struct dtls_session *s, uint64_t now_us)
{
	s->since_us = now_us;
	list_append(s->kept ? &s->d->kept : &s->d->established, &s->link);
	dtls_wake_by(s->d, now_us + (uint64_t)s->d->limits.idle_ms * 1000);
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

void dtls_session_plan_retry(struct dtls_session *s, uint64_t now_us)
{
	struct timeval left;

	s->retry_us = DTLS_NEVER;
	if (DTLSv1_get_timeout(s->ssl, &left) == 1)
		s->retry_us = now_us + (uint64_t)left.tv_sec * 1000000 + (uint64_t)left.tv_usec;
	dtls_wake_by(s->d, s->retry_us);
}

bool dtls_session_shake(struct dtls_session *s, uint64_t now_us)
{
	int rc = SSL_do_handshake(s->ssl);

	if (rc == 1) {
		establish(s, now_us);
		return true;
	}
	if (SSL_get_error(s->ssl, rc) == SSL_ERROR_WANT_READ) {
		dtls_session_plan_retry(s, now_us);
		return true;
	}
	dtls_session_end(s, DTLS_END_HANDSHAKE);
	return false;
}

/* What an SSL_read that brought nothing means for the session. False: it is gone. */
static bool survives(struct dtls_session *s, int rc)
{
	int err = SSL_get_error(s->ssl, rc);

	if (err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE)
		return true;
	dtls_session_end(s, err == SSL_ERROR_ZERO_RETURN ? DTLS_END_CLIENT : DTLS_END_ERROR);
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
			dtls_session_end(s, DTLS_END_SELF);
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

void dtls_session_feed(struct dtls_session *s, struct bytes datagram, uint64_t now_us)
{
	/* To be dropped in silence (RFC 6347, section 4.1.2.7); some OpenSSL ends the session. */
	if (dtls_has_short_record(datagram, least_record(s->ssl))) {
		counter_add(&s->d->stats.dropped, 1);
		return;
	}
	ERR_clear_error();
	s->end.in = datagram;
	if (!s->established && !dtls_session_shake(s, now_us))
		return;
	if (s->established && !take_records(s, now_us))
		return;
	s->end.in = (struct bytes){ 0 };
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
		dtls_session_end(s, DTLS_END_SELF);
}
