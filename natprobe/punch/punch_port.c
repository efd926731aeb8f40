#include "natprobe/planning/punch_plan_side.h"
#include "natprobe/verdict_deep.h"
#include "punch_state.h"

/*
 * Which socket of a path has the port that the user wants. What the gateway opens for a port makes its
 * mapping no worse for whoever comes by another way, so the first set's is the one that is mapped.
 * Strategies have sockets of their own, since what one sends may spoil the mapping, or the pinhole,
 * that another one needs. Where nothing that may come in or leave can, one socket does for all.
 */
static bool bears_all(const struct peer_path *mine)
{
	if (mine->nat64_prefix_len != 0 || mine->icmp_error == PEER_WORD(DEEP_ENDS_MAPPING) ||
	    plan_may_be_spoilt_early(mine))
		return false;
	if (mine->mapping == BEHAVIOUR_NONE)
		return true;
	/* Addresses by lot: other sockets have other ones, and that is what helps. */
	return mine->mapping == BEHAVIOUR_ENDPOINT_INDEPENDENT && mine->per_destination == 0 &&
	       plan_address_count(mine) == 1;
}

/* Does a step try addresses of the own network, and is the other side likely to be there? */
static bool is_local_best(const struct punch *p, uint8_t path)
{
	for (uint8_t i = 0; i < p->needs.count; i++) {
		const struct punch_step *s = &p->needs.steps[i];
		uint8_t theirs = p->config.is_a ? s->b.path : s->a.path;

		if (s->is_local && !s->is_tcp && pu_part(p, s)->path == path &&
		    peer_is_neighbour(&p->ours.paths[path], &p->theirs.paths[theirs]))
			return true;
	}
	return false;
}

void pu_port_choose(struct punch *p, uint8_t path)
{
	const struct peer_path *mine = &p->ours.paths[path];
	struct pu_port *port = &p->ports[path];

	port->slot = (uint16_t)(PU_SLOT_SETS + path * PEER_SETS);
	if (p->config.local_port == 0 || p->config.keeps_port)
		return;
	if (mine->udp_blocked == VERDICT_YES)
		port->slot = (uint16_t)(PU_SLOT_LOCAL + path);
	else if (bears_all(mine))
		port->is_shared = true;
	else if (port->has_host && is_local_best(p, path))
		port->slot = (uint16_t)(PU_SLOT_LOCAL + path);
	else
		port->is_mapped = port->has_map;
}

uint16_t pu_port_of(const struct punch *p, uint16_t slot, uint8_t path)
{
	return p->ports[path].slot == slot ? p->config.local_port : 0;
}

static uint16_t slot_of(const struct punch *p, uint8_t path, int own)
{
	return p->ports[path].is_shared ? p->ports[path].slot : (uint16_t)own;
}

bool pu_port_lost(struct punch *p, uint16_t slot)
{
	struct pu_port *port = &p->ports[p->slots[slot].path];

	if (slot != port->slot || (!port->is_shared && !port->is_mapped))
		return false;
	port->is_shared = port->is_mapped = false;
	return true;
}

uint16_t pu_set_slot(const struct punch *p, uint8_t path, uint8_t set)
{
	return slot_of(p, path, PU_SLOT_SETS + path * PEER_SETS + set);
}

uint16_t pu_local_slot(const struct punch *p, uint8_t path)
{
	return slot_of(p, path, PU_SLOT_LOCAL + path);
}

uint16_t pu_portmap_slot(const struct punch *p, uint8_t path)
{
	return p->ports[path].is_mapped ? p->ports[path].slot
					: slot_of(p, path, PU_SLOT_PORTMAP + path);
}
