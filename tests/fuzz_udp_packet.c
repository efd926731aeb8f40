/* Any bytes as an IPv4 packet: what is taken lies within them. */
#include "natprobe/net/udp_packet.h"
#include "fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct udp_packet p;

	if (!udp_packet_parse(bytes_of(data, len), &p))
		return 0;
	FUZZ_CHECK(p.from.family == ADDR_IPV4 && p.to.family == ADDR_IPV4);
	FUZZ_CHECK(p.data.len <= len - 28);
	FUZZ_CHECK(p.data.data >= data + 28 && p.data.data + p.data.len <= data + len);
	return 0;
}
