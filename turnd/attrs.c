/* The part of request.h that gathers the attributes of a request. */
#include "request.h"

/*
 * ADDITIONAL-ADDRESS-FAMILY as clients of coturn have it: the number of a draft, which no registry
 * gave to anything else.
 */
#define DRAFT_ADDITIONAL_FAMILY 0x8032

static void note_peer(const struct stun_msg *msg, struct bytes value, struct turn_attrs *out)
{
	struct addr peer;

	if (stun_attr_get_xor_addr(value, &msg->tid, &peer) != STUN_OK)
		out->is_malformed = true;
	else if (out->peer_count == REQUEST_PEERS_MAX)
		out->has_more_peers = true;
	else
		out->peers[out->peer_count++] = peer;
}

/* The first of duplicates counts; returns whether this is it. */
static bool is_first(bool *has)
{
	bool first = !*has;

	*has = true;
	return first;
}

static void expect(struct turn_attrs *out, enum stun_result result)
{
	if (result != STUN_OK)
		out->is_malformed = true;
}

static void note_token(struct bytes value, struct turn_attrs *out)
{
	if (value.len == sizeof(out->token.bytes))
		memcpy(out->token.bytes, value.data, value.len);
	else
		out->is_malformed = true;
}

static void note(const struct stun_msg *msg, const struct stun_attr *attr, struct turn_attrs *out)
{
	struct bytes value = attr->value;

	switch (attr->type) {
	case STUN_ATTR_XOR_PEER_ADDRESS:
		note_peer(msg, value, out);
		break;
	case STUN_ATTR_LIFETIME:
		if (is_first(&out->has_lifetime))
			expect(out, stun_attr_get_u32(value, &out->lifetime_s));
		break;
	case STUN_ATTR_CONNECTION_ID:
		if (is_first(&out->has_connection_id))
			expect(out, stun_attr_get_u32(value, &out->connection_id));
		break;
	case STUN_ATTR_CHANNEL_NUMBER:
		if (is_first(&out->has_channel))
			expect(out, stun_attr_get_u16(value, &out->channel));
		break;
	case STUN_ATTR_REQUESTED_TRANSPORT:
		if (is_first(&out->has_transport))
			expect(out, stun_attr_get_u8(value, &out->transport));
		break;
	case STUN_ATTR_REQUESTED_ADDRESS_FAMILY:
		if (is_first(&out->has_family))
			expect(out, stun_attr_get_u8(value, &out->family));
		break;
	case STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY:
	case DRAFT_ADDITIONAL_FAMILY:
		if (is_first(&out->has_additional_family))
			expect(out, stun_attr_get_u8(value, &out->additional_family));
		break;
	case STUN_ATTR_EVEN_PORT:
		if (is_first(&out->has_even_port))
			expect(out, stun_attr_get_even_port(value, &out->reserve_next));
		break;
	case STUN_ATTR_DONT_FRAGMENT:
		if (is_first(&out->dont_fragment))
			expect(out, stun_attr_get_flag(value));
		break;
	case STUN_ATTR_RESERVATION_TOKEN:
		if (is_first(&out->has_token))
			note_token(value, out);
		break;
	case STUN_ATTR_MOBILITY_TICKET:
		if (is_first(&out->has_ticket))
			out->ticket = value;
		break;
	default:
		break;
	}
}

bool turn_attr_is_known(uint16_t type)
{
	switch (type) {
	case STUN_ATTR_MAPPED_ADDRESS:
	case STUN_ATTR_USERNAME:
	case STUN_ATTR_MESSAGE_INTEGRITY:
	case STUN_ATTR_ERROR_CODE:
	case STUN_ATTR_UNKNOWN_ATTRIBUTES:
	case STUN_ATTR_CHANNEL_NUMBER:
	case STUN_ATTR_LIFETIME:
	case STUN_ATTR_XOR_PEER_ADDRESS:
	case STUN_ATTR_DATA:
	case STUN_ATTR_REALM:
	case STUN_ATTR_NONCE:
	case STUN_ATTR_XOR_RELAYED_ADDRESS:
	case STUN_ATTR_REQUESTED_ADDRESS_FAMILY:
	case STUN_ATTR_EVEN_PORT:
	case STUN_ATTR_REQUESTED_TRANSPORT:
	case STUN_ATTR_DONT_FRAGMENT:
	case STUN_ATTR_ACCESS_TOKEN:
	case STUN_ATTR_MESSAGE_INTEGRITY_SHA256:
	case STUN_ATTR_PASSWORD_ALGORITHM:
	case STUN_ATTR_USERHASH:
	case STUN_ATTR_XOR_MAPPED_ADDRESS:
	case STUN_ATTR_RESERVATION_TOKEN:
	case STUN_ATTR_CONNECTION_ID:
		return true;
	default:
		return false;
	}
}

void turn_attrs_gather(const struct stun_msg *msg, struct turn_attrs *out)
{
	struct stun_walk walk = stun_msg_walk(msg);
	struct stun_attr attr;

	*out = (struct turn_attrs){ 0 };
	while (stun_walk_next(&walk, &attr))
		note(msg, &attr, out);
}
