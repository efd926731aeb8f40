/*
 * deep_ladder - how long an idle mapping lasts: many sockets at once, each of which is answered
 * once, after a time of its own (a rung), and not before. Where an answer arrives the mapping was
 * alive; where none does, it was gone. What deep_lifetime.c and deep_refresh.c share.
 *
 * No rung decides on its neighbours by a bisection: all wait at the same time, so that the whole
 * takes little longer than the lifetime itself.
 */
#ifndef NATPROBE_DEEP_LADDER_H
#define NATPROBE_DEEP_LADDER_H

#include "deep_trial.h"

#define LADDER_FIRST_S    5.0
#define LADDER_STEP       1.08  /* an interval is at most 10 % wide, with ... */
#define LADDER_WIDTH      1.085 /* ... what round trips and copies blur: of short times a share */
#define LADDER_LEAST_STEP 1.03
#define LADDER_MAX        96 /* rungs: up to an hour */

/* Copies against loss: of a quiet order, and of each answer that is waited for. */
#define LADDER_COPIES   3
#define LADDER_ANSWERS  3
#define LADDER_GAP_MS   60
#define LADDER_COPIES_S 0.3 /* between the first and the last copy of an order, as a rule */

/* Linux takes a flow for a stream when there is traffic both ways after its first 2 s. */
#define LADDER_STREAM_US 2500000

/* Sockets that are left to others. */
#define LADDER_SPARES 16

enum ladder_stage {
	RUNG_IDLE = 0, /* not opened yet */
	RUNG_GREETING, /* its first exchange */
	RUNG_PAUSING,  /* until its second one */
	RUNG_ASKING,   /* the order is out, and not acknowledged */
	RUNG_WAITING,
	RUNG_ALIVE,
	RUNG_DEAD,
	RUNG_VOID, /* its order was lost or refused: it says nothing */
};

struct ladder_rung {
	uint8_t stage; /* enum ladder_stage */
	uint16_t socket, order;
	uint8_t again; /* opened so often because it was refused */
	uint32_t delay_ms;
	uint32_t ack_ms;  /* the last acknowledgement, by the server's watch */
	double blur_s;    /* that its copies make of the time of the last one */
	uint64_t due_us;  /* of its next step; UINT64_MAX: none */
	double low_s;     /* RUNG_ALIVE: the mapping was idle for so long at least */
	uint64_t left_us; /* RUNG_DEAD: when its order left */
};

struct ladder {
	uint8_t kind;   /* enum deep_ladder */
	struct addr to; /* the server's endpoint */
	size_t count;
	uint64_t pause_us; /* nothing is opened before */
	uint64_t
		unmapped_us; /* when a fresh socket first asked and got no answer at all; 0: never */
	bool over;
	struct ladder_rung rungs[LADDER_MAX];
};

struct ladder_bounds {
	double low, high; /* s; high INFINITY: none seen */
	uint16_t ended, alive;
};

void ladder_start(const struct deep *d, struct ladder *l, enum deep_ladder kind,
		  const struct addr *to);
void ladder_step(struct deep *d, struct ladder *l);
void ladder_on_open(struct deep *d, struct ladder *l, uint16_t socket, bool opened);
void ladder_on_report(struct deep *d, struct ladder *l, uint16_t socket, uint16_t order_id,
		      const struct coop_answer *answer);
void ladder_on_order_lost(struct deep *d, struct ladder *l, uint16_t socket);
uint64_t ladder_deadline_us(const struct deep *d, const struct ladder *l);
struct ladder_bounds ladder_bounds(const struct deep *d, const struct ladder *l);
/* Copies the rungs to the evidence. */
void ladder_tell(const struct ladder *l, struct verdict_deep *v);

/* Is there state on the path that could be forgotten? False: a plain router. */
bool ladder_has_state(const struct verdict *v);
/* Why there is nothing to be asked: no cooperation, or no UDP at all. */
enum verdict_cause ladder_obstacle(const struct deep *d, const struct verdict *v);

/* Since when a box had no mapping for fresh sockets of the other ladders; 0: never. */
uint64_t deep_lifetime_unmapped_us(const struct deep *d);

/* What the ladder of two ways has found so far. deep_lifetime.c */
struct ladder_bounds deep_lifetime_bounds(const struct deep *d);

#endif
