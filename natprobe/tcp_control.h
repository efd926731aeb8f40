/*
 * tcp_control - a Binding over TCP, to tell "UDP is blocked" from "nobody is there".
 *
 * Tried only while UDP is silent. A SYN or an answer may be lost and TCP itself is slow to
 * send again, so a few connections are begun one after another: to each server first, then
 * again, ever more slowly. One answer is enough.
 */
#ifndef NATPROBE_TCP_CONTROL_H
#define NATPROBE_TCP_CONTROL_H

#include "probe_log.h"

#define TCP_CONTROL_MAX 8   /* connections */
#define TCP_ANSWER_MAX  512 /* bytes of an answer that are looked at */

struct tcp_connection {
	uint8_t server;
	bool begun, connected, closed, hung_up; /* hung_up: we closed it */
	bool answered;
	uint64_t begun_us, connected_us;
	struct stun_tid tid;
	struct addr local;  /* our end of it */
	struct addr mapped; /* as its server saw it; family ADDR_NONE: it did not tell */
	uint8_t data[TCP_ANSWER_MAX];
	size_t len;
};

struct tcp_control {
	struct tcp_connection connections[TCP_CONTROL_MAX];
	size_t count; /* begun */
	size_t server_count;
	uint64_t next_us;
	uint64_t rtt_us; /* of the quickest connection: handshake or answer, whichever took
			    longer, since a slow server is slow by UDP too; 0: no answer */
	uint8_t request[PROBE_LEN];
};

/* The first connection is due at `at_us`; the servers are known by their indexes. */
void tcp_control_start(struct tcp_control *c, size_t server_count, uint64_t at_us);

/* Something is due: tcp_control_connect must follow. */
bool tcp_control_is_due(const struct tcp_control *c, uint64_t now_us);
uint64_t tcp_control_deadline_us(const struct tcp_control *c);

/*
 * Begins the next connection. Returns its number; *request is what to send once it is
 * connected, good until the next call. Its server is connections[number].server.
 */
uint8_t tcp_control_connect(struct tcp_control *c, const struct discover_timing *t,
			    const uint8_t random[static 12], uint64_t now_us,
			    struct bytes *request);

void tcp_control_on_connected(struct tcp_control *c, uint8_t connection, const struct addr *local,
			      uint64_t now_us);
void tcp_control_on_data(struct tcp_control *c, uint8_t connection, struct bytes data,
			 uint64_t now_us);
void tcp_control_on_closed(struct tcp_control *c, uint8_t connection);

/* Some server answered. */
bool tcp_control_is_answered(const struct tcp_control *c);

/* Something was tried, and all of it has failed. */
bool tcp_control_has_failed(const struct tcp_control *c);

/* A connection stands, and its answer may still come. */
bool tcp_control_is_hopeful(const struct tcp_control *c, uint64_t now_us);

/* Takes one connection that is to be closed; false when there is none left. */
bool tcp_control_hang_up(struct tcp_control *c, uint8_t *connection);

#endif
