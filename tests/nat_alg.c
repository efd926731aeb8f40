#include "tests/nat_state.h"

#define STUN_HEADER 20

/* Takes the place of `from`, as STUN writes endpoints without masking them. */
static void replace(uint8_t *base, const struct packet *p, uint8_t *value, const struct addr *to)
{
	size_t ip_len = addr_ip_len(to->family);
	uint8_t new[18];

	wire_store_u16(new, to->port);
	memcpy(new + 2, to->ip, ip_len);
	packet_replace(base, p, (size_t)(value + 2 - base), new, 2 + ip_len);
}

static bool says(struct bytes value, const struct addr *a)
{
	size_t ip_len = addr_ip_len(a->family);

	return value.len == 4 + ip_len && value.data[1] == a->family &&
	       ((unsigned)value.data[2] << 8 | value.data[3]) == a->port &&
	       memcmp(value.data + 4, a->ip, ip_len) == 0;
}

void nat_alg(uint8_t *base, const struct packet *p, const struct addr *from, const struct addr *to)
{
	struct wire in = wire_read(p->data);

	if (p->kind != PACKET_DATAGRAM || packet_is_fragment(p) || from->family != to->family)
		return;
	uint16_t type = wire_get_u16(&in);
	uint16_t len = wire_get_u16(&in);
	wire_skip(&in, STUN_HEADER - 4);
	if (in.failed || type >> 14 != 0 || len != in.left)
		return;
	while (in.left > 0 && !in.failed) {
		wire_skip(&in, 2);
		uint16_t value_len = wire_get_u16(&in);
		struct bytes value = wire_get_bytes(&in, value_len);

		wire_skip(&in, wire_padding(value_len));
		if (says(value, from))
			replace(base, p, base + (value.data - base), to);
	}
}
