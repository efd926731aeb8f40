/* What an association has to tell: messages, and what libusrsctp notifies of. */
#include "assoc_state.h"

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
	for (size_t i = 0; i < n && s->reset_count < ASSOC_STREAMS; i++)
		s->resets[s->reset_count++] = e->strreset_stream_list[i];
}

/* All that it sent was read before; what is left of the procedure may be lost on the way. */
static void goodbye_came(struct assoc *s, struct assoc_event *out)
{
	s->is_over = true;
	out->kind = ASSOC_LEFT;
}

/* False: it tells nothing. */
static bool notified(struct assoc *s, struct bytes data, struct assoc_event *out)
{
	const union sctp_notification *n = (const void *)data.data;

	if (data.len < sizeof(n->sn_header) || n->sn_header.sn_length > data.len)
		return false;
	if (n->sn_header.sn_type == SCTP_ASSOC_CHANGE)
		association_changed(s, &n->sn_assoc_change, out);
	else if (n->sn_header.sn_type == SCTP_SHUTDOWN_EVENT)
		goodbye_came(s, out);
	else if (n->sn_header.sn_type == SCTP_PARTIAL_DELIVERY_EVENT)
		s->is_in_message = false; /* the rest of it will never come */
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
