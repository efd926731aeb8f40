/* Which external ports the NAT model gives (RFC 4787, section 4.2; RFC 6888; RFC 7422). */
#include "tests/nat_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define S        ((uint64_t)1000000)
#define SOCKETS  40
#define CARRIERS 10 /* 100.64.0.x, hosts of a carrier's NAT */

static struct rig rig;

static struct nat_config config_of(uint8_t allocation, int32_t step)
{
	struct nat_config c = rig_config();

	c.allocation = allocation;
	c.step = step;
	return c;
}

static uint16_t port_of(uint16_t local)
{
	struct addr x = rig_map(&rig, rig_host(0, local), rig_remote(0, 3478));

	assert_true(x.family != ADDR_NONE);
	return x.port;
}

/* Local ports that are neither neighbours nor of one parity. */
static uint16_t scattered(unsigned i)
{
	return (uint16_t)(20000 + 37 * i + (i % 3 == 0));
}

static void each_rule_moves_from_port_to_port_as_it_says(void **state)
{
	static const struct {
		const char *name;
		uint8_t allocation;
		int32_t step, offset;
		int32_t to_local; /* external - local; INT32_MAX: varies */
		int32_t to_last;  /* external - last external, likewise */
	} cases[] = {
		{ "preserving", NAT_PRESERVING, 0, 0, 0, INT32_MAX },
		{ "offset", NAT_OFFSET, 0, 1000, 1000, INT32_MAX },
		{ "negative offset", NAT_OFFSET, 0, -300, -300, INT32_MAX },
		{ "up", NAT_SEQUENTIAL, 1, 0, INT32_MAX, 1 },
		{ "down", NAT_SEQUENTIAL, -1, 0, INT32_MAX, -1 },
		{ "leaps", NAT_SEQUENTIAL, 17, 0, INT32_MAX, 17 },
		{ "linux", NAT_LINUX, 0, 0, 0, INT32_MAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nat_config c = config_of(cases[i].allocation, cases[i].step);
		uint16_t last = 0;

		c.offset = cases[i].offset;
		rig_open(&rig, &c, 3);
		for (unsigned k = 0; k < SOCKETS; k++) {
			uint16_t local = scattered(k), port = port_of(local);

			if (cases[i].to_local != INT32_MAX && port - local != cases[i].to_local)
				fail_msg("%s: local %u became %u", cases[i].name, local, port);
			if (cases[i].to_last != INT32_MAX && k > 0 &&
			    port - last != cases[i].to_last)
				fail_msg("%s: %u after %u", cases[i].name, port, last);
			last = port;
		}
		rig_close(&rig);
	}
}

static void a_counter_goes_round_in_its_range(void **state)
{
	struct nat_config c = config_of(NAT_SEQUENTIAL, -7);
	uint16_t last = 0;

	c.port_low = 40000;
	c.port_high = 40099;
	rig_open(&rig, &c, 3);
	for (unsigned k = 0; k < 90; k++) {
		uint16_t port = port_of(scattered(k));

		assert_in_range(port, 40000, 40099);
		if (k > 0)
			assert_int_equal((port - last + 100 + 7) % 100, 0);
		last = port;
	}
	rig_close(&rig);
}

static void tcp_and_udp_share_the_counter(void **state)
{
	struct nat_config c = config_of(NAT_SEQUENTIAL, 2);

	rig_open(&rig, &c, 3);
	uint16_t first = port_of(5000);
	const struct rig_packet *o =
		rig_tcp(&rig, NAT_INSIDE, rig_host(0, 7000), rig_remote(0, 80), PACKET_SYN);
	assert_non_null(o);
	assert_int_equal(o->packet.source.port, first + 2);
	assert_int_equal(port_of(6000), first + 4);
	rig_close(&rig);
}

static void others_move_the_counter_as_often_as_told(void **state)
{
	struct nat_config c = config_of(NAT_SEQUENTIAL, 1);
	unsigned others = 0, still = 0;

	c.background_per_s = 5;
	rig_open(&rig, &c, 3);
	uint16_t last = port_of(10000);
	for (unsigned k = 1; k <= 400; k++) {
		rig_wait(&rig, S / 2);
		uint16_t port = port_of((uint16_t)(10000 + k));
		others += (uint16_t)(port - last - 1) % 64512;
		still += (uint16_t)(port - last) == 1;
		last = port;
	}
	assert_in_range(others, 900, 1100); /* 5 / s over 200 s, standard deviation 32 */
	assert_in_range(still, 10, 60);     /* e^-2.5 of 400 is 33 */
	rig_close(&rig);
}

static void a_share_of_local_ports_is_overloaded(void **state)
{
	struct nat_config c = config_of(NAT_PRESERVING, 0);
	unsigned kept = 0;

	c.overload = 0.4;
	rig_open(&rig, &c, 3);
	for (unsigned k = 0; k < 1000; k++)
		kept += port_of((uint16_t)(20000 + k)) == 20000 + k;
	assert_in_range(kept, 540, 660);
	/* Which ones is the seed's choice, not that of the moment. */
	bool first = port_of(5000) == 5000;
	nat_flush(rig.nat, rig.now_us);
	assert_int_equal(port_of(5000) == 5000, first);
	rig_close(&rig);
}

static void per_destination_steps_from_the_local_port(void **state)
{
	struct nat_config c = config_of(NAT_PER_DESTINATION, 10);

	c.mapping = NAT_APD;
	rig_open(&rig, &c, 3);
	for (uint16_t local = 5000; local < 5003; local++) {
		for (unsigned k = 0; k < 4; k++) {
			struct addr x = rig_map(&rig, rig_host(0, local),
						rig_remote(k / 2, (uint16_t)(3478 + k % 2)));
			assert_int_equal(x.port, local + 10 * k);
		}
	}
	rig_close(&rig);
}

static void dependent_steps_only_after_the_local_neighbour(void **state)
{
	struct nat_config c = config_of(NAT_DEPENDENT, 3);
	unsigned stepped = 0;

	rig_open(&rig, &c, 3);
	uint16_t last = port_of(5000);
	for (uint16_t local = 5001; local < 5020; local++) {
		uint16_t port = port_of(local);

		assert_int_equal((uint16_t)(port - last), 3);
		last = port;
	}
	for (unsigned k = 0; k < SOCKETS; k++) {
		uint16_t port = port_of(scattered(k));

		stepped += (uint16_t)(port - last) == 3;
		last = port;
	}
	assert_in_range(stepped, 0, 1);
	rig_close(&rig);
}

static void contiguous_ports_follow_their_neighbour_only(void **state)
{
	struct nat_config c = config_of(NAT_CONTIGUOUS, 0);

	rig_open(&rig, &c, 3);
	uint16_t a = port_of(5000), other = port_of(8000), b = port_of(5001);
	assert_int_equal(b, a + 1);
	assert_int_not_equal(other, a + 1);
	rig_close(&rig);
}

static void parity_is_kept_where_it_should_be(void **state)
{
	static const struct {
		uint8_t allocation;
		int32_t step;
		bool keeps;
	} cases[] = {
		{ NAT_PARITY_RANDOM, 0, true },     { NAT_PARITY_SEQUENTIAL, 2, true },
		{ NAT_PARITY_SEQUENTIAL, 1, true }, { NAT_RANDOM, 0, false },
		{ NAT_SEQUENTIAL, 1, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nat_config c = config_of(cases[i].allocation, cases[i].step);
		unsigned kept = 0;

		rig_open(&rig, &c, 3);
		for (unsigned k = 0; k < SOCKETS; k++)
			kept += ((port_of(scattered(k)) ^ scattered(k)) & 1) == 0;
		assert_int_equal(kept == SOCKETS, cases[i].keeps);
		rig_close(&rig);
	}
}

static void parity_sequential_takes_one_more_where_it_must(void **state)
{
	struct nat_config c = config_of(NAT_PARITY_SEQUENTIAL, 2);

	rig_open(&rig, &c, 3);
	uint16_t even = port_of(20000);
	assert_int_equal(port_of(20010), even + 2);
	assert_int_equal(port_of(20021), even + 5);
	assert_int_equal(port_of(20031), even + 7);
	rig_close(&rig);
}

static void random_ports_fill_the_range_and_never_clash(void **state)
{
	struct nat_config c = config_of(NAT_RANDOM, 0);
	bool seen[256] = { false };

	c.port_low = 32768;
	c.port_high = 32768 + 255;
	rig_open(&rig, &c, 3);
	for (uint16_t k = 0; k < 256; k++) {
		uint16_t at = (uint16_t)(port_of((uint16_t)(5000 + k)) - 32768);

		assert_true(at < 256 && !seen[at]);
		seen[at] = true;
	}
	struct addr none = rig_map(&rig, rig_host(0, 9000), rig_remote(0, 3478));
	assert_int_equal(none.family, ADDR_NONE);
	assert_int_equal(rig_events(&rig, NAT_EVENT_DROPPED, "no-port"), 1);
	/* An expired mapping frees its port when it is wanted, without a tick. */
	rig.now_us += 301 * S;
	(void)port_of(9000);
	rig_close(&rig);
}

static void a_taken_port_is_not_given_twice(void **state)
{
	struct nat_config c = config_of(NAT_PRESERVING, 0);

	rig_open(&rig, &c, 3);
	struct addr a = rig_map(&rig, rig_host(0, 5000), rig_remote(0, 3478));
	struct addr b = rig_map(&rig, rig_host(1, 5000), rig_remote(0, 3478));
	assert_int_equal(a.port, 5000);
	assert_int_not_equal(b.port, 5000);
	/* Nor one outside the range. */
	assert_true(port_of(80) >= 1024);
	rig_close(&rig);
}

static void subscribers_have_blocks_of_their_own(void **state)
{
	struct nat_config c = config_of(NAT_RANDOM, 0);
	uint32_t low[CARRIERS], high[CARRIERS];

	c.block_width = 512;
	rig_open(&rig, &c, 3);
	for (unsigned host = 0; host < CARRIERS; host++) {
		low[host] = 65536;
		high[host] = 0;
		for (unsigned k = 0; k < 100; k++) {
			struct addr x = rig_map(&rig, rig_host(host, (uint16_t)(5000 + k)),
						rig_remote(0, 3478));
			low[host] = x.port < low[host] ? x.port : low[host];
			high[host] = x.port > high[host] ? x.port : high[host];
		}
		assert_in_range(high[host] - low[host], 300, 511);
		assert_int_equal((low[host] - 1024) / 512, (high[host] - 1024) / 512);
		for (unsigned other = 0; other < host; other++)
			assert_true(high[host] < low[other] || low[host] > high[other]);
	}
	rig_close(&rig);
}

static void a_counter_inside_a_block_stays_there(void **state)
{
	struct nat_config c = config_of(NAT_SEQUENTIAL, 1);
	uint16_t last = 0;
	unsigned wraps = 0;

	c.block_width = 64;
	rig_open(&rig, &c, 3);
	for (unsigned k = 0; k < 64; k++) {
		uint16_t port = port_of(scattered(k));

		if (k > 0 && port != last + 1) {
			assert_int_equal(port, last - 63);
			wraps++;
		}
		last = port;
	}
	assert_in_range(wraps, 0, 1);
	rig_close(&rig);
}

static void a_subscriber_has_no_more_than_its_limit(void **state)
{
	struct nat_config c = config_of(NAT_PRESERVING, 0);

	c.subscriber_limit = 3;
	rig_open(&rig, &c, 3);
	for (uint16_t k = 0; k < 3; k++)
		(void)port_of((uint16_t)(5000 + k));
	struct addr none = rig_map(&rig, rig_host(0, 5003), rig_remote(0, 3478));
	assert_int_equal(none.family, ADDR_NONE);
	assert_int_equal(rig_events(&rig, NAT_EVENT_DROPPED, "subscriber-limit"), 1);
	struct addr other = rig_map(&rig, rig_host(1, 6000), rig_remote(0, 3478));
	assert_int_equal(other.port, 6000);
	rig_wait(&rig, 301 * S);
	(void)port_of(5003);
	rig_close(&rig);
}

static void the_seed_decides_what_is_random(void **state)
{
	struct nat_config c = config_of(NAT_RANDOM, 0);
	uint16_t first[2];

	for (int i = 0; i < 2; i++) {
		rig_open(&rig, &c, 3);
		first[i] = port_of(5000);
		rig_close(&rig);
	}
	assert_int_equal(first[0], first[1]);
	rig_open(&rig, &c, 4);
	assert_int_not_equal(port_of(5000), first[0]);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_moves_from_port_to_port_as_it_says),
		cmocka_unit_test(a_counter_goes_round_in_its_range),
		cmocka_unit_test(tcp_and_udp_share_the_counter),
		cmocka_unit_test(others_move_the_counter_as_often_as_told),
		cmocka_unit_test(a_share_of_local_ports_is_overloaded),
		cmocka_unit_test(per_destination_steps_from_the_local_port),
		cmocka_unit_test(dependent_steps_only_after_the_local_neighbour),
		cmocka_unit_test(contiguous_ports_follow_their_neighbour_only),
		cmocka_unit_test(parity_is_kept_where_it_should_be),
		cmocka_unit_test(parity_sequential_takes_one_more_where_it_must),
		cmocka_unit_test(random_ports_fill_the_range_and_never_clash),
		cmocka_unit_test(a_taken_port_is_not_given_twice),
		cmocka_unit_test(subscribers_have_blocks_of_their_own),
		cmocka_unit_test(a_counter_inside_a_block_stays_there),
		cmocka_unit_test(a_subscriber_has_no_more_than_its_limit),
		cmocka_unit_test(the_seed_decides_what_is_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
