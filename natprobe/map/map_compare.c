/* Is the address that a gateway names the one that others see? */
#include "natprobe/check/check_servers.h"
#include "map_run.h"
#include "seen_address.h"

#define SEEN_MS    3000
#define RESOLVE_MS 9000 /* a third of it is for names */

static size_t find_servers(const struct check_servers *s, int family,
			   struct addr out[static SEEN_SERVERS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < s->count && count < SEEN_SERVERS_MAX; i++) {
		if (!s->items[i].tls && s->items[i].udp[family].family != ADDR_NONE)
			out[count++] = s->items[i].udp[family];
	}
	return count;
}

/* Whether a port is open in that family, at an address that is known. */
static bool has_open(const struct map_run *run, int family)
{
	for (size_t i = 0; i < run->row_count; i++) {
		if (run->rows[i].lease.state == LEASE_HELD &&
		    run->rows[i].lease.grant.external.family == map_families[family])
			return true;
	}
	return false;
}

/* Asks STUN servers what they see. Nothing else depends on it, so failing is no error. */
void map_compare(struct map_run *run)
{
	const struct check_options like = { .servers = run->options->servers,
					    .ipv4 = has_open(run, SERVER_IPV4),
					    .ipv6 = has_open(run, SERVER_IPV6),
					    .timeout_ms = RESOLVE_MS };
	struct check_servers servers = { 0 };

	if (!like.ipv4 && !like.ipv6)
		return;
	if (check_servers_choose(&servers, &like) == 0 &&
	    check_servers_resolve(&servers, &like, run->base) == 0) {
		for (int f = 0; f < MAP_FAMILIES && !run->is_stopping; f++) {
			struct addr list[SEEN_SERVERS_MAX];

			if (has_open(run, f))
				run->seen[f] =
					seen_address_ask(run->base, &run->paths[f].source, list,
							 find_servers(&servers, f, list), SEEN_MS);
		}
	}
	check_servers_clear(&servers);
}
