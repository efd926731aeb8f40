/* The packets of a trial, and the peers that they go to. */
#include "relay_state.h"

#define MAGIC 0x6e6b7274 /* "nkrt" */

int rt_family(uint8_t family)
{
	return family == ADDR_IPV6 ? RELAY_IPV6 : RELAY_IPV4;
}

uint8_t rt_addr_family(int family)
{
	return family == RELAY_IPV6 ? ADDR_IPV6 : ADDR_IPV4;
}

struct addr rt_relayed(const struct rt_end *e, int family)
{
	for (size_t i = 0; e->is_allocated && i < ARRAY_LEN(e->allocated.relayed); i++) {
		if (e->allocated.relayed[i].family == rt_addr_family(family))
			return e->allocated.relayed[i];
	}
	return (struct addr){ 0 };
}

struct bytes rt_packet_make(struct relay_trial *t, const struct rt_packet *p)
{
	struct wire_out out = wire_write(t->packet, t->config.length);

	wire_put_u32(&out, MAGIC);
	wire_put_mem(&out, t->run_id, sizeof(t->run_id));
	wire_put_u8(&out, p->kind);
	wire_put_u8(&out, p->family);
	wire_put_u32(&out, p->number);
	wire_put_u64(&out, p->sent_us);
	wire_put_zeros(&out, t->config.length - out.len);
	return wire_written(&out);
}

bool rt_packet_read(const struct relay_trial *t, struct bytes in, struct rt_packet *out)
{
	struct wire w = wire_read(in);
	bool is_ours =
		wire_get_u32(&w) == MAGIC && bytes_equal(wire_get_bytes(&w, sizeof(t->run_id)),
							 bytes_of(t->run_id, sizeof(t->run_id)));

	out->kind = wire_get_u8(&w);
	out->family = wire_get_u8(&w);
	out->number = wire_get_u32(&w);
	out->sent_us = wire_get_u64(&w);
	return is_ours && !w.failed && in.len == t->config.length && out->family < RELAY_FAMILIES;
}

bool rt_send(struct relay_trial *t, uint8_t end, const struct rt_peer *peer, struct bytes data,
	     uint64_t now_us, struct relay_action *out)
{
	struct bytes framed;

	if (t->ends[end].state != RT_END_OPEN || peer->number == RT_NO_PEER ||
	    turn_client_send(t->ends[end].client, peer->number, data, false, now_us, t->out,
			     sizeof(t->out), &framed) != TURN_CLIENT_FRAMED)
		return false;
	*out = (struct relay_action){ .kind = RELAY_SEND, .end = end, .data = framed };
	return true;
}

void rt_add_peer(struct relay_trial *t, uint8_t end, struct rt_peer *peer, const struct addr *addr,
		 bool channel, uint64_t now_us)
{
	t->has_new_peer = true;
	*peer = (struct rt_peer){ .number = turn_client_add_peer(t->ends[end].client, addr, channel,
								 now_us),
				  .permission = RT_PERMISSION_ASKED,
				  .is_settled = !channel };
	if (peer->number < 0) /* a relayed address that is none */
		*peer = (struct rt_peer){ .number = RT_NO_PEER,
					  .permission = RT_PERMISSION_REFUSED };
}
