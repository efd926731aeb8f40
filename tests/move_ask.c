/*
 * move_ask - moves an allocation from UDP to a connection (RFC 8016), where nothing but ChannelData
 * follows, for tests.
 *
 *	move_ask SERVER:PORT PEER USER PASSWORD
 *
 * PEER is an address of this host. Exit status: 0 when data of any length came through, 1 when
 * something failed, 2 for anything else.
 */
#include <config.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "raw_client.h"
#include "turn_chan.h"
#include "udp.h"

#define CHANNEL 0x4001
#define WAIT_MS 3000

static struct raw_client before, after;
static uint8_t ticket[256];
static size_t ticket_len;

static void begin_allocate(void)
{
	struct stun_builder *b = raw_request(&before, TURN_ALLOCATE);

	(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_TRANSPORT, 17);
	(void)stun_build_attr(b, STUN_ATTR_MOBILITY_TICKET, 0);
}

static bool keep_ticket(const struct raw_client *c)
{
	struct bytes value;

	if (!stun_msg_find(&c->answer, STUN_ATTR_MOBILITY_TICKET, &value) ||
	    value.len > sizeof(ticket))
		return false;
	memcpy(ticket, value.data, value.len);
	ticket_len = value.len;
	return true;
}

static bool allocate(const struct addr *peer)
{
	struct stun_builder *b;

	if (raw_challenge(&before) != 401)
		return false;
	begin_allocate();
	if (raw_ask(&before) != 0 || !keep_ticket(&before))
		return false;
	b = raw_request(&before, TURN_CHANNEL_BIND);
	(void)stun_attr_put_u32(b, STUN_ATTR_CHANNEL_NUMBER, (uint32_t)CHANNEL << 16);
	(void)stun_attr_put_xor_addr(b, STUN_ATTR_XOR_PEER_ADDRESS, peer);
	return raw_ask(&before) == 0;
}

static bool move(void)
{
	uint8_t *value;

	if (raw_challenge(&after) != 401)
		return false;
	value = stun_build_attr(raw_request(&after, TURN_REFRESH), STUN_ATTR_MOBILITY_TICKET,
				ticket_len);
	memcpy(value, ticket, ticket_len);
	return raw_ask(&after) == 0;
}

/* How many bytes of `len` came to the peer; -1: nothing did. */
static ssize_t send_channel(int peer_fd, size_t len)
{
	static uint8_t out[TURN_CHAN_HEADER_LEN + UDP_MAX + 3], in[UDP_MAX];
	struct pollfd p = { .fd = peer_fd, .events = POLLIN };

	turn_chan_put_header(out, CHANNEL, (uint16_t)len);
	if (!raw_send(&after, bytes_of(out, TURN_CHAN_HEADER_LEN + (len + 3) / 4 * 4)))
		return -1;
	return poll(&p, 1, WAIT_MS) == 1 ? recv(peer_fd, in, sizeof(in), 0) : -1;
}

static int run(int peer_fd, const struct addr *peer)
{
	static const size_t lengths[] = { 4, 5000, 60000 };

	if (!allocate(peer) || !move()) {
		printf("no allocation, or it does not move\n");
		return 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		ssize_t came = send_channel(peer_fd, lengths[i]);

		if (came != (ssize_t)lengths[i]) {
			printf("of %zu bytes came %zd\n", lengths[i], came);
			return 1;
		}
	}
	printf("moved to a connection\n");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct udp_options options = { 0 };
	struct addr server, peer, any = { 0 };
	int fd;

	if (argc != 5 || !addr_parse(argv[1], 3478, &server) || !addr_parse_ip(argv[2], 0, &peer)) {
		(void)fputs("usage: move_ask SERVER:PORT PEER USER PASSWORD\n", stderr);
		return 2;
	}
	fd = udp_open(&peer, &options, &peer);
	if (fd < 0 || !raw_open(&before, STUN_UDP, &any, &server) ||
	    !raw_open(&after, STUN_TCP, &any, &server)) {
		perror("move_ask: socket");
		return 2;
	}
	before.user = after.user = bytes_of_str(argv[3]);
	before.password = after.password = bytes_of_str(argv[4]);
	return run(fd, &peer);
}
