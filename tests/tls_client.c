#include "tls_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

void tls_open(struct tls_client *c, struct echo_server *s)
{
	c->ctx = SSL_CTX_new(TLS_client_method());
	c->ssl = SSL_new(c->ctx);
	c->fd = echo_dial(s);
	SSL_set_fd(c->ssl, c->fd);
}

bool tls_handshake(struct tls_client *c, struct echo_server *s)
{
	for (int i = 0; i < ECHO_PATIENCE; i++) {
		int rc = SSL_connect(c->ssl);

		if (rc == 1)
			return true;
		if (SSL_get_error(c->ssl, rc) != SSL_ERROR_WANT_READ)
			return false;
		echo_patient_turn(s, i);
	}
	return false;
}

int tls_get(struct tls_client *c, struct echo_server *s, uint8_t *buf, size_t want)
{
	size_t got = 0;
	int err = SSL_ERROR_NONE;

	for (int i = 0; i < ECHO_PATIENCE && got < want; i++) {
		int n = SSL_read(c->ssl, buf + got, (int)(want - got));

		err = n > 0 ? SSL_ERROR_NONE : SSL_get_error(c->ssl, n);
		if (err != SSL_ERROR_NONE && err != SSL_ERROR_WANT_READ)
			break;
		if (n > 0)
			got += (size_t)n;
		echo_patient_turn(s, n > 0 ? 0 : i);
	}
	return err;
}

void tls_ask(struct tls_client *c, struct echo_server *s, char id)
{
	struct echo_request r = echo_request(id);
	uint8_t answer[20];

	assert_int_equal(SSL_write(c->ssl, r.bytes, sizeof(r.bytes)), sizeof(r.bytes));
	assert_int_equal(tls_get(c, s, answer, sizeof(answer)), 0);
	assert_memory_equal(answer, r.bytes, sizeof(answer));
}

void tls_close(struct tls_client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	close(c->fd);
}
