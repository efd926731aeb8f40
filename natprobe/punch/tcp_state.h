/* tcp_state - what the files of tcp_open share. */
#ifndef NATPROBE_TCP_STATE_H
#define NATPROBE_TCP_STATE_H

#include "tcp_frame.h"
#include "tcp_open.h"

#define TCP_LINES_MAX   12
#define TCP_TARGETS_MAX 40
#define TCP_SOURCES_MAX 3
#define TCP_PORTS       2 /* ours: the one whose mapping was announced, and the one of our network */
#define TCP_DUE_MAX     64 /* answers that wait to be sent: many are due at once after a loss */
#define TCP_PINGS       64
#define TCP_NO_SLOT     UINT16_MAX

enum tcp_conn_state {
	TCP_CONN_FREE = 0,
	TCP_CONN_LISTENING,
	TCP_CONN_CONNECTING,
	TCP_CONN_OPEN,
};

/* A check of ours: one to prove the connection, or to measure it, and one that nominates it. */
enum tcp_ask_kind {
	TCP_ASK,
	TCP_NOMINATE,
	TCP_ASKS,
};
struct tcp_ask {
	bool is_due, is_open; /* to be sent; sent, and not answered */
	uint8_t copies;       /* that were sent */
	struct stun_tid tid;
	uint64_t sent_us;  /* first */
	uint64_t again_us; /* when the next copy leaves, if it is not answered before */
};

/* A socket; its place in the table is its slot. */
struct tcp_conn {
	uint8_t state; /* enum tcp_conn_state */
	bool is_accepted;
	bool is_dropped; /* to be closed */
	bool is_quiet;   /* ... without a word */
	uint8_t line;    /* that it was begun for, unless it is accepted or listens */
	struct addr local, remote;
	uint64_t began_us;
	struct tcp_frame in;
	struct tcp_ask asks[TCP_ASKS];
	struct stun_tid due[TCP_DUE_MAX]; /* checks to be answered */
	uint8_t due_count;
	bool is_heard;  /* an authentic check came */
	bool is_proven; /* ... and one of ours was answered */
	struct addr outer;
};

struct tcp_target {
	struct addr to;
	bool is_local; /* of our own network, if at all */
};

/* One attempt at a time, from one of our ports. */
struct tcp_line {
	uint8_t target, stride; /* stride: ports are searched, and the next one is so far on */
	uint16_t port;          /* ours; 0: any */
	bool is_local;
	uint16_t slot;
	uint64_t next_us;  /* when to connect, while there is no connection */
	uint64_t until_us; /* when the attempt is given up, while there is one */
	uint16_t tries, refused;
};

struct tcp_open {
	struct tcp_open_config c;
	struct punch_step step;
	const struct punch_part *ours, *theirs;
	struct tcp_conn conns[PUNCH_CONNECTIONS_MAX];
	struct tcp_target targets[TCP_TARGETS_MAX];
	uint8_t target_count;
	uint16_t sources[TCP_SOURCES_MAX]; /* ports of ours to connect from */
	uint8_t source_count;
	bool is_following; /* the source gets the foretold port for its first destination alone */
	struct tcp_line lines[TCP_LINES_MAX];
	uint8_t line_count;
	uint16_t ports[TCP_PORTS]; /* 0: there is none */
	bool is_listening[TCP_PORTS];
	uint16_t chosen;    /* A: nominated. B: taken */
	uint8_t nomination; /* the latest one's number */
	bool is_agreed;
	struct tcp_ask pings[TCP_PINGS]; /* on the path, the latest ones */
	uint16_t ping_next, pings_due;
	uint32_t pongs[TCP_PINGS];
	uint16_t pong_count;
	bool was_heard;          /* on the path, by a check of theirs */
	uint64_t quiet_until_us; /* no attempt begins before: one has just succeeded */
	uint64_t rtt_us;         /* between the two, as far as both profiles tell */
	struct punch_evidence seen;
	uint8_t out[TCP_FRAME_MAX];
};

/* tcp_targets.c: from where, and to whom. */
void tcp_targets_make(struct tcp_open *t);

/* tcp_lines.c: whom to connect to, and when. */
void tcp_lines_make(struct tcp_open *t);
/* The line that is due next; NULL: none before the step ends. */
struct tcp_line *tcp_lines_next(struct tcp_open *t);
void tcp_line_begin(struct tcp_open *t, struct tcp_line *l, uint64_t now_us,
		    struct punch_action *action);
/* Its connection came to nothing, or ended. */
void tcp_line_again(struct tcp_open *t, struct tcp_line *l, enum punch_stream what,
		    uint64_t now_us);

/* tcp_conn.c: one connection that stands. */
void tcp_conn_begin(struct tcp_open *t, uint16_t slot, uint64_t now_us);
void tcp_conn_read(struct tcp_open *t, uint16_t slot, struct bytes data, uint64_t now_us);
/* False: there is nothing to write. */
bool tcp_conn_write(struct tcp_open *t, uint16_t slot, uint64_t now_us,
		    struct punch_action *action);
/* When there is something to write, if nothing comes; UINT64_MAX: never. */
uint64_t tcp_conn_due_us(const struct tcp_open *t, const struct tcp_conn *c);

uint32_t tcp_random(const struct tcp_open *t, uint32_t below);

#endif
