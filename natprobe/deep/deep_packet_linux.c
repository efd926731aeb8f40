/* On Linux: the path's MTU is not believed, and a raw socket sends fragments as they are. */
#include <config.h> /* _GNU_SOURCE */

#include "deep_packet.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockaddr.h"

#define IP_LEN        20
#define IP6_LEN       40
#define FRAGMENT_LEN  8 /* the extension header of IPv6 */
#define FRAGMENT_NEXT 44
#define UDP_LEN       8
#define FRAGMENT_MIN  8
#define UDP_MAX       (UDP_LEN + 4096)
#define PACKET_MAX    (IP6_LEN + FRAGMENT_LEN + UDP_MAX)
#define TTL           64
#define MORE          0x2000 /* in IPv4; offsets count units of eight bytes */
#define MORE6         1      /* in IPv6; offsets count bytes */

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

/* IPPROTO_RAW: the header is ours; the kernel adds the checksum and length of an IPv4 one. */
static int open_raw(const struct probe_source *source)
{
	int family = source->local.family == ADDR_IPV6 ? AF_INET6 : AF_INET;
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

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
	uint32_t s = sum(0, bytes_of(from->ip, addr_ip_len(from->family)));

	s = sum(s, bytes_of(to->ip, addr_ip_len(to->family))) + IPPROTO_UDP + (uint32_t)udp.len;
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

/* A piece of a datagram: where it begins, and whether more follows. */
struct part {
	struct bytes data;
	uint16_t offset;
	bool is_last;
};

static void put_head4(struct wire_out *out, const struct addr *from, const struct addr *to,
		      uint16_t id, const struct part *part)
{
	wire_put_u8(out, 0x45);
	wire_put_u8(out, 0);
	wire_put_u16(out, (uint16_t)(IP_LEN + part->data.len));
	wire_put_u16(out, id);
	wire_put_u16(out, (uint16_t)(part->offset / FRAGMENT_MIN | (part->is_last ? 0 : MORE)));
	wire_put_u8(out, TTL);
	wire_put_u8(out, IPPROTO_UDP);
	wire_put_u16(out, 0);
	wire_put_mem(out, from->ip, 4);
	wire_put_mem(out, to->ip, 4);
}

static void put_head6(struct wire_out *out, const struct addr *from, const struct addr *to,
		      uint16_t id, const struct part *part)
{
	wire_put_u32(out, 0x60000000);
	wire_put_u16(out, (uint16_t)(FRAGMENT_LEN + part->data.len));
	wire_put_u8(out, FRAGMENT_NEXT);
	wire_put_u8(out, TTL);
	wire_put_mem(out, from->ip, 16);
	wire_put_mem(out, to->ip, 16);
	wire_put_u8(out, IPPROTO_UDP);
	wire_put_u8(out, 0);
	wire_put_u16(out, (uint16_t)(part->offset | (part->is_last ? 0 : MORE6)));
	wire_put_u32(out, id);
}

static int send_part(int fd, const struct addr *from, const struct addr *to, uint16_t id,
		     const struct part *part)
{
	uint8_t packet[PACKET_MAX];
	struct wire_out out = wire_write(packet, sizeof(packet));
	struct sockaddr_storage sa;
	struct addr bare = addr_with_port(to, 0); /* a raw IPv6 socket takes it for a protocol */
	socklen_t len = sockaddr_from_addr(&bare, &sa);

	if (to->family == ADDR_IPV6)
		put_head6(&out, from, to, id, part);
	else
		put_head4(&out, from, to, id, part);
	wire_put_mem(&out, part->data.data, part->data.len);
	if (out.failed)
		return -EMSGSIZE;
	if (sendto(fd, packet, out.len, 0, (struct sockaddr *)&sa, len) < 0)
		return -errno;
	return 0;
}

int deep_packet_fragments(const struct probe_source *source, const struct addr *from,
			  const struct addr *to, struct bytes data, bool reversed)
{
	uint8_t udp[UDP_MAX];
	size_t len = build_udp(from, to, data, udp, sizeof(udp));
	size_t half = len / 2 / FRAGMENT_MIN * FRAGMENT_MIN;
	struct part parts[2] = { { .data = bytes_of(udp, half) },
				 { .data = bytes_of(udp + half, len - half),
				   .offset = (uint16_t)half,
				   .is_last = true } };
	/* Differs from one datagram to the next: the checksum covers the transaction id. */
	uint16_t id = (uint16_t)(len > 0 ? udp[6] << 8 | udp[7] : 0);
	int fd, rc = 0;

	if (half == 0)
		return -EMSGSIZE;
	fd = open_raw(source);
	if (fd < 0)
		return fd;
	for (int i = 0; i < 2 && rc == 0; i++)
		rc = send_part(fd, from, to, id, &parts[reversed ? 1 - i : i]);
	close(fd);
	return rc;
}

bool deep_packet_sees_icmp(void)
{
	return true;
}
