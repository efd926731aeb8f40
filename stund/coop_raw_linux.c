/* coop_raw on Linux. */
#include <config.h> /* _GNU_SOURCE */

#include "coop_raw.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockaddr.h"

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

int coop_raw_open(uint8_t family)
{
	int fd = socket(family == ADDR_IPV6 ? AF_INET6 : AF_INET,
			SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

	if (fd < 0)
		return -errno;
	/* Else a firewall's connection tracking puts fragments together again. */
	if (family == ADDR_IPV4)
		(void)set_int(fd, IPPROTO_IP, IP_NODEFRAG, 1);
	return fd;
}

int coop_raw_send(int fd, const struct addr *to, struct bytes packet)
{
	struct addr ip = addr_with_port(to, 0); /* of a raw socket of IPv6 it is the protocol */
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&ip, &sa);

	if (sendto(fd, packet.data, packet.len, MSG_DONTWAIT, (struct sockaddr *)&sa, len) < 0)
		return -errno;
	return 0;
}

int coop_raw_set_df(int fd, uint8_t family, enum coop_df df)
{
	static const int v4[] = { [COOP_DF_USUAL] = IP_PMTUDISC_WANT,
				  [COOP_DF_NEVER] = IP_PMTUDISC_OMIT,
				  [COOP_DF_ALWAYS] = IP_PMTUDISC_PROBE };
	static const int v6[] = { [COOP_DF_USUAL] = IPV6_PMTUDISC_WANT,
				  [COOP_DF_NEVER] = IPV6_PMTUDISC_DONT,
				  [COOP_DF_ALWAYS] = IPV6_PMTUDISC_PROBE };

	if (family == ADDR_IPV6)
		return set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, v6[df]);
	return set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, v4[df]);
}

int coop_raw_want_errors(int fd, uint8_t family)
{
	if (family == ADDR_IPV6)
		return set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	return set_int(fd, IPPROTO_IP, IP_RECVERR, 1);
}
