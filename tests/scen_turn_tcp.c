/* RFC 6062 told in virtual time: connections to peers and from them, joined, refused, forgotten. */
#include "turnd_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PEER_IP 91, 80, 9, 9

static struct rig r;
static struct rig_client control, data; /* of one user; at first at one worker */
static int control_link, data_link, socket_of_peer;

static void begin(void)
{
	rig_init(&r);
	r.snapshot.tcp_relay = true;
	r.workers = RIG_WORKERS;
}

static void allocate(struct rig_client *c)
{
	struct stun_builder *b;

	if (!c->challenged)
		assert_int_equal(rig_challenge(c), 401);
	b = rig_request(c, TURN_ALLOCATE);
	(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_TRANSPORT, TURN_PROTOCOL_TCP);
	assert_int_equal(rig_ask(c), 0);
}

static void start(void)
{
	rig_start(&r);
	rig_client(&control, &r, 1);
	control.tuple.transport = STUN_TCP;
	control.link = &control_link;
	allocate(&control);
	data = control; /* nonce and all, from another port */
	data.tuple.client.port = 2;
	data.link = &data_link;
	r.later = 0;
}

static struct addr peer_at(uint16_t port)
{
	return addr_ipv4(PEER_IP, port);
}

static uint16_t connect_to(struct rig_client *c, const struct addr *peer)
{
	(void)stun_attr_put_xor_addr(rig_request(c, TURN_CONNECT), STUN_ATTR_XOR_PEER_ADDRESS,
				     peer);
	return rig_ask(c);
}

static uint16_t connect_port(uint16_t port)
{
	struct addr peer = peer_at(port);

	return connect_to(&control, &peer);
}

static uint16_t bind_id(struct rig_client *c, uint32_t id)
{
	(void)stun_attr_put_u32(rig_request(c, TURN_CONNECTION_BIND), STUN_ATTR_CONNECTION_ID, id);
	return rig_ask(c);
}

/* What the client was sent by itself; signed with its key where it is an answer. */
static struct stun_msg later(void)
{
	struct stun_msg msg;

	assert_int_equal(stun_msg_parse(bytes_of(r.later_data, r.later_len), &msg), STUN_OK);
	if (msg.class != STUN_INDICATION)
		assert_int_equal(stun_auth_check(&msg, &control.key), STUN_AUTH_OK);
	return msg;
}

static uint32_t later_id(void)
{
	struct stun_msg msg = later();
	struct bytes value;
	uint32_t id;

	assert_true(stun_msg_find(&msg, STUN_ATTR_CONNECTION_ID, &value));
	assert_int_equal(stun_attr_get_u32(value, &id), STUN_OK);
	return id;
}

static uint16_t later_code(void)
{
	struct stun_msg msg = later();
	struct stun_error error;
	struct bytes value;

	assert_int_equal(msg.class, STUN_ERROR);
	assert_true(stun_msg_find(&msg, STUN_ATTR_ERROR_CODE, &value));
	assert_int_equal(stun_attr_get_error(value, &error), STUN_OK);
	return error.code;
}

static void is_connected(int error)
{
	assert_non_null(r.connecting);
	r.connecting->shell = &socket_of_peer;
	turnd_connected(r.worker[0].turnd, r.connecting, error, &r.now);
	r.connecting = NULL;
}

/* A connection that waits to be bound. Returns its number. */
static uint32_t connected(uint16_t port)
{
	size_t before = r.later;

	assert_int_equal(connect_port(port), RIG_NOTHING);
	assert_int_equal(r.later, before);
	is_connected(0);
	assert_int_equal(r.later, before + 1);
	return later_id();
}

static size_t alive(void)
{
	size_t count = tcp_table_count(r.worker[0].turnd->tcp);

	assert_int_equal(counter_read(&turnd_stats(r.worker[0].turnd)->tcp_peers), count);
	return count;
}

static struct relay_end *end_of_control(void)
{
	return &alloc_table_find(r.worker[0].turnd->allocs, &control.tuple)->flow.ends[0];
}

static bool attempt(const struct addr *from)
{
	return turnd_accepted(r.worker[0].turnd, end_of_control(), from, &socket_of_peer, &r.now);
}

static void a_connection_is_made_and_joined(void **state)
{
	struct stun_tid asked;
	struct stun_msg msg;
	uint32_t id;

	begin();
	start();
	assert_int_equal(connect_port(80), RIG_NOTHING);
	asked = control.b.tid;
	rig_pass(&r, TCP_PEER_CONNECT_MS - 1);
	is_connected(0);
	msg = later();
	assert_int_equal(msg.class, STUN_SUCCESS);
	assert_int_equal(msg.method, TURN_CONNECT);
	assert_true(stun_tid_equal(&msg.tid, &asked));
	id = later_id();

	rig_pass(&r, TCP_PEER_BIND_MS - 1);
	assert_int_equal(bind_id(&data, id), 0);
	assert_int_equal(r.step, TURND_JOIN);
	assert_ptr_equal(r.out.connection, &socket_of_peer);
	assert_int_equal(r.out.connection_id, id);
	assert_int_equal(bind_id(&data, id), 400); /* once */
	rig_pass(&r, TCP_PEER_BIND_MS);
	assert_int_equal(alive(), 1);

	turnd_peer_ended(r.worker[0].turnd, id);
	assert_int_equal(alive(), 0);
	assert_int_equal(r.peers_closed, 0); /* it had ended by itself */
	(void)connected(80);
	rig_stop(&r);
	assert_int_equal(r.peers_closed, 1);
}

static void answers_that_come_later_are_as_others(void **state)
{
	begin();
	rig_start(&r);
	rig_client(&control, &r, 1);
	control.tuple.transport = STUN_TLS;
	control.link = &control_link;
	control.sha256 = control.fingerprint = true;
	allocate(&control);
	(void)connected(80);
	assert_int_not_equal(later().integrity_sha256, 0);
	assert_int_equal(later().integrity, 0);
	assert_int_not_equal(later().fingerprint, 0);
	rig_stop(&r);
}

static void connecting_is_refused(void **state)
{
	struct addr none = peer_at(0), inside = addr_ipv4(10, 0, 0, 9, 80), v6;
	struct rig_client other;

	begin();
	r.realms[0].limits.tcp_connections = 2;
	start();
	assert_true(addr_parse_ip("2a01:4f8::9", 80, &v6));
	rig_client(&other, &r, 3);
	other.tuple.transport = STUN_TCP;
	assert_int_equal(rig_challenge(&other), 401);
	assert_int_equal(connect_to(&other, &none), 437);
	assert_int_equal(connect_to(&data, &none),
			 438); /* a nonce is for one port but for binding */
	assert_int_equal(connect_to(&control, &none), 400);
	(void)rig_request(&control, TURN_CONNECT);
	assert_int_equal(rig_ask(&control), 400);
	assert_int_equal(connect_to(&control, &inside), 403);
	assert_true(control.is_signed);
	assert_int_equal(connect_to(&control, &v6), 443);

	other = control;
	other.user = BYTES("bob");
	other.password = BYTES("swordfish");
	assert_int_equal(connect_to(&other, &v6), 441);

	assert_int_equal(connect_port(80), RIG_NOTHING);
	assert_int_equal(connect_port(80), 446); /* at work */
	is_connected(0);
	assert_int_equal(connect_port(80), 446); /* waiting */
	assert_int_equal(bind_id(&data, later_id()), 0);
	assert_int_equal(connect_port(80), 446); /* joined */
	(void)connected(81);
	assert_int_equal(connect_port(82), 508);
	turnd_peer_ended(r.worker[0].turnd, r.out.connection_id);
	rig_stop(&r);
}

static void an_allocation_for_datagrams_connects_to_nobody(void **state)
{
	struct addr peer = peer_at(80);

	begin();
	rig_start(&r);
	rig_client(&control, &r, 1);
	assert_int_equal(rig_allocate(&control), 0);
	assert_int_equal(connect_to(&control, &peer), 437);
	rig_stop(&r);
}

static void where_it_is_off_nothing_of_it_is_known(void **state)
{
	struct addr peer = peer_at(80);

	begin();
	r.snapshot.tcp_relay = false;
	rig_start(&r);
	rig_client(&control, &r, 1);
	control.tuple.transport = STUN_TCP;
	assert_int_equal(rig_challenge(&control), 401);
	assert_int_equal(connect_to(&control, &peer), RIG_NOTHING);
	assert_int_equal(bind_id(&control, 0), RIG_NOTHING);
	assert_null(r.connecting);
	rig_stop(&r);
}

static void failures_are_told(void **state)
{
	begin();
	start();
	r.connect_error = EADDRINUSE;
	assert_int_equal(connect_port(80), 447); /* at once */
	r.connect_error = 0;
	assert_int_equal(alive(), 0);

	assert_int_equal(connect_port(80), RIG_NOTHING); /* by the peer */
	is_connected(ECONNREFUSED);
	assert_int_equal(later_code(), 447);
	assert_int_equal(alive(), 0);
	assert_int_equal(r.peers_closed, 0);

	assert_int_equal(connect_port(80), RIG_NOTHING); /* by nobody */
	rig_pass(&r, TCP_PEER_CONNECT_MS - 1);
	assert_int_equal(r.later, 1);
	rig_pass(&r, 1);
	assert_int_equal(r.later, 2);
	assert_int_equal(later_code(), 447);
	assert_int_equal(r.peers_closed, 1);
	assert_int_equal(alive(), 0);
	rig_stop(&r);
}

static void binding_is_refused(void **state)
{
	struct rig_client other;
	uint32_t id;

	begin();
	start();
	id = connected(80);
	(void)rig_request(&data, TURN_CONNECTION_BIND);
	assert_int_equal(rig_ask(&data), 400);
	assert_int_equal(bind_id(&data, id + 1), 400);
	assert_int_equal(bind_id(&data, id | UINT32_C(0xff) << 24), 400); /* no such worker */
	assert_int_equal(bind_id(&data, id | UINT32_C(3) << 24), 400);    /* not known there */
	assert_int_equal(bind_id(&control, id), 400);
	data.tuple.transport = STUN_UDP;
	assert_int_equal(bind_id(&data, id), 400);
	data.tuple.transport = STUN_TCP;

	other = data;
	other.user = BYTES("bob");
	other.password = BYTES("swordfish");
	assert_int_equal(bind_id(&other, id), 400);
	other.password = BYTES("wrong");
	assert_int_equal(bind_id(&other, id), 401);
	data.challenged = false;
	assert_int_equal(bind_id(&data, id), 401);
	data.challenged = true;
	assert_int_equal(bind_id(&data, id), 0);
	rig_stop(&r);
}

static void who_does_not_bind_in_time_is_closed(void **state)
{
	uint32_t id;

	begin();
	start();
	id = connected(80);
	rig_pass(&r, TCP_PEER_BIND_MS);
	assert_int_equal(r.peers_closed, 1);
	assert_int_equal(alive(), 0);
	assert_int_equal(bind_id(&data, id), 400);
	assert_int_equal(r.later, 1); /* nothing is said */
	rig_stop(&r);
}

static void peers_with_permission_are_announced(void **state)
{
	struct addr from = peer_at(4000), other = addr_ipv4(91, 80, 9, 8, 4000), seen;
	struct stun_msg msg;
	struct bytes value;

	begin();
	start();
	assert_false(attempt(&from));
	assert_int_equal(r.later, 0);
	assert_int_equal(rig_permit(&control, &from), 0);
	assert_false(attempt(&other));
	assert_true(attempt(&from));
	assert_int_equal(r.later, 1);
	msg = later();
	assert_int_equal(msg.class, STUN_INDICATION);
	assert_int_equal(msg.method, TURN_CONNECTION_ATTEMPT);
	assert_true(stun_msg_find(&msg, STUN_ATTR_XOR_PEER_ADDRESS, &value));
	assert_int_equal(stun_attr_get_xor_addr(value, &msg.tid, &seen), STUN_OK);
	assert_true(addr_equal(&seen, &from));
	assert_int_equal(connect_to(&control, &from), 446);
	assert_int_equal(bind_id(&data, later_id()), 0);
	assert_ptr_equal(r.out.connection, &socket_of_peer);

	from.port = 4001;
	assert_true(attempt(&from));
	rig_pass(&r, TCP_PEER_BIND_MS);
	assert_int_equal(r.peers_closed, 1);
	rig_pass(&r, PEERS_PERMISSION_MS - TCP_PEER_BIND_MS);
	assert_false(attempt(&from)); /* the permission has ended */
	assert_int_equal(alive(), 1);
	rig_stop(&r);
}

static void incoming_connections_are_limited(void **state)
{
	struct addr from = peer_at(4000);

	begin();
	r.realms[0].limits.tcp_connections = 2;
	start();
	assert_int_equal(rig_permit(&control, &from), 0);
	(void)connected(80);
	assert_true(attempt(&from));
	from.port++;
	assert_false(attempt(&from));
	rig_stop(&r);
}

static void all_end_with_the_allocation(void **state)
{
	uint32_t id;

	begin();
	start();
	id = connected(80);
	assert_int_equal(bind_id(&data, id), 0);
	(void)connected(81);
	assert_int_equal(connect_port(82), RIG_NOTHING);
	assert_int_equal(rig_refresh(&control, 0), 0);
	assert_int_equal(later_code(), 447); /* what was asked is answered before */
	assert_int_equal(r.peers_closed, 3);
	assert_int_equal(alive(), 0);

	allocate(&control);
	(void)connected(80);
	turnd_link_ended(r.worker[0].turnd, &control.tuple, &control_link, &r.now);
	assert_int_equal(r.peers_closed, 4);
	turnd_peer_ended(r.worker[0].turnd, id); /* a word that comes late */

	allocate(&control);
	id = connected(80);
	assert_int_equal(bind_id(&data, id), 0);
	rig_pass(&r, 600000);
	assert_int_equal(r.peers_closed, 5);
	assert_int_equal(turnd_count(r.worker[0].turnd), 0);
	rig_stop(&r);
}

static void another_worker_gets_the_connection(void **state)
{
	const struct tcp_peer *p;
	uint32_t id;

	begin();
	start();
	id = connected(80);
	assert_int_equal(tcp_peer_worker(id), 0);
	data.worker = 2;
	assert_int_equal(bind_id(&data, id), 0);
	assert_int_equal(r.step, TURND_JOIN);
	assert_ptr_equal(r.out.connection, &socket_of_peer);
	assert_int_equal(r.out.connection_id, id);
	p = tcp_table_find(r.worker[0].turnd->tcp, id);
	assert_int_equal(p->worker, 2); /* whom close_peer has to tell */
	assert_null(p->shell);
	assert_int_equal(bind_id(&data, id), 400);
	turnd_peer_ended(r.worker[0].turnd, id);
	assert_int_equal(alive(), 0);
	rig_stop(&r);
}

static void a_gift_that_is_not_used_is_closed(void **state)
{
	struct turnd_ask ask = { .kind = TURND_ASK_CONNECTION, .from = 2 };
	struct turnd_gift gift;

	begin();
	start();
	ask.user = alloc_table_find(r.worker[0].turnd->allocs, &control.tuple)->user;
	ask.realm = r.realms[0].id;
	ask.connection = connected(80);
	turnd_answer(r.worker[0].turnd, &ask, &r.now, &gift);
	assert_int_equal(gift.code, 0);
	turnd_return(r.worker[0].turnd, &gift, &r.now); /* the client had gone */
	assert_int_equal(r.peers_closed, 1);
	assert_int_equal(alive(), 0);

	ask.connection = connected(80);
	turnd_answer(r.worker[0].turnd, &ask, &r.now, &gift);
	assert_int_equal(rig_refresh(&control, 0), 0); /* closed by a message to worker 2 */
	assert_int_equal(r.peers_closed, 2);
	turnd_return(r.worker[0].turnd, &gift, &r.now);
	assert_int_equal(r.peers_closed, 3);

	allocate(&control);
	ask.connection = connected(80);
	turnd_answer(r.worker[0].turnd, &ask, &r.now, &gift);
	data.worker = 2;
	data.gift = &gift;
	data.password = BYTES("no longer that"); /* or a nonce that is stale by now */
	assert_int_equal(bind_id(&data, ask.connection), 401);
	assert_int_equal(r.peers_closed, 4);
	rig_stop(&r);
}

static void a_reload_closes_what_is_denied_now(void **state)
{
	struct policy_rules *rules;
	struct policy *stricter;
	const char *why;

	begin();
	start();
	assert_int_equal(bind_id(&data, connected(80)), 0);
	rules = policy_rules_new(true);
	assert_true(policy_rules_add(rules, POLICY_DENY, "91.80.9.0/24", &why));
	stricter = policy_new(rules, NULL, &why);
	assert_non_null(stricter);
	turnd_use_snapshot(r.worker[0].turnd, &r.snapshot, r.now.us);
	assert_int_equal(r.peers_closed, 0);
	r.realms[0].peers = stricter;
	turnd_use_snapshot(r.worker[0].turnd, &r.snapshot, r.now.us);
	assert_int_equal(r.peers_closed, 1);
	assert_int_equal(alive(), 0);
	r.realms[0].peers = r.peers;
	rig_stop(&r);
	policy_free(stricter);
	policy_rules_free(rules);
}

static void relays_of_this_server_are_reached_the_short_way(void **state)
{
	struct rig_client other;
	struct addr relayed, local, from;

	begin();
	start();
	rig_client(&other, &r, 9);
	other.tuple.transport = STUN_TCP;
	other.link = &other;
	allocate(&other);
	relayed = alloc_table_find(r.worker[0].turnd->allocs, &other.tuple)->flow.ends[0].relayed;
	assert_int_equal(connect_to(&control, &relayed), RIG_NOTHING);
	local = addr_ipv4(10, 0, 0, 5, relayed.port);
	assert_true(addr_equal(&r.connecting->dial, &local));
	assert_true(addr_equal(&r.connecting->peer, &relayed));
	is_connected(0);
	relayed.port = 49251 == relayed.port ? 49152 : 49251;
	assert_int_equal(connect_to(&control, &relayed), 403); /* no relay has that port */

	/* And back: the client knows it by its public address. */
	local = addr_ipv4(10, 0, 0, 5, end_of_control()->local.port);
	from = end_of_control()->relayed;
	assert_int_equal(rig_permit(&other, &from), 0);
	r.later = 0;
	assert_true(turnd_accepted(
		r.worker[0].turnd,
		&alloc_table_find(r.worker[0].turnd->allocs, &other.tuple)->flow.ends[0], &local,
		&socket_of_peer, &r.now));
	assert_int_equal(r.later, 1);
	rig_stop(&r);
}

/* Behind it another program of this host may listen. */
static void a_relay_for_datagrams_is_none_for_streams(void **state)
{
	struct rig_client other;
	struct addr relayed;

	begin();
	start();
	rig_client(&other, &r, 9);
	assert_int_equal(rig_allocate(&other), 0);
	relayed = alloc_table_find(r.worker[0].turnd->allocs, &other.tuple)->flow.ends[0].relayed;
	assert_int_equal(connect_to(&control, &relayed), 403);

	/* And the other way round. */
	relayed = end_of_control()->relayed;
	assert_int_equal(rig_bind(&other, 0x4000, &relayed), 403);
	rig_stop(&r);
}

/* Who knows one number does not know another one: users may share a name. */
static void numbers_cannot_be_guessed(void **state)
{
	uint32_t before = 0, near = 0;

	begin();
	start();
	for (uint16_t port = 1; port <= 64; port++) {
		uint32_t id = connected(port);

		near += id - before < 1024 || before - id < 1024;
		before = id;
	}
	assert_in_range(near, 0, 2);
	rig_stop(&r);
}

/* Sends as fast as it may for so many seconds. Returns how many bytes went. */
static size_t pour(uint32_t id, enum quota_way way, unsigned int seconds)
{
	uint64_t until_us = r.now.us + UINT64_C(1000000) * seconds;
	size_t bytes = 0;

	while (r.now.us < until_us) {
		uint32_t rest_ms = turnd_carried(r.worker[0].turnd, id, way, 65536, &r.now);

		bytes += 65536;
		rig_pass(&r, rest_ms > 0 ? rest_ms : 1);
	}
	return bytes;
}

static void bandwidth_is_waited_for(void **state)
{
	const struct turnd_stats *stats;
	size_t bytes;
	uint32_t id;

	begin();
	r.realms[0].limits.allocation_bytes_per_s = 100000;
	start();
	id = connected(80);
	assert_int_equal(bind_id(&data, id), 0);
	bytes = pour(id, QUOTA_TO_PEER, 100);
	assert_in_range(bytes, 100 * 100000, 103 * 100000);
	stats = turnd_stats(r.worker[0].turnd);
	assert_int_equal(counter_read(&stats->to_peer_bytes), bytes);
	assert_int_equal(counter_read(&stats->to_client_bytes), 0);

	/* The other way has its own. */
	assert_int_equal(turnd_carried(r.worker[0].turnd, id, QUOTA_TO_CLIENT, 65536, &r.now), 0);
	turnd_peer_ended(r.worker[0].turnd, id);
	assert_int_equal(turnd_carried(r.worker[0].turnd, id, QUOTA_TO_PEER, 65536, &r.now), 0);
	rig_stop(&r);

	begin();
	start();
	id = connected(80);
	assert_int_equal(bind_id(&data, id), 0);
	assert_int_equal(turnd_carried(r.worker[0].turnd, id, QUOTA_TO_PEER, 1 << 30, &r.now), 0);
	rig_stop(&r);
}

/* More than a table begins with, and each number once. */
static void there_may_be_many(void **state)
{
	uint32_t first, id = 0;

	begin();
	start();
	first = connected(1);
	for (uint16_t port = 2; port <= 200; port++) {
		id = connected(port);
		assert_int_equal(tcp_peer_worker(id), 0);
	}
	assert_int_equal(alive(), 200); /* else one had taken another one's place */
	assert_int_equal(bind_id(&data, first), 0);
	assert_int_equal(bind_id(&data, id), 0);
	rig_stop(&r);
	assert_int_equal(r.peers_closed, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_is_made_and_joined),
		cmocka_unit_test(answers_that_come_later_are_as_others),
		cmocka_unit_test(connecting_is_refused),
		cmocka_unit_test(an_allocation_for_datagrams_connects_to_nobody),
		cmocka_unit_test(where_it_is_off_nothing_of_it_is_known),
		cmocka_unit_test(failures_are_told),
		cmocka_unit_test(binding_is_refused),
		cmocka_unit_test(who_does_not_bind_in_time_is_closed),
		cmocka_unit_test(peers_with_permission_are_announced),
		cmocka_unit_test(incoming_connections_are_limited),
		cmocka_unit_test(all_end_with_the_allocation),
		cmocka_unit_test(another_worker_gets_the_connection),
		cmocka_unit_test(a_gift_that_is_not_used_is_closed),
		cmocka_unit_test(a_reload_closes_what_is_denied_now),
		cmocka_unit_test(relays_of_this_server_are_reached_the_short_way),
		cmocka_unit_test(a_relay_for_datagrams_is_none_for_streams),
		cmocka_unit_test(numbers_cannot_be_guessed),
		cmocka_unit_test(bandwidth_is_waited_for),
		cmocka_unit_test(there_may_be_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
