#include <stdlib.h>

#include "clock.h"
#include "natprobe/net/random.h"
#include "punch_io_state.h"

#define LIFETIME_S 600 /* renewed while the path is in use; ends soon where we are killed */

/* What the gateway granted; where it does not tell its own address, nobody else can. */
static struct addr external_of(const struct lease *l)
{
	const struct addr none = { 0 };

	if (l->state != LEASE_HELD || l->grant.external.family == ADDR_NONE)
		return none;
	return l->grant.external;
}

static void tell(struct punch_io_map *m, const struct addr *external)
{
	m->is_told = true;
	punch_on_mapped(m->io->config.punch, m->slot, external, clock_us());
}

static void on_change(void *arg)
{
	struct punch_io_map *m = arg;
	struct addr external;

	if (!m->is_told && m->leases != NULL && lease_io_is_settled(m->leases)) {
		external = external_of(lease_io_get(m->leases, 0));
		tell(m, &external);
		punch_io_drive(m->io);
	}
	if (m->io->on_released != NULL)
		event_active(m->io->release_timer, EV_TIMEOUT, 0);
}

static bool start(struct punch_io_map *m, const struct punch_action *a)
{
	struct punch_io *io = m->io;
	const struct punch_io_path *path = &io->config.paths[a->path];
	const struct lease_io_config config = {
		.base = io->config.base,
		.path = &m->way,
		.upnp = io->config.has_upnp && m->way.family == ADDR_IPV4 ? &m->way : NULL,
		.on_change = on_change,
		.arg = m,
	};
	struct lease_config lease = {
		.transport = PORTMAP_UDP,
		.internal = io->udp[a->slot].local,
		.external_port = io->udp[a->slot].local.port,
		.keep = true,
		.lifetime_s = LIFETIME_S,
	};

	if (own_path_find(path->source.local.family, NULL, path->name, &m->way) != 0)
		return false;
	m->way.source = path->source;
	m->leases = lease_io_new(&config);
	if (m->leases == NULL)
		return false;
	random_draw(NULL, lease.nonce, sizeof(lease.nonce));
	random_draw(NULL, &lease.seed, sizeof(lease.seed));
	return lease_io_add(m->leases, &lease) != NULL;
}

void punch_io_map_open(struct punch_io *io, const struct punch_action *a)
{
	const struct addr none = { 0 };
	struct punch_io_map *m = &io->maps[io->map_count];

	if (io->map_count == PUNCH_IO_MAPS_MAX || a->path >= io->config.path_count ||
	    io->udp[a->slot].fd < 0) {
		punch_on_mapped(io->config.punch, a->slot, &none, clock_us());
		return;
	}
	io->map_count++;
	*m = (struct punch_io_map){ .io = io, .slot = a->slot };
	if (!start(m, a))
		tell(m, &none);
}

void punch_io_map_remove_all(struct punch_io *io)
{
	for (size_t i = 0; i < io->map_count; i++) {
		if (io->maps[i].leases != NULL)
			lease_io_remove_all(io->maps[i].leases);
	}
}

bool punch_io_map_is_over(const struct punch_io *io)
{
	for (size_t i = 0; i < io->map_count; i++) {
		if (io->maps[i].leases != NULL && !lease_io_is_ended(io->maps[i].leases))
			return false;
	}
	return true;
}

void punch_io_map_free_all(struct punch_io *io)
{
	for (size_t i = 0; i < io->map_count; i++)
		lease_io_free(io->maps[i].leases);
	io->map_count = 0;
}
