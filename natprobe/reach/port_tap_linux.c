/* The tap on Linux: a packet socket with a filter in the kernel. */
#include "port_tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <unistd.h>

#define READS_MAX 256 /* packets that are looked at for one */

/*
 * Lets in what comes from outside in that transport; the rest is for the parser. Offsets count from
 * the IP header, whatever the link is: the socket is SOCK_DGRAM.
 */
static int attach_filter(int fd, uint8_t family, uint8_t transport)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 3, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, family == ADDR_IPV4 ? 9 : 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, transport, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PORT_TAP_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { .len = ARRAY_LEN(code), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0
		       ? 0
		       : -errno;
}

int port_tap_open(uint32_t index, const struct addr *local, uint8_t transport)
{
	struct sockaddr_ll where = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(local->family == ADDR_IPV4 ? ETH_P_IP : ETH_P_IPV6),
		.sll_ifindex = (int)index,
	};
	/* Without a protocol nothing is received before the filter stands. */
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	rc = attach_filter(fd, local->family, transport);
	if (rc == 0 && bind(fd, (struct sockaddr *)&where, sizeof(where)) != 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

bool port_tap_read(int fd, const struct addr *local, uint8_t transport,
		   uint8_t buf[static PORT_TAP_MAX], struct port_packet *out)
{
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t len = recv(fd, buf, PORT_TAP_MAX, 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return false;
		if (port_packet_parse(bytes_of(buf, (size_t)len), out) &&
		    out->transport == transport && addr_equal(&out->to, local))
			return true;
	}
	return false;
}
