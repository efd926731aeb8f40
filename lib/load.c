#include "load.h"

#include <errno.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdlib.h>

#include "clock.h"

#define SPIN_US        200 /* after the last arrival, before it sleeps */
#define PORT_TRIES     200
#define RECEIVE_BUFFER (4 << 20) /* the whole window of a busy moment */

struct slot {
	uint32_t number;
	bool in_flight;
};

struct load {
	int window, in_flight;
	uint32_t secret;
	const struct load_kind *kind;
	void *arg;
	int out_fd, in_fd;
	uint64_t begun; /* how many more may begin */
	uint64_t end_us;
	struct load_result result;
	struct udp_batch *batch;
	struct udp_dgram in[UDP_BATCH], out[UDP_BATCH];
	int out_count;
	uint8_t bytes[UDP_BATCH][LOAD_BYTES_MAX];
	struct slot slots[LOAD_WINDOW_MAX];
};

void load_ticket_put(const struct load_ticket *t, uint8_t to[static LOAD_TICKET_LEN])
{
	wire_store_u32(to, t->secret);
	wire_store_u32(to + 4, t->slot);
	wire_store_u32(to + 8, t->number);
}

void load_ticket_get(const uint8_t from[static LOAD_TICKET_LEN], struct load_ticket *out)
{
	struct wire in = wire_read(bytes_of(from, LOAD_TICKET_LEN));

	out->secret = wire_get_u32(&in);
	out->slot = wire_get_u32(&in);
	out->number = wire_get_u32(&in);
}

struct load *load_new(int window)
{
	struct load *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->window = window;
	l->batch = udp_batch_new();
	if (l->batch == NULL) {
		load_free(l);
		return NULL;
	}
	return l;
}

void load_free(struct load *l)
{
	if (l == NULL)
		return;
	udp_batch_free(l->batch);
	free(l);
}

static void flush(struct load *l)
{
	if (l->out_count > 0)
		(void)udp_send(l->out_fd, l->batch, l->out, l->out_count); /* else it is lost */
	l->out_count = 0;
}

static void send_slot(struct load *l, uint32_t slot)
{
	struct slot *s = &l->slots[slot];
	struct load_ticket t = { l->secret, slot, ++s->number };
	struct udp_dgram *d = &l->out[l->out_count];
	uint8_t *bytes = l->bytes[l->out_count];

	*d = (struct udp_dgram){ 0 };
	d->data = bytes_of(bytes, l->kind->write(l->arg, &t, bytes, d));
	s->in_flight = true;
	l->in_flight++;
	if (++l->out_count == UDP_BATCH)
		flush(l);
}

/* Begins anew in a slot, if more may begin. */
static void begin_slot(struct load *l, uint32_t slot)
{
	if (l->begun == 0)
		return;
	l->begun--;
	if (l->kind->begin != NULL)
		l->kind->begin(l->arg, slot);
	send_slot(l, slot);
}

static void fill_window(struct load *l)
{
	for (int i = 0; i < l->window; i++) {
		if (!l->slots[i].in_flight)
			begin_slot(l, (uint32_t)i);
	}
	flush(l);
}

static bool is_awaited(const struct load *l, const struct load_ticket *t)
{
	return t->secret == l->secret && t->slot < (uint32_t)l->window &&
	       l->slots[t->slot].in_flight && l->slots[t->slot].number == t->number;
}

static void on_arrival(struct load *l, const struct udp_dgram *in, bool again)
{
	enum load_arrival arrival;
	struct load_ticket t;

	if (!l->kind->find(l->arg, in, &t) || !is_awaited(l, &t)) {
		l->result.wrong++;
		return;
	}
	l->slots[t.slot].in_flight = false;
	l->in_flight--;
	arrival = l->kind->take(l->arg, &t, in);
	if (arrival == LOAD_STEP) {
		send_slot(l, t.slot);
		return;
	}
	l->result.done += arrival == LOAD_DONE;
	l->result.wrong += arrival == LOAD_WRONG;
	if (again)
		begin_slot(l, t.slot);
}

static void give_up_window(struct load *l)
{
	l->result.lost += (uint64_t)l->in_flight;
	l->in_flight = 0;
	for (int i = 0; i < l->window; i++)
		l->slots[i].in_flight = false;
}

/* Whether something came. An error on the socket, such as an ICMP message, is nothing. */
static bool receive(struct load *l, bool again)
{
	int n = udp_recv(l->in_fd, l->batch, l->in);

	for (int i = 0; i < n; i++)
		on_arrival(l, &l->in[i], again);
	flush(l);
	return n > 0;
}

static void wait_long(struct load *l, int patience_ms)
{
	struct pollfd fd = { .fd = l->in_fd, .events = POLLIN };

	if (poll(&fd, 1, patience_ms) != 0)
		return;
	give_up_window(l);
	if (clock_us() < l->end_us)
		fill_window(l);
}

static void run(struct load *l, int patience_ms)
{
	uint64_t now_us = clock_us(), came_us = now_us;

	fill_window(l);
	while (l->in_flight > 0) {
		if (receive(l, now_us < l->end_us))
			came_us = now_us;
		else if (now_us - came_us > SPIN_US)
			wait_long(l, patience_ms);
		now_us = clock_us();
	}
}

struct load_result load_run(struct load *l, const struct load_kind *kind, void *arg, int out_fd,
			    int in_fd, const struct load_until *until)
{
	uint64_t start_us = clock_us();

	l->kind = kind;
	l->arg = arg;
	l->out_fd = out_fd;
	l->in_fd = in_fd;
	l->begun = until->begun;
	l->end_us = start_us + until->ms * 1000;
	l->result = (struct load_result){ 0 };
	if (RAND_bytes((uint8_t *)&l->secret, sizeof(l->secret)) != 1)
		l->secret++;
	run(l, until->patience_ms);
	l->result.took_ns = (clock_us() - start_us) * 1000;
	return l->result;
}

int load_socket(uint16_t *port)
{
	struct udp_options options = { .want_local = true, .receive_buffer = RECEIVE_BUFFER };
	int fd = -EADDRINUSE;

	for (int i = 0; i < PORT_TRIES && fd == -EADDRINUSE; i++) {
		struct addr at = addr_ipv4(0, 0, 0, 0, 0);
		uint16_t chance;

		if (RAND_bytes((uint8_t *)&chance, sizeof(chance)) != 1)
			return -EIO;
		at.port = (uint16_t)(LOAD_PORT_FIRST +
				     chance % (LOAD_PORT_LAST - LOAD_PORT_FIRST + 1));
		fd = udp_open(&at, &options, NULL);
		if (fd >= 0)
			*port = at.port;
	}
	return fd;
}

struct addr load_host(const struct addr *first, uint32_t index)
{
	struct wire in = wire_read(bytes_of(first->ip, 4));
	struct addr a = *first;

	wire_store_u32(a.ip, wire_get_u32(&in) + index);
	return a;
}
