/*
 * tcp_control - when to try a Binding over TCP, to tell "UDP is blocked" from "nobody is there".
 *
 * Tried only while UDP is silent. A SYN or an answer may be lost and TCP itself is slow to
 * send again, so a few connections are begun one after another: to each server first, then
 * again, ever more slowly. One answer is enough to know that somebody is there; more of them
 * show how much is lost on that path.
 */
#ifndef NATPROBE_TCP_CONTROL_H
#define NATPROBE_TCP_CONTROL_H

#include "streams.h"

struct tcp_control {
	size_t server_count;
	size_t count; /* begun */
	uint64_t next_us;
};

/* The first connection is due at `at_us`; the servers are known by their indexes. */
void tcp_control_start(struct tcp_control *c, size_t server_count, uint64_t at_us);

/*
 * Something is due: tcp_control_begun must follow.
 * wanted  connections that are begun even where one is answered
 */
bool tcp_control_is_due(const struct tcp_control *c, const struct streams *s, size_t wanted,
			uint64_t now_us);
uint64_t tcp_control_deadline_us(const struct tcp_control *c, const struct streams *s);

/* The server to connect to next. */
uint8_t tcp_control_server(const struct tcp_control *c);

void tcp_control_begun(struct tcp_control *c, const struct discover_timing *t, uint64_t now_us);

#endif
