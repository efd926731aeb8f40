/* The handshake: until it is over anybody who can send datagrams to us can disturb it. */
#include <openssl/err.h>

#include "dtls_hello.h"
#include "secure_state.h"

#define RETRY_LATE_US 1000 /* the two clocks differ */
#define RESTARTS_MAX  16
#define RESTART_US    300000
#define WRONG_MAX     4
#define WRONG_US      2000000

static void plan_retry(struct secure *s, uint64_t now_us)
{
	struct timeval left;

	s->retry_us = SECURE_NEVER;
	if (!s->config.is_stream && DTLSv1_get_timeout(s->ssl, &left) == 1)
		s->retry_us = now_us + RETRY_LATE_US + (uint64_t)left.tv_sec * 1000000 +
			      (uint64_t)left.tv_usec;
}

/* Somebody else's certificate came; perhaps somebody else sent it into our handshake. */
static bool is_wrong_for_good(struct secure *s, uint64_t now_us)
{
	if (!s->peer.was_wrong)
		return false;
	if (s->wrong_us == SECURE_NEVER)
		s->wrong_us = now_us + WRONG_US;
	return ++s->wrongs >= WRONG_MAX;
}

/* Until the handshake is over anybody who can send datagrams to us can spoil it: it begins anew. */
void secure_restart(struct secure *s, uint64_t now_us)
{
	if (s->config.is_stream || is_wrong_for_good(s, now_us) || s->restarts >= RESTARTS_MAX) {
		secure_fail(s);
		return;
	}
	ERR_clear_error();
	s->restarts++;
	s->peer.was_wrong = false;
	SSL_free(s->ssl);
	if (!secure_open_session(s))
		secure_fail(s);
	else if (s->config.is_client)
		s->retry_us = now_us + RESTART_US;
}

void secure_shake(struct secure *s, uint64_t now_us)
{
	int rc, err;

	ERR_clear_error();
	s->has_begun = true;
	rc = SSL_do_handshake(s->ssl);
	err = SSL_get_error(s->ssl, rc);
	secure_flush(s);
	if (rc == 1) {
		s->state = SECURE_UP;
		s->retry_us = s->wrong_us = SECURE_NEVER;
		return;
	}
	if (err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE)
		plan_retry(s, now_us);
	else
		secure_restart(s, now_us);
}

bool secure_is_new_client(struct secure *s, struct bytes datagram)
{
	struct dtls_hello hello;

	if (s->config.is_client || s->config.is_stream || s->state != SECURE_SHAKING ||
	    dtls_hello_parse(datagram, &hello) != DTLS_HELLO_OK ||
	    memcmp(s->hello, hello.random.data, DTLS_RANDOM_LEN) == 0)
		return false;
	memcpy(s->hello, hello.random.data, DTLS_RANDOM_LEN);
	return s->has_begun && s->restarts < RESTARTS_MAX;
}

void secure_hurry(struct secure *s, uint64_t now_us)
{
	if (s->retry_us != SECURE_NEVER)
		s->retry_us = now_us;
}

uint64_t secure_next_us(const struct secure *s)
{
	return s->retry_us < s->wrong_us ? s->retry_us : s->wrong_us;
}

void secure_on_time(struct secure *s, uint64_t now_us)
{
	if (now_us >= s->wrong_us) {
		secure_fail(s);
		return;
	}
	if (now_us < s->retry_us)
		return;
	ERR_clear_error();
	if (!s->has_begun)
		secure_shake(s, now_us);
	else if (DTLSv1_handle_timeout(s->ssl) < 0)
		secure_restart(s, now_us);
	else
		plan_retry(s, now_us);
}
