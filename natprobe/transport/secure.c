#include "secure.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "dtls_hello.h"
#include "secure_state.h"

#define RECORD_ALERT    21
#define RECORD_HEADER   5     /* of TLS: type, version, length */
#define RECORD_OVERHEAD 256   /* what a TLS record may add, and then some */
#define EARLY_MAX       32768 /* kept before we know whom to expect */
#define PIECE_MIN       512   /* OpenSSL takes no less */
#define RETRY_FIRST_US  150000
#define RETRY_MAX_US    3000000
#define AEAD_MIN        16 /* no true record is shorter */

/*
 * Whether a datagram begins with an alert, which nobody vouches for before there are keys: where those
 * counted anybody could end a handshake, and two ends that begin anew would upset each other.
 */
static bool is_alert(struct bytes datagram)
{
	return datagram.len > 0 && datagram.data[0] == RECORD_ALERT;
}

static void on_datagram(struct bytes datagram, void *arg)
{
	struct secure *s = arg;

	if (s->state != SECURE_SHAKING || !is_alert(datagram))
		s->config.on_frame(s->config.arg, datagram);
}

/* How long OpenSSL waits for an answer; by the clock of the system, as it does. */
static unsigned int on_timer(SSL *ssl, unsigned int last_us)
{
	if (last_us == 0)
		return RETRY_FIRST_US;
	return last_us < RETRY_MAX_US / 2 ? last_us * 2 : RETRY_MAX_US;
}

static bool set_datagrams(struct secure *s)
{
	BIO *bio = s->method != NULL ? dgram_bio_new(s->method, &s->end) : NULL;
	if (bio == NULL)
		return false;
	s->end.on_write = on_datagram;
	s->end.arg = s;
	SSL_set_bio(s->ssl, bio, bio);
	DTLS_set_timer_cb(s->ssl, on_timer);
	return true;
}

static bool set_stream(struct secure *s)
{
	s->in = BIO_new(BIO_s_mem());
	s->out = BIO_new(BIO_s_mem());
	if (s->in == NULL || s->out == NULL) {
		BIO_free(s->in);
		BIO_free(s->out);
		return false;
	}
	BIO_set_mem_eof_return(s->in, -1);
	BIO_set_mem_eof_return(s->out, -1);
	SSL_set_bio(s->ssl, s->in, s->out);
	return true;
}

/* An SSL at the begin of a handshake. False when memory runs out. */
bool secure_open_session(struct secure *s)
{
	s->has_begun = false;
	s->retry_us = SECURE_NEVER;
	s->ssl = SSL_new(s->ctx);
	if (s->ssl == NULL || !(s->config.is_stream ? set_stream(s) : set_datagrams(s)))
		return false;
	if (s->config.is_client)
		SSL_set_connect_state(s->ssl);
	else
		SSL_set_accept_state(s->ssl);
	secure_set_frame_max(s, s->config.frame_max);
	return true;
}

struct secure *secure_new(const struct secure_config *config)
{
	struct secure *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->config = *config;
	s->wrong_us = SECURE_NEVER;
	s->ctx = secure_context_new(config->identity, config->is_stream, &s->peer);
	if (!config->is_stream)
		s->method = dgram_bio_method_new();
	if (s->ctx != NULL && secure_open_session(s))
		return s;
	secure_free(s);
	return NULL;
}

void secure_free(struct secure *s)
{
	if (s == NULL)
		return;
	SSL_free(s->ssl);
	SSL_CTX_free(s->ctx);
	BIO_meth_free(s->method);
	byte_queue_clear(&s->early);
	byte_queue_clear(&s->stream);
	OPENSSL_cleanse(s->record, sizeof(s->record));
	free(s);
}

void secure_set_frame_max(struct secure *s, uint16_t frame_max)
{
	s->config.frame_max = frame_max;
	if (s->config.is_stream) {
		long piece = frame_max - RECORD_OVERHEAD;

		(void)SSL_set_max_send_fragment(s->ssl, piece > PIECE_MIN ? piece : PIECE_MIN);
		return;
	}
	s->end.mtu = frame_max;
	SSL_set_mtu(s->ssl, frame_max - SECURE_OVERHEAD);
}

enum secure_state secure_state(const struct secure *s)
{
	return s->state;
}

/* How much of `data` is whole records of TLS that fit into one frame. */
static size_t whole_records(struct bytes data, size_t max)
{
	size_t len = 0;

	while (data.len - len >= RECORD_HEADER) {
		const uint8_t *header = data.data + len;
		size_t record = RECORD_HEADER + ((size_t)header[3] << 8 | header[4]);

		if (record > data.len - len || (len > 0 && len + record > max))
			break;
		len += record;
	}
	return len;
}

/* What TLS wrote leaves in frames that begin with a record. */
void secure_flush(struct secure *s)
{
	char *data;
	long left;
	size_t at = 0;

	if (!s->config.is_stream)
		return;
	left = BIO_get_mem_data(s->out, &data);
	while (left > 0 && at < (size_t)left) {
		struct bytes rest = bytes_of(data + at, (size_t)left - at);
		size_t n = whole_records(rest, s->config.frame_max);

		if (n == 0)
			break;
		s->config.on_frame(s->config.arg, bytes_of(rest.data, n));
		at += n;
	}
	(void)BIO_reset(s->out);
}

/* To clear what is clear costs as much as a tenth of a record does. */
static void forget_errors(void)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
}

void secure_fail(struct secure *s)
{
	s->state = s->peer.was_wrong || s->wrongs > 0 ? SECURE_WRONG : SECURE_BROKEN;
	s->retry_us = s->wrong_us = SECURE_NEVER;
	ERR_clear_error();
}

/* Packets out of the stream, each behind two bytes of length. */
static void cut_stream(struct secure *s)
{
	while (s->stream.len >= 2) {
		struct bytes head = byte_queue_first(&s->stream, SIZE_MAX);
		size_t len = (size_t)head.data[0] << 8 | head.data[1];

		if (len > SECURE_PACKET_MAX) {
			secure_fail(s);
			return;
		}
		if (head.len - 2 < len)
			return;
		s->config.on_packet(s->config.arg, bytes_of(head.data + 2, len));
		byte_queue_drop(&s->stream, 2 + len);
	}
}

static void take_record(struct secure *s, size_t len)
{
	if (!s->config.is_stream) {
		s->config.on_packet(s->config.arg, bytes_of(s->record, len));
		return;
	}
	if (!byte_queue_add(&s->stream, bytes_of(s->record, len)))
		secure_fail(s);
	else
		cut_stream(s);
}

/* Of a datagram that was read nothing is left but what OpenSSL keeps. */
static bool is_read(const struct secure *s)
{
	return !s->config.is_stream && s->end.in.len == 0 && SSL_has_pending(s->ssl) == 0;
}

static void read_records(struct secure *s)
{
	bool is_done = false;

	while (s->state == SECURE_UP && !is_done) {
		int n, err;

		forget_errors();
		n = SSL_read(s->ssl, s->record, sizeof(s->record));
		if (n > 0) {
			take_record(s, (size_t)n);
			is_done = is_read(s);
			continue;
		}
		err = SSL_get_error(s->ssl, n);
		if (err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE)
			break;
		if (err == SSL_ERROR_ZERO_RETURN)
			s->state = SECURE_LEFT;
		else
			secure_fail(s);
	}
	secure_flush(s);
}

static void feed(struct secure *s, struct bytes frame, uint64_t now_us)
{
	if (secure_is_new_client(s, frame))
		secure_restart(s, now_us);
	if (s->state > SECURE_UP)
		return;
	if (s->config.is_stream) {
		if (BIO_write(s->in, frame.data, (int)frame.len) != (int)frame.len)
			secure_fail(s);
	} else {
		s->end.in = frame;
	}
	if (s->state == SECURE_SHAKING)
		secure_shake(s, now_us);
	if (s->state == SECURE_UP)
		read_records(s);
	s->end.in = (struct bytes){ 0 };
}

/* During a handshake of DTLS. What comes before a client has begun anew is an answer to the last try. */
static bool counts(const struct secure *s, struct bytes datagram)
{
	return !is_alert(datagram) && (!s->config.is_client || s->has_begun || !s->peer.is_known);
}

/* A datagram that was not answered comes again; what stands in a stream does not. */
static void keep(struct secure *s, struct bytes frame)
{
	if (!s->config.is_stream)
		byte_queue_clear(&s->early);
	if (s->early.len + frame.len <= EARLY_MAX)
		(void)byte_queue_add(&s->early, frame);
	else
		secure_fail(s);
}

void secure_input(struct secure *s, struct bytes frame, uint64_t now_us)
{
	if (frame.len == 0 || frame.len > UINT16_MAX || s->state > SECURE_UP)
		return;
	if (s->state == SECURE_SHAKING && !s->config.is_stream && !counts(s, frame))
		return;
	if (!s->peer.is_known)
		keep(s, frame);
	else if (s->config.is_stream || !dtls_has_short_record(frame, AEAD_MIN))
		feed(s, frame, now_us);
}

void secure_expect(struct secure *s, const uint8_t fingerprint[static IDENTITY_FINGERPRINT_LEN],
		   uint64_t now_us)
{
	struct byte_queue early = s->early;

	memcpy(s->peer.fingerprint, fingerprint, IDENTITY_FINGERPRINT_LEN);
	if (s->peer.is_known)
		return;
	s->peer.is_known = true;
	s->early = (struct byte_queue){ 0 };
	if (s->state == SECURE_SHAKING && s->config.is_client)
		secure_shake(s, now_us);
	if (early.len > 0)
		secure_input(s, byte_queue_first(&early, SIZE_MAX), now_us);
	byte_queue_clear(&early);
}

static void write_record(struct secure *s, struct bytes data)
{
	forget_errors();
	if (SSL_write(s->ssl, data.data, (int)data.len) <= 0)
		ERR_clear_error();
}

void secure_send(struct secure *s, struct bytes packet)
{
	uint8_t framed[2 + SECURE_PACKET_MAX];

	if (s->state != SECURE_UP || packet.len == 0 || packet.len > SECURE_PACKET_MAX)
		return;
	if (!s->config.is_stream) {
		write_record(s, packet);
		return;
	}
	wire_store_u16(framed, (uint16_t)packet.len);
	memcpy(framed + 2, packet.data, packet.len);
	write_record(s, bytes_of(framed, 2 + packet.len));
	secure_flush(s);
}

void secure_close(struct secure *s)
{
	if (s->state != SECURE_UP)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(s->ssl);
	ERR_clear_error();
	secure_flush(s);
}
