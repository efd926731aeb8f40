#include "tests/nat_state.h"

#include <stdlib.h>

#define LIFETIME_S 30

static bool belongs(const struct nat_fragments_of *d, enum nat_side side, const struct packet *p)
{
	return d->side == side && d->id == p->fragment_id && d->protocol == p->protocol &&
	       addr_equal_ip(&d->source, &p->source) &&
	       addr_equal_ip(&d->destination, &p->destination);
}

static void forget(struct nat_fragments_of *d)
{
	for (size_t i = 0; i < d->held_count; i++)
		free(d->held[i].data);
	*d = (struct nat_fragments_of){ 0 };
}

void nat_fragments_close(struct nat *n)
{
	for (size_t i = 0; i < NAT_DATAGRAMS_MAX; i++)
		forget(&n->datagrams[i]);
}

/* The entry of the packet's datagram: known, fresh, or in place of the oldest. */
static struct nat_fragments_of *entry_of(struct nat *n, enum nat_side side, const struct packet *p,
					 uint64_t now_us)
{
	struct nat_fragments_of *oldest = &n->datagrams[0];

	for (size_t i = 0; i < NAT_DATAGRAMS_MAX; i++) {
		struct nat_fragments_of *d = &n->datagrams[i];

		if (d->expires_us > now_us && belongs(d, side, p))
			return d;
		if (d->expires_us < oldest->expires_us)
			oldest = d;
	}
	forget(oldest);
	oldest->expires_us = now_us + LIFETIME_S * NAT_S;
	oldest->side = side;
	oldest->id = p->fragment_id;
	oldest->protocol = p->protocol;
	oldest->source = addr_with_port(&p->source, 0);
	oldest->destination = addr_with_port(&p->destination, 0);
	return oldest;
}

/* Waits for the first one, if there is room. */
static bool hold(struct nat_fragments_of *d, struct bytes packet)
{
	if (d->held_count == NAT_HELD_MAX)
		return false;
	uint8_t *copy = malloc(packet.len);
	if (copy == NULL)
		return false;
	memcpy(copy, packet.data, packet.len);
	d->held[d->held_count++] = (struct nat_held){ copy, packet.len };
	return true;
}

static void pass_on(struct nat *n, const struct nat_fragments_of *d, struct packet *p)
{
	packet_rewrite(n->out, p, &d->new_source, &d->new_destination);
	nat_emit(n, d->leaves_on, p->whole);
}

static void release(struct nat *n, struct nat_fragments_of *d)
{
	for (size_t i = 0; i < d->held_count; i++) {
		struct packet p;

		memcpy(n->out, d->held[i].data, d->held[i].len);
		if (packet_parse(bytes_of(n->out, d->held[i].len), &p))
			pass_on(n, d, &p);
		free(d->held[i].data);
	}
	d->held_count = 0;
}

const char *nat_fragment(struct nat *n, enum nat_side side, struct packet *p, uint64_t now_us,
			 void (*translate)(struct nat *n, struct packet *p, uint64_t now_us))
{
	uint8_t rule = side == NAT_OUTSIDE ? n->config.fragments : n->config.fragments_out;
	struct nat_fragments_of *d;

	if (rule == NAT_FRAGMENTS_DROP || n->config.nat64_prefix_len != 0)
		return "fragment";
	d = entry_of(n, side, p, now_us);
	if (p->fragment_offset == 0) {
		n->tracking = d;
		translate(n, p, now_us);
		n->tracking = NULL;
		if (d->known)
			release(n, d);
		return NULL;
	}
	if (d->known) {
		pass_on(n, d, p);
		return NULL;
	}
	if (rule == NAT_FRAGMENTS_IN_ORDER)
		return "fragment-order";
	return hold(d, p->whole) ? NULL : "fragment";
}

void nat_fragment_known(struct nat *n, enum nat_side leaves_on, const struct packet *p)
{
	struct nat_fragments_of *d = n->tracking;

	if (d == NULL)
		return;
	d->known = true;
	d->leaves_on = leaves_on;
	d->new_source = p->source;
	d->new_destination = p->destination;
}

void nat_split(struct nat *n, const struct packet *p, size_t mtu)
{
	uint8_t *base = n->out, header[60];
	size_t header_len = p->transport, left = p->whole.len - header_len;
	size_t most = (mtu - header_len) & ~(size_t)7;
	size_t offset = p->fragment_offset;
	uint8_t *at = base; /* each piece gets its header into the end of the one before */

	memcpy(header, base, header_len);
	while (left > 0) {
		size_t len = left < most ? left : most;
		bool more = left > len || p->more_fragments;

		memcpy(at, header, header_len);
		wire_store_u16(at + 2, (uint16_t)(header_len + len));
		wire_store_u16(at + 6, (uint16_t)((more ? 0x2000u : 0u) | offset / 8));
		wire_store_u16(at + 10, 0);
		wire_store_u16(at + 10, packet_sum_end(packet_sum(0, bytes_of(at, header_len))));
		nat_emit(n, NAT_OUTSIDE, bytes_of(at, header_len + len));
		at += len;
		offset += len;
		left -= len;
	}
}
