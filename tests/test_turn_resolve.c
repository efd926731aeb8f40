/* RFC 5928: from a TURN URI to candidates, by the examples of the RFCs and by what goes wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "rng.h"
#include "turn_resolve.h"

/* One record; which members count is told by its kind. */
struct record {
	uint8_t kind;
	const char *name;
	const char *to; /* an address, a target, a replacement */
	uint16_t a, b;  /* priority and weight, order and preference */
	uint16_t port;
	const char *flags;    /* NAPTR */
	const char *services; /* NAPTR */
};

#define NAPTR(name, order, preference, flags, services, to) \
	{ TURN_ASK_NAPTR, name, to, order, preference, 0, flags, services }
#define SRV(name, priority, weight, port, to) \
	{ TURN_ASK_SRV, name, to, priority, weight, port, NULL, NULL }
#define A(name, to)    { TURN_ASK_A, name, to, 0, 0, 0, NULL, NULL }
#define AAAA(name, to) { TURN_ASK_AAAA, name, to, 0, 0, 0, NULL, NULL }

struct zone {
	const struct record *records;
	size_t count;
	unsigned int asked;
	bool fails;
};

/* RFC 5928, figures 1 to 3. */
static const struct record rfc5928[] = {
	NAPTR("example.net", 200, 10, "", "RELAY:turn.tcp:turn.tls", "stream.example.net"),
	NAPTR("example.net", 100, 10, "", "RELAY:turn.udp", "datagram.example.net"),
	NAPTR("datagram.example.net", 100, 10, "S", "RELAY:turn.udp", "_turn._udp.example.net"),
	NAPTR("stream.example.net", 100, 10, "S", "RELAY:turn.tcp", "_turn._tcp.example.net"),
	NAPTR("stream.example.net", 200, 10, "A", "RELAY:turn.tls", "a.example.net"),
	SRV("_turn._udp.example.net", 0, 0, 3478, "a.example.net"),
	SRV("_turn._tcp.example.net", 0, 0, 5000, "a.example.net"),
	A("a.example.net", "192.0.2.1"),
	NAPTR("example.com", 100, 10, "", "RELAY:turn.udp:turn.tcp:turn.tls", "example.net"),
	SRV("_turn._udp.example.com", 0, 0, 3478, "a.example.net"),
	SRV("_turn._tcp.example.com", 0, 0, 5000, "a.example.net"),
	SRV("_turns._tcp.example.com", 0, 0, 5349, "a.example.net"),
};

/* RFC 7350, appendix A. */
static const struct record rfc7350[] = {
	NAPTR("example.net", 100, 10, "", "RELAY:turn.udp:turn.dtls", "datagram.example.net"),
	NAPTR("example.net", 200, 10, "", "RELAY:turn.tcp:turn.tls", "stream.example.net"),
	NAPTR("datagram.example.net", 100, 10, "S", "RELAY:turn.udp", "_turn._udp.example.net"),
	NAPTR("datagram.example.net", 200, 10, "S", "RELAY:turn.dtls", "_turns._udp.example.net"),
	NAPTR("stream.example.net", 100, 10, "S", "RELAY:turn.tcp", "_turn._tcp.example.net"),
	NAPTR("stream.example.net", 200, 10, "A", "RELAY:turn.tls", "a.example.net"),
	SRV("_turn._udp.example.net", 0, 0, 3478, "a.example.net"),
	SRV("_turn._tcp.example.net", 0, 0, 5000, "a.example.net"),
	SRV("_turns._udp.example.net", 0, 0, 5349, "a.example.net"),
	A("a.example.net", "192.0.2.1"),
};

static void take_lot(void *arg, void *buf, size_t len)
{
	rng_fill(arg, buf, len);
}

static void answer_addrs(struct turn_resolve *r, const struct turn_question *q, struct zone *z)
{
	struct addr list[16];
	size_t count = 0;

	for (size_t i = 0; i < z->count && count < ARRAY_LEN(list); i++) {
		const struct record *rr = &z->records[i];

		if (rr->kind == q->kind && strcmp(rr->name, q->name) == 0)
			assert_true(addr_parse_ip(rr->to, 0, &list[count++]));
	}
	turn_resolve_on_addrs(r, q->id, list, count, count == 0 ? "no such name" : NULL);
}

static void answer_srv(struct turn_resolve *r, const struct turn_question *q, struct zone *z)
{
	struct turn_srv list[16];
	size_t count = 0;

	for (size_t i = 0; i < z->count && count < ARRAY_LEN(list); i++) {
		const struct record *rr = &z->records[i];

		if (rr->kind != TURN_ASK_SRV || strcmp(rr->name, q->name) != 0)
			continue;
		list[count] =
			(struct turn_srv){ .priority = rr->a, .weight = rr->b, .port = rr->port };
		(void)snprintf(list[count++].target, sizeof(list[0].target), "%s", rr->to);
	}
	turn_resolve_on_srv(r, q->id, list, count, NULL);
}

static void answer_naptr(struct turn_resolve *r, const struct turn_question *q, struct zone *z)
{
	struct turn_naptr list[16];
	size_t count = 0;

	for (size_t i = 0; i < z->count && count < ARRAY_LEN(list); i++) {
		const struct record *rr = &z->records[i];
		struct turn_naptr *n = &list[count];

		if (rr->kind != TURN_ASK_NAPTR || strcmp(rr->name, q->name) != 0)
			continue;
		*n = (struct turn_naptr){ .order = rr->a, .preference = rr->b };
		(void)snprintf(n->flags, sizeof(n->flags), "%s", rr->flags);
		(void)snprintf(n->services, sizeof(n->services), "%s", rr->services);
		(void)snprintf(n->replacement, sizeof(n->replacement), "%s", rr->to);
		count++;
	}
	turn_resolve_on_naptr(r, q->id, list, count, NULL);
}

static void answer(struct turn_resolve *r, const struct turn_question *q, struct zone *z)
{
	z->asked++;
	if (q->kind == TURN_ASK_NAPTR)
		answer_naptr(r, q, z);
	else if (q->kind == TURN_ASK_SRV)
		answer_srv(r, q, z);
	else
		answer_addrs(r, q, z);
}

#define MOST 32

/* uri, and transports such as "tls tcp udp". */
static struct turn_resolve_config configure(const char *uri, const char *words, struct rng *rng)
{
	struct turn_resolve_config c = { .ipv4 = true, .ipv6 = true, .random = take_lot };
	const char *why;

	c.random_arg = rng;
	assert_true(stun_uri_parse(bytes_of_str(uri), &c.uri, &why));
	for (const char *at = words; *at != '\0'; at += strcspn(at, " "), at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");

		for (uint8_t t = 0; t < TURN_TRANSPORTS; t++) {
			if (strlen(turn_transport_word(t)) == len &&
			    strncmp(turn_transport_word(t), at, len) == 0)
				c.transports[c.transport_count++] = t;
		}
	}
	return c;
}

/* Answers the questions of each round from the last one to the first: order is of no meaning. */
static void ask_all(struct turn_resolve *r, struct zone *z)
{
	struct turn_question q[64];
	size_t count;

	do {
		count = 0;
		while (count < ARRAY_LEN(q) && turn_resolve_next(r, &q[count]))
			count++;
		for (size_t i = count; i > 0; i--)
			answer(r, &q[i - 1], z);
	} while (count > 0);
	assert_true(turn_resolve_is_done(r));
}

/* The list as text: "udp 192.0.2.1:3478, tls 192.0.2.1:5349"; or why there is none. */
static const char *resolve(const char *uri, const char *words, struct zone *z)
{
	static char text[2048];
	struct rng rng = rng_seed(1);
	struct turn_resolve_config c = configure(uri, words, &rng);
	const char *why = turn_resolve_check(&c);
	struct turn_resolve *r;
	const struct turn_candidate *list;
	size_t count, len = 0;

	if (why != NULL)
		return why;
	r = turn_resolve_new(&c);
	assert_non_null(r);
	ask_all(r, z);
	list = turn_resolve_list(r, &count);
	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		char at[ADDR_TEXT_MAX];

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %s",
					i > 0 ? ", " : "", turn_transport_word(list[i].transport),
					addr_print(&list[i].to, at));
		assert_in_range(len, 1, sizeof(text) - 1);
	}
	if (count == 0)
		(void)snprintf(text, sizeof(text), "%s", turn_resolve_why(r));
	turn_resolve_free(r);
	return text;
}

#define ZONE(list) (&(struct zone){ list, ARRAY_LEN(list), 0, false })
#define EMPTY_ZONE (&(struct zone){ 0 })

static void the_examples_of_the_rfcs(void **state)
{
	static const char table2[] = "udp 192.0.2.1:3478, tls 192.0.2.1:5349, tcp 192.0.2.1:5000";

	assert_string_equal(resolve("turn:example.net", "tls tcp udp", ZONE(rfc5928)), table2);
	assert_string_equal(resolve("turn:example.com", "tls tcp udp", ZONE(rfc5928)), table2);
	/* RFC 7350, table 2. */
	assert_string_equal(resolve("turns:example.net", "dtls tls tcp udp", ZONE(rfc7350)),
			    "dtls 192.0.2.1:5349, tls 192.0.2.1:5349");
	assert_string_equal(resolve("turn:example.net", "dtls tls tcp udp", ZONE(rfc7350)),
			    "dtls 192.0.2.1:5349, udp 192.0.2.1:3478, tls 192.0.2.1:5349, "
			    "tcp 192.0.2.1:5000");
}

static void turns_leaves_out_what_is_not_secure(void **state)
{
	assert_string_equal(resolve("turns:example.net", "udp tcp tls dtls", ZONE(rfc7350)),
			    "dtls 192.0.2.1:5349, tls 192.0.2.1:5349");
	assert_string_equal(resolve("turns:192.0.2.9", "udp tcp tls dtls", EMPTY_ZONE),
			    "tls 192.0.2.9:5349, dtls 192.0.2.9:5349");
	assert_string_equal(
		resolve("turns:192.0.2.9:443?transport=tcp", "udp tcp tls dtls", EMPTY_ZONE),
		"tls 192.0.2.9:443");
	assert_string_equal(
		resolve("turns:192.0.2.9?transport=udp", "udp tcp tls dtls", EMPTY_ZONE),
		"dtls 192.0.2.9:5349");
}

static void an_address_asks_nobody(void **state)
{
	struct zone z = { 0 };

	assert_string_equal(resolve("turn:192.0.2.9", "tcp udp", &z),
			    "tcp 192.0.2.9:3478, udp 192.0.2.9:3478");
	assert_string_equal(resolve("turn:[2001:db8::9]:99?transport=udp", "tcp udp", &z),
			    "udp [2001:db8::9]:99");
	assert_int_equal(z.asked, 0);
}

static void a_port_asks_for_addresses_only(void **state)
{
	static const struct record list[] = {
		A("t.test", "192.0.2.2"),
		A("t.test", "192.0.2.3"),
		AAAA("t.test", "2001:db8::2"),
		SRV("_turn._udp.t.test", 0, 0, 9, "elsewhere.test"),
		A("elsewhere.test", "192.0.2.4"),
	};
	struct zone *z = ZONE(list);

	assert_string_equal(resolve("turn:t.test:5000", "udp tcp", z),
			    "udp 192.0.2.2:5000, udp 192.0.2.3:5000, udp [2001:db8::2]:5000, "
			    "tcp 192.0.2.2:5000, tcp 192.0.2.3:5000, tcp [2001:db8::2]:5000");
	assert_int_equal(z->asked, 2);
}

static void a_transport_asks_for_its_service(void **state)
{
	static const struct record list[] = {
		NAPTR("t.test", 1, 1, "a", "RELAY:turn.tcp", "wrong.test"),
		SRV("_turn._tcp.t.test", 20, 0, 5002, "b.test"),
		SRV("_turn._tcp.t.test", 10, 0, 5001, "a.test"),
		A("a.test", "192.0.2.1"),
		A("b.test", "192.0.2.2"),
	};

	assert_string_equal(resolve("turn:t.test?transport=tcp", "udp tcp", ZONE(list)),
			    "tcp 192.0.2.1:5001, tcp 192.0.2.2:5002");
}

static void without_records_the_host_itself_is_taken(void **state)
{
	static const struct record list[] = {
		A("t.test", "192.0.2.2"),
		AAAA("t.test", "2001:db8::2"),
		SRV("_turn._tcp.t.test", 0, 0, 5000, "t.test"),
	};

	assert_string_equal(resolve("turn:t.test", "udp tcp tls dtls", ZONE(list)),
			    "udp 192.0.2.2:3478, udp [2001:db8::2]:3478, tcp 192.0.2.2:5000, "
			    "tcp [2001:db8::2]:5000");
	assert_string_equal(resolve("turns:t.test", "tls dtls", ZONE(list)),
			    "tls 192.0.2.2:5349, tls [2001:db8::2]:5349, dtls 192.0.2.2:5349, "
			    "dtls [2001:db8::2]:5349");
	assert_string_equal(resolve("turn:t.test?transport=udp", "udp", ZONE(list)),
			    "udp 192.0.2.2:3478, udp [2001:db8::2]:3478");
}

static void a_service_may_be_absent(void **state)
{
	static const struct record list[] = {
		SRV("_turn._udp.t.test", 0, 0, 0, "."),
		A("t.test", "192.0.2.2"),
	};

	assert_string_equal(resolve("turn:t.test?transport=udp", "udp", ZONE(list)),
			    "its domain says that it has no such service");
	assert_string_equal(resolve("turn:t.test", "udp tcp", ZONE(list)), "tcp 192.0.2.2:3478");
}

static void pointers_to_other_transports_are_an_answer(void **state)
{
	static const struct record list[] = {
		NAPTR("t.test", 1, 1, "a", "RELAY:turn.tcp", "t.test"),
		A("t.test", "192.0.2.2"),
	};

	assert_string_equal(resolve("turn:t.test", "udp", ZONE(list)),
			    "its domain names other transports only");
	assert_string_equal(resolve("turns:t.test", "tls dtls", ZONE(list)),
			    "its domain names other transports only");
}

static void pointers_that_are_not_about_relays_do_not_count(void **state)
{
	static const struct record list[] = {
		NAPTR("t.test", 1, 1, "s", "SIP+D2U", "_sip._udp.t.test"),
		NAPTR("t.test", 1, 1, "a", "RELAYS:turn.udp", "x.test"),
		NAPTR("t.test", 1, 1, "a", "RELAY:turn.udp", "no host"),
		A("t.test", "192.0.2.2"),
		A("x.test", "192.0.2.3"),
	};

	assert_string_equal(resolve("turn:t.test", "udp", ZONE(list)), "udp 192.0.2.2:3478");
}

static void flags_and_tags_have_no_case_and_whole_words(void **state)
{
	static const struct record list[] = {
		NAPTR("t.test", 1, 1, "A", "relay:TURN.UDP", "a.test"),
		NAPTR("t.test", 1, 2, "a", "RELAY:turn.udpx:turn.tc", "x.test"),
		NAPTR("t.test", 1, 3, "u", "RELAY:turn.udp", "x.test"),
		A("a.test", "192.0.2.1"),
		A("x.test", "192.0.2.2"),
	};

	assert_string_equal(resolve("turn:t.test", "udp tcp", ZONE(list)), "udp 192.0.2.1:3478");
}

static void loops_end(void **state)
{
	static const struct record list[] = {
		NAPTR("t.test", 1, 1, "", "RELAY:turn.udp:turn.tcp", "u.test"),
		NAPTR("t.test", 1, 1, "", "RELAY:turn.udp:turn.tcp", "t.test"),
		NAPTR("u.test", 1, 1, "", "RELAY:turn.udp:turn.tcp", "t.test"),
		NAPTR("u.test", 1, 1, "", "RELAY:turn.udp:turn.tcp", "u.test"),
		NAPTR("u.test", 9, 1, "a", "RELAY:turn.udp", "a.test"),
		A("a.test", "192.0.2.1"),
	};
	struct zone *z = ZONE(list);

	assert_string_equal(resolve("turn:t.test", "udp tcp", z), "udp 192.0.2.1:3478");
	assert_int_equal(z->asked, 4); /* each name once */
}

static void dns_that_fails_is_told(void **state)
{
	assert_string_equal(resolve("turn:t.test", "udp", EMPTY_ZONE), "no such name");
}

static void what_cannot_be_is_told_before(void **state)
{
	static const struct {
		const char *uri, *words, *want;
	} cases[] = {
		{ "stun:example.net", "udp", "not a TURN server; write turn:HOST or turns:HOST" },
		{ "turns:192.0.2.1", "udp tcp", "turns: means TLS and DTLS, which are not wanted" },
		{ "turns:t.test", "udp tcp", "turns: means TLS and DTLS, which are not wanted" },
		{ "turn:t.test?transport=tcp", "udp",
		  "turn: means UDP and TCP, which are not wanted" },
		{ "turn:t.test:9", "tls dtls", "turn: means UDP and TCP, which are not wanted" },
		{ "turn:192.0.2.1", "", "turn: means UDP and TCP, which are not wanted" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(resolve(cases[i].uri, cases[i].words, EMPTY_ZONE),
				    cases[i].want);
}

static void families_can_be_left_out(void **state)
{
	static const struct record list[] = { A("t.test", "192.0.2.2"),
					      AAAA("t.test", "2001:db8::2") };
	struct rng rng = rng_seed(1);
	struct turn_resolve_config c = configure("turn:t.test:1", "udp", &rng);
	struct zone *z = ZONE(list);
	struct turn_resolve *r;
	size_t count;

	c.ipv4 = false;
	assert_null(turn_resolve_check(&c));
	r = turn_resolve_new(&c);
	ask_all(r, z);
	assert_int_equal(turn_resolve_list(r, &count)[0].to.family, ADDR_IPV6);
	assert_int_equal(count, 1);
	assert_int_equal(z->asked, 1);
	turn_resolve_free(r);
	c.ipv6 = false;
	assert_non_null(turn_resolve_check(&c));
	c = configure("turn:192.0.2.1", "udp", &rng);
	c.ipv4 = false;
	assert_non_null(turn_resolve_check(&c));
}

/* Which of three hosts comes first, in many draws. */
static void weights_are_chances(void **state)
{
	static const struct record list[] = {
		SRV("_turn._udp.t.test", 5, 0, 1, "a.test"),
		SRV("_turn._udp.t.test", 5, 30, 2, "a.test"),
		SRV("_turn._udp.t.test", 5, 90, 3, "a.test"),
		SRV("_turn._udp.t.test", 9, 60000, 4, "a.test"),
		A("a.test", "192.0.2.1"),
	};
	struct rng rng = rng_seed(7);
	unsigned int first[5] = { 0 };

	for (int i = 0; i < 2000; i++) {
		struct turn_resolve_config c = configure("turn:t.test?transport=udp", "udp", &rng);
		struct turn_resolve *r = turn_resolve_new(&c);
		const struct turn_candidate *found;
		size_t count;

		ask_all(r, ZONE(list));
		found = turn_resolve_list(r, &count);
		assert_int_equal(count, 4);
		assert_int_equal(found[3].to.port, 4);
		first[found[0].to.port]++;
		turn_resolve_free(r);
	}
	assert_in_range(first[1], 1, 60); /* one of 121 */
	assert_in_range(first[2], 400, 600);
	assert_in_range(first[3], 1400, 1600);
}

static void answers_to_nothing_are_ignored(void **state)
{
	struct rng rng = rng_seed(1);
	struct turn_resolve_config c = configure("turn:t.test:1", "udp", &rng);
	struct turn_resolve *r = turn_resolve_new(&c);
	struct addr a = addr_ipv4(192, 0, 2, 1, 0);
	struct turn_question q;
	size_t count;

	turn_resolve_on_addrs(r, 0, &a, 1, NULL); /* not asked yet */
	assert_true(turn_resolve_next(r, &q));
	turn_resolve_on_srv(r, q.id, NULL, 0, NULL);
	turn_resolve_on_naptr(r, q.id, NULL, 0, NULL);
	turn_resolve_on_addrs(r, 999, &a, 1, NULL);
	assert_string_equal(turn_resolve_why(r), "DNS did not answer in time");
	(void)turn_resolve_list(r, &count);
	assert_int_equal(count, 0);
	turn_resolve_on_addrs(r, q.id, &a, 1, NULL);
	turn_resolve_on_addrs(r, q.id, &a, 1, NULL);
	(void)turn_resolve_list(r, &count);
	assert_int_equal(count, 1);
	assert_false(turn_resolve_is_done(r));
	turn_resolve_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_rfcs),
		cmocka_unit_test(turns_leaves_out_what_is_not_secure),
		cmocka_unit_test(an_address_asks_nobody),
		cmocka_unit_test(a_port_asks_for_addresses_only),
		cmocka_unit_test(a_transport_asks_for_its_service),
		cmocka_unit_test(without_records_the_host_itself_is_taken),
		cmocka_unit_test(a_service_may_be_absent),
		cmocka_unit_test(pointers_to_other_transports_are_an_answer),
		cmocka_unit_test(pointers_that_are_not_about_relays_do_not_count),
		cmocka_unit_test(flags_and_tags_have_no_case_and_whole_words),
		cmocka_unit_test(loops_end),
		cmocka_unit_test(dns_that_fails_is_told),
		cmocka_unit_test(what_cannot_be_is_told_before),
		cmocka_unit_test(families_can_be_left_out),
		cmocka_unit_test(weights_are_chances),
		cmocka_unit_test(answers_to_nothing_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
