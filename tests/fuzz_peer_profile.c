/* What is read as a profile is in its bounds, and is the same once it was written again. */
#include "natprobe/peer/peer_wire.h"
#include "fuzz_check.h"

static void check_path(const struct peer_path *p)
{
	FUZZ_CHECK(p->external_count <= PEER_EXTERNALS_MAX);
	FUZZ_CHECK(p->mapping < BEHAVIOURS && p->filtering < BEHAVIOURS);
	FUZZ_CHECK(p->chance >= 0 && p->chance <= 1);
	FUZZ_CHECK(p->loss <= 1 && p->overload <= 1);
	FUZZ_CHECK(p->background_per_s == p->background_per_s); /* is no NaN */
	FUZZ_CHECK(p->port_low <= p->port_high);
	FUZZ_CHECK(p->local_prefix_len <= 8 * addr_ip_len(p->local.family));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t first[PEER_PROFILE_BYTES_MAX], second[PEER_PROFILE_BYTES_MAX];
	struct peer_profile p;
	size_t n;

	if (!peer_profile_read(bytes_of(data, len), &p))
		return 0;
	FUZZ_CHECK(p.path_count <= PEER_PATHS_MAX);
	for (uint8_t i = 0; i < p.path_count; i++)
		check_path(&p.paths[i]);
	n = peer_profile_write(&p, first, sizeof(first));
	FUZZ_CHECK(n > 0);
	FUZZ_CHECK(peer_profile_read(bytes_of(first, n), &p));
	FUZZ_CHECK(peer_profile_write(&p, second, sizeof(second)) == n);
	FUZZ_CHECK(memcmp(first, second, n) == 0);
	return 0;
}
