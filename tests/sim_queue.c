#include "sim_queue.h"

#include <stdlib.h>

void sim_queue_reset(struct sim_queue *q)
{
	q->count = 0;
	q->order = 0;
	q->free_count = SIM_PACKETS_MAX;
	for (size_t i = 0; i < SIM_PACKETS_MAX; i++)
		q->free[i] = (uint16_t)(SIM_PACKETS_MAX - 1 - i);
}

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_us < b->at_us || (a->at_us == b->at_us && a->order < b->order);
}

static uint16_t keep(struct sim_queue *q, struct bytes packet)
{
	uint16_t i;

	if (packet.data == NULL)
		return SIM_NO_PACKET;
	if (q->free_count == 0 || packet.len > SIM_PACKET_LEN)
		abort();
	i = q->free[--q->free_count];
	memcpy(q->packets[i].data, packet.data, packet.len);
	q->packets[i].len = packet.len;
	return i;
}

void sim_queue_put(struct sim_queue *q, struct sim_event event, struct bytes packet)
{
	size_t i = q->count;

	if (i == SIM_EVENTS_MAX)
		abort();
	event.order = q->order++;
	event.packet = keep(q, packet);
	q->count++;
	for (; i > 0 && is_before(&event, &q->events[(i - 1) / 2]); i = (i - 1) / 2)
		q->events[i] = q->events[(i - 1) / 2];
	q->events[i] = event;
}

uint64_t sim_queue_due_us(const struct sim_queue *q)
{
	return q->count > 0 ? q->events[0].at_us : UINT64_MAX;
}

/* Puts `event` where the first one was, and lets it sink. */
static void sink(struct sim_queue *q, const struct sim_event *event)
{
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < q->count && is_before(&q->events[child + 1], &q->events[child]))
			child++;
		if (child >= q->count || !is_before(&q->events[child], event))
			break;
		q->events[i] = q->events[child];
		i = child;
	}
	q->events[i] = *event;
}

bool sim_queue_take(struct sim_queue *q, struct sim_event *out)
{
	if (q->count == 0)
		return false;
	*out = q->events[0];
	q->count--;
	if (q->count > 0) {
		struct sim_event last = q->events[q->count];

		sink(q, &last);
	}
	return true;
}

struct bytes sim_queue_packet(const struct sim_queue *q, const struct sim_event *event)
{
	if (event->packet == SIM_NO_PACKET)
		return (struct bytes){ 0 };
	return bytes_of(q->packets[event->packet].data, q->packets[event->packet].len);
}

void sim_queue_drop(struct sim_queue *q, const struct sim_event *event)
{
	if (event->packet != SIM_NO_PACKET)
		q->free[q->free_count++] = event->packet;
}
