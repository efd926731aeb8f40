/* What a shell asks of the gateway: PCP, or NAT-PMP where there is no PCP; again, as a lease does. */
#include <stdlib.h>

#include "addr_special.h"
#include "natprobe/map/portmap_wire.h"
#include "sim_pair_parts.h"

#define LEASE_S 600

/* From one request to the next; after the last one: until it is given up. */
static const uint32_t waits_us[SIM_PAIR_GATEWAY_TRIES] = { 150000, 250000, 400000, 500000, 700000 };

static bool has_pcp(const struct sim_pair_host *h)
{
	const struct nat_profile *p = &h->net->profile;

	return p->layer_count > 0 && p->layers[p->layer_count - 1u].pcp;
}

static void ask_gateway(struct sim_pair_host *h, struct sim_pair_slot *slot)
{
	struct addr from = addr_with_port(&slot->local, PORTMAP_ANNOUNCE_PORT);
	struct addr to = addr_with_port(&h->gateway, PORTMAP_PORT);
	struct portmap_wish wish = { .transport = PORTMAP_UDP,
				     .internal = slot->local,
				     .suggested = { .family = slot->local.family,
						    .port = slot->local.port },
				     .lifetime_s = LEASE_S };
	uint8_t request[PORTMAP_REQUEST_MAX], buf[SIM_PACKET_LEN];
	size_t len;

	memcpy(wish.nonce, slot->map_nonce, sizeof(wish.nonce));
	if (has_pcp(h))
		len = portmap_put_pcp_map(&wish, request);
	else if (!slot->map_has_external)
		len = portmap_put_pmp_address(request);
	else
		len = portmap_put_pmp_map(&wish, request);
	len = packet_build_udp(buf, sizeof(buf), &from, &to, bytes_of(request, len));
	sim_pair_from_host(h, bytes_of(buf, len));
}

static void wait_for_gateway(struct sim_pair_host *h, uint16_t slot)
{
	uint32_t wait_us = waits_us[h->slots[slot].map_tries - 1];

	sim_pair_put(h->world, SIM_PAIR_MAP_TIMER, (size_t)h->who * 1024 + slot,
		     h->world->now_us + wait_us, (struct bytes){ 0 });
}

void sim_pair_gateway_map(struct sim_pair_host *h, const struct punch_action *a)
{
	struct sim_pair_slot *slot = &h->slots[a->slot];

	if (a->slot >= PUNCH_SLOTS_MAX || !slot->open || slot->is_relay)
		abort();
	slot->map_tries = 1;
	slot->map_has_external = false;
	rng_fill(&h->rng, slot->map_nonce, sizeof(slot->map_nonce));
	ask_gateway(h, slot);
	wait_for_gateway(h, a->slot);
}

static void end_map(struct sim_pair_host *h, uint16_t slot, const struct addr *external)
{
	struct addr none = { 0 };

	if (external == NULL || external->port == 0)
		external = &none;
	h->slots[slot].map_tries = 0;
	h->has_port_mapping = external->family != ADDR_NONE && addr_special_find(external) == NULL;
	h->is_awake = true;
	h->world->driver->on_mapped(h->end, slot, external, sim_pair_clock(h));
}

void sim_pair_gateway_on_timer(struct sim_pair_host *h, uint16_t slot)
{
	struct sim_pair_slot *s = &h->slots[slot];

	if (!s->open || s->map_tries == 0 || h->is_finished)
		return;
	if (s->map_tries++ == SIM_PAIR_GATEWAY_TRIES) {
		end_map(h, slot, NULL);
		return;
	}
	ask_gateway(h, s);
	wait_for_gateway(h, slot);
}

void sim_pair_gateway_on_packet(struct sim_pair_host *h, const struct packet *p)
{
	struct portmap_reply r;

	if (portmap_read(p->data, &r) == PORTMAP_NO_REPLY || r.result != 0)
		return;
	for (uint16_t i = 0; i < PUNCH_SLOTS_MAX; i++) {
		struct sim_pair_slot *s = &h->slots[i];

		if (!s->open || s->map_tries == 0)
			continue;
		if (r.kind == PORTMAP_PMP_ADDRESS && !s->map_has_external) {
			s->map_external = r.external;
			s->map_has_external = true;
			ask_gateway(h, s);
		} else if (r.kind == PORTMAP_PMP_MAP && r.internal_port == s->local.port) {
			s->map_external.port = r.external.port;
			end_map(h, i, &s->map_external);
		} else if (r.kind == PORTMAP_PCP_MAP && r.internal_port == s->local.port) {
			end_map(h, i, &r.external);
		}
	}
}
