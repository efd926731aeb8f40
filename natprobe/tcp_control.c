#include "tcp_control.h"

#include "stun_stream.h"

/* How much longer than the handshake took the answer on a connection is waited for. */
#define ANSWER_TAIL_US 2000000

void tcp_control_start(struct tcp_control *c, size_t server_count, uint64_t at_us)
{
	*c = (struct tcp_control){ .server_count = server_count, .next_us = at_us };
}

bool tcp_control_is_due(const struct tcp_control *c, uint64_t now_us)
{
	return c->server_count > 0 && c->count < TCP_CONTROL_MAX && now_us >= c->next_us &&
	       !tcp_control_is_answered(c);
}

uint64_t tcp_control_deadline_us(const struct tcp_control *c)
{
	return c->count < TCP_CONTROL_MAX ? c->next_us : UINT64_MAX;
}

static uint64_t next_gap_us(const struct tcp_control *c, const struct discover_timing *t)
{
	if (c->count < c->server_count)
		return t->first_gap_us;
	return (uint64_t)t->tcp_gap_us << (c->count - c->server_count);
}

uint8_t tcp_control_connect(struct tcp_control *c, const struct discover_timing *t,
			    const uint8_t random[static 12], uint64_t now_us, struct bytes *request)
{
	struct tcp_connection *conn = &c->connections[c->count];
	struct stun_builder b;

	*conn = (struct tcp_connection){
		.server = (uint8_t)(c->count % c->server_count),
		.begun = true,
		.begun_us = now_us,
		.tid = stun_tid_make(random),
	};
	b = stun_build(c->request, sizeof(c->request), STUN_BINDING, STUN_REQUEST, &conn->tid);
	*request = (struct bytes){ 0 };
	(void)stun_build_finish(&b, request);
	c->count++;
	c->next_us = now_us + next_gap_us(c, t);
	return (uint8_t)(c->count - 1);
}

void tcp_control_on_connected(struct tcp_control *c, uint8_t connection, const struct addr *local,
			      uint64_t now_us)
{
	struct tcp_connection *conn = &c->connections[connection];

	if (conn->connected || conn->closed)
		return;
	conn->connected = true;
	conn->local = *local;
	conn->connected_us = now_us;
}

/* Any answer shows that somebody is there; only a success tells an address. */
static void read_answer(struct tcp_connection *conn, struct bytes frame)
{
	struct probe_answer answer = { 0 };
	struct stun_msg msg;

	if (stun_msg_parse(frame, &msg) != STUN_OK || msg.method != STUN_BINDING ||
	    (msg.class != STUN_SUCCESS && msg.class != STUN_ERROR) ||
	    !stun_tid_equal(&msg.tid, &conn->tid))
		return;
	conn->answered = true;
	if (msg.class == STUN_ERROR)
		return;
	probe_read_answer(&msg, &answer);
	if (answer.mapped.family == conn->local.family)
		conn->mapped = answer.mapped;
}

static void note_rtt(struct tcp_control *c, const struct tcp_connection *conn, uint64_t now_us)
{
	uint64_t handshake_us = conn->connected_us - conn->begun_us;
	uint64_t answer_us = now_us - conn->connected_us;
	uint64_t rtt_us = handshake_us > answer_us ? handshake_us : answer_us;

	if (rtt_us == 0)
		rtt_us = 1;
	if (c->rtt_us == 0 || rtt_us < c->rtt_us)
		c->rtt_us = rtt_us;
}

void tcp_control_on_data(struct tcp_control *c, uint8_t connection, struct bytes data,
			 uint64_t now_us)
{
	struct tcp_connection *conn = &c->connections[connection];
	size_t room = sizeof(conn->data) - conn->len;
	size_t n = data.len < room ? data.len : room;
	struct bytes frame;
	size_t used;

	if (n == 0 || !conn->connected || conn->closed || conn->answered)
		return;
	memcpy(conn->data + conn->len, data.data, n);
	conn->len += n;
	if (stun_stream_next(bytes_of(conn->data, conn->len), sizeof(conn->data), &frame, &used) ==
	    STUN_OK)
		read_answer(conn, frame);
	if (conn->answered)
		note_rtt(c, conn, now_us);
}

void tcp_control_on_closed(struct tcp_control *c, uint8_t connection)
{
	c->connections[connection].closed = true;
}

bool tcp_control_is_answered(const struct tcp_control *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->connections[i].answered)
			return true;
	}
	return false;
}

bool tcp_control_has_failed(const struct tcp_control *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (!c->connections[i].closed)
			return false;
	}
	return c->count > 0;
}

bool tcp_control_is_hopeful(const struct tcp_control *c, uint64_t now_us)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct tcp_connection *conn = &c->connections[i];
		uint64_t handshake_us = conn->connected_us - conn->begun_us;

		if (conn->connected && !conn->closed && !conn->answered &&
		    now_us < conn->connected_us + handshake_us + ANSWER_TAIL_US)
			return true;
	}
	return false;
}

bool tcp_control_hang_up(struct tcp_control *c, uint8_t *connection)
{
	for (size_t i = 0; i < c->count; i++) {
		struct tcp_connection *conn = &c->connections[i];

		if (conn->closed || conn->hung_up)
			continue;
		conn->hung_up = true;
		*connection = (uint8_t)i;
		return true;
	}
	return false;
}
