/* On Linux: the path's MTU is not believed, and a raw socket sends fragments as they are. */
#include <config.h> /* _GNU_SOURCE */

#include "deep_packet.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockaddr.h"

#define IP_LEN       20
#define UDP_LEN      8
#define FRAGMENT_MIN 8
#define PACKET_MAX   (IP_LEN + UDP_LEN + 4096)
#define TTL          64
#define MORE         0x2000

int deep_packet_set_df(int fd, uint8_t family, enum deep_packet_df df)
{
	bool is_v6 = family == ADDR_IPV6;
	int level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	int name = is_v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER;
	int value = is_v6 ? IPV6_PMTUDISC_WANT : IP_PMTUDISC_WANT;

	if (df == DEEP_PACKET_DF)
		value = is_v6 ? IPV6_PMTUDISC_PROBE : IP_PMTUDISC_PROBE;
	else if (df == DEEP_PACKET_NO_DF)
		value = is_v6 ? IPV6_PMTUDISC_DONT : IP_PMTUDISC_OMIT;
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

/* IPPROTO_RAW: the header is ours; the kernel adds its checksum and length. */
static int open_raw(const struct probe_source *source)
{
	int fd;

	if (source->local.family != ADDR_IPV4)
		return -EAFNOSUPPORT;
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	if (fd < 0)
		return -errno;
	if (source->device != NULL && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, source->device,
						 (socklen_t)strlen(source->device)) != 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

bool deep_packet_can_fragment(const struct probe_source *source)
{
	int fd = open_raw(source);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static uint32_t sum(uint32_t start, struct bytes data)
{
	for (size_t i = 0; i < data.len; i++)
		start += (uint32_t)data.data[i] << (i % 2 == 0 ? 8 : 0);
	return start;
}

static uint16_t udp_checksum(const struct addr *from, const struct addr *to, struct bytes udp)
{
	uint32_t s = sum(0, bytes_of(from->ip, 4));

	s = sum(s, bytes_of(to->ip, 4)) + IPPROTO_UDP + (uint32_t)udp.len;
	s = sum(s, udp);
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	return s == 0xffff ? 0xffff : (uint16_t)~s;
}

static size_t build_udp(const struct addr *from, const struct addr *to, struct bytes data,
			uint8_t *buf, size_t cap)
{
	struct wire_out out = wire_write(buf, cap);

	wire_put_u16(&out, from->port);
	wire_put_u16(&out, to->port);
	wire_put_u16(&out, (uint16_t)(UDP_LEN + data.len));
	wire_put_u16(&out, 0);
	wire_put_mem(&out, data.data, data.len);
	if (out.failed)
		return 0;
	wire_store_u16(buf + 6, udp_checksum(from, to, bytes_of(buf, out.len)));
	return out.len;
}

static int send_part(int fd, const struct addr *from, const struct addr *to, uint16_t id,
		     uint16_t flags_offset, struct bytes part)
{
	uint8_t packet[PACKET_MAX];
	struct wire_out out = wire_write(packet, sizeof(packet));
	struct sockaddr_storage sa;
	struct addr bare = addr_with_port(to, 0);
	socklen_t len = sockaddr_from_addr(&bare, &sa);

	wire_put_u8(&out, 0x45);
	wire_put_u8(&out, 0);
	wire_put_u16(&out, (uint16_t)(IP_LEN + part.len));
	wire_put_u16(&out, id);
	wire_put_u16(&out, flags_offset);
	wire_put_u8(&out, TTL);
	wire_put_u8(&out, IPPROTO_UDP);
	wire_put_u16(&out, 0);
	wire_put_mem(&out, from->ip, 4);
	wire_put_mem(&out, to->ip, 4);
	wire_put_mem(&out, part.data, part.len);
	if (out.failed)
		return -EMSGSIZE;
	if (sendto(fd, packet, out.len, 0, (struct sockaddr *)&sa, len) < 0)
		return -errno;
	return 0;
}

int deep_packet_fragments(const struct probe_source *source, const struct addr *from,
			  const struct addr *to, struct bytes data, bool reversed)
{
	uint8_t udp[PACKET_MAX];
	size_t len = build_udp(from, to, data, udp, sizeof(udp) - IP_LEN);
	size_t half = len / 2 / FRAGMENT_MIN * FRAGMENT_MIN;
	/* Differs from one datagram to the next: the checksum covers the transaction id. */
	uint16_t id = (uint16_t)(len > 0 ? udp[6] << 8 | udp[7] : 0);
	int fd, rc = 0;

	if (half == 0)
		return -EMSGSIZE;
	fd = open_raw(source);
	if (fd < 0)
		return fd;
	for (int i = 0; i < 2 && rc == 0; i++) {
		bool is_last = (i == 1) != reversed;

		rc = is_last ? send_part(fd, from, to, id, (uint16_t)(half / FRAGMENT_MIN),
					 bytes_of(udp + half, len - half))
			     : send_part(fd, from, to, id, MORE, bytes_of(udp, half));
	}
	close(fd);
	return rc;
}

bool deep_packet_sees_icmp(void)
{
	return true;
}
