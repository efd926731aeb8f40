#include "partner_judge.h"

#include <string.h>

#include "addr_special.h"

/* Special addresses that are still a host's. */
static bool is_of_a_lab(const char *name)
{
	static const char *const words[] = { "private",     "shared",       "loopback",
					     "link-local",  "unique-local", "documentation",
					     "benchmarking" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i], name) == 0)
			return true;
	}
	return false;
}

bool partner_may_reach(const struct addr *own, const struct addr *to)
{
	struct addr_special_hit hit, ours;

	if (to->family != own->family || to->port == 0 || to->scope != 0)
		return false;
	if (!addr_special_judge(to, &hit))
		return true;
	return is_of_a_lab(hit.entry->name) && addr_special_judge(own, &ours) &&
	       is_of_a_lab(ours.entry->name);
}

static bool get_mapped(const struct stun_msg *msg, bool classic, struct addr *out)
{
	struct bytes value;

	if (classic)
		return stun_msg_find(msg, STUN_ATTR_MAPPED_ADDRESS, &value) &&
		       stun_attr_get_addr(value, out) == STUN_OK;
	return stun_msg_find(msg, STUN_ATTR_XOR_MAPPED_ADDRESS, &value) &&
	       stun_attr_get_xor_addr(value, &msg->tid, out) == STUN_OK;
}

bool partner_is_answer(struct bytes datagram, const struct addr *to, bool classic)
{
	struct stun_msg msg;
	struct addr mapped;

	if (datagram.len > PARTNER_MSG_MAX || stun_msg_parse(datagram, &msg) != STUN_OK)
		return false;
	if (msg.class != STUN_SUCCESS || msg.method != STUN_BINDING)
		return false;
	if (stun_tid_is_classic(&msg.tid) && !classic)
		return false;
	return get_mapped(&msg, stun_tid_is_classic(&msg.tid), &mapped) &&
	       addr_equal_ip(&mapped, to);
}

enum partner_fit partner_fit(const struct partner_face *own, const struct partner_face *theirs)
{
	const struct addr *a = &own->seen[0], *b = &theirs->seen[0];

	if (a->family == ADDR_NONE)
		return PARTNER_FIT_ABSENT;
	if (b->family == ADDR_NONE)
		return PARTNER_FIT_MISSING;
	if (addr_equal_ip(a, b))
		return PARTNER_FIT_SAME;
	if (a->port != b->port || own->seen[1].port != theirs->seen[1].port)
		return PARTNER_FIT_PORTS;
	return partner_may_reach(a, b) ? PARTNER_FIT_OK : PARTNER_FIT_SPECIAL;
}
