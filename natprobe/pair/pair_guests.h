/*
 * pair_guests - the owner of an address serves whoever comes, several at a time: one diagnosis, one
 * door, and a run of trials for each guest.
 */
#ifndef NATPROBE_PAIR_GUESTS_H
#define NATPROBE_PAIR_GUESTS_H

#include "pair_ways.h"

#define PAIR_GUESTS_MAX 8 /* at a time */

/*
 * Serves as many as the options say; with --local-port, which only one socket can have, one after
 * the other. What goes wrong with one guest is no reason to leave the others alone.
 * Returns an exit code, that of the last one.
 */
int pair_guests_serve(const struct pair_ways *w, struct meet_door *door);

#endif
