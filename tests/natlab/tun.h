/* tun - an interface of which we hold the other end: IP packets without header (Linux). */
#ifndef NATLAB_TUN_H
#define NATLAB_TUN_H

#include "plan.h"

#define TUN_MTU 1500

/* Makes it in the network namespace we are in. A descriptor that does not block, or -errno. */
int tun_open(const char *name);

/* Fills *err: what is wrong with TUN, and what to do. Always false. */
bool tun_explain(struct lab_error *err, int error);

/* As read and write: bytes, or -errno; -EAGAIN where none is there. */
int tun_read(int fd, void *buf, size_t cap);
int tun_write(int fd, struct bytes packet);

#endif
