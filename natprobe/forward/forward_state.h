/* forward_state - what the files of forward.h share. */
#ifndef NATPROBE_FORWARD_STATE_H
#define NATPROBE_FORWARD_STATE_H

#include "forward.h"
#include "forward_wire.h"
#include "limit.h"
#include "list.h"

#define FORWARD_ANSWER_S   15     /* for the other side's answer, and a link */
#define FORWARD_OPEN_S     10     /* for its first message */
#define FORWARD_SWEEP_S    5      /* and as long a source that was refused is not heard */
#define FORWARD_QUEUE_HIGH 262144 /* bytes of datagrams: those above are lost */
#define FORWARD_EARLY_MAX  16384  /* before there is a stream, or a target */
#define FORWARD_ATTACHING  32     /* connections that the link is asked for at a time */
#define FORWARD_BATCH      32     /* datagrams or connections, then others have their turn */

struct forward_port;

struct forward {
	struct forward_config config;
	struct forward_port *ports; /* one for each spec */
	struct limit *limit;        /* of what the other side asks for */
	struct event *retry;
	struct list slots;      /* streams that we are ready to take */
	struct list asks;       /* forward_ask.c */
	struct list serves;     /* forward_serve.c */
	struct list udp_serves; /* forward_udp_serve.c */
	size_t slot_count;
	bool is_stopped;
	size_t attaching;  /* of asks: others wait for their turn */
	size_t asked;      /* connections to ports here */
	size_t served;     /* connections of the other side to targets here */
	size_t flows;      /* of UDP: sources here */
	size_t udp_served; /* ... and of the other side */
	uint8_t datagram[FORWARD_HEAD + FORWARD_MSG_MAX]; /* scratch */
	uint8_t message[FORWARD_HEAD + FORWARD_MSG_MAX];  /* scratch */
};

/* A port of UDP, and who uses it. */
struct forward_port {
	struct forward *forward;
	const struct forward_spec *spec;
	struct event *readable;
	struct event *timer; /* TCP: listens again; UDP: sweeps */
	int fd;              /* -1: not open */
	struct list flows;   /* UDP, forward_udp_ask.c */
};

void forward_tell(struct forward *f, const struct forward_event *e);
/* The other side asks so fast that this one is refused, and nobody told of it. */
bool forward_is_flooded(struct forward *f);
/* The word that it is refused by, or NULL. */
const char *forward_judge(const struct forward *f, const struct forward_target *target);

/* A connection was accepted: asks the other side for its target. Takes `sock`. */
void forward_ask_begin(struct forward_port *p, int sock, const struct addr *from);
void forward_ask_end_all(struct forward *f);
/* The same, but for what the link still calls. */
void forward_ask_drop_all(struct forward *f);

/* Datagrams wait at the port. */
void forward_flow_read(struct forward_port *p);
void forward_flow_sweep(struct forward_port *p);
void forward_flow_end_all(struct forward_port *p);

/* The other side opened a stream. Take the bufferevent. */
void forward_serve_begin(struct forward *f, struct bufferevent *bev);
void forward_serve_end_all(struct forward *f);
void forward_udp_serve_begin(struct forward *f, struct bufferevent *bev);
void forward_udp_serve_end_all(struct forward *f);

/* Both sides of one message: written to the end of a stream, false where there is no memory; */
bool forward_say(struct forward *f, struct bufferevent *bev, const struct forward_msg *m);

enum forward_heard {
	FORWARD_PARTLY, /* of a message: wait */
	FORWARD_HEARD,
	FORWARD_MALFORMED,
};

/* ... and taken off its beginning. What *m has views of is f->message. */
enum forward_heard forward_hear(struct forward *f, struct bufferevent *bev, bool is_udp,
				struct forward_msg *m);

#endif
