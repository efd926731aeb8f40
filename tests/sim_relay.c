#include "sim_parts.h"

#define LINE_US 20000

static void flush(struct sim_world *w)
{
	const struct sim_turn *turn = w->config->turn;
	struct sim_turn_item item;
	uint64_t due_us = turn->on_time(turn->arg, w->now_us);

	while (turn->next(turn->arg, &item)) {
		if (item.is_frame)
			sim_put(w, SIM_FROM_TURN, item.line, w->now_us + LINE_US, item.data);
		else
			sim_path_from_servers(w, item.data);
	}
	if (due_us >= w->turn_due_us)
		return;
	w->turn_due_us = due_us;
	sim_put(w, SIM_TURN_TIMER, 0, due_us, (struct bytes){ 0 });
}

void sim_turn_on_time(struct sim_world *w, const struct sim_event *e)
{
	if (w->turn_due_us != e->at_us)
		return; /* an earlier one took its place */
	w->turn_due_us = UINT64_MAX;
	flush(w);
}

static bool is_server(const struct sim_world *w, const struct addr *to)
{
	for (size_t i = 0; i < w->server_count; i++) {
		struct addr first = sim_server_addr(w, i, 0);

		if (addr_equal_ip(&first, to))
			return true;
	}
	return false;
}

bool sim_turn_is_at(const struct sim_world *w, const struct addr *to)
{
	const struct sim_turn *turn = w->config->turn;

	return turn != NULL && (addr_equal_ip(&turn->addr, to) || is_server(w, to));
}

void sim_turn_on_packet(struct sim_world *w, const struct packet *p)
{
	const struct sim_turn *turn = w->config->turn;

	if (turn == NULL || !addr_equal_ip(&turn->addr, &p->destination))
		return;
	if (p->kind == PACKET_SEGMENT && p->destination.port == turn->addr.port) {
		sim_tcp_at_server(w, SIM_TURN_SERVER, 0, false, p);
		return;
	}
	turn->on_packet(turn->arg, p, w->now_us);
	flush(w);
}

void sim_turn_on_frame(struct sim_world *w, uint8_t line, struct bytes frame)
{
	const struct sim_turn *turn = w->config->turn;

	turn->on_frame(turn->arg, line, frame, w->now_us);
	flush(w);
}

void sim_turn_on_line_closed(struct sim_world *w, uint8_t line)
{
	const struct sim_turn *turn = w->config->turn;

	turn->on_line_closed(turn->arg, line, w->now_us);
	flush(w);
}
