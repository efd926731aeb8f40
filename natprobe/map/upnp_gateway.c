#include "upnp_gateway.h"

#include <errno.h>
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockaddr.h"
#include "ssdp.h"

#define CONNECT_MS 1000

void upnp_gateway_fill(struct upnp_gateway *g, const struct probe_source *source,
		       const struct addr *gateway)
{
	g->source = *source;
	if (source->device != NULL) {
		snprintf(g->device, sizeof(g->device), "%s", source->device);
		g->source.device = g->device;
	}
	g->addr = *gateway;
	addr_print_ip(gateway, g->text);
}

/* Whether a URL's host is the gateway: nobody else is asked, whatever a device announces. */
static bool is_at_gateway(const struct upnp_gateway *g, const char *url)
{
	static const char scheme[] = "http://";
	size_t len = strlen(g->text);

	if (strncmp(url, scheme, strlen(scheme)) != 0)
		return false;
	url += strlen(scheme);
	return strncmp(url, g->text, len) == 0 && (url[len] == ':' || url[len] == '/');
}

/* The address from which packets to the gateway leave, through `device` or (NULL) any. */
static bool find_own(const struct upnp_gateway *g, const char *device, struct addr *own)
{
	const struct probe_source any = { .local = addr_ipv4(0, 0, 0, 0, 0), .device = device };
	const struct addr to = addr_with_port(&g->addr, SSDP_PORT);
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&to, &sa);
	struct addr bound;
	int fd = probe_socket_udp(&any, 0, &bound);
	bool ok;

	if (fd < 0)
		return false;
	ok = connect(fd, (struct sockaddr *)&sa, len) == 0;
	len = sizeof(sa);
	ok = ok && getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	     sockaddr_to_addr((struct sockaddr *)&sa, own);
	close(fd);
	return ok;
}

/*
 * The library connects without regard to our interface. Where another one has a gateway of the
 * same address, it would ask that one.
 */
static bool reaches_gateway(const struct upnp_gateway *g)
{
	struct addr ours, used;

	return find_own(g, g->source.device, &ours) && find_own(g, NULL, &used) &&
	       addr_equal_ip(&ours, &used);
}

/* Of a URL at the gateway; 0 where it is none. */
static uint16_t port_of(const struct upnp_gateway *g, const char *url)
{
	const char *at = url + strlen("http://") + strlen(g->text);
	unsigned int port = 0;

	if (*at != ':')
		return 80;
	for (at++; *at >= '0' && *at <= '9' && port <= UINT16_MAX; at++)
		port = port * 10 + (unsigned int)(*at - '0');
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

bool upnp_can_connect(const struct probe_source *source, const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(to, &sa);
	struct pollfd wait = { .fd = probe_socket_tcp(source, 0), .events = POLLOUT };
	int err = 0;
	bool ok;

	if (wait.fd < 0)
		return false;
	ok = connect(wait.fd, (struct sockaddr *)&sa, len) == 0 || errno == EINPROGRESS;
	len = sizeof(err);
	ok = ok && poll(&wait, 1, CONNECT_MS) > 0 &&
	     getsockopt(wait.fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err == 0;
	close(wait.fd);
	return ok;
}

static bool can_connect(const struct upnp_gateway *g, const char *url)
{
	const struct addr to = addr_with_port(&g->addr, port_of(g, url));

	return upnp_can_connect(&g->source, &to);
}

struct addr upnp_gateway_external(const struct UPNPUrls *urls, const struct IGDdatas *data)
{
	char text[64] = "";
	struct addr a = { 0 };

	if (UPNP_GetExternalIPAddress(urls->controlURL, data->first.servicetype, text) !=
		    UPNPCOMMAND_SUCCESS ||
	    !addr_parse_ip(text, 0, &a) || addr_is_any(&a))
		return (struct addr){ 0 };
	return a;
}

static bool use_device(const struct upnp_gateway *g, const char *url, upnp_gateway_use_fn use,
		       void *arg)
{
	struct UPNPUrls urls = { 0 };
	struct IGDdatas data = { 0 };
	char local[64] = "";
	bool offers = false;

	if (UPNP_GetIGDFromUrl(url, &urls, &data, local, sizeof(local)) != 1)
		return false;
	if (urls.controlURL != NULL && data.first.servicetype[0] != '\0' &&
	    is_at_gateway(g, urls.controlURL)) {
		offers = true;
		if (urls.controlURL_6FC != NULL && !is_at_gateway(g, urls.controlURL_6FC))
			data.IPv6FC.servicetype[0] = '\0';
		use(arg, &urls, &data);
	}
	FreeUPNPUrls(&urls);
	return offers;
}

bool upnp_gateway_use(const struct upnp_gateway *g, const char *url, upnp_gateway_use_fn use,
		      void *arg)
{
	return is_at_gateway(g, url) && reaches_gateway(g) && can_connect(g, url) &&
	       use_device(g, url, use, arg);
}
