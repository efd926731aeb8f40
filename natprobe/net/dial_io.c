#include "dial_io.h"

void dial_io_init(struct dial_io *io)
{
	for (uint8_t i = 0; i < io->count; i++)
		io->places[i] = (struct dial_io_place){ .io = io, .number = i };
}

void dial_io_close(struct dial_io *io, uint8_t number)
{
	dial_free(io->places[number].dial);
	io->places[number].dial = NULL;
}

void dial_io_close_all(struct dial_io *io)
{
	for (uint8_t i = 0; i < io->count; i++)
		dial_io_close(io, i);
}

static void on_open(void *arg)
{
	struct dial_io_place *p = arg;
	struct dial_io *io = p->io;

	io->calls->on_open(io->arg, p->number);
	io->calls->on_rest(io->arg);
}

static void on_frame(struct bytes frame, void *arg)
{
	struct dial_io_place *p = arg;
	struct dial_io *io = p->io;

	io->calls->on_frame(io->arg, p->number, frame);
	io->calls->on_rest(io->arg);
}

static void on_close(const struct dial_failure *why, void *arg)
{
	struct dial_io_place *p = arg;
	struct dial_io *io = p->io;

	dial_io_close(io, p->number);
	io->calls->on_close(io->arg, p->number, why);
	io->calls->on_rest(io->arg);
}

void dial_io_open(struct dial_io *io, uint8_t number, uint8_t transport, const struct addr *to,
		  const char *domain)
{
	struct dial_io_place *p = &io->places[number];
	const struct dial_config config = {
		.base = io->base,
		.transport = transport,
		.to = *to,
		.tls = io->tls,
		.dtls = io->dtls,
		.domain = domain != NULL ? domain : io->domain,
		.insecure = io->insecure,
		.timeout_ms = io->timeout_ms,
		.on_open = on_open,
		.on_frame = on_frame,
		.on_close = on_close,
		.arg = p,
	};

	dial_io_close(io, number);
	p->dial = dial_new(&config);
	if (p->dial == NULL)
		io->calls->on_close(io->arg, number, &dial_no_memory);
}

void dial_io_send(struct dial_io *io, uint8_t number, struct bytes data)
{
	dial_send(io->places[number].dial, data);
}

const char *dial_io_certificate_problem(const struct dial_io *io, uint8_t number)
{
	return dial_certificate_problem(io->places[number].dial);
}
