/* PCP (RFC 6887) and NAT-PMP (RFC 6886), answered by the box of the NAT model. */
#include "tests/nat_rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define S ((uint64_t)1000000)

static struct rig rig;

static struct nat_config config_with(bool pcp, bool nat_pmp)
{
	struct nat_config c = rig_config();

	c.gateway = addr_ipv4(192, 168, 1, 1, 0);
	c.pcp = pcp;
	c.nat_pmp = nat_pmp;
	return c;
}

static struct addr service(void)
{
	return addr_ipv4(192, 168, 1, 1, 5351);
}

/* Asks the box; the answer's bytes, empty for none. */
static struct bytes ask_as(struct addr host, struct bytes question)
{
	struct addr to = service();
	uint8_t buf[2048];

	if (host.family == ADDR_IPV6)
		to = (struct addr){ .family = ADDR_IPV6, .port = 5351, .ip = { 0xfd, [15] = 1 } };
	size_t len = packet_build_udp(buf, sizeof(buf), &host, &to, question);
	const struct rig_packet *o = rig_input(&rig, NAT_INSIDE, bytes_of(buf, len));
	if (o == NULL || o->packet.kind != PACKET_DATAGRAM)
		return (struct bytes){ 0 };
	assert_int_equal(o->side, NAT_INSIDE);
	assert_true(addr_equal(&o->packet.source, &to));
	assert_true(addr_equal(&o->packet.destination, &host));
	return o->packet.data;
}

static struct bytes ask(struct bytes question)
{
	return ask_as(rig_host(0, 9999), question);
}

struct pcp_map {
	struct addr host;
	uint16_t internal, suggested;
	uint8_t protocol;
	uint32_t lifetime_s;
	uint8_t nonce;
	uint8_t option; /* 0: none */
	bool wrong_client;
};

struct pcp_answer {
	bool any;
	uint8_t version, opcode, result;
	uint32_t lifetime_s, epoch_s;
	uint16_t internal;
	struct addr external;
};

static struct addr get_ip(struct wire *in)
{
	struct addr a = { .family = ADDR_IPV6 };

	wire_get_mem(in, a.ip, 16);
	return addr_unmap(&a);
}

static void put_ip(struct wire_out *out, const struct addr *a)
{
	if (a->family == ADDR_IPV4) {
		wire_put_zeros(out, 10);
		wire_put_u16(out, 0xffff);
	}
	wire_put_mem(out, a->ip, addr_ip_len(a->family));
}

static struct pcp_answer read_answer(struct bytes data)
{
	struct pcp_answer a = { .any = data.len > 0 };
	struct wire in = wire_read(data);

	a.version = wire_get_u8(&in);
	a.opcode = wire_get_u8(&in);
	wire_skip(&in, 1);
	a.result = wire_get_u8(&in);
	a.lifetime_s = wire_get_u32(&in);
	a.epoch_s = wire_get_u32(&in);
	wire_skip(&in, 12 + 12 + 4);
	a.internal = wire_get_u16(&in);
	a.external.port = wire_get_u16(&in);
	uint16_t port = a.external.port;
	a.external = get_ip(&in);
	a.external.port = port;
	return a;
}

static struct pcp_answer pcp(const struct pcp_map *m)
{
	struct addr host = m->host.family != ADDR_NONE ? m->host : rig_host(0, 9999);
	struct addr client = m->wrong_client ? rig_host(7, 0) : host;
	uint8_t buf[128];
	struct wire_out out = wire_write(buf, sizeof(buf));

	wire_put_u16(&out, 2 << 8 | 1);
	wire_put_u16(&out, 0);
	wire_put_u32(&out, m->lifetime_s);
	put_ip(&out, &client);
	for (int i = 0; i < 12; i++)
		wire_put_u8(&out, m->nonce);
	wire_put_u32(&out, (uint32_t)(m->protocol != 0 ? m->protocol : PACKET_UDP) << 24);
	wire_put_u16(&out, m->internal);
	wire_put_u16(&out, m->suggested);
	wire_put_zeros(&out, 16);
	if (m->option != 0)
		wire_put_u32(&out, (uint32_t)m->option << 24);
	return read_answer(ask_as(host, wire_written(&out)));
}

static void a_pcp_mapping_lets_everybody_in(void **state)
{
	for (int i = 0; i < 3; i++) {
		static const uint8_t rules[] = { NAT_EI, NAT_APD, NAT_NONE };
		struct nat_config c = config_with(true, false);
		struct addr host = rig_host(0, 5000);

		c.mapping = rules[i];
		rig_open(&rig, &c, 3);
		struct pcp_answer a = pcp(&(struct pcp_map){ .internal = 5000, .lifetime_s = 600 });
		assert_true(a.any && a.version == 2 && a.opcode == 0x81);
		assert_int_equal(a.result, 0);
		assert_int_equal(a.lifetime_s, 600);
		assert_int_equal(a.internal, 5000);
		assert_int_equal(a.external.port, 5000);
		assert_true(
			addr_equal_ip(&a.external, rules[i] == NAT_NONE ? &host : &c.externals[0]));
		assert_true(rig_gets_in(&rig, rig_remote(3, 77), a.external, &host));
		/* What the host sends uses the same mapping. */
		struct addr x = rig_map(&rig, host, rig_remote(0, 3478));
		assert_true(addr_equal(&x, &a.external));
		x = rig_map(&rig, host, rig_remote(1, 3478));
		assert_true(addr_equal(&x, &a.external));
		assert_int_equal(rig_events(&rig, NAT_EVENT_PORTMAP, "granted"), 1);
		rig_close(&rig);
	}
}

static void a_pcp_mapping_ends_in_time_or_when_deleted(void **state)
{
	struct nat_config c = config_with(true, false);

	for (int deleted = 0; deleted < 2; deleted++) {
		rig_open(&rig, &c, 3);
		struct pcp_answer a = pcp(&(struct pcp_map){ .internal = 5000, .lifetime_s = 600 });
		rig_wait(&rig, 599 * S);
		assert_true(rig_gets_in(&rig, rig_remote(3, 77), a.external, NULL));
		if (deleted == 1) {
			struct pcp_answer end = pcp(&(struct pcp_map){ .internal = 5000 });
			assert_int_equal(end.result, 0);
			assert_int_equal(end.lifetime_s, 0);
			end = pcp(&(struct pcp_map){ .internal = 5000 }); /* once more */
			assert_int_equal(end.result, 0);
		} else {
			rig_wait(&rig, 2 * S);
		}
		assert_false(rig_gets_in(&rig, rig_remote(3, 77), a.external, NULL));
		assert_int_equal(nat_mapping_count(rig.nat), 0);
		rig_close(&rig);
	}
}

static void a_deleted_grant_leaves_the_outbound_mapping(void **state)
{
	struct nat_config c = config_with(true, false);
	struct addr host = rig_host(0, 5000), remote = rig_remote(0, 3478);

	rig_open(&rig, &c, 3);
	struct addr x = rig_map(&rig, host, remote);
	struct pcp_answer a = pcp(&(struct pcp_map){ .internal = 5000, .lifetime_s = 600 });
	assert_true(addr_equal(&a.external, &x));
	assert_true(rig_gets_in(&rig, rig_remote(3, 77), x, &host));
	(void)pcp(&(struct pcp_map){ .internal = 5000 });
	assert_false(rig_gets_in(&rig, rig_remote(3, 77), x, NULL));
	assert_true(rig_gets_in(&rig, remote, x, &host));
	rig_close(&rig);
}

static void pcp_says_what_is_wrong(void **state)
{
	static const struct {
		const char *why;
		struct pcp_map ask;
		uint8_t result;
	} cases[] = {
		{ "another nonce", { .internal = 5000, .lifetime_s = 60, .nonce = 9 }, 2 },
		{ "deleted with another nonce", { .internal = 5000, .nonce = 9 }, 2 },
		{ "protocol", { .internal = 5001, .lifetime_s = 60, .protocol = 47 }, 9 },
		{ "all ports", { .internal = 0, .lifetime_s = 60 }, 9 },
		{ "a taken port wanted badly",
		  { .internal = 5001, .lifetime_s = 60, .suggested = 5000, .option = 2 },
		  11 },
		{ "PREFER_FAILURE on a delete", { .internal = 5001, .option = 2 }, 6 },
		{ "an option nobody knows",
		  { .internal = 5001, .lifetime_s = 60, .option = 3 },
		  5 },
		{ "an optional option", { .internal = 5001, .lifetime_s = 60, .option = 200 }, 0 },
		{ "a NAT between",
		  { .internal = 5001, .lifetime_s = 60, .wrong_client = true },
		  12 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nat_config c = config_with(true, false);

		rig_open(&rig, &c, 3);
		(void)pcp(&(struct pcp_map){ .internal = 5000, .lifetime_s = 600 });
		struct pcp_answer a = pcp(&cases[i].ask);
		if (!a.any || a.result != cases[i].result)
			fail_msg("%s: %u", cases[i].why, a.result);
		rig_close(&rig);
	}
}

static void quota_and_suggestions_are_heeded(void **state)
{
	struct nat_config c = config_with(true, false);

	c.subscriber_limit = 2;
	rig_open(&rig, &c, 3);
	struct pcp_map m = { .internal = 5000, .lifetime_s = 60, .suggested = 7000 };
	assert_int_equal(pcp(&m).external.port, 7000);
	m = (struct pcp_map){ .internal = 5001, .lifetime_s = 60, .suggested = 7000 };
	assert_int_equal(pcp(&m).external.port, 5001); /* taken: another one */
	m = (struct pcp_map){ .internal = 5002, .lifetime_s = 60 };
	assert_int_equal(pcp(&m).result, 10);
	rig_close(&rig);
}

static void versions_are_negotiated(void **state)
{
	static const struct {
		bool pcp, nat_pmp;
		const char *ask;
		size_t ask_len, len;
		uint8_t version, result;
	} cases[] = {
		{ true, true, "\0\0", 2, 12, 0, 0 }, /* NAT-PMP */
		{ false, true, "\0\0", 2, 12, 0, 0 },
		{ true, false, "\0\0", 2, 24, 2, 1 }, /* PCP only: UNSUPP_VERSION */
		{ false, true, "\2\1", 2, 8, 0, 1 },  /* NAT-PMP only */
		{ true, true, "\7\1", 2, 24, 2, 1 },  /* too new */
		{ true, true, "\2\1", 2, 0, 0, 0 },   /* cut short */
		{ true, true, "\2\201", 2, 0, 0, 0 }, /* a response */
		{ true, true, "\0\200", 2, 0, 0, 0 },
		{ false, true, "\0\5\0\0", 4, 4, 0, 5 }, /* no such opcode */
		{ false, false, "\0\0", 2, 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nat_config c = config_with(cases[i].pcp, cases[i].nat_pmp);

		rig_open(&rig, &c, 3);
		struct bytes a = ask(bytes_of(cases[i].ask, cases[i].ask_len));
		if (a.len != cases[i].len)
			fail_msg("case %zu: %zu bytes", i, a.len);
		if (a.len > 0) {
			assert_int_equal(a.data[0], cases[i].version);
			assert_true((a.data[1] & 0x80) != 0);
			assert_int_equal(a.data[3], cases[i].result);
		}
		rig_close(&rig);
	}
}

static void announce_is_answered(void **state)
{
	struct nat_config c = config_with(true, false);
	uint8_t ask_bytes[24] = { 2, 0, [18] = 0xff, [19] = 0xff, 192, 168, 1, 10 };

	rig_open(&rig, &c, 3);
	rig_wait(&rig, 41 * S);
	struct pcp_answer a = read_answer(ask(bytes_of(ask_bytes, sizeof(ask_bytes))));
	assert_true(a.any && a.result == 0 && a.opcode == 0x80);
	assert_int_equal(a.epoch_s, 42);
	nat_flush(rig.nat, rig.now_us);
	a = read_answer(ask(bytes_of(ask_bytes, sizeof(ask_bytes))));
	assert_int_equal(a.epoch_s, 0);
	rig_close(&rig);
}

static struct bytes pmp(uint8_t opcode, uint16_t internal, uint16_t external, uint32_t lifetime_s)
{
	uint8_t buf[12] = { 0, opcode };

	wire_store_u16(buf + 4, internal);
	wire_store_u16(buf + 6, external);
	wire_store_u32(buf + 8, lifetime_s);
	return ask(bytes_of(buf, sizeof(buf)));
}

static uint16_t pmp_port(struct bytes answer)
{
	assert_int_equal(answer.len, 16);
	assert_int_equal(answer.data[3], 0);
	return (uint16_t)(answer.data[10] << 8 | answer.data[11]);
}

static void nat_pmp_tells_the_address_and_maps(void **state)
{
	struct nat_config c = config_with(false, true);
	struct addr host = rig_host(0, 5000), x = addr_ipv4(203, 0, 113, 1, 5000);

	rig_open(&rig, &c, 3);
	struct bytes a = ask(BYTES("\0\0"));
	assert_int_equal(a.len, 12);
	assert_memory_equal(a.data, "\0\x80\0\0", 4);
	assert_memory_equal(a.data + 8, "\xcb\0\x71\1", 4);

	assert_int_equal(pmp_port(pmp(1, 5000, 0, 3600)), 5000);
	assert_true(rig_gets_in(&rig, rig_remote(4, 4), x, &host));
	assert_null(rig_tcp(&rig, NAT_OUTSIDE, rig_remote(4, 4), x, PACKET_SYN));
	assert_int_equal(pmp_port(pmp(2, 5000, 6000, 3600)), 6000);
	struct addr y = addr_with_port(&x, 6000);
	assert_non_null(rig_tcp(&rig, NAT_OUTSIDE, rig_remote(4, 4), y, PACKET_SYN));

	assert_int_equal(pmp_port(pmp(1, 5000, 0, 0)), 0);
	assert_false(rig_gets_in(&rig, rig_remote(4, 4), x, NULL));
	assert_non_null(rig_tcp(&rig, NAT_OUTSIDE, rig_remote(5, 4), y, PACKET_SYN));
	assert_int_equal(pmp_port(pmp(2, 0, 0, 0)), 0);
	assert_null(rig_tcp(&rig, NAT_OUTSIDE, rig_remote(6, 4), y, PACKET_SYN));
	rig_close(&rig);
}

static void the_box_may_claim_another_address(void **state)
{
	struct nat_config c = config_with(true, true);

	c.claims_external = addr_ipv4(100, 64, 0, 7, 0);
	rig_open(&rig, &c, 3);
	struct bytes a = ask(BYTES("\0\0"));
	assert_int_equal(a.len, 12);
	assert_memory_equal(a.data + 8, "\x64\x40\0\7", 4);
	struct pcp_answer p = pcp(&(struct pcp_map){ .internal = 5000, .lifetime_s = 600 });
	assert_true(addr_equal_ip(&p.external, &c.claims_external));
	assert_true(rig_gets_in(&rig, rig_remote(4, 4), addr_ipv4(203, 0, 113, 1, 5000), NULL));
	rig_close(&rig);
}

static void pcp_opens_a_pinhole_for_ipv6(void **state)
{
	struct nat_config c = config_with(true, false);
	struct addr host = rig_host6(0, 9999), at = rig_host6(0, 5000);

	c.external_count = 1;
	c.gateway = (struct addr){ .family = ADDR_IPV6, .ip = { 0xfd, [15] = 1 } };
	rig_open(&rig, &c, 3);
	assert_false(rig_gets_in(&rig, rig_remote6(3, 3), at, NULL));
	struct pcp_answer a =
		pcp(&(struct pcp_map){ .host = host, .internal = 5000, .lifetime_s = 600 });
	assert_true(a.any && a.result == 0);
	assert_true(addr_equal(&a.external, &at));
	assert_true(rig_gets_in(&rig, rig_remote6(3, 3), at, &at));
	rig_close(&rig);
}

static void the_box_answers_pings_and_rejects_what_it_is_told_to(void **state)
{
	struct addr host = rig_host(0, 5000), box = addr_ipv4(192, 168, 1, 1, 0);

	for (int rejects = 0; rejects < 2; rejects++) {
		struct nat_config c = config_with(false, false);

		c.gateway_rejects = rejects == 1;
		rig_open(&rig, &c, 3);
		const struct rig_packet *o =
			rig_icmp(&rig, NAT_INSIDE, host, box, ICMP4_ECHO_REQUEST, 0, 7, BYTES("x"));
		assert_non_null(o);
		assert_int_equal(o->packet.icmp_type, ICMP4_ECHO_REPLY);
		o = rig_udp(&rig, NAT_INSIDE, host, service());
		assert_int_equal(o != NULL, rejects);
		o = rig_tcp(&rig, NAT_INSIDE, host, service(), PACKET_SYN);
		assert_int_equal(o != NULL, rejects);
		if (rejects)
			assert_true((o->packet.tcp_flags & PACKET_RST) != 0);
		assert_int_equal(nat_mapping_count(rig.nat), 0);
		rig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pcp_mapping_lets_everybody_in),
		cmocka_unit_test(a_pcp_mapping_ends_in_time_or_when_deleted),
		cmocka_unit_test(a_deleted_grant_leaves_the_outbound_mapping),
		cmocka_unit_test(pcp_says_what_is_wrong),
		cmocka_unit_test(quota_and_suggestions_are_heeded),
		cmocka_unit_test(versions_are_negotiated),
		cmocka_unit_test(announce_is_answered),
		cmocka_unit_test(nat_pmp_tells_the_address_and_maps),
		cmocka_unit_test(the_box_may_claim_another_address),
		cmocka_unit_test(pcp_opens_a_pinhole_for_ipv6),
		cmocka_unit_test(the_box_answers_pings_and_rejects_what_it_is_told_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
