/*
 * forward - the data path: Send and ChannelData to a peer, and what peers send, to the client
 * (RFC 8656, section 11, 12.6 and 14 to 16). One lookup and one header; no allocation, no lock,
 * no log line.
 */
#ifndef NATKIT_FORWARD_H
#define NATKIT_FORWARD_H

#include "turnd_state.h"

/* ChannelData of a client. */
enum turnd_step forward_channel(struct turnd *t, const struct turnd_in *in,
				const struct turnd_now *now, struct turnd_out *out);

/* A Send indication; `msg` is what in->data parsed to. */
enum turnd_step forward_send(struct turnd *t, const struct turnd_in *in, const struct stun_msg *msg,
			     const struct turnd_now *now, struct turnd_out *out);

#endif
