/*
 * rendezvous_list - where the two sides meet: what the user names, by option or in
 * NATPROBE_RENDEZVOUS, or public brokers, so that a first try needs no server of one's own.
 */
#ifndef NATPROBE_RENDEZVOUS_LIST_H
#define NATPROBE_RENDEZVOUS_LIST_H

#include "opt.h"

/* As carrier_open takes it; NULL when memory runs out, else free it. named: of char *. */
char *rendezvous_list(const struct opt_list *named);

#endif
