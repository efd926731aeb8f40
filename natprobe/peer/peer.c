#include "peer.h"

bool peer_shares_external(const struct peer_path *a, const struct peer_path *b)
{
	for (uint8_t i = 0; i < a->external_count; i++) {
		for (uint8_t j = 0; j < b->external_count; j++) {
			if (addr_equal_ip(&a->externals[i], &b->externals[j]))
				return true;
		}
	}
	return false;
}

static bool is_in_prefix(const struct addr *a, const struct addr *of, uint8_t prefix_len)
{
	size_t whole = prefix_len / 8, rest = prefix_len % 8;

	if (a->family != of->family || prefix_len > 8 * addr_ip_len(of->family))
		return false;
	for (size_t i = 0; i < whole; i++) {
		if (a->ip[i] != of->ip[i])
			return false;
	}
	return rest == 0 || ((a->ip[whole] ^ of->ip[whole]) >> (8 - rest)) == 0;
}

bool peer_is_neighbour(const struct peer_path *ours, const struct peer_path *theirs)
{
	return peer_shares_external(ours, theirs) && ours->local_prefix_len > 0 &&
	       is_in_prefix(&theirs->local, &ours->local, ours->local_prefix_len);
}

bool peer_may_be_ours(const struct peer_path *ours, const struct peer_path *theirs)
{
	if (ours->local.family == ADDR_NONE || ours->local.family != theirs->local.family)
		return false;
	if (peer_shares_external(ours, theirs))
		return true;
	/* A prefix of 0 is not known, or that of a tunnel to everywhere. */
	return ours->local_prefix_len > 0 &&
	       is_in_prefix(&theirs->local, &ours->local, ours->local_prefix_len);
}
