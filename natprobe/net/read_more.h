/* read_more - libevent reads 4 KiB at a time, whatever it is told; this reads on. */
#ifndef NATPROBE_READ_MORE_H
#define NATPROBE_READ_MORE_H

#include <event2/bufferevent.h>

/*
 * For the begin of a read callback of a socket without TLS: where libevent has read all that it
 * does at a time, the rest of what is there goes to the input buffer too, up to 64 KiB. An end or an
 * error is left to libevent.
 */
void read_more(struct bufferevent *bev);

#endif
