/* What libusrsctp is told of an association. */
#include "assoc_state.h"

#define BUFFER       (4 << 20) /* 100 Mbit/s for 300 ms */
#define RTO_MIN_MS   200
#define RTO_MAX_MS   1000
#define RTO_FIRST_MS 500
#define SACK_MS      20
#define TRIES        UINT16_MAX /* a path that is lost is no reason to give up: hours */
#define MTU_MIN      512        /* the library takes no less */

/* As the library has it; its header forgets it. */
#ifndef SCTP_PLUGGABLE_CC
#define SCTP_PLUGGABLE_CC 0x00001202
#endif

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
					  SCTP_SHUTDOWN_EVENT, SCTP_PARTIAL_DELIVERY_EVENT };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct sctp_event e = { .se_assoc_id = SCTP_FUTURE_ASSOC,
					.se_type = types[i],
					.se_on = 1 };

		if (!set(s, SCTP_EVENT, &e, sizeof(e)))
			return false;
	}
	return true;
}

struct sockaddr_conn assoc_address(const struct assoc *s)
{
	return (struct sockaddr_conn){ .sconn_family = AF_CONN,
				       .sconn_port = htons(ASSOC_PORT),
				       .sconn_addr = s->id };
}

/* Nothing is given up by count, and MTUs are found elsewhere. */
bool assoc_set_path(struct assoc *s)
{
	const struct sockaddr_conn addr = assoc_address(s);
	const struct sctp_assoc_value chunk = { .assoc_value = (uint32_t)s->packet_room };
	struct sctp_paddrparams p = { .spp_flags = SPP_HB_DISABLE | SPP_PMTUD_DISABLE,
				      .spp_pathmaxrxt = TRIES,
				      .spp_pathmtu = MTU_MIN };

	if (s->packet_room > MTU_MIN)
		p.spp_pathmtu = (uint32_t)s->packet_room;
	memcpy(&p.spp_address, &addr, sizeof(addr));
	return set(s, SCTP_PEER_ADDR_PARAMS, &p, sizeof(p)) &&
	       set(s, SCTP_MAXSEG, &chunk, sizeof(chunk));
}

/*
 * The library gives an association its first window when it is made, and anew when its congestion
 * control is chosen: in packets, of the length that assoc_set_path told.
 */
bool assoc_set_window(struct assoc *s, size_t window)
{
	const struct sctp_assoc_value control = {
		.assoc_value = usrsctp_sysctl_get_sctp_default_cc_module()
	};
	bool ok;

	usrsctp_sysctl_set_sctp_initial_cwnd((uint32_t)(window / s->packet_room + 1));
	ok = set(s, SCTP_PLUGGABLE_CC, &control, sizeof(control));
	usrsctp_sysctl_set_sctp_initial_cwnd(ASSOC_WINDOW_FIRST);
	return ok;
}

bool assoc_limit_window(struct assoc *s, size_t most)
{
	const struct sctp_assoc_value v = { .assoc_value = (uint32_t)most };

	return set(s, SCTP_MAX_CWND, &v, sizeof(v));
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

bool assoc_set_options(struct assoc *s)
{
	return usrsctp_set_non_blocking(s->so, 1) == 0 && set_buffers(s) && set_events(s) &&
	       set_timing(s) && set_on(s, SCTP_NODELAY) && set_on(s, SCTP_RECVRCVINFO) &&
	       set_value(s, SCTP_ENABLE_STREAM_RESET, SCTP_ENABLE_RESET_STREAM_REQ) &&
	       set_value(s, SCTP_PLUGGABLE_SS, SCTP_SS_ROUND_ROBIN);
}
