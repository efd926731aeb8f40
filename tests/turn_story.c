#include "turn_story.h"

#include "fuzz_check.h"

static void prepare(struct rig_client *c)
{
	if (!c->challenged)
		FUZZ_CHECK(rig_challenge(c) == 401);
}

static void put_bytes(struct stun_builder *b, uint16_t type, const void *data, size_t len)
{
	uint8_t *to = stun_build_attr(b, type, len);

	FUZZ_CHECK(to != NULL);
	if (len > 0)
		memcpy(to, data, len);
}

static void put_allocate(struct stun_builder *b, const struct story_allocate *how)
{
	if (!how->no_transport)
		(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_TRANSPORT,
				       how->transport != 0 ? how->transport : TURN_PROTOCOL_UDP);
	if (how->family != 0)
		(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, how->family);
	if (how->additional != 0)
		(void)stun_attr_put_u8(b,
				       how->additional_type != 0
					       ? how->additional_type
					       : STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY,
				       how->additional);
	if (how->even_port)
		(void)stun_attr_put_even_port(b, how->reserve);
	if (how->dont_fragment)
		(void)stun_attr_put_flag(b, STUN_ATTR_DONT_FRAGMENT);
	if (how->token != NULL)
		put_bytes(b, STUN_ATTR_RESERVATION_TOKEN, how->token->bytes, PORTS_TOKEN_LEN);
	if (how->mobile)
		put_bytes(b, STUN_ATTR_MOBILITY_TICKET, NULL, 0);
	if (how->lifetime_s != 0)
		(void)stun_attr_put_u32(b, STUN_ATTR_LIFETIME, how->lifetime_s);
}

static void read_answer(struct rig_client *c)
{
	const struct rig *r = c->rig;
	struct stun_walk walk = stun_msg_walk(&r->answer);
	struct stun_attr attr;
	size_t relayed = 0;

	while (stun_walk_next(&walk, &attr)) {
		if (attr.type == STUN_ATTR_XOR_RELAYED_ADDRESS) {
			FUZZ_CHECK(relayed < ARRAY_LEN(c->relayed));
			FUZZ_CHECK(stun_attr_get_xor_addr(attr.value, &r->answer.tid,
							  &c->relayed[relayed++]) == STUN_OK);
		} else if (attr.type == STUN_ATTR_XOR_MAPPED_ADDRESS) {
			FUZZ_CHECK(stun_attr_get_xor_addr(attr.value, &r->answer.tid, &c->mapped) ==
				   STUN_OK);
		} else if (attr.type == STUN_ATTR_LIFETIME) {
			FUZZ_CHECK(stun_attr_get_u32(attr.value, &c->lifetime_s) == STUN_OK);
		}
	}
	if (relayed == 1)
		c->relayed[1] = (struct addr){ 0 };
}

static uint16_t read_if(struct rig_client *c, uint16_t code)
{
	if (code == 0)
		read_answer(c);
	return code;
}

uint16_t story_allocate(struct rig_client *c, const struct story_allocate *how)
{
	prepare(c);
	put_allocate(rig_request(c, TURN_ALLOCATE), how);
	return read_if(c, rig_ask(c));
}

uint16_t story_refresh_family(struct rig_client *c, uint32_t lifetime_s, uint8_t family)
{
	struct stun_builder *b;

	prepare(c);
	b = rig_request(c, TURN_REFRESH);
	(void)stun_attr_put_u32(b, STUN_ATTR_LIFETIME, lifetime_s);
	(void)stun_attr_put_u8(b, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, family);
	return read_if(c, rig_ask(c));
}

void story_go(struct rig_client *c, int ports)
{
	c->tuple.client.port = (uint16_t)(c->tuple.client.port + ports);
	c->challenged = false;
}

uint16_t story_repeat(struct rig_client *c)
{
	return read_if(c, rig_send_request(c));
}

bool story_token(const struct rig *r, struct ports_token *out)
{
	struct bytes value;

	if (!rig_find(r, STUN_ATTR_RESERVATION_TOKEN, &value))
		return false;
	FUZZ_CHECK(value.len == sizeof(out->bytes));
	memcpy(out->bytes, value.data, value.len);
	return true;
}

bool story_address_error(const struct rig *r, uint8_t *family, uint16_t *code)
{
	struct stun_error error;
	struct bytes value;

	if (!rig_find(r, STUN_ATTR_ADDRESS_ERROR_CODE, &value))
		return false;
	FUZZ_CHECK(stun_attr_get_addr_error(value, family, &error) == STUN_OK);
	*code = error.code;
	return true;
}

bool story_ticket(const struct rig *r, struct story_ticket *out)
{
	struct bytes value;

	if (!rig_find(r, STUN_ATTR_MOBILITY_TICKET, &value))
		return false;
	FUZZ_CHECK(value.len == sizeof(out->value));
	memcpy(out->value, value.data, value.len);
	return true;
}

uint16_t story_move(struct rig_client *c, const struct story_ticket *ticket, uint32_t lifetime_s)
{
	struct stun_builder *b;

	prepare(c);
	b = rig_request(c, TURN_REFRESH);
	if (lifetime_s != UINT32_MAX)
		(void)stun_attr_put_u32(b, STUN_ATTR_LIFETIME, lifetime_s);
	put_bytes(b, STUN_ATTR_MOBILITY_TICKET, ticket->value, sizeof(ticket->value));
	return read_if(c, rig_ask(c));
}

const struct alloc *story_alloc_of(const struct rig_client *c)
{
	for (uint16_t i = 0; i < c->rig->workers; i++) {
		const struct turnd *t = c->rig->worker[i].turnd;

		for (const struct alloc *a = turnd_next(t, NULL); a != NULL; a = turnd_next(t, a)) {
			if (five_tuple_equal(&a->flow.tuple, &c->tuple))
				return a;
		}
	}
	return NULL;
}

struct addr story_peer(uint8_t n, uint16_t port)
{
	return addr_ipv4(93, 184, 216, n, port);
}
