#include "punch_state.h"

#include "nat64.h"

/* Early, and several times: one lost packet must not cost half a second. */
static const uint32_t waits_us[PU_ASK_TRIES] = { 100000, 100000, 200000, 300000, 0 };

/* The address of server `index` as a path sends to it, if it sees that family there. */
static bool server_addr(const struct punch *p, uint8_t path, uint8_t family, size_t index,
			struct addr *out)
{
	const struct peer_path *mine = &p->ours.paths[path];
	const struct addr *server = &p->servers[index];

	if (index >= p->config.server_count || server->family != family)
		return false;
	*out = *server;
	if (family == mine->family)
		return true;
	return mine->nat64_prefix_len != 0 &&
	       nat64_embed(&mine->nat64_prefix, mine->nat64_prefix_len, server, out);
}

bool pu_has_server(const struct punch *p, uint8_t path, uint8_t family)
{
	struct addr to;

	for (size_t i = 0; i < p->config.server_count; i++) {
		if (server_addr(p, path, family, i, &to))
			return true;
	}
	return false;
}

/*
 * One that answered, twice, then the next one: every server that is asked makes another mapping in
 * some NATs, so the others are for when it is silent.
 */
static bool choose_server(const struct punch *p, const struct pu_ask *a, struct addr *out)
{
	uint8_t path = p->slots[a->slot].path;
	/* It has a mapping towards the first one already, if it is that of the offer. */
	size_t skip = a->tries / 2u + (a->kind == PU_ASK_NEXT && a->slot < PU_SLOT_LOCAL);

	for (size_t i = 0; i < 3 * p->config.server_count; i++) {
		size_t at = (p->server[a->family - 1] + i) % p->config.server_count;

		if (server_addr(p, path, a->family, at, out) && skip-- == 0)
			return true;
	}
	return false;
}

struct pu_ask *pu_ask(struct punch *p, enum pu_ask_kind kind, uint16_t slot, uint8_t family,
		      uint64_t patience_us)
{
	if (!pu_slot_is_open(p, slot) || !pu_has_server(p, p->slots[slot].path, family))
		return NULL;
	for (size_t i = 0; i < PU_ASKS_MAX; i++) {
		struct pu_ask *a = &p->asks[i];

		if (a->kind != PU_ASK_NONE)
			continue;
		*a = (struct pu_ask){
			.kind = (uint8_t)kind,
			.slot = slot,
			.family = family,
			.step = PU_STEP_NONE,
			.began_us = p->now_us,
			.next_us = p->now_us,
			.until_us = p->now_us + patience_us,
		};
		return a;
	}
	return NULL;
}

bool pu_asks_open(const struct punch *p, enum pu_ask_kind kind)
{
	for (size_t i = 0; i < PU_ASKS_MAX; i++) {
		if (p->asks[i].kind == kind)
			return true;
	}
	return false;
}

void pu_asks_end(struct punch *p)
{
	for (size_t i = 0; i < PU_ASKS_MAX; i++)
		p->asks[i].kind = PU_ASK_NONE;
}

static bool send_ask(struct punch *p, struct pu_ask *a, struct punch_action *action)
{
	struct stun_builder b;
	struct bytes out = { 0 };
	struct addr to;

	if (!choose_server(p, a, &to))
		return false;
	a->tids[a->tries] = pu_tid(p);
	b = stun_build(p->buf, sizeof(p->buf), STUN_BINDING, STUN_REQUEST, &a->tids[a->tries]);
	(void)stun_build_finish(&b, &out);
	a->next_us = a->tries + 1 < PU_ASK_TRIES ? p->now_us + waits_us[a->tries] : PU_NEVER;
	a->tries++;
	pu_send(p, a->slot, &to, out.len, action);
	return true;
}

bool pu_asks_next(struct punch *p, struct punch_action *action, uint64_t *deadline_us)
{
	for (size_t i = 0; i < PU_ASKS_MAX; i++) {
		struct pu_ask *a = &p->asks[i];

		if (a->kind == PU_ASK_NONE)
			continue;
		if (p->now_us >= a->until_us || !pu_slot_is_open(p, a->slot)) {
			a->kind = PU_ASK_NONE;
			pu_by(deadline_us, p->now_us); /* whoever waits for it */
			continue;
		}
		if (p->now_us >= a->next_us && pu_may_burst(p, deadline_us) &&
		    send_ask(p, a, action))
			return true;
		pu_by(deadline_us, a->until_us);
		if (a->next_us > p->now_us)
			pu_by(deadline_us, a->next_us);
	}
	return false;
}

static struct pu_ask *find(struct punch *p, uint16_t slot, const struct stun_tid *tid)
{
	for (size_t i = 0; i < PU_ASKS_MAX; i++) {
		struct pu_ask *a = &p->asks[i];

		if (a->kind == PU_ASK_NONE || a->slot != slot)
			continue;
		for (uint8_t k = 0; k < a->tries; k++) {
			if (stun_tid_equal(&a->tids[k], tid))
				return a;
		}
	}
	return NULL;
}

static bool read_mapped(const struct stun_msg *msg, struct addr *out)
{
	struct bytes value = { 0 };

	if (stun_msg_find(msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value))
		return stun_attr_get_xor_addr(value, &msg->tid, out) == STUN_OK;
	return stun_msg_find(msg, STUN_ATTR_MAPPED_ADDRESS, &value) &&
	       stun_attr_get_addr(value, out) == STUN_OK;
}

/* It is asked first from now on. */
static void remember_server(struct punch *p, const struct pu_ask *a, const struct addr *from)
{
	struct addr to;

	for (uint8_t i = 0; i < p->config.server_count; i++) {
		if (server_addr(p, p->slots[a->slot].path, a->family, i, &to) &&
		    addr_equal(&to, from))
			p->server[a->family - 1] = i;
	}
}

static void take(struct punch *p, const struct pu_ask *a, const struct addr *mapped)
{
	struct punch_evidence *e = pu_evidence(p, a->step);

	if (a->kind == PU_ASK_AFTER && e != NULL)
		e->mapped_after = *mapped;
	else if (a->kind == PU_ASK_NEXT && e != NULL)
		e->next_port = mapped->port;
	else if (a->kind == PU_ASK_ALIVE && e != NULL)
		pu_count(&e->alive_answered);
	else
		pu_gather_on_mapped(p, a, mapped);
}

bool pu_asks_on_datagram(struct punch *p, uint16_t slot, const struct addr *from, struct bytes data)
{
	struct stun_msg msg;
	struct addr mapped = { 0 };
	struct pu_ask *a;

	if (stun_msg_parse(data, &msg) != STUN_OK || msg.method != STUN_BINDING ||
	    msg.class != STUN_SUCCESS)
		return false;
	a = find(p, slot, &msg.tid);
	if (a == NULL || !read_mapped(&msg, &mapped) || mapped.family != a->family)
		return false;
	if (a->kind != PU_ASK_NEXT)
		remember_server(p, a, from);
	take(p, a, &mapped);
	a->kind = PU_ASK_NONE;
	return true;
}
