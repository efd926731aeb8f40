/* The tap where the system offers none that we know. */
#include "packet_tap.h"

#include <errno.h>

int packet_tap_open(uint32_t index, const struct addr *local, int *fd)
{
	*fd = -1;
	return -EOPNOTSUPP;
}

bool packet_tap_read(int fd, uint8_t buf[static PACKET_TAP_MAX], struct udp_packet *out)
{
	return false;
}
