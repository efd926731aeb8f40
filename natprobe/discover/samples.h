/*
 * samples - which external port does a fresh socket get? Asked of many sockets in a fixed
 * order, for allocation.h to find the rule.
 *
 * Each sample is one socket on a local port of our choice and one Binding request to one
 * endpoint. The order of sending is the order of allocation, so while a batch goes out nothing
 * else may make a mapping, and no sample is sent again: those that were lost are replaced by
 * new ones. Where answers look as if samples had overtaken each other, the next ones go out one
 * at a time, each after the one before has been answered.
 */
#ifndef NATPROBE_SAMPLES_H
#define NATPROBE_SAMPLES_H

#include "natprobe/ports/allocation.h"
#include "probe_log.h"

enum samples_phase {
	SAMPLES_IDLE = 0, /* not begun */
	SAMPLES_SENDING,
	SAMPLES_WAITING, /* a batch is out, its answers are due */
	SAMPLES_OVER,
};

enum samples_wish {
	SAMPLES_NOTHING = 0,
	SAMPLES_SOCKET, /* a fresh one, on the port that samples_port says */
	SAMPLES_SEND,
};

struct sample {
	struct verdict_sample seen;
	uint8_t slot;
	bool failed; /* never left this host */
	uint64_t sent_us;
};

struct samples {
	uint8_t phase; /* enum samples_phase */
	uint8_t server;
	struct addr to;
	struct allocation_plan plan;
	uint8_t left; /* of the plan, to be sent */
	struct sample list[VERDICT_SAMPLES_MAX];
	uint8_t count; /* sent */
	uint8_t slot;  /* of the next one; only while has_socket */
	bool has_socket, socket_is_open;
	uint16_t port;       /* of the next one; 0: none chosen */
	uint8_t failures;    /* sockets in a row that could not be opened */
	uint8_t cause;       /* enum verdict_cause: why it was given up; CAUSE_NONE: it was not */
	uint64_t started_us; /* of the discovery */
	uint64_t due_us;     /* the next one, not before */
};

/* Local ports, as systems hand them out: this one, and so many from there on. */
#define SAMPLES_PORT_LOW   32768u
#define SAMPLES_PORT_COUNT 28000u

/* to: the endpoint to ask. The first sample is due at at_us. */
void samples_start(struct samples *s, uint8_t server, const struct addr *to, uint64_t started_us,
		   uint64_t at_us);

/*
 * Takes in what has arrived and what became of time: plans the next batch, or ends.
 * nat   is there one, as far as is known?
 * room  samples that may still be sent
 */
void samples_step(struct samples *s, const struct probe_view *view, enum verdict_answer nat,
		  double error_max, size_t room);

/* What it wants now. Then one of the next four must follow. */
enum samples_wish samples_next(const struct samples *s, const struct probe_view *view);

/*
 * The local port of the next socket.
 * random  a random number; used once for each port
 */
uint16_t samples_port(struct samples *s, uint16_t random);
void samples_socket_wanted(struct samples *s, uint8_t slot);

/* The socket is there, on that port, or is not. True: it was the samples' socket. */
bool samples_on_open(struct samples *s, uint8_t slot, const struct addr *local);
bool samples_on_open_failed(struct samples *s, uint8_t slot);

void samples_want(const struct samples *s, struct probe_want *want);
void samples_sent(struct samples *s, const struct probe_view *view);
void samples_withdrawn(struct samples *s, uint8_t item);
void samples_on_answer(struct samples *s, uint8_t item, const struct addr *mapped);

/* A batch goes out, or has only just done so: nothing else may make a mapping. */
bool samples_are_going_out(const struct samples *s, uint64_t now_us);

bool samples_are_over(const struct samples *s);
void samples_give_up(struct samples *s, enum verdict_cause cause);
uint64_t samples_deadline_us(const struct samples *s, const struct probe_view *view);

/*
 * The last ones were not answered, while older sockets were: too often for loss. The NAT has a
 * limit of mappings.
 */
bool samples_are_refused(const struct samples *s, const struct probe_view *view);

/* What the server saw of the sample that left from this slot; NULL: nothing. */
const struct addr *samples_mapped(const struct samples *s, uint8_t slot);

/* Copies what was seen, without what never left. Returns how many there are. */
size_t samples_copy(const struct samples *s, struct verdict_sample out[VERDICT_SAMPLES_MAX]);

#endif
