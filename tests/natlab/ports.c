#include "ports.h"

#include <stdlib.h>
#include <unistd.h>

#include "fabric.h"
#include "netconf.h"
#include "tun.h"

#define READS_PER_WAKEUP 64

struct port {
	struct port_config config;
	int fd;
	struct event *on_readable;
};

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct port *p = arg;
	uint8_t packet[FABRIC_PACKET_MAX];

	/* A bounded batch: then other interfaces get their turn. */
	for (int i = 0; i < READS_PER_WAKEUP; i++) {
		int n = tun_read(p->fd, packet, sizeof(packet));

		if (n <= 0)
			break;
		p->config.on_packet(p->config.arg, &p->config.id, bytes_of(packet, (size_t)n));
	}
	p->config.on_batch_end(p->config.arg);
}

struct port *port_open(const struct port_config *config, struct lab_error *err)
{
	struct port *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL) {
		lab_fail(err, "out of memory");
		return NULL;
	}
	p->config = *config;
	p->fd = tun_open(config->interface);
	if (p->fd < 0) {
		tun_explain(err, -p->fd);
		goto fail;
	}
	rc = netconf_up(config->interface, TUN_MTU);
	if (rc != 0) {
		lab_fail(err, "cannot bring %s up: %s", config->interface, strerror(-rc));
		goto fail;
	}
	p->on_readable = event_new(config->base, p->fd, EV_READ | EV_PERSIST, on_readable, p);
	if (p->on_readable == NULL || event_add(p->on_readable, NULL) != 0) {
		lab_fail(err, "out of memory");
		goto fail;
	}
	return p;
fail:
	port_close(p);
	return NULL;
}

void port_close(struct port *p)
{
	if (p == NULL)
		return;
	if (p->on_readable != NULL)
		event_free(p->on_readable);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

void port_send(struct port *p, struct bytes packet)
{
	(void)tun_write(p->fd, packet);
}
