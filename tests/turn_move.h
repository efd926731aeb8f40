/*
 * turn_move - a client on a rig takes its allocation to another address, with a ticket; maybe to
 * another worker, and then workers write letters to each other. For cmocka.
 */
#ifndef NATKIT_TURN_MOVE_H
#define NATKIT_TURN_MOVE_H

#include "turn_story.h"

/* Of the story that is told. */
extern struct rig r;
extern struct rig_client home, away; /* the same client, before and after */
extern struct story_ticket ticket;   /* the last one that it was given */
extern struct addr peer;             /* to which it has a channel */
extern struct relay_end *relay;      /* of its allocation */

/* For cmocka: one worker, and nothing has begun; nothing is left. */
int move_begin(void **state);
int move_end(void **state);

/* The same with four workers: home is at the first one, away at the second one. */
int move_begin_workers(void **state);
void move_begin_again(void); /* in the middle of a story: its next case */

struct turnd *move_worker(uint16_t n);

/* Of all workers: allocations, and 5-tuples that they expect one at. */
size_t move_alive(void);
size_t move_expected(void);

/* home gets an allocation that may move, with a channel to the peer. */
void move_allocate(void);
void move_start(void);           /* the same; the workers begin before it */
void move_start_over_tls(void);  /* home has a connection */
void move_start_connected(void); /* both have one */

/* A Refresh with the ticket; the code of the answer, which may have a new one. */
uint16_t move_to(struct rig_client *c);

/* Data of the peer go to it; what it says goes to the peer. */
bool move_reaches(const struct rig_client *c);
bool move_can_send(const struct rig_client *c);

/* home reserves the next port, for which the token stands. */
struct ports_token move_reserve(void);

/* What they are asked for, and not yet sent: Allocate with a token, Refresh with the ticket. */
void move_request_port(struct rig_client *c, const struct ports_token *token);
void move_request(struct rig_client *c);

/* One message that asks another worker, and what came of it. */
struct letter {
	struct turnd_in in;
	uint8_t data[RIG_TEXT_MAX];
	uint16_t from;
	struct turnd_ask ask;
	struct turnd_gift gift;
};

/* Signs the request, and hands it to its worker, who has to ask. */
void letter_post(struct rig_client *c, struct letter *l);
void letter_answer(struct letter *l);
/* Returns the code of the answer to the client, or RIG_NOTHING. */
uint16_t letter_come_back(struct letter *l);
void letter_give_back(struct letter *l); /* nobody has waited */

/* away has moved, and asks for something: its allocation is on the way to it. */
void letter_fetch(struct letter *l);

#endif
