/*
 * A URI, and whatever DNS answers: the resolution ends after a bounded number of questions, and
 * what it lists can be tried.
 */
#include "fuzz_check.h"
#include "turn_resolve.h"

#define QUESTIONS_MAX 64

static void take_lot(void *arg, void *buf, size_t len)
{
	struct wire *in = arg;

	memset(buf, 0, len);
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = wire_get_u8(in);
}

/* A few names, so that answers lead to each other, and now and then any bytes. */
static void make_name(struct wire *in, char *to, size_t cap)
{
	static const char *const names[] = {
		"t.test", "u.test", "v.test", "_turn._udp.t.test", "_turns._tcp.t.test", ".", ""
	};
	uint8_t which = wire_get_u8(in);
	struct bytes any;

	memset(to, 0, cap);
	if (which < 224) {
		const char *name = names[which % ARRAY_LEN(names)];

		memcpy(to, name, strlen(name));
		return;
	}
	any = wire_get_bytes(in, which - 224);
	if (any.len > 0)
		memcpy(to, any.data, any.len < cap ? any.len : cap);
}

static void answer_addrs(struct turn_resolve *r, uint16_t id, struct wire *in)
{
	struct addr list[8] = { 0 };
	size_t count = wire_get_u8(in) % (ARRAY_LEN(list) + 1);

	for (size_t i = 0; i < count; i++) {
		list[i].family = wire_get_u8(in) % 3;
		list[i].ip[3] = wire_get_u8(in);
	}
	turn_resolve_on_addrs(r, id, list, count, count == 0 ? "none" : NULL);
}

static void answer_srv(struct turn_resolve *r, uint16_t id, struct wire *in)
{
	static struct turn_srv list[12];
	size_t count = wire_get_u8(in) % (ARRAY_LEN(list) + 1);

	for (size_t i = 0; i < count; i++) {
		list[i].priority = wire_get_u8(in);
		list[i].weight = wire_get_u16(in);
		list[i].port = wire_get_u16(in);
		make_name(in, list[i].target, sizeof(list[i].target));
	}
	turn_resolve_on_srv(r, id, list, count, NULL);
}

static void answer_naptr(struct turn_resolve *r, uint16_t id, struct wire *in)
{
	static const char *const services[] = { "RELAY:turn.udp:turn.tcp:turn.tls:turn.dtls",
						"RELAY:turn.tls",
						"RELAY:", "relay:turn.tcp:", "SIP+D2U" };
	static const char *const flags[] = { "", "s", "A", "u" };
	static struct turn_naptr list[12];
	size_t count = wire_get_u8(in) % (ARRAY_LEN(list) + 1);

	for (size_t i = 0; i < count; i++) {
		const char *service = services[wire_get_u8(in) % ARRAY_LEN(services)];
		const char *flag = flags[wire_get_u8(in) % ARRAY_LEN(flags)];

		list[i] = (struct turn_naptr){ .order = wire_get_u8(in),
					       .preference = wire_get_u8(in) };
		memcpy(list[i].services, service, strlen(service));
		memcpy(list[i].flags, flag, strlen(flag));
		make_name(in, list[i].replacement, sizeof(list[i].replacement));
	}
	turn_resolve_on_naptr(r, id, list, count, NULL);
}

static void answer(struct turn_resolve *r, const struct turn_question *q, struct wire *in)
{
	switch (q->kind) {
	case TURN_ASK_NAPTR:
		answer_naptr(r, q->id, in);
		break;
	case TURN_ASK_SRV:
		answer_srv(r, q->id, in);
		break;
	default:
		answer_addrs(r, q->id, in);
		break;
	}
}

static void check_list(const struct turn_resolve *r)
{
	size_t count;
	const struct turn_candidate *list = turn_resolve_list(r, &count);

	FUZZ_CHECK(count <= TURN_RESOLVE_CANDIDATES_MAX);
	for (size_t i = 0; i < count; i++) {
		FUZZ_CHECK(list[i].transport < TURN_TRANSPORTS && list[i].to.port != 0);
		FUZZ_CHECK(list[i].to.family == ADDR_IPV4 || list[i].to.family == ADDR_IPV6);
		for (size_t k = 0; k < i; k++)
			FUZZ_CHECK(list[k].transport != list[i].transport ||
				   !addr_equal(&list[k].to, &list[i].to));
	}
	FUZZ_CHECK(count > 0 || turn_resolve_why(r)[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const uris[] = { "turn:t.test", "turns:t.test", "turn:t.test:9",
					    "turn:t.test?transport=udp", "turns:192.0.2.1" };
	struct wire in = wire_read(bytes_of(data, len));
	struct turn_resolve_config c = { .ipv4 = true,
					 .ipv6 = true,
					 .transports = { 3, 2, 1, 0 },
					 .transport_count = TURN_TRANSPORTS,
					 .random = take_lot,
					 .random_arg = &in };
	struct turn_question q;
	struct turn_resolve *r;
	const char *why;
	unsigned int asked = 0;

	FUZZ_CHECK(stun_uri_parse(bytes_of_str(uris[wire_get_u8(&in) % ARRAY_LEN(uris)]), &c.uri,
				  &why));
	FUZZ_CHECK(turn_resolve_check(&c) == NULL);
	r = turn_resolve_new(&c);
	FUZZ_CHECK(r != NULL);
	while (turn_resolve_next(r, &q)) {
		FUZZ_CHECK(asked++ < QUESTIONS_MAX);
		FUZZ_CHECK(q.name[0] != '\0' && strnlen(q.name, sizeof(q.name)) < sizeof(q.name));
		FUZZ_CHECK(!turn_resolve_is_done(r));
		answer(r, &q, &in);
		check_list(r);
	}
	FUZZ_CHECK(turn_resolve_is_done(r));
	turn_resolve_free(r);
	return 0;
}
