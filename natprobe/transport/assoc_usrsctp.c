/* assoc by libusrsctp. */
#include "assoc.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <usrsctp.h>

#include "list.h"

#define PORT            5000      /* of both ends, as WebRTC has it */
#define BUFFER          (4 << 20) /* 100 Mbit/s for 300 ms */
#define CHUNKS_MAX      16384
#define UNSENT_MAX      65536
#define MESSAGE_MAX     65536
#define TICK_US         10000
#define IDLE_TICK_US    500000
#define BUSY_US         500000 /* after which nothing of the library's is due where all has arrived */
#define RTO_MIN_MS      200
#define RTO_MAX_MS      1000
#define RTO_FIRST_MS    500
#define SACK_MS         20
#define TRIES           UINT16_MAX /* a path that is lost is no reason to give up: hours */
#define RESETS_MAX      64
#define PIECE_PACKETS   4
#define DATA_HEADER_LEN 16
#define MTU_MIN         512 /* the library takes no less */

struct assoc {
	struct list link;
	void *id; /* the library's address of the other side; never used again */
	struct socket *so;
	struct assoc_config config;
	struct sctp_watch watch;
	uint64_t handed; /* bytes of data */
	uint64_t busy_until_us;
	size_t packet_room; /* for chunks */
	bool is_up, is_over, is_in_message;
	uint16_t resets[RESETS_MAX]; /* streams of a notification not told yet */
	uint8_t reset_count, reset_kind;
	alignas(8) uint8_t message[MESSAGE_MAX];
};

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

static int on_output(void *addr, void *buf, size_t len, uint8_t tos, uint8_t set_df)
{
	struct assoc *s = find(addr);

	if (s == NULL)
		return 0;
	sctp_watch_output(&s->watch, bytes_of(buf, len));
	s->config.on_packet(s->config.arg, bytes_of(buf, len));
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
	usrsctp_sysctl_set_sctp_ecn_enable(0);
	usrsctp_sysctl_set_sctp_asconf_enable(0);
	usrsctp_sysctl_set_sctp_auth_enable(0);
	usrsctp_sysctl_set_sctp_nrsack_enable(0);
	usrsctp_sysctl_set_sctp_pktdrop_enable(0);
	usrsctp_sysctl_set_sctp_max_chunks_on_queue(CHUNKS_MAX);
	usrsctp_sysctl_set_sctp_max_burst_default(0);
	usrsctp_sysctl_set_sctp_initial_cwnd(10);
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

static bool set(struct assoc *s, int option, const void *value, size_t len)
{
	return usrsctp_setsockopt(s->so, IPPROTO_SCTP, option, value, (socklen_t)len) == 0;
}

static bool set_on(struct assoc *s, int option)
{
	int on = 1;

	return set(s, option, &on, sizeof(on));
}

static bool set_value(struct assoc *s, int option, uint32_t value)
{
	struct sctp_assoc_value v = { .assoc_id = SCTP_FUTURE_ASSOC, .assoc_value = value };

	return set(s, option, &v, sizeof(v));
}

static bool set_events(struct assoc *s)
{
	static const uint16_t types[] = { SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT,
					  SCTP_SHUTDOWN_EVENT };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct sctp_event e = { .se_assoc_id = SCTP_FUTURE_ASSOC,
					.se_type = types[i],
					.se_on = 1 };

		if (!set(s, SCTP_EVENT, &e, sizeof(e)))
			return false;
	}
	return true;
}

static struct sockaddr_conn address_of(const struct assoc *s)
{
	return (struct sockaddr_conn){ .sconn_family = AF_CONN,
				       .sconn_port = htons(PORT),
				       .sconn_addr = s->id };
}

/* Nothing is given up by count, and MTUs are found elsewhere. */
static bool set_path(struct assoc *s, size_t mtu)
{
	const struct sockaddr_conn addr = address_of(s);
	size_t room = (mtu - ASSOC_HEADER_LEN) & ~(size_t)3;
	struct sctp_paddrparams p = {
		.spp_assoc_id = SCTP_FUTURE_ASSOC,
		.spp_flags = SPP_HB_DISABLE | SPP_PMTUD_DISABLE,
		.spp_pathmaxrxt = TRIES,
	};

	s->packet_room = room > MTU_MIN ? room : MTU_MIN;
	p.spp_pathmtu = (uint32_t)s->packet_room;
	memcpy(&p.spp_address, &addr, sizeof(addr));
	return set(s, SCTP_PEER_ADDR_PARAMS, &p, sizeof(p));
}

static bool set_timing(struct assoc *s)
{
	struct sctp_rtoinfo rto = { .srto_initial = RTO_FIRST_MS,
				    .srto_max = RTO_MAX_MS,
				    .srto_min = RTO_MIN_MS };
	struct sctp_assocparams assoc = { .sasoc_asocmaxrxt = TRIES };
	struct sctp_initmsg init = { .sinit_num_ostreams = ASSOC_STREAMS,
				     .sinit_max_instreams = ASSOC_STREAMS,
				     .sinit_max_attempts = TRIES,
				     .sinit_max_init_timeo = RTO_MAX_MS };
	struct sctp_sack_info sack = { .sack_delay = SACK_MS, .sack_freq = 2 };

	return set(s, SCTP_RTOINFO, &rto, sizeof(rto)) &&
	       set(s, SCTP_ASSOCINFO, &assoc, sizeof(assoc)) &&
	       set(s, SCTP_INITMSG, &init, sizeof(init)) &&
	       set(s, SCTP_DELAYED_SACK, &sack, sizeof(sack));
}

static bool set_buffers(struct assoc *s)
{
	int size = BUFFER;
	struct linger abort_at_close = { .l_onoff = 1 };

	return usrsctp_setsockopt(s->so, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0 &&
	       usrsctp_setsockopt(s->so, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0 &&
	       usrsctp_setsockopt(s->so, SOL_SOCKET, SO_LINGER, &abort_at_close,
				  sizeof(abort_at_close)) == 0;
}

static bool set_options(struct assoc *s)
{
	return usrsctp_set_non_blocking(s->so, 1) == 0 && set_buffers(s) && set_events(s) &&
	       set_timing(s) && set_on(s, SCTP_NODELAY) && set_on(s, SCTP_RECVRCVINFO) &&
	       set_value(s, SCTP_ENABLE_STREAM_RESET, SCTP_ENABLE_RESET_STREAM_REQ) &&
	       set_value(s, SCTP_PLUGGABLE_SS, SCTP_SS_ROUND_ROBIN);
}

static bool associate(struct assoc *s, size_t mtu)
{
	struct sockaddr_conn addr = address_of(s);

	if (usrsctp_bind(s->so, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		return false;
	if (usrsctp_connect(s->so, (struct sockaddr *)&addr, sizeof(addr)) != 0 &&
	    errno != EINPROGRESS)
		return false;
	return set_path(s, mtu);
}

struct assoc *assoc_new(const struct assoc_config *config, size_t mtu, uint64_t now_us)
{
	struct assoc *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	library_set_up(now_us);
	advance(now_us);
	s->config = *config;
	s->watch.on_sent = config->on_sent;
	s->watch.arg = config->arg;
	s->id = (void *)++library.last_id; // NOLINT: a name, not an address
	list_init(&s->link);
	list_append(&library.all, &s->link);
	usrsctp_register_address(s->id);
	s->so = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
	if (s->so != NULL && set_options(s) && associate(s, mtu))
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
	(void)set_path(s, mtu);
}

static void touch(struct assoc *s)
{
	s->busy_until_us = library.now_us + BUSY_US;
}

void assoc_input(struct assoc *s, struct bytes packet, uint64_t now_us)
{
	advance(now_us);
	touch(s);
	sctp_watch_input(&s->watch, packet);
	usrsctp_conninput(s->id, packet.data, packet.len, 0);
}

void assoc_on_time(struct assoc *s, uint64_t now_us)
{
	advance(now_us);
	if (!s->is_up || !assoc_is_idle(s))
		touch(s);
}

uint64_t assoc_next_us(const struct assoc *s)
{
	bool is_busy = !s->is_up || !assoc_is_idle(s) || library.now_us < s->busy_until_us;

	return library.now_us + (is_busy ? TICK_US : IDLE_TICK_US);
}

static void association_changed(struct assoc *s, const struct sctp_assoc_change *change,
				struct assoc_event *out)
{
	switch (change->sac_state) {
	case SCTP_COMM_UP:
		s->is_up = true;
		out->kind = ASSOC_UP;
		break;
	case SCTP_SHUTDOWN_COMP:
		s->is_over = true;
		out->kind = ASSOC_LEFT;
		break;
	case SCTP_COMM_LOST:
	case SCTP_RESTART:
	case SCTP_CANT_STR_ASSOC:
		s->is_over = true;
		out->kind = ASSOC_LOST;
		break;
	default:
		break;
	}
}

/* Keeps what a notification names; it is told one by one. */
static void streams_reset(struct assoc *s, const struct sctp_stream_reset_event *e)
{
	size_t n = (e->strreset_length - sizeof(*e)) / sizeof(e->strreset_stream_list[0]);

	s->reset_kind = ASSOC_RESET_DONE;
	if (e->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN)
		s->reset_kind = ASSOC_RESET;
	else if (e->strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED))
		s->reset_kind = ASSOC_RESET_FAILED;
	s->reset_count = 0;
	for (size_t i = 0; i < n && s->reset_count < RESETS_MAX; i++)
		s->resets[s->reset_count++] = e->strreset_stream_list[i];
}

/* False: it tells nothing. */
static bool notified(struct assoc *s, struct bytes data, struct assoc_event *out)
{
	const union sctp_notification *n = (const void *)data.data;

	if (data.len < sizeof(n->sn_header) || n->sn_header.sn_length > data.len)
		return false;
	if (n->sn_header.sn_type == SCTP_ASSOC_CHANGE)
		association_changed(s, &n->sn_assoc_change, out);
	else if (n->sn_header.sn_type == SCTP_STREAM_RESET_EVENT)
		streams_reset(s, &n->sn_strreset_event);
	return out->kind != ASSOC_NONE;
}

static bool take_reset(struct assoc *s, struct assoc_event *out)
{
	if (s->reset_count == 0)
		return false;
	*out = (struct assoc_event){ .kind = s->reset_kind, .stream = s->resets[--s->reset_count] };
	return true;
}

static void message_came(struct assoc *s, size_t len, const struct sctp_rcvinfo *info, int flags,
			 struct assoc_event *out)
{
	bool ends = (flags & MSG_EOR) != 0;

	*out = (struct assoc_event){ .kind = ASSOC_MESSAGE,
				     .stream = info->rcv_sid,
				     .ppid = ntohl(info->rcv_ppid),
				     .is_first = !s->is_in_message,
				     .is_whole = ends && !s->is_in_message,
				     .data = bytes_of(s->message, len) };
	s->is_in_message = !ends;
}

/* Reads one thing. False: there is none. */
static bool read_one(struct assoc *s, struct assoc_event *out)
{
	struct sctp_rcvinfo info = { 0 };
	socklen_t info_len = sizeof(info), from_len = 0;
	unsigned int info_type = 0;
	int flags = 0;
	ssize_t n = usrsctp_recvv(s->so, s->message, sizeof(s->message), NULL, &from_len, &info,
				  &info_len, &info_type, &flags);

	if (n <= 0)
		return false;
	if (flags & MSG_NOTIFICATION)
		(void)notified(s, bytes_of(s->message, (size_t)n), out);
	else if (info_type == SCTP_RECVV_RCVINFO)
		message_came(s, (size_t)n, &info, flags, out);
	return true;
}

void assoc_take(struct assoc *s, struct assoc_event *out)
{
	*out = (struct assoc_event){ 0 };
	while (out->kind == ASSOC_NONE && !take_reset(s, out)) {
		if (s->is_over || !read_one(s, out))
			return;
	}
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
	if (assoc_is_idle(s))
		library.is_stale = true;
	s->handed += m->data.len;
	if (usrsctp_sendv(s->so, m->data.data, m->data.len, NULL, 0, &spa, sizeof(spa),
			  SCTP_SENDV_SPA, 0) >= 0)
		return ASSOC_SEND_OK;
	s->handed -= m->data.len;
	return errno == EWOULDBLOCK || errno == ENOBUFS ? ASSOC_SEND_FULL : ASSOC_SEND_FAILED;
}

bool assoc_reset(struct assoc *s, const uint16_t *streams, size_t n)
{
	alignas(8) uint8_t buf[sizeof(struct sctp_reset_streams) + RESETS_MAX * sizeof(uint16_t)];
	struct sctp_reset_streams *r = (void *)buf;

	if (n > RESETS_MAX)
		return false;
	memset(buf, 0, sizeof(buf));
	r->srs_flags = SCTP_STREAM_RESET_OUTGOING;
	r->srs_number_streams = (uint16_t)n;
	memcpy(r->srs_stream_list, streams, n * sizeof(streams[0]));
	return set(s, SCTP_RESET_STREAMS, r, sizeof(*r) + n * sizeof(streams[0]));
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
