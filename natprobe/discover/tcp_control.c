#include "tcp_control.h"

void tcp_control_start(struct tcp_control *c, size_t server_count, uint64_t at_us)
{
	*c = (struct tcp_control){ .server_count = server_count, .next_us = at_us };
}

bool tcp_control_is_due(const struct tcp_control *c, const struct streams *s, size_t wanted,
			uint64_t now_us)
{
	if (c->server_count == 0 || s->count == STREAMS_MAX)
		return false;
	return streams_are_answered(s) ? c->count < wanted : now_us >= c->next_us;
}

uint64_t tcp_control_deadline_us(const struct tcp_control *c, const struct streams *s)
{
	return s->count < STREAMS_MAX ? c->next_us : UINT64_MAX;
}

uint8_t tcp_control_server(const struct tcp_control *c)
{
	return (uint8_t)(c->count % c->server_count);
}

static uint64_t next_gap_us(const struct tcp_control *c, const struct discover_timing *t)
{
	if (c->count < c->server_count)
		return t->first_gap_us;
	return (uint64_t)t->tcp_gap_us << (c->count - c->server_count);
}

void tcp_control_begun(struct tcp_control *c, const struct discover_timing *t, uint64_t now_us)
{
	c->count++;
	c->next_us = now_us + next_gap_us(c, t);
}
