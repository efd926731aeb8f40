#include <config.h>

#include "netconf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

#define REQUEST_MAX 256

/* A request: the header of netlink, a struct of the kind, attributes. */
struct request {
	_Alignas(struct nlmsghdr) uint8_t data[REQUEST_MAX];
	size_t len;
};

static struct request request_start(uint16_t type, uint16_t flags, const void *body, size_t len)
{
	struct request r = { .len = sizeof(struct nlmsghdr) + len };
	struct nlmsghdr head = { .nlmsg_type = type,
				 .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags) };

	memcpy(r.data, &head, sizeof(head));
	memcpy(r.data + sizeof(head), body, len);
	r.len = (r.len + 3) & ~(size_t)3;
	return r;
}

/* All that we send fits. */
static void request_add(struct request *r, uint16_t type, const void *value, size_t len)
{
	struct rtattr head = { .rta_len = (uint16_t)(sizeof(head) + len), .rta_type = type };
	size_t step = (sizeof(head) + len + 3) & ~(size_t)3;

	if (r->len + step > sizeof(r->data))
		return;
	memcpy(r->data + r->len, &head, sizeof(head));
	memcpy(r->data + r->len + sizeof(head), value, len);
	r->len += step;
}

static void request_add_u32(struct request *r, uint16_t type, uint32_t value)
{
	request_add(r, type, &value, sizeof(value));
}

static void request_add_ip(struct request *r, uint16_t type, const struct addr *a)
{
	request_add(r, type, a->ip, addr_ip_len(a->family));
}

static int read_answer(int fd)
{
	_Alignas(struct nlmsghdr) uint8_t answer[1024];
	struct nlmsghdr head;
	struct nlmsgerr error;
	ssize_t n;

	do {
		n = recv(fd, answer, sizeof(answer), 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n < sizeof(head) + sizeof(error))
		return -EBADMSG;
	memcpy(&head, answer, sizeof(head));
	memcpy(&error, answer + sizeof(head), sizeof(error));
	return head.nlmsg_type == NLMSG_ERROR ? error.error : -EBADMSG;
}

static int ask(int protocol, struct request *r)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	uint32_t len = (uint32_t)r->len;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	int rc;

	if (fd < 0)
		return -errno;
	memcpy(r->data, &len, sizeof(len));
	if (sendto(fd, r->data, r->len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		rc = -errno;
	else
		rc = read_answer(fd);
	close(fd);
	return rc;
}

static int set_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return -errno;
	rc = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

/* What cannot be set is not there, or not ours: the defaults are fine then. */
void netconf_prepare(bool ipv6)
{
	static const char *const kinds[] = { "all", "default" };
	char path[96];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", kinds[i]);
		(void)set_file(path, "0");
		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", kinds[i]);
		(void)set_file(path, ipv6 ? "0" : "1");
		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", kinds[i]);
		(void)set_file(path, "1");
		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", kinds[i]);
		(void)set_file(path, "0");
	}
	/* Any program may ping. */
	(void)set_file("/proc/sys/net/ipv4/ping_group_range", "0 0");
}

void netconf_forward(void)
{
	(void)set_file("/proc/sys/net/ipv4/ip_forward", "1");
	(void)set_file("/proc/sys/net/ipv6/conf/all/forwarding", "1");
}

int netconf_up(const char *interface, uint32_t mtu)
{
	struct ifinfomsg body = { .ifi_family = AF_UNSPEC,
				  .ifi_index = (int)if_nametoindex(interface),
				  .ifi_flags = IFF_UP,
				  .ifi_change = IFF_UP };
	struct request r = request_start(RTM_NEWLINK, 0, &body, sizeof(body));

	request_add_u32(&r, IFLA_MTU, mtu);
	request_add_u32(&r, IFLA_TXQLEN, 2000);
	return ask(NETLINK_ROUTE, &r);
}

static uint8_t system_family(uint8_t family)
{
	return family == ADDR_IPV6 ? AF_INET6 : AF_INET;
}

static int change_address(uint16_t type, uint16_t flags, const char *interface,
			  const struct addr *a, uint8_t prefix_len)
{
	struct ifaddrmsg body = { .ifa_family = system_family(a->family),
				  .ifa_prefixlen = prefix_len,
				  .ifa_flags = a->family == ADDR_IPV6 ? IFA_F_NODAD : 0,
				  .ifa_index = if_nametoindex(interface) };
	struct request r = request_start(type, flags, &body, sizeof(body));

	request_add_ip(&r, IFA_LOCAL, a);
	request_add_ip(&r, IFA_ADDRESS, a);
	return ask(NETLINK_ROUTE, &r);
}

int netconf_add_address(const char *interface, const struct addr *a, uint8_t prefix_len)
{
	return change_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, interface, a, prefix_len);
}

int netconf_remove_address(const char *interface, const struct addr *a, uint8_t prefix_len)
{
	return change_address(RTM_DELADDR, 0, interface, a, prefix_len);
}

int netconf_add_default(const char *interface, uint8_t family, const struct addr *gateway,
			uint32_t table, uint32_t metric)
{
	bool through = gateway != NULL && gateway->family != ADDR_NONE;
	struct rtmsg body = { .rtm_family = system_family(family),
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = RTPROT_STATIC,
			      .rtm_scope = through ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
			      .rtm_type = RTN_UNICAST };
	struct request r;

	if (family == ADDR_IPV6)
		body.rtm_scope = RT_SCOPE_UNIVERSE;
	r = request_start(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	request_add_u32(&r, RTA_OIF, if_nametoindex(interface));
	if (through)
		request_add_ip(&r, RTA_GATEWAY, gateway);
	if (table != 0)
		request_add_u32(&r, RTA_TABLE, table);
	if (metric != 0)
		request_add_u32(&r, RTA_PRIORITY, metric);
	return ask(NETLINK_ROUTE, &r);
}

int netconf_add_rule(const struct addr *from, uint32_t table)
{
	struct fib_rule_hdr body = { .family = system_family(from->family),
				     .src_len = (uint8_t)(addr_ip_len(from->family) * 8),
				     .action = FR_ACT_TO_TBL };
	struct request r =
		request_start(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));

	request_add_ip(&r, FRA_SRC, from);
	request_add_u32(&r, FRA_TABLE, table);
	return ask(NETLINK_ROUTE, &r);
}

/* Without a tuple all of them are meant. */
int netconf_forget_connections(void)
{
	struct nfgenmsg body = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 };
	struct request r = request_start(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, 0,
					 &body, sizeof(body));

	return ask(NETLINK_NETFILTER, &r);
}
