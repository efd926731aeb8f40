#include "bound_port.h"

#include <errno.h>

int bound_port_udp(uint16_t port)
{
	return -EOPNOTSUPP;
}
