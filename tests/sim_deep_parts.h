/* sim_deep_parts - what the parts of sim_deep share; only sim_deep*.c include this. */
#ifndef NATKIT_SIM_DEEP_PARTS_H
#define NATKIT_SIM_DEEP_PARTS_H

#include "sim_deep.h"
#include "sim_parts.h"
#include "stund/coop_packet.h"
#include "stund/coop_server.h"

#define SIM_DEEP_SENDS_MAX  16384 /* whose times are kept */
#define SIM_DEEP_MTU        1500  /* of the links of host and server */
#define SIM_DEEP_PIECES_MAX 8
#define SIM_DEEP_TCP_MAX    64
#define SIM_DEEP_TCP_BYTES  256

/* A datagram of which fragments have come. */
struct sim_deep_pieces {
	bool used;
	struct addr source, destination;
	uint32_t id;
	uint64_t since;
	size_t have, end; /* bytes; end 0: the last fragment is not there */
	uint8_t data[COOP_UDP_LEN + COOP_SIZE_MAX];
};

/* ... once it is whole. */
struct sim_deep_whole {
	struct addr source, destination;
	struct bytes data;
};

/* The end of a connection that began it. */
struct sim_deep_tcp {
	uint8_t state; /* enum in sim_deep_tcp.c; 0: not in use */
	bool of_server;
	uint16_t slot;   /* of the host */
	uint32_t handle; /* of the server's order */
	struct addr local, remote;
	uint32_t first, expected;
	uint64_t timer_us, gives_up_us;
	uint32_t timeout_us;
	uint8_t out[SIM_DEEP_TCP_BYTES];
	size_t out_len;
};

/* A port of the host where somebody listens, or a connection that came in there. */
struct sim_deep_listener {
	bool listens, is_accepted;
	struct addr local, remote;
};

struct sim_deep {
	struct sim_world world; /* the first: packets find their way back by it */
	const struct sim_deep_config *config;
	struct sim_deep_result *result;
	struct deep *deep;
	uint64_t deadline_us;
	bool is_awake, counts;
	uint64_t turn_due_us;              /* of the next turn; UINT64_MAX: none */
	unsigned counted_with;             /* datagrams */
	struct addr slots[DEEP_SLOTS_MAX]; /* family ADDR_NONE: closed */
	unsigned open, open_tcp;
	uint64_t sends_us[SIM_DEEP_SENDS_MAX];
	struct sim_deep_pieces pieces[SIM_DEEP_PIECES_MAX];
	uint64_t pieces_seen;
	uint32_t fragment_id;
	struct sim_deep_tcp tcp[SIM_DEEP_TCP_MAX];
	struct sim_deep_listener listeners[DEEP_CONNECTIONS_MAX]; /* by slot */

	struct coop *coop;
	struct coop_token_key key;
	struct stun_site site;
	struct addr plain; /* its endpoint on a low port */
};

/* Lets the diagnosis do what it wants to do now. */
void sim_deep_host_run(struct sim_deep *s);
void sim_deep_host_on_packet(struct sim_deep *s, struct bytes packet);

void sim_deep_server_start(struct sim_deep *s);
void sim_deep_server_end(struct sim_deep *s);
void sim_deep_server_on_packet(struct sim_world *w, struct bytes packet);
/* Does what is due by now, and says when it wants to be asked again. */
void sim_deep_server_run(struct sim_deep *s);
uint64_t sim_deep_server_deadline_us(const struct sim_deep *s);
void sim_deep_server_on_outcome(struct sim_deep *s, uint32_t handle,
				const struct coop_report *outcome);
/* The answer to a request over TCP; empty: none. */
struct bytes sim_deep_server_answer_tcp(struct sim_deep *s, const struct addr *from,
					const struct addr *local, struct bytes request,
					uint8_t *buf, size_t cap);

/* Packets of one side, whatever it is. */
void sim_deep_from_host(struct sim_deep *s, struct bytes packet);
void sim_deep_from_server(struct sim_deep *s, struct bytes packet);

/* A fragment of a datagram; true: *out is whole now, good until the next one. */
bool sim_deep_piece(struct sim_deep *s, const struct packet *p, struct sim_deep_whole *out);
/* Sends a datagram in fragments, in order or the last one first. */
void sim_deep_fragments(struct sim_deep *s, const struct addr *from, const struct addr *to,
			struct bytes msg, bool reversed,
			void (*send)(struct sim_deep *s, struct bytes packet));

/* TCP, of the host and of the server. */
void sim_deep_tcp_connect(struct sim_deep *s, uint16_t slot, const struct addr *local,
			  const struct addr *to);
void sim_deep_tcp_write(struct sim_deep *s, uint16_t slot, struct bytes data);
void sim_deep_tcp_close(struct sim_deep *s, uint16_t slot);
void sim_deep_tcp_listen(struct sim_deep *s, uint16_t slot, const struct addr *local);
void sim_deep_tcp_order(struct sim_deep *s, const struct addr *from, const struct addr *to,
			uint32_t handle, uint32_t wait_ms);
void sim_deep_tcp_at_host(struct sim_deep *s, const struct packet *p);
void sim_deep_tcp_at_server(struct sim_deep *s, const struct packet *p);
/* An ICMP error about a segment that the server sent. */
void sim_deep_tcp_on_error(struct sim_deep *s, const struct packet *p, const struct packet *about);
void sim_deep_tcp_run(struct sim_deep *s);
uint64_t sim_deep_tcp_deadline_us(const struct sim_deep *s);

#endif
