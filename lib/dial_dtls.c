/* DTLS over a connected UDP socket. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "dial_state.h"

#define MTU 1200 /* of handshake datagrams: all paths take them */

static void send_datagram(struct bytes datagram, void *arg)
{
	const struct dial *d = arg;

	(void)send(d->fd, datagram.data, datagram.len, 0);
}

/* OpenSSL knows when its flight is due again. */
static void rearm(struct dial *d)
{
	struct timeval left;

	if (DTLSv1_get_timeout(d->ssl, &left) == 1)
		event_add(d->again, &left);
	else
		event_del(d->again);
}

static void explain(struct dial *d)
{
	unsigned long error = ERR_peek_error();

	dial_tls_explain(d, error);
	dial_fail(d, DIAL_HANDSHAKE, NULL);
}

/* False: it failed, and `d` may be gone. */
static bool shake_hands(struct dial *d)
{
	int rc, error;

	ERR_clear_error();
	rc = SSL_do_handshake(d->ssl);
	if (rc == 1) {
		event_del(d->again);
		return dial_tell_open(d);
	}
	error = SSL_get_error(d->ssl, rc);
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
		explain(d);
		return false;
	}
	rearm(d);
	return true;
}

/* All messages of one datagram. False: it ended, and `d` may be gone. */
static bool read_messages(struct dial *d)
{
	for (;;) {
		int len, error;

		ERR_clear_error();
		len = SSL_read(d->ssl, d->plain, sizeof(d->plain));
		if (len > 0) {
			if (!dial_tell_frame(d, bytes_of(d->plain, (size_t)len)) || d->is_closed)
				return false;
			continue;
		}
		error = SSL_get_error(d->ssl, len);
		if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
			return true;
		ERR_clear_error();
		dial_fail(d, DIAL_CLOSED, NULL);
		return false;
	}
}

static bool take_datagram(struct dial *d, size_t len)
{
	d->is_connected = true;
	d->bio.in = bytes_of(d->in, len);
	if (!d->is_open && !shake_hands(d))
		return false;
	return !d->is_open || read_messages(d);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct dial *d = arg;

	for (int i = 0; i < 64; i++) {
		ssize_t len = recv(d->fd, d->in, sizeof(d->in), 0);

		if (len < 0) {
			if (errno != EAGAIN && errno != EINTR && !d->is_connected)
				dial_fail(d, dial_cause_of_errno(errno), strerror(errno));
			return;
		}
		if (len > 0 && !take_datagram(d, (size_t)len))
			return;
	}
}

static void on_again(evutil_socket_t fd, short events, void *arg)
{
	struct dial *d = arg;

	if (d->is_open || d->is_closed)
		return;
	ERR_clear_error();
	if (DTLSv1_handle_timeout(d->ssl) < 0) {
		ERR_clear_error();
		dial_fail(d, d->is_connected ? DIAL_HANDSHAKE : DIAL_SILENT, NULL);
		return;
	}
	rearm(d);
}

static int open_session(struct dial *d)
{
	BIO *bio;

	d->bio = (struct dgram_bio){ .mtu = MTU, .on_write = send_datagram, .arg = d };
	d->bio_method = dgram_bio_method_new();
	d->again = evtimer_new(d->config.base, on_again, d);
	d->ssl = dial_tls_session(d);
	bio = d->bio_method != NULL ? dgram_bio_new(d->bio_method, &d->bio) : NULL;
	if (d->again == NULL || d->ssl == NULL || bio == NULL) {
		BIO_free(bio);
		return -ENOMEM;
	}
	SSL_set_bio(d->ssl, bio, bio);
	SSL_set_options(d->ssl, SSL_OP_NO_QUERY_MTU);
	SSL_set_mtu(d->ssl, MTU);
	return 0;
}

int dial_dtls_start(struct dial *d)
{
	int rc = dial_open_datagrams(d, on_readable), error;

	if (rc == 0)
		rc = open_session(d);
	if (rc != 0)
		return rc;
	ERR_clear_error();
	error = SSL_get_error(d->ssl, SSL_do_handshake(d->ssl));
	if (error != SSL_ERROR_WANT_READ)
		return -EPROTO;
	rearm(d);
	return 0;
}

void dial_dtls_send(struct dial *d, struct bytes data)
{
	ERR_clear_error();
	if (data.len > 0 && SSL_write(d->ssl, data.data, (int)data.len) <= 0)
		ERR_clear_error();
}

void dial_dtls_close(struct dial *d)
{
	if (d->bio_method == NULL)
		return;
	if (d->ssl != NULL) {
		ERR_clear_error();
		if (d->is_open)
			(void)SSL_shutdown(d->ssl);
		ERR_clear_error();
		SSL_free(d->ssl);
	}
	d->ssl = NULL;
	BIO_meth_free(d->bio_method);
	d->bio_method = NULL;
}
