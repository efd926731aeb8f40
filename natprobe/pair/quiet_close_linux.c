#include "quiet_close.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"

#ifndef TCP_REPAIR
#define TCP_REPAIR 19
#endif

void quiet_close(int fd, uint8_t family)
{
	int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) != 0) {
		if (family == ADDR_IPV6)
			(void)setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &on, sizeof(on));
		else
			(void)setsockopt(fd, IPPROTO_IP, IP_TTL, &on, sizeof(on));
	}
	close(fd);
}
