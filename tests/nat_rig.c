#include "tests/nat_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void emit(void *arg, enum nat_side side, struct bytes packet)
{
	struct rig *r = arg;
	struct rig_packet *o = &r->out[r->out_count];

	assert_true(r->out_count < RIG_PACKETS_MAX && packet.len <= sizeof(o->bytes));
	if (!packet_checksums_ok(packet))
		fail_msg("a packet of %zu bytes has a bad checksum", packet.len);
	o->side = side;
	memcpy(o->bytes, packet.data, packet.len);
	assert_true(packet_parse(bytes_of(o->bytes, packet.len), &o->packet));
	r->out_count++;
}

static void log_event(void *arg, const struct nat_event *event)
{
	struct rig *r = arg;

	assert_non_null(event->why);
	if (r->event_count < RIG_EVENTS_MAX)
		r->events[r->event_count++] = *event;
}

struct nat_config rig_config(void)
{
	struct nat_config c = { .mapping = NAT_EI,
				.filtering = NAT_APD,
				.external_count = 2,
				.externals = {
					addr_ipv4(203, 0, 113, 1, 0),
					{ .family = ADDR_IPV6,
					  .ip = { 0x20, 1, 0x0d, 0xb8, 0, 1, [15] = 1 } } } };

	return c;
}

void rig_open(struct rig *r, const struct nat_config *config, uint64_t seed)
{
	struct nat_io io = { emit, log_event, r };

	r->now_us = 1000000;
	r->out_count = r->event_count = 0;
	r->nat = nat_new(config, seed, &io);
	assert_non_null(r->nat);
}

void rig_close(struct rig *r)
{
	nat_free(r->nat);
	r->nat = NULL;
}

struct addr rig_host(unsigned which, uint16_t port)
{
	return addr_ipv4(192, 168, 1, (uint8_t)(10 + which), port);
}

struct addr rig_remote(unsigned which, uint16_t port)
{
	return addr_ipv4(198, 51, 100, (uint8_t)(10 + which), port);
}

struct addr rig_host6(unsigned which, uint16_t port)
{
	return (struct addr){ .family = ADDR_IPV6,
			      .port = port,
			      .ip = { 0xfd, [15] = (uint8_t)(10 + which) } };
}

struct addr rig_remote6(unsigned which, uint16_t port)
{
	return (struct addr){ .family = ADDR_IPV6,
			      .port = port,
			      .ip = { 0x20, 1, 0x0d, 0xb8, 0, 2, [15] = (uint8_t)(10 + which) } };
}

const struct rig_packet *rig_input(struct rig *r, enum nat_side side, struct bytes packet)
{
	r->out_count = 0;
	nat_input(r->nat, side, packet, r->now_us);
	return r->out_count > 0 ? &r->out[0] : NULL;
}

const struct rig_packet *rig_udp(struct rig *r, enum nat_side side, struct addr from,
				 struct addr to)
{
	uint8_t buf[256];
	size_t len = packet_build_udp(buf, sizeof(buf), &from, &to, BYTES("hello, world!"));

	return rig_input(r, side, bytes_of(buf, len));
}

const struct rig_packet *rig_tcp(struct rig *r, enum nat_side side, struct addr from,
				 struct addr to, uint8_t flags)
{
	uint8_t buf[256];
	struct packet_tcp tcp = { .seq = 1000, .ack = 2000, .flags = flags };
	size_t len = packet_build_tcp(buf, sizeof(buf), &from, &to, &tcp, (struct bytes){ 0 });

	return rig_input(r, side, bytes_of(buf, len));
}

const struct rig_packet *rig_icmp(struct rig *r, enum nat_side side, struct addr from,
				  struct addr to, uint8_t type, uint8_t code, uint32_t rest,
				  struct bytes data)
{
	uint8_t buf[2048];
	size_t len = packet_build_icmp(buf, sizeof(buf), &from, &to, type, code, rest, data);

	return rig_input(r, side, bytes_of(buf, len));
}

struct addr rig_map(struct rig *r, struct addr host, struct addr remote)
{
	const struct rig_packet *o = rig_udp(r, NAT_INSIDE, host, remote);

	if (o == NULL || o->side != NAT_OUTSIDE || o->packet.kind != PACKET_DATAGRAM)
		return (struct addr){ 0 };
	assert_true(addr_equal(&o->packet.destination, &remote));
	return o->packet.source;
}

bool rig_gets_in(struct rig *r, struct addr remote, struct addr external, const struct addr *host)
{
	const struct rig_packet *o = rig_udp(r, NAT_OUTSIDE, remote, external);

	if (o == NULL || o->side != NAT_INSIDE)
		return false;
	assert_true(addr_equal(&o->packet.source, &remote));
	if (host != NULL)
		assert_true(addr_equal(&o->packet.destination, host));
	return true;
}

void rig_wait(struct rig *r, uint64_t us)
{
	r->out_count = 0;
	r->now_us += us;
	(void)nat_tick(r->nat, r->now_us);
}

size_t rig_events(const struct rig *r, enum nat_event_kind kind, const char *why)
{
	size_t count = 0;

	for (size_t i = 0; i < r->event_count; i++) {
		if (r->events[i].kind == kind &&
		    (why == NULL || strcmp(r->events[i].why, why) == 0))
			count++;
	}
	return count;
}
