/* punch_io_state - the inside of punch_io, for its own files. */
#ifndef NATPROBE_PUNCH_IO_STATE_H
#define NATPROBE_PUNCH_IO_STATE_H

#include "natprobe/map/lease_io.h"
#include "natprobe/net/tcp_io.h"
#include "punch_io.h"
#include "relay_link.h"

#define PUNCH_IO_MAPS_MAX 16 /* ports that gateways are asked to open */

struct punch_io_udp {
	struct punch_io *io;
	struct event *event;
	int fd; /* -1: closed */
	uint16_t index;
	uint8_t path;
	struct addr local;
};

/* One port at one gateway; each has a socket of its own to it. */
struct punch_io_map {
	struct punch_io *io;
	struct own_path way;
	struct lease_io *leases;
	uint16_t slot;
	bool is_told;
};

struct punch_io {
	struct punch_io_config config;
	struct punch_io_udp udp[PUNCH_SLOTS_MAX];
	struct tcp_io tcp;
	struct tcp_io_place tcp_places[PUNCH_CONNECTIONS_MAX];
	struct punch_io_map maps[PUNCH_IO_MAPS_MAX];
	size_t map_count;
	struct relay_link *relay; /* NULL: not asked for */
	uint16_t relay_slot;
	bool is_relay_told;
	struct event *timer, *release_timer;
	void (*on_released)(void *arg);
	void *released_arg;
	uint64_t release_by_us;
	void (*on_relayed)(void *arg, struct bytes data);
	void *relayed_arg;
	bool is_done;
};

/* Lets the trial do what it wants to do now. */
void punch_io_drive(struct punch_io *io);

void punch_io_udp_open(struct punch_io *io, const struct punch_action *a);
void punch_io_udp_send(struct punch_io *io, const struct punch_action *a);
void punch_io_udp_close(struct punch_io_udp *s);

void punch_io_tcp_init(struct punch_io *io);
void punch_io_tcp_listen(struct punch_io *io, const struct punch_action *a);
void punch_io_tcp_connect(struct punch_io *io, const struct punch_action *a);
void punch_io_tcp_disconnect(struct punch_io *io, const struct punch_action *a);

void punch_io_map_open(struct punch_io *io, const struct punch_action *a);
void punch_io_map_remove_all(struct punch_io *io);
bool punch_io_map_is_over(const struct punch_io *io);
void punch_io_map_free_all(struct punch_io *io);

void punch_io_relay_open(struct punch_io *io, const struct punch_action *a);
bool punch_io_is_relay(const struct punch_io *io, uint16_t slot);

#endif
