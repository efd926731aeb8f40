/*
 * Who may connect to a port of ours that is connected to the server, and what meets a SYN that may
 * not (RFC 5382, REQ-3 and REQ-4). We listen on the port of a connection that stands, and the
 * server connects to where it saw that: from another port, from its other address, and from that
 * with another port. A silence counts after 10 s: a NAT may complain after 6 s.
 */
#include "deep_kit.h"
#include "deep_trials.h"
#include "stun_stream.h"

#define WAIT_MS     10000
#define CONNECT_US  14000000 /* until our connection stands, and the server has told its end */
#define STREAM_MAX  512
#define LOWEST_PORT 1024

enum attempt {
	OTHER_PORT,
	OTHER_ADDRESS,
	OTHER_BOTH,
	UNMAPPED, /* to a port that nobody has mapped; told only where all else gets in */
	UNMAPPED_TOO,
	ATTEMPTS,
};

struct tcp {
	bool begun, over, listens, is_unable, is_placed, no_connection, local_error;
	uint16_t tcp, listener, socket;
	uint16_t greeting; /* the order that shows our address over UDP */
	struct addr mapped, mapped_udp;
	uint8_t stream[STREAM_MAX], request[64];
	size_t stream_len;
	uint16_t orders[ATTEMPTS];
	uint8_t outcomes[ATTEMPTS]; /* enum coop_outcome; 0: none yet */
	uint64_t ends_us;
};

static bool applies(const struct deep *d)
{
	return deep_cooperates(d) && deep_other(d)->family != ADDR_NONE;
}

static void start(struct deep *d, void *state)
{
	struct tcp *s = state;

	s->begun = true;
	s->listener = DEEP_NO_SOCKET;
	s->ends_us = deep_now_us(d) + CONNECT_US;
	s->tcp = deep_connect(d, 0, &deep_config(d)->server);
	s->socket = deep_open(d, 0);
	s->local_error = s->tcp == DEEP_NO_SOCKET || s->socket == DEEP_NO_SOCKET;
	s->over = s->local_error;
	if (!s->over)
		s->greeting = deep_kit_ask(d, s->socket, NULL);
}

static void ask(struct deep *d, struct tcp *s)
{
	struct stun_builder b;
	uint8_t random[12];
	struct stun_tid tid;
	struct bytes msg;

	deep_random(d, random, sizeof(random));
	tid = stun_tid_make(random);
	b = stun_build(s->request, sizeof(s->request), STUN_BINDING, STUN_REQUEST, &tid);
	if (stun_build_finish(&b, &msg) == STUN_OK)
		deep_write(d, s->tcp, msg);
}

static void on_connected(struct deep *d, void *state, uint16_t tcp)
{
	struct tcp *s = state;
	uint16_t port = deep_tcp_local(d, s->tcp)->port;

	if (tcp == s->listener) {
		s->listens = true;
		return;
	}
	if (tcp != s->tcp)
		return;
	ask(d, s);
	s->listener = port != 0 ? deep_listen(d, port) : DEEP_NO_SOCKET;
	s->local_error |= s->listener == DEEP_NO_SOCKET;
}

static void on_stream(struct deep *d, void *state, uint16_t tcp, struct bytes data)
{
	struct tcp *s = state;
	struct bytes frame, value;
	struct stun_msg m;
	size_t used;

	if (tcp != s->tcp || data.len > sizeof(s->stream) - s->stream_len)
		return;
	memcpy(s->stream + s->stream_len, data.data, data.len);
	s->stream_len += data.len;
	if (stun_stream_next(bytes_of(s->stream, s->stream_len), sizeof(s->stream), &frame,
			     &used) == STUN_OK &&
	    stun_msg_parse(frame, &m) == STUN_OK &&
	    stun_msg_find(&m, STUN_ATTR_XOR_MAPPED_ADDRESS, &value))
		(void)stun_attr_get_xor_addr(value, &m.tid, &s->mapped);
}

static void on_closed(struct deep *d, void *state, uint16_t tcp, int err)
{
	struct tcp *s = state;

	if (tcp == s->tcp && !s->is_placed)
		s->no_connection = true;
	else if (tcp == s->listener && !s->listens)
		s->local_error = true;
}

static void on_accepted(struct deep *d, void *state, uint16_t listener, uint16_t tcp,
			const struct addr *from)
{
	deep_disconnect(d, tcp);
}

static void on_report(struct deep *d, void *state, uint16_t socket, uint16_t order_id,
		      const struct addr *from, const struct coop_answer *answer)
{
	struct tcp *s = state;

	if (order_id == s->greeting)
		s->mapped_udp = answer->mapped;
	for (size_t i = 0; i < ATTEMPTS; i++) {
		if (s->orders[i] != order_id || order_id == 0)
			continue;
		if (answer->report.outcome > COOP_DONE)
			s->outcomes[i] = answer->report.outcome;
		if (i != OTHER_ADDRESS && answer->report.outcome == COOP_UNABLE)
			s->is_unable = true;
	}
}

static void on_order_lost(struct deep *d, void *state, uint16_t socket, uint16_t order_id)
{
	struct tcp *s = state;

	if (order_id == s->greeting)
		s->over = true;
	for (size_t i = 0; i < ATTEMPTS; i++) {
		if (s->orders[i] == order_id && order_id != 0)
			s->outcomes[i] = COOP_BUSY;
	}
}

static uint16_t unmapped_port(struct deep *d, const struct tcp *s)
{
	uint16_t port;

	do {
		deep_random(d, &port, sizeof(port));
	} while (port < LOWEST_PORT || port == s->mapped.port);
	return port;
}

static void place(struct deep *d, struct tcp *s)
{
	static const uint16_t flags[ATTEMPTS] = {
		[OTHER_PORT] = COOP_ANY_PORT,
		[OTHER_ADDRESS] = COOP_CHANGE_IP,
		[OTHER_BOTH] = COOP_CHANGE_IP | COOP_ANY_PORT,
		[UNMAPPED] = COOP_ANY_PORT,
		[UNMAPPED_TOO] = COOP_CHANGE_IP | COOP_ANY_PORT,
	};

	s->is_placed = true;
	for (size_t i = 0; i < ATTEMPTS; i++) {
		struct coop_order o = { .kind = COOP_CONNECT,
					.flags = flags[i],
					.count = 1,
					.wait_ms = WAIT_MS,
					.port = s->mapped.port };

		if (i >= UNMAPPED)
			o.port = unmapped_port(d, s);
		s->orders[i] = deep_order(d, s->socket, NULL, &o, 0);
	}
	s->ends_us = deep_now_us(d) + 2 * WAIT_MS * 1000ull + 8 * deep_rtt_us(d);
}

static bool has_all(const struct tcp *s)
{
	for (size_t i = 0; i < ATTEMPTS; i++) {
		if (s->outcomes[i] == 0)
			return false;
	}
	return true;
}

static void step(struct deep *d, void *state)
{
	struct tcp *s = state;

	if (s->over)
		return;
	if (!s->is_placed && s->listens && s->mapped.family != ADDR_NONE &&
	    addr_equal_ip(&s->mapped, &s->mapped_udp))
		place(d, s);
	s->over = has_all(s) || s->no_connection || s->local_error || s->is_unable ||
		  deep_now_us(d) >= s->ends_us;
	if (!s->over)
		return;
	deep_disconnect(d, s->tcp);
	deep_disconnect(d, s->listener);
	deep_close(d, s->socket);
}

static uint64_t deadline_us(const struct deep *d, const void *state)
{
	return ((const struct tcp *)state)->ends_us;
}

static bool is_over(const struct deep *d, const void *state)
{
	return ((const struct tcp *)state)->over;
}

static bool is_told(const struct tcp *s, enum attempt a)
{
	return s->outcomes[a] >= COOP_CONNECTED && s->outcomes[a] <= COOP_TIMED_OUT;
}

static bool gets_in(const struct tcp *s, enum attempt a)
{
	return s->outcomes[a] == COOP_CONNECTED;
}

static enum verdict_cause obstacle(const struct deep *d, const struct tcp *s,
				   enum verdict_cause early)
{
	if (!s->begun)
		return deep_cooperates(d) ? CAUSE_NO_OTHER_ADDRESS : deep_kit_obstacle(d);
	if (s->is_unable)
		return CAUSE_NO_COOPERATION;
	if (s->is_placed)
		return is_told(s, OTHER_PORT) && is_told(s, OTHER_BOTH) ? CAUSE_NONE
		       : early != CAUSE_NONE                            ? early
									: CAUSE_LOSS;
	if (s->local_error)
		return CAUSE_LOCAL_ERROR;
	if (s->mapped.family != ADDR_NONE && s->mapped_udp.family != ADDR_NONE &&
	    !addr_equal_ip(&s->mapped, &s->mapped_udp))
		return CAUSE_AMBIGUOUS; /* the server connects to where UDP comes from */
	return early != CAUSE_NONE ? early : CAUSE_TCP_SILENT;
}

static void conclude_filter(const struct tcp *s, struct verdict_deep *out)
{
	bool port = gets_in(s, OTHER_PORT), address = gets_in(s, OTHER_ADDRESS);
	bool both = gets_in(s, OTHER_BOTH);
	enum deep_filter filter = DEEP_FILTER_MIXED;

	if (port == both && !is_told(s, OTHER_ADDRESS)) {
		deep_set_unknown(out, DEEP_FILTERING_TCP, CAUSE_NO_COOPERATION);
		return;
	}
	if (port && both)
		filter = address ? DEEP_FILTER_ENDPOINT_INDEPENDENT : DEEP_FILTER_MIXED;
	else if (port && !address)
		filter = DEEP_FILTER_ADDRESS_DEPENDENT;
	else if (!port && !both)
		filter = address ? DEEP_FILTER_PORT_DEPENDENT
				 : DEEP_FILTER_ADDRESS_AND_PORT_DEPENDENT;
	deep_set_word(out, DEEP_FILTERING_TCP, filter);
}

/* By what did not get in to our port; by other ports where all did. The loudest counts. */
static void conclude_reaction(const struct tcp *s, struct verdict_deep *out)
{
	bool is_open = gets_in(s, OTHER_PORT) && gets_in(s, OTHER_BOTH);
	unsigned first = is_open ? UNMAPPED : OTHER_PORT, end = is_open ? ATTEMPTS : UNMAPPED;
	bool seen[COOP_TIMED_OUT + 1] = { false };

	for (unsigned i = first; i < end; i++) {
		if (is_told(s, (enum attempt)i))
			seen[s->outcomes[i]] = true;
	}
	if (seen[COOP_RESET])
		deep_set_word(out, DEEP_SYN_REACTION, DEEP_SYN_RST);
	else if (seen[COOP_UNREACHABLE])
		deep_set_word(out, DEEP_SYN_REACTION, DEEP_SYN_ICMP);
	else if (seen[COOP_TIMED_OUT])
		deep_set_word(out, DEEP_SYN_REACTION, DEEP_SYN_SILENT);
	else if (is_open && seen[COOP_CONNECTED])
		deep_set_word(out, DEEP_SYN_REACTION, DEEP_SYN_ACCEPTED);
	else
		deep_set_unknown(out, DEEP_SYN_REACTION, CAUSE_LOSS);
}

static void end(struct deep *d, void *state, enum verdict_cause early, struct verdict *v)
{
	const struct tcp *s = state;
	enum verdict_cause cause = obstacle(d, s, early);

	if (cause != CAUSE_NONE) {
		deep_kit_unknown(v, DEEP_FILTERING_TCP, cause);
		deep_kit_unknown(v, DEEP_SYN_REACTION, cause);
		return;
	}
	conclude_filter(s, &v->deep);
	conclude_reaction(s, &v->deep);
}

const struct deep_trial deep_tcp_filter = {
	.name = "TCP from outside",
	.state_size = sizeof(struct tcp),
	.applies = applies,
	.start = start,
	.step = step,
	.on_report = on_report,
	.on_order_lost = on_order_lost,
	.on_connected = on_connected,
	.on_accepted = on_accepted,
	.on_stream = on_stream,
	.on_closed = on_closed,
	.deadline_us = deadline_us,
	.is_over = is_over,
	.end = end,
};
