#include "quiet_close.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"

void quiet_close(int fd, uint8_t family)
{
	int ttl = 1;

	if (family == ADDR_IPV6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof(ttl));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	close(fd);
}
