#include <errno.h>

#include "clock.h"
#include "punch_io_state.h"
#include "quiet_close.h"

static enum punch_stream end_of_attempt(int err)
{
	switch (-err) {
	case ECONNREFUSED:
	case ECONNRESET:
		return PUNCH_STREAM_REFUSED;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case EACCES:
		return PUNCH_STREAM_ICMP;
	default:
		return PUNCH_STREAM_FAILED;
	}
}

static void on_connected(void *arg, uint16_t number, const struct addr *local)
{
	struct punch_io *io = arg;

	punch_on_connected(io->config.punch, number, local, clock_us());
}

static void on_accepted(void *arg, uint16_t listener, uint16_t number, const struct addr *from)
{
	struct punch_io *io = arg;

	punch_on_accepted(io->config.punch, listener, number, from, clock_us());
}

static void on_data(void *arg, uint16_t number, struct bytes data)
{
	struct punch_io *io = arg;

	punch_on_stream(io->config.punch, number, PUNCH_STREAM_DATA, data, clock_us());
}

static void on_lost(void *arg, uint16_t number, int err, bool stood)
{
	struct punch_io *io = arg;

	punch_on_stream(io->config.punch, number, stood ? PUNCH_STREAM_CLOSED : end_of_attempt(err),
			bytes_of(NULL, 0), clock_us());
}

static void on_rest(void *arg)
{
	punch_io_drive(arg);
}

void punch_io_tcp_init(struct punch_io *io)
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
				   .count = PUNCH_CONNECTIONS_MAX,
				   .accepted_first = PUNCH_ACCEPTED_FIRST };
	tcp_io_init(&io->tcp);
}

static struct tcp_io_way way_of(const struct punch_io *io, const struct punch_action *a)
{
	const struct punch_io_config *config = &io->config;

	return (struct tcp_io_way){
		.from = a->path < config->path_count ? &config->paths[a->path].source : NULL,
		.port = a->port,
		.to = a->to,
		.ttl = a->ttl,
	};
}

void punch_io_tcp_listen(struct punch_io *io, const struct punch_action *a)
{
	const struct tcp_io_way way = way_of(io, a);

	tcp_io_listen(&io->tcp, a->slot, &way);
}

void punch_io_tcp_connect(struct punch_io *io, const struct punch_action *a)
{
	const struct tcp_io_way way = way_of(io, a);

	tcp_io_connect(&io->tcp, a->slot, &way);
}

void punch_io_tcp_disconnect(struct punch_io *io, const struct punch_action *a)
{
	const struct tcp_io_place *p = &io->tcp_places[a->slot];
	int fd;

	if (p->fd < 0 || !a->quiet || p->listens) {
		tcp_io_close(&io->tcp, a->slot);
		return;
	}
	fd = tcp_io_take(&io->tcp, a->slot);
	quiet_close(fd, probe_socket_local(fd).family);
}
