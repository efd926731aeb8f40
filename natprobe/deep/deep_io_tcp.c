#include "clock.h"
#include "deep_io_state.h"

static void on_connected(void *arg, uint16_t number, const struct addr *local)
{
	struct deep_io *io = arg;

	deep_on_connected(io->config.deep, number, local->family != ADDR_NONE ? local : NULL,
			  clock_us());
}

static void on_accepted(void *arg, uint16_t listener, uint16_t number, const struct addr *from)
{
	struct deep_io *io = arg;

	deep_on_accepted(io->config.deep, listener, number, from, clock_us());
}

static void on_data(void *arg, uint16_t number, struct bytes data)
{
	struct deep_io *io = arg;

	deep_on_stream(io->config.deep, number, data, clock_us());
}

static void on_lost(void *arg, uint16_t number, int err, bool stood)
{
	struct deep_io *io = arg;

	deep_on_closed(io->config.deep, number, err, clock_us());
}

static void on_rest(void *arg)
{
	deep_io_drive(arg);
}

void deep_io_tcp_init(struct deep_io *io)
{
	static const struct tcp_io_calls calls = {
		.on_connected = on_connected,
		.on_accepted = on_accepted,
		.on_data = on_data,
		.on_lost = on_lost,
		.on_rest = on_rest,
	};

	io->tcp = (struct tcp_io){ .base = io->config.base,
				   .calls = &calls,
				   .arg = io,
				   .places = io->tcp_places,
				   .count = DEEP_CONNECTIONS_MAX,
				   .accepted_first = DEEP_ACCEPTED_FIRST };
	tcp_io_init(&io->tcp);
}

void deep_io_tcp_listen(struct deep_io *io, const struct deep_action *a)
{
	const struct tcp_io_way way = { .from = &io->config.source, .port = a->port };

	tcp_io_listen(&io->tcp, a->slot, &way);
}

void deep_io_tcp_connect(struct deep_io *io, const struct deep_action *a)
{
	const struct tcp_io_way way = { .from = &io->config.source, .port = a->port, .to = a->to };

	tcp_io_connect(&io->tcp, a->slot, &way);
}
