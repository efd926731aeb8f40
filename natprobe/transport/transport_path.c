/* The path of a transport, and the session that it has there. */
#include "transport_state.h"

#define TCP_MTU 1200 /* chunks cut for TCP may have to leave over UDP later */

size_t transport_mtu(const struct transport *t)
{
	return t->is_tcp ? TCP_MTU : t->frame_max - SECURE_OVERHEAD;
}

static void on_frame(void *arg, struct bytes frame)
{
	struct transport *t = arg;

	if (t->path != NULL)
		t->config.on_output(t->config.arg, frame);
}

static void on_packet_in(void *arg, struct bytes packet)
{
	struct transport *t = arg;

	transport_associate(t);
	if (t->is_over)
		return;
	t->counts.packets_in++;
	assoc_input(t->assoc, packet, t->now_us);
}

void transport_expect(struct transport *t,
		      const uint8_t fingerprint[static IDENTITY_FINGERPRINT_LEN])
{
	if (!transport_begin(t, t->now_us))
		return;
	memcpy(t->expected, fingerprint, sizeof(t->expected));
	t->is_known = true;
	if (t->path != NULL)
		secure_expect(t->path, t->expected, t->now_us);
	transport_end(t);
}

/* DTLS goes on where it was; TLS begins anew with each connection. */
static struct secure **session_for(struct transport *t, bool is_tcp)
{
	struct secure **s = is_tcp ? &t->tls : &t->dtls;

	if (*s != NULL && (is_tcp || secure_state(*s) > SECURE_UP)) {
		secure_free(*s);
		*s = NULL;
	}
	return s;
}

static struct secure *session_new(struct transport *t, bool is_tcp)
{
	const struct secure_config config = { .identity = t->config.identity,
					      .is_client = t->config.is_client,
					      .is_stream = is_tcp,
					      .frame_max = t->frame_max,
					      .on_frame = on_frame,
					      .on_packet = on_packet_in,
					      .arg = t };

	return secure_new(&config);
}

static uint16_t bounded(uint16_t frame_max)
{
	if (frame_max < TRANSPORT_FRAME_MIN)
		return TRANSPORT_FRAME_MIN;
	return frame_max < TRANSPORT_FRAME_MAX ? frame_max : TRANSPORT_FRAME_MAX;
}

void transport_use_path(struct transport *t, bool is_tcp, uint16_t frame_max, uint64_t now_us)
{
	struct secure **session;

	if (!transport_begin(t, now_us))
		return;
	t->path = NULL;
	t->is_tcp = is_tcp;
	session = session_for(t, is_tcp);
	transport_set_frame_max(t, frame_max);
	if (*session == NULL)
		*session = session_new(t, is_tcp);
	t->path = *session;
	if (t->path == NULL) {
		transport_fail(t, TRANSPORT_MEMORY, "memory has run out");
	} else {
		secure_set_frame_max(t->path, t->frame_max);
		secure_hurry(t->path, t->now_us);
		if (t->assoc != NULL)
			assoc_renew_path(t->assoc, transport_mtu(t));
		if (t->is_known)
			secure_expect(t->path, t->expected, t->now_us);
	}
	transport_end(t);
}

void transport_set_frame_max(struct transport *t, uint16_t frame_max)
{
	if (t->is_failed)
		return;
	t->frame_max = bounded(frame_max);
	if (t->path != NULL)
		secure_set_frame_max(t->path, t->frame_max);
	if (t->assoc != NULL)
		assoc_set_mtu(t->assoc, transport_mtu(t));
}

void transport_lose_path(struct transport *t)
{
	transport_enter(t);
	t->path = NULL;
	transport_leave(t);
}
