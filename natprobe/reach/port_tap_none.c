/* A system without taps. */
#include "port_tap.h"

#include <errno.h>

int port_tap_open(uint32_t index, const struct addr *local, uint8_t transport)
{
	return -EOPNOTSUPP;
}

bool port_tap_read(int fd, const struct addr *local, uint8_t transport,
		   uint8_t buf[static PORT_TAP_MAX], struct port_packet *out)
{
	return false;
}
