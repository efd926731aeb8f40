/*
 * tcp_open - one TCP step of a trial: connections to and from the other side, by connecting, being
 * connected to, or both at once from one port. A machine of its own with the actions of punch, which
 * hands them on: slots are of TCP sockets.
 *
 * A connection is believed once a check (check.h, framed as RFC 4571 has it) was answered on it;
 * strangers' connections are closed. A nominates one.
 *
 * tcp_gather comes before: it learns how servers see our ports, and keeps those connections open
 * until the trial is over, since a FIN could end the mapping.
 */
#ifndef NATPROBE_TCP_OPEN_H
#define NATPROBE_TCP_OPEN_H

#include "check.h"
#include "punch_result.h"

/* How the endpoint of a side follows from what it told. */
enum tcp_ports {
	TCP_PORTS_ANNOUNCED, /* as a server saw it, for whomever */
	TCP_PORTS_OPEN,      /* another one for each destination, but everybody may use those */
	TCP_PORTS_LOCAL,     /* the local port and a constant, of a port that nobody has seen */
	TCP_PORTS_COUNTED,   /* those that follow the last one */
	TCP_PORTS_FOLLOWING, /* the one that follows the last sample, from the next local port */
	TCP_PORTS_UNKNOWN,
};

/* index: of the path. */
enum tcp_ports tcp_ports_of(const struct peer_path *path, const struct peer_offer *offer,
			    const struct punch_step *step, uint8_t index);

struct tcp_open_config {
	const struct punch_step *step;
	uint8_t step_number;
	const struct peer_profile *ours, *theirs;
	const struct peer_offer *our_offer, *their_offer;
	const struct check_keys *keys;
	bool is_a;
	uint16_t first_slot, slot_count; /* connections of its own, below PUNCH_ACCEPTED_FIRST */
	uint64_t start_us, end_us;
	void (*random)(void *arg, void *buf, size_t len);
	void *random_arg;
};

struct tcp_open;

struct tcp_open *tcp_open_new(const struct tcp_open_config *config);
void tcp_open_free(struct tcp_open *t); /* NULL is fine; sockets are left to the caller */
/* PUNCH_WAIT, LISTEN, CONNECT, WRITE, DISCONNECT. */
enum punch_kind tcp_open_next(struct tcp_open *t, uint64_t now_us, struct punch_action *action);
void tcp_open_on_connected(struct tcp_open *t, uint16_t slot, const struct addr *local,
			   uint64_t now_us);
void tcp_open_on_accepted(struct tcp_open *t, uint16_t listener, uint16_t slot,
			  const struct addr *remote, uint64_t now_us);
void tcp_open_on_stream(struct tcp_open *t, uint16_t slot, enum punch_stream what,
			struct bytes data, uint64_t now_us);
/* True once it has a connection that both have proven; A: call tcp_open_nominate to take it. */
bool tcp_open_is_valid(const struct tcp_open *t);
/* One stands, and it may still come to be proven, or agreed on. */
bool tcp_open_is_hopeful(const struct tcp_open *t, uint64_t now_us);
/* number: higher than those before, of other machines as well. */
void tcp_open_nominate(struct tcp_open *t, uint8_t number, uint64_t now_us);
/* The number of the latest nomination; 0: there was none. */
uint8_t tcp_open_nomination(const struct tcp_open *t);
/* Between the two sides, as far as both profiles tell. */
uint64_t tcp_open_round_trip_us(const struct tcp_open *t);
/* True once both have agreed on one: out is complete but for `strategy`. Others are closed by
 * further actions. */
bool tcp_open_path(const struct tcp_open *t, struct punch_path *out);
/* Round trips on the path: sends a check, counts its answer; several may be underway. */
void tcp_open_ping(struct tcp_open *t, uint64_t now_us);
bool tcp_open_take_pong(struct tcp_open *t, uint32_t *rtt_us);
/* A check of theirs came on the path since this was asked last. */
bool tcp_open_take_heard(struct tcp_open *t);
/* Adds what it saw. */
void tcp_open_evidence(const struct tcp_open *t, struct punch_evidence *out);

struct tcp_gather_config {
	const struct peer_profile *ours;
	const struct addr *servers;
	size_t server_count;
	uint16_t local_port; /* of the first set; 0: any */
	uint8_t sets;        /* how many ports of each path; at most PEER_SETS */
	uint8_t samples;     /* bits of the paths of which one more port is asked for, at the end */
	uint16_t first_slot, slot_count;
	uint64_t deadline_us;
	void (*random)(void *arg, void *buf, size_t len);
	void *random_arg;
};

struct tcp_gather;

struct tcp_gather *tcp_gather_new(const struct tcp_gather_config *config);
void tcp_gather_free(struct tcp_gather *g);
enum punch_kind tcp_gather_next(struct tcp_gather *g, uint64_t now_us, struct punch_action *action);
void tcp_gather_on_connected(struct tcp_gather *g, uint16_t slot, const struct addr *local,
			     uint64_t now_us);
void tcp_gather_on_stream(struct tcp_gather *g, uint16_t slot, enum punch_stream what,
			  struct bytes data, uint64_t now_us);
bool tcp_gather_is_done(const struct tcp_gather *g, uint64_t now_us);
/* Of each port one server has told at least, as far as there are any that can be asked. */
bool tcp_gather_has_all(const struct tcp_gather *g);
/*
 * To be called once, when nothing else of this host makes a mapping any more: the samples, of a port
 * each, which is followed by PEER_SETS that are left alone. Other questions end here.
 */
void tcp_gather_sample(struct tcp_gather *g, uint64_t deadline_us);
/* Adds endpoints with is_tcp, of PEER_HOST and PEER_MAPPED, and the samples. */
void tcp_gather_add(const struct tcp_gather *g, struct peer_offer *offer, uint64_t now_us);

#endif
