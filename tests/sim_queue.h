/*
 * sim_queue - what will happen in a simulated network, by time, and the packets on their way.
 *
 * A binary heap over plain values and a pool of packets: nothing is allocated. What happens at
 * the same time happens in the order in which it was put.
 */
#ifndef NATKIT_SIM_QUEUE_H
#define NATKIT_SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

#define SIM_EVENTS_MAX  8192
#define SIM_PACKETS_MAX 4096
#define SIM_PACKET_LEN  1600
#define SIM_NO_PACKET   UINT16_MAX

struct sim_event {
	uint64_t at_us;
	uint64_t order; /* set by sim_queue_put */
	uint8_t kind;   /* the owner's */
	uint8_t side;
	uint16_t who;    /* a box, an interface, a connection */
	uint16_t packet; /* in the pool; SIM_NO_PACKET: none */
};

struct sim_packet {
	size_t len;
	uint8_t data[SIM_PACKET_LEN];
};

struct sim_queue {
	struct sim_event events[SIM_EVENTS_MAX];
	size_t count;
	uint64_t order;
	struct sim_packet packets[SIM_PACKETS_MAX];
	uint16_t free[SIM_PACKETS_MAX];
	size_t free_count;
};

/* Empty; must come first. */
void sim_queue_reset(struct sim_queue *q);

/* Puts an event; `packet` is copied into the pool (data NULL: none). Aborts when it is full. */
void sim_queue_put(struct sim_queue *q, struct sim_event event, struct bytes packet);

/* When the next one is due; UINT64_MAX: there is none. */
uint64_t sim_queue_due_us(const struct sim_queue *q);

/* Takes the next one out; false where there is none. */
bool sim_queue_take(struct sim_queue *q, struct sim_event *out);

/* The packet of an event that was taken; good until sim_queue_drop. */
struct bytes sim_queue_packet(const struct sim_queue *q, const struct sim_event *event);

/* Gives the packet of an event that was taken back. */
void sim_queue_drop(struct sim_queue *q, const struct sim_event *event);

#endif
