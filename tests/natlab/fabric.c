#include "fabric.h"

#include <stdlib.h>

#include "hop.h"
#include "parcels.h"
#include "tests/packet.h"

#define NUMBER_MAX 250
#define NIC_MTU    1500 /* what is larger does not arrive at a host: a NAT64 makes packets longer */

/* A line in one direction. */
struct wire_line {
	bool plain;
	struct nat_link link;
};

struct box {
	struct fabric *fabric;
	const struct lab_box *plan;
	struct nat *nat; /* NULL: in the kernel */
	struct wire_line up, down;
	uint64_t tick_us;
	uint64_t paused_until_us;
	bool touched;
};

struct nic {
	const struct lab_nic *plan;
	struct wire_line up, down;
};

struct fabric {
	struct lab_plan plan;
	struct fabric_io io;
	struct box boxes[LAB_BOXES_MAX];
	struct nic nics[LAB_HOSTS_MAX][LAB_NICS_MAX];
	struct parcels parcels;
	struct rng rng;
	uint64_t now_us;
};

static struct parcel_place segment(int box, bool downward)
{
	return (struct parcel_place){ .kind = downward ? PARCEL_DOWN : PARCEL_UP,
				      .box = (int16_t)box };
}

static struct parcel_place box_side(const struct box *b, enum nat_side side)
{
	return (struct parcel_place){ .kind = side == NAT_INSIDE ? PARCEL_BOX_IN : PARCEL_BOX_OUT,
				      .box = (int16_t)(b - b->fabric->boxes) };
}

static void send(struct fabric *f, struct parcel_place to, struct bytes packet)
{
	parcels_add(&f->parcels, to, packet, 0);
}

static void send_over(struct fabric *f, struct wire_line *line, struct parcel_place to,
		      struct bytes packet)
{
	uint64_t arrivals[2];

	if (line->plain) {
		send(f, to, packet);
		return;
	}
	size_t n = nat_link_send(&line->link, &f->rng, packet.len, f->now_us, arrivals);
	for (size_t i = 0; i < n; i++)
		parcels_add(&f->parcels, to, packet, arrivals[i]);
}

/* --- where an address is --- */

static bool covers(const struct fabric *f, const struct box *b, const struct addr *a);

static bool is_behind(const struct fabric *f, int box, const struct addr *a, int *child,
		      size_t *host, size_t *nic)
{
	for (size_t h = 0; h < f->plan.host_count; h++) {
		for (size_t n = 0; n < f->plan.hosts[h].nic_count; n++) {
			if (f->plan.hosts[h].nics[n].box != box ||
			    !lab_nic_has(&f->plan.hosts[h].nics[n], a))
				continue;
			*child = -1;
			*host = h;
			*nic = n;
			return true;
		}
	}
	for (size_t i = 0; i < f->plan.box_count; i++) {
		if (f->plan.boxes[i].outer == box && covers(f, &f->boxes[i], a)) {
			*child = (int)i;
			return true;
		}
	}
	return false;
}

static bool owns(const struct box *b, const struct addr *a)
{
	if (b->nat != NULL)
		return nat_owns(b->nat, a);
	for (size_t i = 0; i < b->plan->config.external_count; i++) {
		if (addr_equal_ip(&b->plan->config.externals[i], a))
			return true;
	}
	return false;
}

/* Packets to this address from outside go into that box. */
static bool covers(const struct fabric *f, const struct box *b, const struct addr *a)
{
	int child;
	size_t host, nic;

	if (owns(b, a))
		return true;
	return b->plan->config.mapping == NAT_NONE &&
	       is_behind(f, (int)(b - f->boxes), a, &child, &host, &nic);
}

/* --- hops --- */

/* The first router of the world. */
static struct addr world_router(uint8_t family)
{
	struct addr a = nat_plan_server(family, 0);

	a.ip[addr_ip_len(family) - 1] = 1;
	return a;
}

static struct addr box_address(const struct box *b, enum nat_side side, uint8_t family)
{
	const struct nat_config *c = &b->plan->config;

	if (c->silent_hop)
		return (struct addr){ 0 };
	if (side == NAT_INSIDE && b->plan->inside.family == family)
		return b->plan->inside;
	for (size_t i = 0; i < c->external_count; i++) {
		if (c->externals[i].family == family)
			return c->externals[i];
	}
	return b->plan->inside;
}

/*
 * Takes one off the TTL; false where that was the last one, and then the sender is told, unless
 * `self` has no address.
 */
static bool hop(struct fabric *f, struct parcel *p, struct addr self, struct parcel_place back)
{
	uint8_t error[PACKET_ERROR_MAX];

	if (packet_hop(p->data, p->len))
		return true;
	if (self.family == ADDR_NONE)
		return false;
	size_t len = hop_time_exceeded(bytes_of(p->data, p->len), &self, error, sizeof(error));
	if (len > 0)
		send(f, back, bytes_of(error, len));
	return false;
}

static void enter_box(struct fabric *f, struct parcel *p, enum nat_side side)
{
	struct box *b = &f->boxes[p->to.box];
	struct hop_ends ends;

	if (b->paused_until_us > f->now_us || !hop_ends(bytes_of(p->data, p->len), &ends))
		return;
	if (b->nat == NULL) {
		f->io.to_kernel(f->io.arg, (size_t)p->to.box, side, bytes_of(p->data, p->len));
		return;
	}
	/* What is for the box itself goes no further. */
	if (side == NAT_OUTSIDE || !addr_equal_ip(&ends.destination, &b->plan->inside)) {
		struct parcel_place back = side == NAT_INSIDE ? segment(p->to.box, true)
							      : segment(b->plan->outer, false);

		if (!hop(f, p, box_address(b, side, ends.destination.family), back))
			return;
	}
	b->touched = true;
	nat_input(b->nat, side, bytes_of(p->data, p->len), f->now_us);
}

static void leave_box(struct fabric *f, struct box *b, enum nat_side side, struct bytes packet)
{
	if (side == NAT_INSIDE)
		send(f, segment((int)(b - f->boxes), true), packet);
	else
		send_over(f, &b->up, segment(b->plan->outer, false), packet);
}

/* --- one network: what is behind a box, or the world --- */

static void to_nic(struct fabric *f, size_t host, size_t nic, struct bytes packet)
{
	struct parcel_place to = { .kind = PARCEL_NIC, .host = (uint8_t)host, .nic = (uint8_t)nic };

	if (packet.len > NIC_MTU)
		return;
	send_over(f, &f->nics[host][nic].down, to, packet);
}

static void to_all_nics(struct fabric *f, int box, struct bytes packet)
{
	for (size_t h = 0; h < f->plan.host_count; h++) {
		for (size_t n = 0; n < f->plan.hosts[h].nic_count; n++) {
			if (f->plan.hosts[h].nics[n].box == box)
				to_nic(f, h, n, packet);
		}
	}
}

static void to_router(struct fabric *f, int box, struct bytes packet)
{
	struct parcel_place servers = { .kind = PARCEL_SERVERS };

	send(f, box >= 0 ? box_side(&f->boxes[box], NAT_INSIDE) : servers, packet);
}

/* Across the world there is a router; within a home there is none. */
static bool crosses(struct fabric *f, struct parcel *p, const struct addr *destination)
{
	return p->to.box != LAB_WORLD || p->to.kind == PARCEL_DOWN ||
	       hop(f, p, world_router(destination->family), segment(LAB_WORLD, true));
}

static void route(struct fabric *f, struct parcel *p)
{
	struct bytes packet = bytes_of(p->data, p->len);
	bool downward = p->to.kind == PARCEL_DOWN;
	struct hop_ends ends;
	int child;
	size_t host, nic;

	if (!hop_ends(packet, &ends))
		return;
	if (hop_is_multicast(&ends.destination)) {
		/* No router hands them on. Linux may listen to some: miniupnpd does. */
		if (downward)
			to_all_nics(f, p->to.box, packet);
		else if (p->to.box >= 0 && f->boxes[p->to.box].nat == NULL)
			to_router(f, p->to.box, packet);
		return;
	}
	if (!is_behind(f, p->to.box, &ends.destination, &child, &host, &nic)) {
		if (!downward && crosses(f, p, &ends.destination))
			to_router(f, p->to.box, packet);
		return;
	}
	if (!crosses(f, p, &ends.destination))
		return;
	if (child < 0)
		to_nic(f, host, nic, packet);
	else
		send_over(f, &f->boxes[child].down, box_side(&f->boxes[child], NAT_OUTSIDE),
			  packet);
}

static void deliver(struct fabric *f, struct parcel *p)
{
	switch ((enum parcel_kind)p->to.kind) {
	case PARCEL_NIC:
		f->io.to_host(f->io.arg, p->to.host, p->to.nic, bytes_of(p->data, p->len));
		break;
	case PARCEL_SERVERS:
		f->io.to_servers(f->io.arg, bytes_of(p->data, p->len));
		break;
	case PARCEL_UP:
	case PARCEL_DOWN:
		route(f, p);
		break;
	case PARCEL_BOX_IN:
		enter_box(f, p, NAT_INSIDE);
		break;
	case PARCEL_BOX_OUT:
		enter_box(f, p, NAT_OUTSIDE);
		break;
	}
}

/* --- what comes in --- */

void fabric_from_host(struct fabric *f, size_t host, size_t nic, struct bytes packet,
		      uint64_t now_us)
{
	struct nic *n = &f->nics[host][nic];

	f->now_us = now_us;
	send_over(f, &n->up, segment(n->plan->box, false), packet);
}

void fabric_from_servers(struct fabric *f, struct bytes packet, uint64_t now_us)
{
	f->now_us = now_us;
	send(f, segment(LAB_WORLD, true), packet);
}

void fabric_from_kernel(struct fabric *f, size_t box, enum nat_side side, struct bytes packet,
			uint64_t now_us)
{
	f->now_us = now_us;
	leave_box(f, &f->boxes[box], side, packet);
}

static void on_emit(void *arg, enum nat_side side, struct bytes packet)
{
	struct box *b = arg;

	leave_box(b->fabric, b, side, packet);
}

static void on_log(void *arg, const struct nat_event *event)
{
	struct box *b = arg;
	struct fabric *f = b->fabric;

	if (f->io.log != NULL)
		f->io.log(f->io.arg, (size_t)(b - f->boxes), event);
}

/* Returns when the first box wants to be called again. */
static uint64_t tick(struct fabric *f)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < f->plan.box_count; i++) {
		struct box *b = &f->boxes[i];

		if (b->nat == NULL)
			continue;
		if (b->touched || b->tick_us <= f->now_us)
			b->tick_us = nat_tick(b->nat, f->now_us);
		b->touched = false;
		if (b->tick_us < next)
			next = b->tick_us;
	}
	return next;
}

uint64_t fabric_run(struct fabric *f, uint64_t now_us)
{
	uint64_t tick_us, next_us;

	f->now_us = now_us;
	do {
		for (struct parcel *p; (p = parcels_take(&f->parcels, now_us)) != NULL;) {
			deliver(f, p);
			parcels_release(&f->parcels, p);
		}
		tick_us = tick(f);
		next_us = parcels_next_us(&f->parcels);
	} while (next_us <= now_us); /* ticks may send */
	return tick_us < next_us ? tick_us : next_us;
}

/* --- events --- */

void fabric_flush(struct fabric *f, size_t box, uint64_t now_us)
{
	if (f->boxes[box].nat != NULL)
		nat_flush(f->boxes[box].nat, now_us);
	f->boxes[box].touched = true;
}

void fabric_pause(struct fabric *f, size_t box, uint64_t until_us)
{
	f->boxes[box].paused_until_us = until_us;
}

struct addr fabric_new_address(struct fabric *f, size_t box, uint64_t now_us)
{
	struct box *b = &f->boxes[box];
	struct addr *first = &f->plan.boxes[box].config.externals[0];
	int child;
	size_t host, nic;

	if (f->plan.boxes[box].config.external_count == 0)
		return (struct addr){ 0 };
	struct addr next = *first;
	uint8_t *number = &next.ip[addr_ip_len(next.family) - 1];
	do {
		*number = *number < NUMBER_MAX ? (uint8_t)(*number + 1) : 2;
	} while (is_behind(f, b->plan->outer, &next, &child, &host, &nic));
	*first = next;
	if (b->nat != NULL)
		nat_new_address(b->nat, &next, now_us);
	b->touched = true;
	return next;
}

uint64_t fabric_overflows(const struct fabric *f)
{
	return f->parcels.overflows;
}

/* --- life --- */

static struct wire_line open_line(const struct nat_link_config *config)
{
	return (struct wire_line){ .plain = lab_is_plain(config), .link = { .config = *config } };
}

static bool add_boxes(struct fabric *f)
{
	for (size_t i = 0; i < f->plan.box_count; i++) {
		struct box *b = &f->boxes[i];
		struct nat_io io = { .emit = on_emit, .log = on_log, .arg = b };

		*b = (struct box){ .fabric = f, .plan = &f->plan.boxes[i] };
		b->up = b->down = open_line(&b->plan->line);
		if (b->plan->nft != NULL)
			continue;
		b->nat = nat_new(&b->plan->config, rng_next(&f->rng), &io);
		if (b->nat == NULL)
			return false;
	}
	return true;
}

static void add_nics(struct fabric *f)
{
	for (size_t h = 0; h < f->plan.host_count; h++) {
		for (size_t n = 0; n < f->plan.hosts[h].nic_count; n++) {
			struct nic *nic = &f->nics[h][n];

			nic->plan = &f->plan.hosts[h].nics[n];
			nic->up = nic->down = open_line(&nic->plan->line);
		}
	}
}

struct fabric *fabric_new(const struct lab_plan *plan, const struct fabric_io *io)
{
	struct fabric *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->plan = *plan;
	f->io = *io;
	f->rng = rng_seed(plan->seed);
	add_nics(f);
	if (!add_boxes(f)) {
		fabric_free(f);
		return NULL;
	}
	return f;
}

void fabric_free(struct fabric *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->plan.box_count; i++)
		nat_free(f->boxes[i].nat);
	parcels_free(&f->parcels);
	free(f);
}
