#include "netlink_linux.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int netlink_open(void)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	struct timeval patience = { .tv_sec = 2 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&self, sizeof(self)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

bool netlink_attr_next(struct bytes *in, uint16_t *type, struct bytes *value)
{
	struct rtattr head;
	size_t step;

	if (in->len < sizeof(head))
		return false;
	memcpy(&head, in->data, sizeof(head));
	if (head.rta_len < sizeof(head) || head.rta_len > in->len)
		return false;
	*type = head.rta_type;
	*value = bytes_of(in->data + sizeof(head), head.rta_len - sizeof(head));
	step = ((size_t)head.rta_len + 3) & ~(size_t)3;
	if (step > in->len)
		step = in->len;
	*in = bytes_of(in->data + step, in->len - step);
	return true;
}

struct bytes netlink_attrs(struct bytes payload, size_t fixed)
{
	fixed = (fixed + 3) & ~(size_t)3;
	if (payload.len < fixed)
		return (struct bytes){ 0 };
	return bytes_of(payload.data + fixed, payload.len - fixed);
}

bool netlink_get_ip(struct bytes value, uint8_t af, struct addr *out)
{
	struct addr a = { .family = af == AF_INET ? ADDR_IPV4 : ADDR_IPV6 };

	if ((af != AF_INET && af != AF_INET6) || value.len != addr_ip_len(a.family))
		return false;
	memcpy(a.ip, value.data, value.len);
	*out = a;
	return true;
}
