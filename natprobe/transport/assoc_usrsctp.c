/* assoc by libusrsctp. */
#include <errno.h>
#include <stdlib.h>

#include "assoc_state.h"
#include "sctp_cut.h"

#define CHUNKS_MAX      16384 /* in the library's queues */
#define UNSENT_MAX      16384 /* bytes in them: what comes next shall not wait long */
#define TICK_US         10000
#define IDLE_TICK_US    500000
#define BUSY_US         500000 /* after which nothing of the library's is due where all has arrived */
#define PIECE_PACKETS   4
#define DATA_HEADER_LEN 16

/* Of the whole process, as the library is. */
static struct {
	bool is_set_up;
	struct list all;
	uintptr_t last_id;
	uint64_t now_us;
	uint64_t rest_us; /* of a tick not told yet */
	bool is_stale;    /* its timers start from a moment that is long past */
} library;

bool assoc_is_built(void)
{
	return true;
}

static struct assoc *find(const void *id)
{
	for (struct list *l = library.all.next; l != &library.all; l = l->next) {
		struct assoc *s = LIST_OF(l, struct assoc, link);

		if (s->id == id)
			return s;
	}
	return NULL;
}

/* One packet of the path; its checksum is ours to make (RFC 9260, section 6.8). */
static void emit(struct assoc *s, struct bytes header, struct bytes chunks)
{
	size_t len = ASSOC_HEADER_LEN + chunks.len;
	uint32_t crc;

	if (len > sizeof(s->packet))
		return;
	memcpy(s->packet, header.data, ASSOC_HEADER_LEN - sizeof(crc));
	memset(s->packet + ASSOC_HEADER_LEN - sizeof(crc), 0, sizeof(crc));
	memcpy(s->packet + ASSOC_HEADER_LEN, chunks.data, chunks.len);
	crc = usrsctp_crc32c(s->packet, len);
	memcpy(s->packet + ASSOC_HEADER_LEN - sizeof(crc), &crc, sizeof(crc));
	s->config.on_packet(s->config.arg, bytes_of(s->packet, len));
}

static int on_output(void *addr, void *buf, size_t len, uint8_t tos, uint8_t set_df)
{
	struct assoc *s = find(addr);
	struct bytes packet = bytes_of(buf, len), part;
	struct wire rest = wire_read(packet);
	uint64_t sent;

	if (s == NULL)
		return 0;
	sent = s->watch.sent;
	sctp_watch_output(&s->watch, packet);
	sctp_hold_output(&s->hold, packet);
	if (s->is_timely && s->watch.sent != sent)
		window_gauge_sent(&s->gauge, s->watch.tsn_last, library.now_us);
	wire_skip(&rest, ASSOC_HEADER_LEN);
	while (sctp_cut(&rest, s->packet_room, &part))
		emit(s, packet, part);
	return 0;
}

static void library_set_up(uint64_t now_us)
{
	if (library.is_set_up)
		return;
	library.is_set_up = true;
	library.now_us = now_us;
	list_init(&library.all);
	usrsctp_init_nothreads(0, on_output, NULL);
	usrsctp_enable_crc32c_offload(); /* what comes in is authentic already */
	usrsctp_sysctl_set_sctp_ecn_enable(0);
	usrsctp_sysctl_set_sctp_asconf_enable(0);
	usrsctp_sysctl_set_sctp_auth_enable(0);
	usrsctp_sysctl_set_sctp_nrsack_enable(0);
	usrsctp_sysctl_set_sctp_pktdrop_enable(0);
	usrsctp_sysctl_set_sctp_max_chunks_on_queue(CHUNKS_MAX);
	usrsctp_sysctl_set_sctp_max_burst_default(0);
	usrsctp_sysctl_set_sctp_max_retran_chunk(0);
	usrsctp_sysctl_set_sctp_initial_cwnd(ASSOC_WINDOW_FIRST);
	usrsctp_sysctl_set_sctp_default_cc_module(SCTP_CC_RFC2581);
}

/* Tells the library of the time that has gone by; its own unit is a millisecond. */
static void advance(uint64_t now_us)
{
	uint64_t gone;

	if (now_us <= library.now_us)
		return;
	gone = now_us - library.now_us + library.rest_us;
	library.now_us = now_us;
	if (library.is_stale) {
		library.is_stale = false;
		return;
	}
	library.rest_us = gone % 1000;
	if (gone >= 1000)
		usrsctp_handle_timers((uint32_t)(gone / 1000));
}

static size_t room_of(size_t mtu)
{
	return (mtu - ASSOC_HEADER_LEN) & ~(size_t)3;
}

static bool associate(struct assoc *s)
{
	struct sockaddr_conn addr = assoc_address(s);

	if (usrsctp_bind(s->so, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		return false;
	if (usrsctp_connect(s->so, (struct sockaddr *)&addr, sizeof(addr)) != 0 &&
	    errno != EINPROGRESS)
		return false;
	return assoc_set_path(s);
}

struct assoc *assoc_new(const struct assoc_config *config, size_t mtu, uint64_t now_us)
{
	struct assoc *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	library_set_up(now_us);
	advance(now_us);
	s->config = *config;
	s->packet_room = room_of(mtu);
	s->watch.on_sent = config->on_sent;
	s->watch.arg = config->arg;
	s->id = (void *)++library.last_id; // NOLINT: a name, not an address
	list_init(&s->link);
	list_append(&library.all, &s->link);
	usrsctp_register_address(s->id);
	s->so = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
	if (s->so != NULL && assoc_set_options(s) && associate(s))
		return s;
	assoc_free(s);
	return NULL;
}

void assoc_free(struct assoc *s)
{
	if (s == NULL)
		return;
	if (s->so != NULL)
		usrsctp_close(s->so);
	usrsctp_deregister_address(s->id);
	list_remove(&s->link);
	free(s);
}

void assoc_set_mtu(struct assoc *s, size_t mtu)
{
	s->packet_room = room_of(mtu);
	(void)assoc_set_path(s);
}

void assoc_renew_path(struct assoc *s, size_t mtu)
{
	s->gauge = (struct window_gauge){ 0 };
	s->least = 0;
	(void)assoc_limit_window(s, 0);
	assoc_set_mtu(s, mtu);
}

static void touch(struct assoc *s)
{
	s->busy_until_us = library.now_us + BUSY_US;
}

/* A loss has made the window smaller, or there was none while the queues ran empty. */
static void restore_window(struct assoc *s, bool was_draining)
{
	if (s->least == 0 || (s->watch.retransmitted == s->again && !was_draining))
		return;
	s->again = s->watch.retransmitted;
	(void)assoc_set_window(s, s->least);
}

/* The window follows what arrives in each round trip. */
static void gauge(struct assoc *s)
{
	const struct window_view v = { .now_us = library.now_us,
				       .tsn_last = s->watch.tsn_last,
				       .tsn_seen = s->watch.tsn_seen,
				       .delivered = s->watch.delivered,
				       .sent = s->watch.sent,
				       .again = s->watch.retransmitted,
				       .is_starved = s->handed == s->watch.sent };
	bool was_draining = s->gauge.is_draining;
	struct assoc_state state = { 0 };

	if (!s->watch.has_ack || s->is_over)
		return;
	if (window_gauge_update(&s->gauge, &v)) {
		s->least = window_gauge_least(&s->gauge);
		(void)assoc_limit_window(s, window_gauge_most(&s->gauge));
		assoc_state_of(s, &state);
		if (state.window < s->least)
			(void)assoc_set_window(s, s->least);
	}
	restore_window(s, was_draining && !s->gauge.is_draining);
}

static void read_held(struct assoc *s)
{
	struct bytes packet;

	if (sctp_hold_release(&s->hold, &packet))
		usrsctp_conninput(s->id, packet.data, packet.len, 0);
}

void assoc_input(struct assoc *s, struct bytes packet, uint64_t now_us)
{
	if (packet.len > sizeof(s->message))
		return;
	advance(now_us);
	touch(s);
	sctp_watch_input(&s->watch, packet);
	packet = sctp_hold_input(&s->hold, packet, s->message);
	s->is_timely = true;
	usrsctp_conninput(s->id, packet.data, packet.len, 0);
	s->is_timely = false;
	read_held(s);
	gauge(s);
}

void assoc_on_time(struct assoc *s, uint64_t now_us)
{
	advance(now_us);
	read_held(s);
	if (!s->is_up || !assoc_is_idle(s))
		touch(s);
}

uint64_t assoc_next_us(const struct assoc *s)
{
	bool is_busy = !s->is_up || !assoc_is_idle(s) || library.now_us < s->busy_until_us;

	return library.now_us + (is_busy ? TICK_US : IDLE_TICK_US);
}

size_t assoc_piece(const struct assoc *s)
{
	return PIECE_PACKETS * (s->packet_room - DATA_HEADER_LEN);
}

size_t assoc_room(const struct assoc *s)
{
	uint64_t unsent = s->handed - s->watch.sent;

	return s->is_up && !s->is_over && unsent < UNSENT_MAX ? UNSENT_MAX - (size_t)unsent : 0;
}

enum assoc_send_result assoc_send(struct assoc *s, const struct assoc_message *m)
{
	struct sctp_sendv_spa spa = { .sendv_flags = SCTP_SEND_SNDINFO_VALID };
	bool was_idle;

	spa.sendv_sndinfo.snd_sid = m->stream;
	spa.sendv_sndinfo.snd_ppid = htonl(m->ppid);
	if (m->is_unordered)
		spa.sendv_sndinfo.snd_flags |= SCTP_UNORDERED;
	if (m->limit != ASSOC_LIMIT_NONE) {
		spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
		spa.sendv_prinfo.pr_policy =
			m->limit == ASSOC_LIMIT_TIMES ? SCTP_PR_SCTP_RTX : SCTP_PR_SCTP_TTL;
		spa.sendv_prinfo.pr_value = m->limit_value;
	}
	was_idle = assoc_is_idle(s);
	s->handed += m->data.len;
	if (usrsctp_sendv(s->so, m->data.data, m->data.len, NULL, 0, &spa, sizeof(spa),
			  SCTP_SENDV_SPA, 0) >= 0) {
		library.is_stale = library.is_stale || was_idle;
		return ASSOC_SEND_OK;
	}
	s->handed -= m->data.len;
	return errno == EWOULDBLOCK || errno == ENOBUFS ? ASSOC_SEND_FULL : ASSOC_SEND_FAILED;
}

bool assoc_reset(struct assoc *s, const uint16_t *streams, size_t n)
{
	alignas(8) uint8_t
		buf[sizeof(struct sctp_reset_streams) + ASSOC_RESETS_MAX * sizeof(uint16_t)];
	struct sctp_reset_streams *r = (void *)buf;

	if (n == 0 || n > ASSOC_RESETS_MAX) /* none would be all */
		return false;
	memset(buf, 0, sizeof(buf));
	r->srs_flags = SCTP_STREAM_RESET_OUTGOING;
	r->srs_number_streams = (uint16_t)n;
	memcpy(r->srs_stream_list, streams, n * sizeof(streams[0]));
	return usrsctp_setsockopt(s->so, IPPROTO_SCTP, SCTP_RESET_STREAMS, r,
				  (socklen_t)(sizeof(*r) + n * sizeof(streams[0]))) == 0;
}

void assoc_shutdown(struct assoc *s)
{
	(void)usrsctp_shutdown(s->so, SHUT_WR);
}

bool assoc_is_idle(const struct assoc *s)
{
	return s->handed == s->watch.sent &&
	       (!s->watch.has_tsn || sctp_watch_is_acked(&s->watch, s->watch.tsn_last));
}

void assoc_copy_header(const struct assoc *s, uint8_t out[static ASSOC_HEADER_LEN])
{
	memcpy(out, s->packet, ASSOC_HEADER_LEN);
}

const struct sctp_watch *assoc_watch(const struct assoc *s)
{
	return &s->watch;
}

void assoc_state_of(const struct assoc *s, struct assoc_state *out)
{
	struct sctp_status status = { 0 };
	socklen_t len = sizeof(status);

	*out = (struct assoc_state){ 0 };
	if (!s->is_up || usrsctp_getsockopt(s->so, IPPROTO_SCTP, SCTP_STATUS, &status, &len) != 0)
		return;
	out->rtt_us = status.sstat_primary.spinfo_srtt * 1000;
	out->window = status.sstat_primary.spinfo_cwnd;
}
