#include "deep_packet.h"

#include <errno.h>

int deep_packet_set_df(int fd, uint8_t family, enum deep_packet_df df)
{
	return df == DEEP_PACKET_USUAL ? 0 : -EOPNOTSUPP;
}

bool deep_packet_can_fragment(const struct probe_source *source)
{
	return false;
}

int deep_packet_fragments(const struct probe_source *source, const struct addr *from,
			  const struct addr *to, struct bytes data, bool reversed)
{
	return -EOPNOTSUPP;
}

bool deep_packet_sees_icmp(void)
{
	return false;
}
