/*
 * tcp_mapping - the mapping of TCP connections (RFC 5382, section 4.1; RFC 5780, section 4.3):
 * one fresh local port, a connection from it to each endpoint of a server, a Binding on each.
 *
 * A second port follows only where the first was of no use, or where some endpoints saw the
 * same and it fits no rule: then chance may be behind it.
 */
#ifndef NATPROBE_TCP_MAPPING_H
#define NATPROBE_TCP_MAPPING_H

#include "classify.h"
#include "streams.h"

#define TCP_MAPPING_PORTS 2

struct tcp_mapping {
	bool begun;
	uint8_t server;
	struct addr endpoints[FILTER_KINDS];
	uint16_t ports[TCP_MAPPING_PORTS];
	uint8_t streams[TCP_MAPPING_PORTS][FILTER_KINDS]; /* numbers; STREAM_NONE: not begun */
	uint8_t port_count;
	uint8_t dead; /* endpoints that say nothing by UDP either, as bits */
};

/* endpoints: of one server, that differ in address and port. */
void tcp_mapping_start(struct tcp_mapping *m, uint8_t server,
		       const struct addr endpoints[FILTER_KINDS], uint16_t port);

/* The next connection that is due, or false. Then tcp_mapping_begun must follow. */
bool tcp_mapping_next(const struct tcp_mapping *m, const struct streams *s, struct addr *to,
		      uint16_t *port);
void tcp_mapping_begun(struct tcp_mapping *m, uint8_t number);

/* That endpoint does not answer by UDP: its silence is not waited for long. */
void tcp_mapping_set_dead(struct tcp_mapping *m, enum verdict_filter_kind kind);

/* Is this one of its connections? */
bool tcp_mapping_has(const struct tcp_mapping *m, uint8_t number);

/* A second port would help, and there is room for it. */
bool tcp_mapping_wants_port(const struct tcp_mapping *m, const struct streams *s,
			    const struct probe_view *view);
void tcp_mapping_add_port(struct tcp_mapping *m, uint16_t port);

/* All were answered, or are silent for so long that loss hardly explains it. */
bool tcp_mapping_is_over(const struct tcp_mapping *m, const struct streams *s,
			 const struct probe_view *view);

/* When tcp_mapping_is_over may say something else, without anything coming in. */
uint64_t tcp_mapping_deadline_us(const struct tcp_mapping *m, const struct streams *s,
				 const struct probe_view *view);

/* What is known by now. */
struct verdict_property tcp_mapping_result(const struct tcp_mapping *m, const struct streams *s);

#endif
