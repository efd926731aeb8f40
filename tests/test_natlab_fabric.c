/* natlab/fabric: packets from hosts over lines and through boxes, and back. */
#include "tests/natlab/fabric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/natlab/parcels.h"
#include "tests/natlab/topology.h"
#include "tests/packet.h"

#define ARRIVED_MAX 8
#define PORT        3478

/* A fabric, what came out of it, and its clock. */
struct world {
	struct lab_plan plan;
	struct fabric *fabric;
	uint64_t now_us;
	struct {
		int host; /* -1: the servers */
		size_t len;
		uint8_t data[FABRIC_PACKET_MAX];
		struct packet packet;
	} arrived[ARRIVED_MAX];
	size_t count;
};

static void arrive(struct world *w, int host, struct bytes packet)
{
	assert_true(w->count < ARRIVED_MAX);
	w->arrived[w->count].host = host;
	w->arrived[w->count].len = packet.len;
	memcpy(w->arrived[w->count].data, packet.data, packet.len);
	assert_true(packet_parse(bytes_of(w->arrived[w->count].data, packet.len),
				 &w->arrived[w->count].packet));
	assert_true(packet_checksums_ok(packet));
	w->count++;
}

static void to_host(void *arg, size_t host, size_t nic, struct bytes packet)
{
	arrive(arg, (int)host, packet);
}

static void to_servers(void *arg, struct bytes packet)
{
	arrive(arg, -1, packet);
}

static struct world *build(const char *text)
{
	struct world *w = calloc(1, sizeof(*w));
	struct topology t;
	struct opt_error why;
	struct lab_error err = { 0 };
	struct fabric_io io = { .to_host = to_host, .to_servers = to_servers, .arg = w };

	assert_non_null(w);
	assert_true(opt_defaults(topology_program(), &t, &why));
	if (!opt_read_text(topology_program(), "test", text, strlen(text), &t, &why))
		fail_msg("%s", why.text);
	if (!topology_plan(&t, &w->plan, &err))
		fail_msg("%s", err.text);
	opt_clear(topology_program(), &t);
	w->plan.seed = 1;
	w->now_us = 1000000;
	w->fabric = fabric_new(&w->plan, &io);
	assert_non_null(w->fabric);
	return w;
}

static void end(struct world *w)
{
	fabric_free(w->fabric);
	free(w);
}

/* Everything that is under way arrives. */
static void settle(struct world *w)
{
	uint64_t until_us = w->now_us + 1000000;

	for (uint64_t next_us; (next_us = fabric_run(w->fabric, w->now_us)) < until_us;)
		w->now_us = next_us;
}

static struct addr addr_of(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, 0, &a));
	return a;
}

static struct addr server(void)
{
	struct addr a = nat_plan_server(ADDR_IPV4, 0);

	return addr_with_port(&a, PORT);
}

static struct addr host_addr(const struct world *w, const char *host, uint16_t port)
{
	return addr_with_port(&w->plan.hosts[lab_find_host(&w->plan, host)].nics[0].addr, port);
}

/* A datagram with that TTL. */
static void send(struct world *w, const char *host, uint16_t from_port, const struct addr *to,
		 uint8_t ttl)
{
	struct addr from = host_addr(w, host, from_port);
	uint8_t packet[256];
	size_t len = packet_build_udp(packet, sizeof(packet), &from, to, BYTES("hello"));

	while ((from.family == ADDR_IPV4 ? packet[8] : packet[7]) > ttl)
		assert_true(packet_hop(packet, len));
	w->count = 0;
	fabric_from_host(w->fabric, (size_t)lab_find_host(&w->plan, host), 0, bytes_of(packet, len),
			 w->now_us);
	settle(w);
}

/* What arrived last at the servers goes back. */
static void answer(struct world *w)
{
	struct packet *p = &w->arrived[w->count - 1].packet;
	uint8_t packet[256];
	size_t len = packet_build_udp(packet, sizeof(packet), &p->destination, &p->source,
				      BYTES("welcome"));

	w->count = 0;
	fabric_from_servers(w->fabric, bytes_of(packet, len), w->now_us);
	settle(w);
}

static void assert_addr(struct addr got, const char *want)
{
	char text[ADDR_TEXT_MAX];

	assert_string_equal(addr_print(&got, text), want);
}

static void packets_pass_a_box_and_come_back(void **state)
{
	struct world *w = build("[box nat]\nprofile=home-router\ndelay=0\n[host h]\nbehind=nat\n");
	struct addr to = server();

	send(w, "h", 4000, &to, 64);
	assert_int_equal(w->count, 1);
	assert_int_equal(w->arrived[0].host, -1);
	assert_addr(w->arrived[0].packet.source, "21.0.0.2:4000");
	assert_int_equal(w->arrived[0].packet.ttl, 62); /* a box, and the world's router */
	answer(w);
	assert_int_equal(w->count, 1);
	assert_int_equal(w->arrived[0].host, 0);
	assert_addr(w->arrived[0].packet.destination, "192.168.1.2:4000");
	assert_addr(w->arrived[0].packet.source, "20.0.0.10:3478");
	assert_int_equal(w->arrived[0].packet.ttl, 63);
	end(w);
}

static void lines_take_their_time(void **state)
{
	struct world *w = build("[box nat]\nprofile=home-router\ndelay=30ms\n"
				"[host h]\nbehind=nat\ndelay=5ms\n");
	uint64_t start_us = w->now_us;
	struct addr to = server();

	send(w, "h", 4000, &to, 64);
	assert_int_equal(w->now_us - start_us, 35000);
	answer(w);
	assert_int_equal(w->now_us - start_us, 70000);
	assert_int_equal(w->count, 1);
	end(w);
}

static void a_line_that_loses_all_lets_nothing_through(void **state)
{
	struct world *w =
		build("[box nat]\nprofile=home-router\nloss=100%\n[host h]\nbehind=nat\n");
	struct addr to = server();

	send(w, "h", 4000, &to, 64);
	assert_int_equal(w->count, 0);
	end(w);
}

static void whoever_takes_the_last_hop_says_so(void **state)
{
	static const struct {
		uint8_t ttl;
		const char *from; /* NULL: it arrives */
	} cases[] = {
		{ 1, "192.168.1.1:0" },
		{ 2, "10.0.0.1:0" },
		{ 3, "20.0.0.1:0" },
		{ 4, NULL },
	};
	struct world *w = build("[box nat]\nprofile=double-nat-home\n[host h]\nbehind=nat\n");
	struct addr to = server();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		send(w, "h", 4000, &to, cases[i].ttl);
		assert_int_equal(w->count, 1);
		if (cases[i].from == NULL) {
			assert_int_equal(w->arrived[0].host, -1);
			assert_int_equal(w->arrived[0].packet.ttl, 1);
			continue;
		}
		assert_int_equal(w->arrived[0].host, 0);
		assert_int_equal(w->arrived[0].packet.kind, PACKET_ERROR);
		assert_int_equal(w->arrived[0].packet.icmp_type, ICMP4_TIME_EXCEEDED);
		assert_addr(w->arrived[0].packet.source, cases[i].from);
	}
	end(w);
}

static void a_silent_hop_says_nothing(void **state)
{
	struct world *w = build("[box nat]\nprofile=silent-double-nat\n[host h]\nbehind=nat\n");
	struct addr to = server();

	for (uint8_t ttl = 1; ttl <= 2; ttl++) {
		send(w, "h", 4000, &to, ttl);
		assert_int_equal(w->count, 0);
	}
	send(w, "h", 4000, &to, 4);
	assert_int_equal(w->count, 1);
	end(w);
}

static void a_second_address_is_the_same_host_s(void **state)
{
	static struct lab_plan plan;
	struct lab_error err;
	struct addr wanted = addr_of("192.168.1.3:0");
	const struct nat_profile *p = lab_profile("home-router", &err);

	assert_non_null(p);
	plan = (struct lab_plan){ 0 };
	assert_true(lab_add_profile(&plan, p, "nat", "h", &err));
	assert_true(lab_add_second_address(&plan, &err));
	assert_true(addr_equal_ip(&plan.hosts[0].nics[0].second, &wanted));
	assert_true(lab_add_second_address(&plan, &err)); /* it has one */
	assert_true(addr_equal_ip(&plan.hosts[0].nics[0].second, &wanted));
	assert_true(lab_nic_has(&plan.hosts[0].nics[0], &wanted));
	wanted.ip[3]++;
	assert_false(lab_nic_has(&plan.hosts[0].nics[0], &wanted));
	assert_true(lab_add_profile(&plan, lab_profile("L1", &err), "nat2", "h2", &err));
	assert_true(lab_add_second_address(&plan, &err));
	assert_int_equal(plan.hosts[1].nics[1].second.family, ADDR_IPV4);
	assert_false(lab_nic_has(&plan.hosts[1].nics[0], &plan.hosts[1].nics[1].second));
}

static void neighbours_reach_each_other_directly(void **state)
{
	struct world *w = build("[box nat]\nprofile=home-router\n"
				"[host a]\nbehind=nat\n[host b]\nbehind=nat\n");
	struct addr to = host_addr(w, "b", 9);

	send(w, "a", 4000, &to, 1);
	assert_int_equal(w->count, 1);
	assert_int_equal(w->arrived[0].host, 1);
	assert_addr(w->arrived[0].packet.source, "192.168.1.2:4000");
	end(w);
}

static void between_two_homes_lies_the_world(void **state)
{
	struct world *w = build("[box na]\nprofile=full-cone\nallocation=preserving\n"
				"[box nb]\nprofile=full-cone\nallocation=preserving\n"
				"[host a]\nbehind=na\n[host b]\nbehind=nb\n");
	struct addr to = server();

	send(w, "b", 5000, &to, 64);
	struct addr b = w->arrived[0].packet.source;
	assert_addr(b, "21.1.0.2:5000");
	send(w, "a", 4000, &b, 64);
	assert_int_equal(w->count, 1);
	assert_int_equal(w->arrived[0].host, 1);
	assert_addr(w->arrived[0].packet.source, "21.0.0.2:4000");
	assert_int_equal(w->arrived[0].packet.ttl, 61); /* two boxes, and the world's router */
	send(w, "a", 4000, &b, 2);
	assert_int_equal(w->count, 1);
	assert_int_equal(w->arrived[0].host, 0);
	assert_addr(w->arrived[0].packet.source, "20.0.0.1:0");
	end(w);
}

static void a_box_behind_a_box_is_in_its_network(void **state)
{
	struct world *w = build("[box cgn]\nprofile=cgn-symmetric\n"
				"[box one]\nprofile=full-cone\nbehind=cgn\nallocation=preserving\n"
				"[box two]\nprofile=full-cone\nbehind=cgn\nallocation=preserving\n"
				"[host a]\nbehind=one\n[host b]\nbehind=two\n");
	struct addr to = server();

	assert_addr(w->plan.boxes[1].config.externals[0], "100.64.0.2:0");
	assert_addr(w->plan.boxes[2].config.externals[0], "100.64.0.3:0");
	send(w, "b", 5000, &to, 64);
	assert_int_equal(w->arrived[0].packet.source.ip[0], 21);
	assert_int_equal(w->arrived[0].packet.ttl, 61);
	/* Two customers of one carrier, without its NAT. */
	to = addr_of("100.64.0.3:5000");
	send(w, "a", 4000, &to, 64);
	assert_int_equal(w->count, 1);
	assert_int_equal(w->arrived[0].host, 1);
	assert_addr(w->arrived[0].packet.source, "100.64.0.2:4000");
	end(w);
}

static void hosts_without_nat_are_reached_as_they_are(void **state)
{
	struct world *w =
		build("[box router]\nprofile=open-internet\n[box nat]\nprofile=full-cone\n"
		      "[host a]\nbehind=router\n[host b]\n[host c]\nbehind=nat\n");
	struct addr to = host_addr(w, "a", 7);

	send(w, "b", 4000, &to, 64);
	assert_int_equal(w->count, 1);
	assert_int_equal(w->arrived[0].host, 0);
	send(w, "c", 4000, &to, 64);
	assert_int_equal(w->count, 1);
	assert_int_equal(w->arrived[0].host, 0);
	assert_int_equal(w->arrived[0].packet.source.ip[0], 21);
	to = addr_of("22.99.99.99:7"); /* nobody's: the servers' network answers for it */
	send(w, "a", 4000, &to, 64);
	assert_int_equal(w->arrived[0].host, -1);
	end(w);
}

static void no_router_hands_multicast_on(void **state)
{
	struct world *w = build("[box nat]\nprofile=home-router\n[host h]\nbehind=nat\n");
	struct addr to = addr_of("239.255.255.250:1900");

	send(w, "h", 4000, &to, 4);
	assert_int_equal(w->count, 0);
	end(w);
}

static void the_box_itself_is_no_hop(void **state)
{
	struct world *w = build("[box nat]\nprofile=home-router\ngateway-rejects=on\n"
				"[host h]\nbehind=nat\n");
	struct addr to = addr_of("192.168.1.1:9");

	send(w, "h", 4000, &to, 1);
	assert_int_equal(w->count, 1);
	assert_int_equal(w->arrived[0].packet.icmp_type, ICMP4_UNREACHABLE);
	assert_addr(w->arrived[0].packet.source, "192.168.1.1:0");
	end(w);
}

static void a_nat64_makes_packets_too_long_for_a_host(void **state)
{
	static const uint8_t data[1500];
	struct world *w = build("[box nat]\nprofile=nat64\n[host h]\nbehind=nat\n");
	struct addr to = lab_server_seen(&w->plan, &w->plan.hosts[0], 0), from, us;
	uint8_t packet[FABRIC_PACKET_MAX];

	to.port = PORT;
	send(w, "h", 4000, &to, 64);
	from = w->arrived[0].packet.destination;
	us = w->arrived[0].packet.source;
	for (size_t i = 0; i < 2; i++) {
		size_t payload = 1500 - 40 - 8 + i;
		size_t len = packet_build_udp(packet, sizeof(packet), &from, &us,
					      bytes_of(data, payload));

		w->count = 0;
		fabric_from_servers(w->fabric, bytes_of(packet, len), w->now_us);
		settle(w);
		assert_int_equal(w->count, 1 - i);
	}
	end(w);
}

static void a_box_that_reboots_is_away(void **state)
{
	struct world *w = build("[box nat]\nprofile=home-router\n[host h]\nbehind=nat\n");
	struct addr to = server();

	fabric_pause(w->fabric, 0, w->now_us + 500000);
	send(w, "h", 4000, &to, 64);
	assert_int_equal(w->count, 0);
	w->now_us += 500000;
	send(w, "h", 4000, &to, 64);
	assert_int_equal(w->count, 1);
	end(w);
}

static void a_new_address_replaces_the_old_one(void **state)
{
	struct world *w =
		build("[box nat]\nprofile=full-cone\n[box other]\nprofile=full-cone\n"
		      "external=21.0.0.3\n[host h]\nbehind=nat\n[host o]\nbehind=other\n");
	struct addr to = server(), old, next;

	send(w, "h", 4000, &to, 64);
	old = w->arrived[0].packet.source;
	next = fabric_new_address(w->fabric, 0, w->now_us);
	assert_addr(next, "21.0.0.4:0"); /* .3 belongs to somebody else */
	send(w, "h", 4000, &to, 64);
	assert_int_equal(w->arrived[0].packet.source.ip[3], 4);
	send(w, "o", 4000, &old, 64);
	assert_int_equal(w->arrived[0].host, -1); /* nobody's any more */
	end(w);
}

static void what_does_not_fit_is_counted(void **state)
{
	struct world *w = build("[host h]\n");
	uint8_t large[FABRIC_PACKET_MAX + 1] = { 0x45 };

	fabric_from_host(w->fabric, 0, 0, bytes_of(large, sizeof(large)), w->now_us);
	assert_int_equal(fabric_overflows(w->fabric), 1);
	fabric_from_host(w->fabric, 0, 0, BYTES("E"), w->now_us);
	settle(w);
	assert_int_equal(w->count, 0);
	end(w);
}

static void parcels_come_in_the_order_of_their_time(void **state)
{
	struct parcels parcels = { 0 };
	struct parcel_place to = { .kind = PARCEL_SERVERS };
	struct rng rng = rng_seed(5);
	uint64_t last_us = 0;
	uint8_t number;

	/* Few times, so that many are due together: these keep their order. */
	for (number = 0; number < 200; number++)
		parcels_add(&parcels, to, bytes_of(&number, 1), 1 + rng_below(&rng, 8));
	assert_null(parcels_take(&parcels, 0));
	number = 0;
	for (struct parcel *p; (p = parcels_take(&parcels, 8)) != NULL;) {
		assert_true(p->due_us > last_us || (p->due_us == last_us && p->data[0] > number));
		last_us = p->due_us;
		number = p->data[0];
		parcels_release(&parcels, p);
	}
	assert_int_equal(last_us, 8);
	assert_true(parcels_next_us(&parcels) == UINT64_MAX);
	parcels_free(&parcels);
}

static void parcels_are_not_kept_without_end(void **state)
{
	struct parcels parcels = { 0 };
	struct parcel_place to = { .kind = PARCEL_SERVERS };

	for (size_t i = 0; i < PARCELS_MAX + 3; i++)
		parcels_add(&parcels, to, BYTES("x"), i % 2);
	assert_int_equal(parcels.overflows, 3);
	parcels_release(&parcels, parcels_take(&parcels, 1));
	parcels_add(&parcels, to, BYTES("x"), 0);
	assert_int_equal(parcels.overflows, 3);
	parcels_free(&parcels);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_pass_a_box_and_come_back),
		cmocka_unit_test(lines_take_their_time),
		cmocka_unit_test(a_line_that_loses_all_lets_nothing_through),
		cmocka_unit_test(whoever_takes_the_last_hop_says_so),
		cmocka_unit_test(a_silent_hop_says_nothing),
		cmocka_unit_test(a_second_address_is_the_same_host_s),
		cmocka_unit_test(neighbours_reach_each_other_directly),
		cmocka_unit_test(between_two_homes_lies_the_world),
		cmocka_unit_test(a_box_behind_a_box_is_in_its_network),
		cmocka_unit_test(hosts_without_nat_are_reached_as_they_are),
		cmocka_unit_test(no_router_hands_multicast_on),
		cmocka_unit_test(the_box_itself_is_no_hop),
		cmocka_unit_test(a_nat64_makes_packets_too_long_for_a_host),
		cmocka_unit_test(a_box_that_reboots_is_away),
		cmocka_unit_test(a_new_address_replaces_the_old_one),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(parcels_come_in_the_order_of_their_time),
		cmocka_unit_test(parcels_are_not_kept_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
