#include "dtls_hello.h"

#define RECORD_HANDSHAKE     22
#define RECORD_HEADER_LEN    13
#define MESSAGE_HEADER_LEN   12
#define CLIENT_HELLO         1
#define HELLO_VERIFY_REQUEST 3
#define VERSION_MAJOR        0xfe
#define VERSION_DTLS_1_0     0xfeff /* RFC 6347: in every HelloVerifyRequest */
#define RANDOM_LEN           32
#define SESSION_ID_MAX       32

static uint32_t get_u24(struct wire *in)
{
	uint32_t high = wire_get_u8(in);

	return high << 16 | wire_get_u16(in);
}

static void put_u24(struct wire_out *out, uint32_t v)
{
	wire_put_u8(out, (uint8_t)(v >> 16));
	wire_put_u16(out, (uint16_t)v);
}

/* Reads the record header; the payload is what it says it has. */
static enum dtls_hello_result parse_record(struct bytes datagram, struct dtls_hello *h,
					   struct bytes *payload)
{
	struct wire in = wire_read(datagram);
	uint8_t type = wire_get_u8(&in);
	uint8_t major = wire_get_u8(&in);
	uint16_t epoch;

	wire_skip(&in, 1); /* the minor version */
	epoch = wire_get_u16(&in);
	h->record_seq = (uint64_t)wire_get_u16(&in) << 32;
	h->record_seq |= wire_get_u32(&in);
	if (in.failed || type != RECORD_HANDSHAKE || major != VERSION_MAJOR || epoch != 0)
		return DTLS_HELLO_NONE;
	*payload = wire_get_bytes(&in, wire_get_u16(&in));
	h->record = bytes_of(datagram.data, RECORD_HEADER_LEN + payload->len);
	return in.failed ? DTLS_HELLO_MALFORMED : DTLS_HELLO_OK;
}

/* Reads the handshake header; the body is that of one whole ClientHello. */
static enum dtls_hello_result parse_message(struct bytes payload, struct dtls_hello *h,
					    struct bytes *body)
{
	struct wire in = wire_read(payload);
	uint8_t type = wire_get_u8(&in);
	uint32_t len, fragment_at, fragment_len;

	if (in.failed)
		return DTLS_HELLO_MALFORMED;
	if (type != CLIENT_HELLO)
		return DTLS_HELLO_NONE;
	len = get_u24(&in);
	h->message_seq = wire_get_u16(&in);
	fragment_at = get_u24(&in);
	fragment_len = get_u24(&in);
	if (!in.failed && (fragment_at != 0 || fragment_len != len))
		return DTLS_HELLO_FRAGMENT;
	*body = wire_get_bytes(&in, len);
	return wire_done(&in) ? DTLS_HELLO_OK : DTLS_HELLO_MALFORMED;
}

static enum dtls_hello_result parse_body(struct bytes body, struct dtls_hello *h)
{
	struct wire in = wire_read(body);
	size_t session_id_len, suites_len, methods_len;

	wire_skip(&in, 2); /* client_version: OpenSSL's to judge */
	h->random = wire_get_bytes(&in, RANDOM_LEN);
	session_id_len = wire_get_u8(&in);
	wire_skip(&in, session_id_len);
	h->cookie = wire_get_bytes(&in, wire_get_u8(&in));
	suites_len = wire_get_u16(&in);
	wire_skip(&in, suites_len);
	methods_len = wire_get_u8(&in);
	wire_skip(&in, methods_len);
	if (in.failed || session_id_len > SESSION_ID_MAX || suites_len < 2 || suites_len % 2 != 0 ||
	    methods_len == 0)
		return DTLS_HELLO_MALFORMED;
	if (in.left > 0)
		wire_skip(&in, wire_get_u16(&in)); /* extensions */
	return wire_done(&in) ? DTLS_HELLO_OK : DTLS_HELLO_MALFORMED;
}

enum dtls_hello_result dtls_hello_parse(struct bytes datagram, struct dtls_hello *out)
{
	struct dtls_hello h = { 0 };
	struct bytes payload, body;
	enum dtls_hello_result rc = parse_record(datagram, &h, &payload);

	if (rc == DTLS_HELLO_OK)
		rc = parse_message(payload, &h, &body);
	if (rc == DTLS_HELLO_OK)
		rc = parse_body(body, &h);
	if (rc == DTLS_HELLO_OK)
		*out = h;
	return rc;
}

bool dtls_has_short_record(struct bytes datagram, size_t least)
{
	struct wire in = wire_read(datagram);

	while (!wire_done(&in)) {
		uint16_t epoch, len;

		wire_skip(&in, 3); /* type and version */
		epoch = wire_get_u16(&in);
		wire_skip(&in, 6); /* sequence number */
		len = wire_get_u16(&in);
		wire_skip(&in, len);
		if (in.failed)
			return false; /* cut off: not a record */
		if (epoch > 0 && len < least)
			return true;
	}
	return false;
}

struct bytes dtls_hello_verify_request(const struct dtls_hello *hello, struct bytes cookie,
				       uint8_t buf[static DTLS_VERIFY_MAX])
{
	struct wire_out out = wire_write(buf, DTLS_VERIFY_MAX);
	uint32_t body_len = 3 + (uint32_t)cookie.len;

	wire_put_u8(&out, RECORD_HANDSHAKE);
	wire_put_u16(&out, VERSION_DTLS_1_0);
	wire_put_u16(&out, 0); /* epoch */
	wire_put_u16(&out, (uint16_t)(hello->record_seq >> 32));
	wire_put_u32(&out, (uint32_t)hello->record_seq);
	wire_put_u16(&out, (uint16_t)(MESSAGE_HEADER_LEN + body_len));
	wire_put_u8(&out, HELLO_VERIFY_REQUEST);
	put_u24(&out, body_len);
	wire_put_u16(&out, 0); /* message_seq: always the first of the server */
	put_u24(&out, 0);
	put_u24(&out, body_len);
	wire_put_u16(&out, VERSION_DTLS_1_0);
	wire_put_u8(&out, (uint8_t)cookie.len);
	wire_put_mem(&out, cookie.data, cookie.len);
	return wire_written(&out);
}
