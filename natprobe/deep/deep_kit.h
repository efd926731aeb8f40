/*
 * deep_kit - what several trials do alike: endpoints of the cooperating server, how sure a silence
 * is, why a trial says nothing. Only deep*.c include this.
 */
#ifndef NATPROBE_DEEP_KIT_H
#define NATPROBE_DEEP_KIT_H

#include "deep_trial.h"

#define KIT_ANSWERS  4      /* copies of an answer whose absence says something */
#define KIT_GAP_MS   60     /* between them */
#define KIT_ERROR    0.001  /* chance of a wrong value that a trial takes */
#define KIT_GRACE_US 250000 /* for what comes late, beside round trips */

/*
 * The server's endpoint with another port, address or both (COOP_CHANGE_PORT, COOP_CHANGE_IP), as
 * this host addresses it. ADDR_NONE: it has no second address, or it is not known.
 */
struct addr deep_kit_endpoint(const struct deep *d, uint16_t change);

/*
 * How far a datagram goes astray from a mapping that another endpoint made: the bits of the change
 * that meets the same mapping, as the discovery saw it. 0: none does, or it is not known.
 */
uint16_t deep_kit_same_mapping(const struct deep *d);

/* Chance that all of `copies` datagrams are lost on their way. */
double deep_kit_all_lost(const struct deep *d, unsigned copies);

/* Why nothing was tried: no server cooperates, UDP is blocked, ... */
enum verdict_cause deep_kit_obstacle(const struct deep *d);

/* An exchange whose acknowledgement shows our mapped address. 0: it cannot be had. */
uint16_t deep_kit_ask(struct deep *d, uint16_t socket, const struct addr *to);

/* COOP_ANSWER: KIT_ANSWERS copies, with that change of source, after delay_ms. */
uint16_t deep_kit_answers(struct deep *d, uint16_t socket, uint16_t flags, uint32_t delay_ms);

/* When the last of them has arrived, where the order was placed by now. */
uint64_t deep_kit_answers_us(const struct deep *d, uint32_t delay_ms);

/* Sets a value unless something is in its way: `early`, or too much loss. */
void deep_kit_conclude(struct verdict *v, enum deep_property which, unsigned word, double error);

/* deep_set_unknown, for causes that are chosen. */
void deep_kit_unknown(struct verdict *v, enum deep_property which, enum verdict_cause cause);

/* Length of the headers of IP and UDP. */
size_t deep_kit_header(const struct deep *d);

#endif
