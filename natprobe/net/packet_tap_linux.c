/* The tap on Linux: a packet socket with a filter in the kernel. */
#include "packet_tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <unistd.h>

#define READS_MAX 64 /* packets that are looked at for one datagram */

static uint32_t ip_number(const struct addr *a)
{
	return (uint32_t)a->ip[0] << 24 | (uint32_t)a->ip[1] << 16 | (uint32_t)a->ip[2] << 8 |
	       a->ip[3];
}

/* Offsets count from the IP header, whatever the link is: the socket is SOCK_DGRAM. */
static int attach_filter(int fd, const struct addr *local)
{
	uint32_t ip = ip_number(local);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 7, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9), /* protocol */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 17, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 12), /* source */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ip, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16), /* destination */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ip, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PACKET_TAP_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { .len = ARRAY_LEN(code), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0
		       ? 0
		       : -errno;
}

int packet_tap_open(uint32_t index, const struct addr *local, int *fd)
{
	struct sockaddr_ll where = { .sll_family = AF_PACKET,
				     .sll_protocol = htons(ETH_P_IP),
				     .sll_ifindex = (int)index };
	int rc;

	*fd = -1;
	if (local->family != ADDR_IPV4)
		return 0; /* IPv6 knows no martians */
	/* Without a protocol nothing is received before the filter stands. */
	*fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	rc = attach_filter(*fd, local);
	if (rc == 0 && bind(*fd, (struct sockaddr *)&where, sizeof(where)) != 0)
		rc = -errno;
	if (rc != 0) {
		close(*fd);
		*fd = -1;
	}
	return rc;
}

bool packet_tap_read(int fd, uint8_t buf[static PACKET_TAP_MAX], struct udp_packet *out)
{
	for (int i = 0; i < READS_MAX; i++) {
		ssize_t len = recv(fd, buf, PACKET_TAP_MAX, 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return false;
		if (udp_packet_parse(bytes_of(buf, (size_t)len), out))
			return true;
	}
	return false;
}
