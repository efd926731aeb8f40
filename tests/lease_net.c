#include "tests/lease_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define DELAY_US   1000
#define SETTLES_US 60000000ULL
#define START_US   1000000

static const struct lease_config home_config = {
	.transport = PORTMAP_UDP,
	.keep = true,
	.lifetime_s = 7200,
	.nonce = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 },
	.seed = 5,
};

static void open_box(struct lease_net *n)
{
	rig_open(&n->rig, &n->box, 7);
	n->now_us = n->rig.now_us = START_US;
	n->rng = 11;
}

void lease_net_open(struct lease_net *n, bool pcp, bool nat_pmp)
{
	*n = (struct lease_net){ .box = rig_config(), .config = home_config };
	n->box.gateway = addr_ipv4(192, 168, 1, 1, 0);
	n->box.pcp = pcp;
	n->box.nat_pmp = nat_pmp;
	n->config.internal = rig_host(0, 4900);
	n->config.gateway = n->box.gateway;
	open_box(n);
}

void lease_net_open6(struct lease_net *n)
{
	*n = (struct lease_net){ .box = rig_config(), .config = home_config };
	n->box.mapping = NAT_NONE;
	n->box.gateway = (struct addr){ .family = ADDR_IPV6, .ip = { 0xfd, [15] = 1 } };
	n->box.pcp = true;
	n->config.internal = rig_host6(0, 4900);
	n->config.gateway = n->box.gateway;
	open_box(n);
}

void lease_net_close(struct lease_net *n)
{
	rig_close(&n->rig);
}

void lease_net_start(struct lease_net *n)
{
	lease_start(&n->lease, &n->config, n->now_us);
}

static bool is_lost(struct lease_net *n)
{
	n->rng = n->rng * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(n->rng >> 11) / (double)(1ULL << 53) < n->loss;
}

static void deliver(struct lease_net *n, struct bytes datagram)
{
	const struct addr from = addr_with_port(&n->config.gateway, PORTMAP_PORT);

	if (!is_lost(n))
		lease_on_datagram(&n->lease, &from, datagram, n->now_us);
}

static void send(struct lease_net *n, struct bytes data)
{
	const struct addr to = addr_with_port(&n->config.gateway, PORTMAP_PORT);
	const struct addr from = addr_with_port(&n->config.internal, 40000);
	uint8_t buf[256];
	size_t len = packet_build_udp(buf, sizeof(buf), &from, &to, data);

	n->sent++;
	if (n->gateway_is_off || is_lost(n))
		return;
	rig_wait(&n->rig, n->now_us - n->rig.now_us);
	const struct rig_packet *o = rig_input(&n->rig, NAT_INSIDE, bytes_of(buf, len));
	if (o == NULL || o->side != NAT_INSIDE || o->packet.kind != PACKET_DATAGRAM)
		return;
	n->now_us += DELAY_US;
	deliver(n, o->packet.data);
}

static void act(struct lease_net *n)
{
	struct lease_action a;

	for (unsigned i = 0;; i++) {
		enum lease_kind kind = lease_next(&n->lease, n->now_us, &a);

		assert_true(i < 100);
		if (kind == LEASE_WAIT)
			return;
		if (kind == LEASE_SEND) {
			send(n, bytes_of(a.data, a.len));
			continue;
		}
		n->upnp_asked++;
		n->upnp = a.upnp;
		if (!n->upnp_is_slow)
			lease_on_upnp(&n->lease, &n->upnp_says, n->now_us);
	}
}

static void run_to(struct lease_net *n, uint64_t end_us, bool until_settled)
{
	for (unsigned i = 0; i < 100000; i++) {
		act(n);
		if (until_settled && lease_is_settled(&n->lease))
			return;
		uint64_t next_us = lease_deadline_us(&n->lease);

		assert_true(next_us > n->now_us);
		if (next_us > end_us)
			break;
		n->now_us = next_us;
	}
	n->now_us = end_us;
}

void lease_net_run(struct lease_net *n, uint64_t us)
{
	run_to(n, n->now_us + us, false);
}

void lease_net_settle(struct lease_net *n)
{
	run_to(n, n->now_us + SETTLES_US, true);
	assert_true(lease_is_settled(&n->lease));
}

void lease_net_reboot(struct lease_net *n)
{
	rig_wait(&n->rig, n->now_us - n->rig.now_us);
	nat_flush(n->rig.nat, n->now_us);
}

bool lease_net_is_open(struct lease_net *n)
{
	bool is_ipv6 = n->config.internal.family == ADDR_IPV6;
	struct addr remote = is_ipv6 ? rig_remote6(3, 777) : rig_remote(3, 777);

	rig_wait(&n->rig, n->now_us - n->rig.now_us);
	return rig_gets_in(&n->rig, remote, n->lease.grant.external, &n->config.internal);
}

void lease_net_hear(struct lease_net *n, struct bytes datagram)
{
	const struct addr from = addr_with_port(&n->config.gateway, PORTMAP_PORT);

	lease_on_datagram(&n->lease, &from, datagram, n->now_us);
	act(n);
}
