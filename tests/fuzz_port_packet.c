/* Any bytes as a packet that an interface shows: what is taken lies within them. */
#include "natprobe/reach/port_packet.h"
#include "fuzz_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct port_packet p;

	if (!port_packet_parse(bytes_of(data, len), &p))
		return 0;
	FUZZ_CHECK(p.transport == 6 || p.transport == 17);
	FUZZ_CHECK(p.from.family == p.to.family);
	FUZZ_CHECK(p.transport == 17 || p.data.len == 0);
	if (p.data.len > 0)
		FUZZ_CHECK(p.data.data >= data + 28 && p.data.data + p.data.len <= data + len);
	return 0;
}
