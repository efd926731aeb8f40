#include "forward_wire.h"

static bool read_open(struct wire *in, bool is_udp, struct forward_msg *out)
{
	struct bytes host;
	char same[FORWARD_HOST_MAX + 1];

	out->target.is_udp = is_udp;
	out->target.port = wire_get_u16(in);
	host = wire_get_bytes(in, wire_get_u8(in));
	if (in->failed || out->target.port == 0 || host.len > FORWARD_HOST_MAX ||
	    !forward_host_read(host, same) || !bytes_equal(host, bytes_of_str(same)))
		return false;
	memcpy(out->target.host, same, sizeof(same));
	out->data = wire_get_bytes(in, in->left);
	return is_udp || out->data.len == 0;
}

bool forward_msg_read(struct bytes in, bool is_udp, struct forward_msg *out)
{
	struct wire w = wire_read(in);

	*out = (struct forward_msg){ .kind = wire_get_u8(&w) };
	switch (out->kind) {
	case FORWARD_OPEN:
		return read_open(&w, is_udp, out);
	case FORWARD_OK:
		return wire_done(&w);
	case FORWARD_REFUSED:
		out->data = wire_get_bytes(&w, w.left);
		return pipe_is_word(out->data);
	case FORWARD_DATA:
		out->data = wire_get_bytes(&w, w.left);
		return is_udp;
	default:
		return false;
	}
}

size_t forward_msg_write(const struct forward_msg *m, uint8_t *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);
	const struct bytes host = bytes_of_str(m->target.host);

	wire_put_u16(&out, 0);
	wire_put_u8(&out, m->kind);
	if (m->kind == FORWARD_OPEN) {
		wire_put_u16(&out, m->target.port);
		wire_put_u8(&out, (uint8_t)host.len);
		wire_put_mem(&out, host.data, host.len);
	}
	wire_put_mem(&out, m->data.data, m->data.len);
	if (out.failed || out.len - FORWARD_HEAD > FORWARD_MSG_MAX)
		return 0;
	wire_store_u16(buf, (uint16_t)(out.len - FORWARD_HEAD));
	return out.len;
}

static const struct {
	const char *word, *text;
} texts[] = {
	{ FORWARD_NOT_ALLOWED,
	  "the other side does not allow it; start natprobe forward there with --allow for it" },
	{ FORWARD_NO_HOST, "the other side finds no address of that name; check the spelling" },
	{ FORWARD_CONN_REFUSED, "nothing listens there; start the service, or check the port" },
	{ FORWARD_TIMEOUT,
	  "it does not answer; is it running, and is natprobe forward over there?" },
	{ FORWARD_UNREACHABLE, "the other side has no route to it; check the address" },
	{ FORWARD_BUSY, "there are too many connections; end some, or try again later" },
	{ PIPE_LOST, "the path broke, or natprobe over there ended; try again" },
	{ PIPE_PROTOCOL,
	  "the other side speaks something else; is it natprobe, as new as this one?" },
};

const char *forward_word_text(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strcmp(texts[i].word, word) == 0)
			return texts[i].text;
	}
	return word;
}
