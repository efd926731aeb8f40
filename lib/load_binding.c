#include "load_binding.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "stun.h"

#define BINDING_SUCCESS 0x0101

struct load_binding {
	struct load_binding_config config;
	struct load *load;
	int fd;
	uint32_t next;
	size_t answer_len;
};

static size_t write_request(void *arg, const struct load_ticket *t, uint8_t *buf,
			    struct udp_dgram *out)
{
	struct load_binding *b = arg;

	wire_store_u32(buf, (uint32_t)STUN_BINDING << 16);
	wire_store_u32(buf + 4, STUN_COOKIE);
	load_ticket_put(t, buf + 8);
	out->peer = b->config.server;
	out->local = load_host(&b->config.first, b->next);
	b->next = b->next + 1 < b->config.sources ? b->next + 1 : 0;
	return STUN_HEADER_LEN;
}

/* The header tells: a success response that has our ticket. */
static bool find_ticket(void *arg, const struct udp_dgram *in, struct load_ticket *out)
{
	const struct load_binding *b = arg;
	struct wire header = wire_read(in->data);
	uint16_t type = wire_get_u16(&header);

	wire_skip(&header, 2); /* the length */
	if (type != BINDING_SUCCESS || wire_get_u32(&header) != STUN_COOKIE ||
	    header.left < LOAD_TICKET_LEN || !addr_equal(&in->peer, &b->config.server))
		return false;
	load_ticket_get(header.at, out);
	return true;
}

static enum load_arrival take_answer(void *arg, const struct load_ticket *t,
				     const struct udp_dgram *in)
{
	struct load_binding *b = arg;

	b->answer_len = in->data.len;
	return LOAD_DONE;
}

static const struct load_kind binding = {
	.write = write_request,
	.find = find_ticket,
	.take = take_answer,
};

struct load_binding *load_binding_open(const struct load_binding_config *config)
{
	struct load_binding *b = calloc(1, sizeof(*b));
	uint16_t port;

	if (b == NULL)
		return NULL;
	b->config = *config;
	b->load = load_new(config->window);
	b->fd = load_socket(&port);
	if (b->load == NULL || b->fd < 0) {
		int rc = b->fd < 0 ? -b->fd : ENOMEM;

		load_binding_close(b);
		errno = rc;
		return NULL;
	}
	return b;
}

void load_binding_close(struct load_binding *b)
{
	if (b == NULL)
		return;
	load_free(b->load);
	if (b->fd >= 0)
		close(b->fd);
	free(b);
}

struct load_result load_binding_run(struct load_binding *b, const struct load_until *until)
{
	return load_run(b->load, &binding, b, b->fd, b->fd, until);
}

size_t load_binding_answer_len(const struct load_binding *b)
{
	return b->answer_len;
}
