/* Messages of forward_wire.h over streams. */
#include <event2/buffer.h>

#include "forward_state.h"

bool forward_say(struct forward *f, struct bufferevent *bev, const struct forward_msg *m)
{
	size_t len = forward_msg_write(m, f->message, sizeof(f->message));

	return len > 0 && bufferevent_write(bev, f->message, len) == 0;
}

enum forward_heard forward_hear(struct forward *f, struct bufferevent *bev, bool is_udp,
				struct forward_msg *m)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	uint8_t head[FORWARD_HEAD];
	size_t len;

	if (evbuffer_copyout(in, head, sizeof(head)) != FORWARD_HEAD)
		return FORWARD_PARTLY;
	len = (size_t)head[0] << 8 | head[1];
	if (!is_udp && len > FORWARD_SHORT)
		return FORWARD_MALFORMED;
	if (evbuffer_get_length(in) < FORWARD_HEAD + len)
		return FORWARD_PARTLY;
	(void)evbuffer_remove(in, f->message, FORWARD_HEAD + len);
	return forward_msg_read(bytes_of(f->message + FORWARD_HEAD, len), is_udp, m)
		       ? FORWARD_HEARD
		       : FORWARD_MALFORMED;
}
