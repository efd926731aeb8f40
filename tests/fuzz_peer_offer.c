/* What is read as an offer is in its bounds, and is the same once it was written again. */
#include "natprobe/peer/peer_wire.h"
#include "fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t first[PEER_OFFER_BYTES_MAX], second[PEER_OFFER_BYTES_MAX];
	struct peer_offer o;
	size_t n;

	if (!peer_offer_read(bytes_of(data, len), &o))
		return 0;
	FUZZ_CHECK(o.endpoint_count <= PEER_ENDPOINTS_MAX);
	for (uint8_t i = 0; i < o.endpoint_count; i++) {
		const struct peer_endpoint *e = &o.endpoints[i];

		FUZZ_CHECK(e->kind < PEER_ENDPOINT_KINDS && e->path < PEER_PATHS_MAX);
		FUZZ_CHECK(e->set < PEER_SETS && e->addr.port != 0);
		FUZZ_CHECK(!addr_is_any(&e->addr));
	}
	for (uint8_t i = 0; i < PEER_PATHS_MAX; i++)
		FUZZ_CHECK(o.sample_counts[i] <= PEER_SAMPLES_MAX);
	n = peer_offer_write(&o, first, sizeof(first));
	FUZZ_CHECK(n > 0);
	FUZZ_CHECK(peer_offer_read(bytes_of(first, n), &o));
	FUZZ_CHECK(peer_offer_write(&o, second, sizeof(second)) == n);
	FUZZ_CHECK(memcmp(first, second, n) == 0);
	return 0;
}
