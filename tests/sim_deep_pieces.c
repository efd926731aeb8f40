#include "sim_deep_parts.h"

#define UDP_LEN 8

static struct sim_deep_pieces *place_for(struct sim_deep *s, const struct packet *p)
{
	struct sim_deep_pieces *oldest = &s->pieces[0];

	for (size_t i = 0; i < SIM_DEEP_PIECES_MAX; i++) {
		struct sim_deep_pieces *h = &s->pieces[i];

		if (h->used && h->id == p->fragment_id && addr_equal_ip(&h->source, &p->source) &&
		    addr_equal_ip(&h->destination, &p->destination))
			return h;
		if (!h->used || h->since < oldest->since)
			oldest = h;
	}
	*oldest = (struct sim_deep_pieces){ .used = true,
					    .id = p->fragment_id,
					    .since = ++s->pieces_seen,
					    .source = p->source,
					    .destination = p->destination };
	return oldest;
}

/* What follows the IP header, in this fragment. */
static struct bytes content_of(const struct packet *p)
{
	return bytes_of(p->whole.data + p->transport, p->whole.len - p->transport);
}

static bool is_right(const struct sim_deep_pieces *h)
{
	struct bytes whole = bytes_of(h->data, h->end);
	uint32_t sum = packet_pseudo_sum(&h->source, &h->destination, PACKET_UDP, h->end);

	return packet_sum_end(packet_sum(sum, whole)) == 0;
}

bool sim_deep_piece(struct sim_deep *s, const struct packet *p, struct sim_deep_whole *out)
{
	struct sim_deep_pieces *h = place_for(s, p);
	struct bytes content = content_of(p);

	if (p->fragment_offset + content.len > sizeof(h->data))
		return false;
	memcpy(h->data + p->fragment_offset, content.data, content.len);
	h->have += content.len; /* nobody sends a fragment twice, but a link: then it is lost */
	if (!p->more_fragments)
		h->end = p->fragment_offset + content.len;
	if (h->end == 0 || h->have != h->end || h->end < UDP_LEN || !is_right(h))
		return false;
	out->source = h->source;
	out->destination = h->destination;
	out->source.port = (uint16_t)(h->data[0] << 8 | h->data[1]);
	out->destination.port = (uint16_t)(h->data[2] << 8 | h->data[3]);
	out->data = bytes_of(h->data + UDP_LEN, h->end - UDP_LEN);
	h->used = false;
	return true;
}

void sim_deep_fragments(struct sim_deep *s, const struct addr *from, const struct addr *to,
			struct bytes msg, bool reversed,
			void (*send)(struct sim_deep *s, struct bytes packet))
{
	static struct coop_udp udp;
	uint8_t buf[COOP_PACKET_MAX];
	unsigned count;

	if (!coop_udp_make(&udp, from, to, msg))
		return;
	count = coop_fragment_count(&udp);
	s->fragment_id++;
	for (unsigned i = 0; i < count; i++)
		send(s, coop_fragment(&udp, reversed ? count - 1 - i : i, s->fragment_id, buf));
}
