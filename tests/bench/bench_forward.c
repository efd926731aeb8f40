/*
 * bench_forward - CPU time of what turnd decides about each packet, as JSON: a thousand
 * allocations take turns, so that none is at hand.
 */
#include <string.h>

#include "steps.h"
#include "stun_attr.h"
#include "tests/forward_kit.h"
#include "turn_chan.h"

#define FLOWS  1000
#define LENGTH 200 /* of the data */

static struct forward_kit kit;
static struct flow *flows[FLOWS];
static struct addr peers[FLOWS];
static uint8_t channel[TURN_CHAN_HEADER_LEN + LENGTH], send[LENGTH + 64];
static struct bytes send_raw[FLOWS];
static uint8_t sends[FLOWS][LENGTH + 64];
static uint8_t room[TURND_HEADROOM + LENGTH + TURND_TAILROOM];
static struct turnd_ip ip = { .ttl = 64, .tos = 0 };

/* Whose turn it is: one far from the one before. */
static size_t next(void)
{
	static size_t at;

	at = (at + 389) % FLOWS;
	return at;
}

static bool to_peer(void)
{
	struct turnd_in in = forward_kit_in(flows[next()], bytes_of(channel, sizeof(channel)));
	struct turnd_out out;

	in.ip = ip;
	return forward_channel(&kit.t, &in, &kit.now, &out) == TURND_TO_PEER;
}

static bool to_peer_by_send(void)
{
	size_t i = next();
	struct turnd_in in = forward_kit_in(flows[i], send_raw[i]);
	struct turnd_out out;
	struct stun_msg msg;

	in.ip = ip;
	return stun_msg_parse(in.data, &msg) == STUN_OK &&
	       forward_send(&kit.t, &in, &msg, &kit.now, &out) == TURND_TO_PEER;
}

static bool to_client_from(size_t i, const struct addr *from)
{
	struct turnd_out out;

	return turnd_from_peer(&kit.t, &flows[i]->ends[0], from, room + TURND_HEADROOM, LENGTH, ip,
			       &kit.now, &out) == TURND_TO_CLIENT;
}

static bool to_client(void)
{
	size_t i = next();

	return to_client_from(i, &peers[i]);
}

static bool to_client_by_data(void)
{
	size_t i = next();
	struct addr other = addr_with_port(&peers[i], 1);

	return to_client_from(i, &other);
}

static bool to_client_denied(void)
{
	struct addr stranger = addr_ipv4(8, 8, 4, 4, 53);

	return !to_client_from(next(), &stranger);
}

static bool to_peer_limited(void)
{
	bool ok;

	kit.realm.limits.allocation_bytes_per_s = kit.realm.limits.user_bytes_per_s =
		kit.snapshot.total_bytes_per_s = UINT64_C(100000000000);
	kit.now.us++;
	ok = to_peer();
	kit.realm.limits = (struct realm_limits){ 0 };
	kit.snapshot.total_bytes_per_s = 0;
	return ok;
}

static struct bytes build_send(size_t i)
{
	static const uint8_t random[12] = { 1 };
	struct stun_tid tid = stun_tid_make(random);
	struct stun_builder b =
		stun_build(sends[i], sizeof(sends[i]), TURN_SEND, STUN_INDICATION, &tid);
	struct bytes raw = { 0 };

	(void)stun_attr_put_xor_addr(&b, STUN_ATTR_XOR_PEER_ADDRESS, &peers[i]);
	(void)stun_attr_put_bytes(&b, STUN_ATTR_DATA, bytes_of(send, LENGTH));
	(void)stun_build_finish(&b, &raw);
	return raw;
}

static const struct codec_step *load(size_t *count)
{
	static const struct codec_step steps[] = {
		{ "ChannelData to a peer", to_peer },
		{ "ChannelData to a peer, every bandwidth limited", to_peer_limited },
		{ "ChannelData to a client", to_client },
		{ "Send, parsed, to a peer", to_peer_by_send },
		{ "Data to a client", to_client_by_data },
		{ "dropped: a peer without permission", to_client_denied },
	};

	forward_kit_init(&kit);
	turn_chan_put_header(channel, FORWARD_KIT_CHANNEL, LENGTH);
	for (uint32_t i = 0; i < FLOWS; i++) {
		peers[i] = addr_ipv4(8, 8, (uint8_t)(i >> 8), (uint8_t)i, 5000);
		flows[i] = forward_kit_add(&kit, i, STUN_UDP, ADDR_IPV4);
		forward_kit_bind(&kit, flows[i], FORWARD_KIT_CHANNEL, &peers[i]);
		send_raw[i] = build_send(i);
	}
	*count = ARRAY_LEN(steps);
	return steps;
}

int main(int argc, char **argv)
{
	return steps_main("forward", "way through turnd's data path", load, argc, argv);
}
