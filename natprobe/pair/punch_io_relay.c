#include "clock.h"
#include "punch_io_state.h"

static void on_settled(void *arg)
{
	struct punch_io *io = arg;
	uint16_t code;
	struct addr relayed = relay_link_address(io->relay, &code);

	punch_on_relay(io->config.punch, io->relay_slot, &relayed, code, clock_us());
	punch_io_drive(io);
}

static void on_data(void *arg, const struct addr *from, struct bytes data)
{
	struct punch_io *io = arg;

	if (io->on_relayed != NULL &&
	    addr_equal(from, &punch_result(io->config.punch)->path.remote)) {
		io->on_relayed(io->relayed_arg, data);
		return;
	}
	punch_on_datagram(io->config.punch, io->relay_slot, from, data, clock_us());
	punch_io_drive(io);
}

/* Not told by the address, but why nothing comes of it. */
static void on_denied(void *arg, uint16_t code)
{
	struct punch_io *io = arg;
	uint16_t none;
	struct addr relayed = relay_link_address(io->relay, &none);

	punch_on_relay(io->config.punch, io->relay_slot, &relayed, code, clock_us());
	punch_io_drive(io);
}

static void on_over(void *arg)
{
	struct punch_io *io = arg;

	event_active(io->release_timer, EV_TIMEOUT, 0); /* which looks whether all is over */
}

void punch_io_relay_open(struct punch_io *io, const struct punch_action *a)
{
	const struct addr none = { 0 };
	const struct relay_link_config config = {
		.base = io->config.base,
		.server = io->config.turn,
		.on_settled = on_settled,
		.on_data = on_data,
		.on_denied = on_denied,
		.on_over = on_over,
		.arg = io,
	};

	if (io->relay == NULL && config.server != NULL) {
		io->relay_slot = a->slot;
		io->relay = relay_link_new(&config);
		if (io->relay != NULL)
			return;
	}
	punch_on_relay(io->config.punch, a->slot, &none, 0, clock_us());
}

bool punch_io_is_relay(const struct punch_io *io, uint16_t slot)
{
	return io->relay != NULL && io->relay_slot == slot;
}

void punch_io_send_relayed(struct punch_io *io, struct bytes data)
{
	const struct punch_path *path = &punch_result(io->config.punch)->path;

	if (!path->is_tcp && punch_io_is_relay(io, path->slot))
		relay_link_send(io->relay, &path->remote, data);
}

void punch_io_hear_relayed(struct punch_io *io, void (*on_it)(void *arg, struct bytes data),
			   void *arg)
{
	io->on_relayed = on_it;
	io->relayed_arg = arg;
}
