/*
 * forward_join - a connection of TCP and a stream to the other side as one: bytes, each direction's
 * end, and a reset go through, and who reads slowly makes the other one wait.
 */
#ifndef NATPROBE_FORWARD_JOIN_H
#define NATPROBE_FORWARD_JOIN_H

#include <event2/bufferevent.h>
#include <stdint.h>

struct forward_join;

/* Once; it may free. word: why it broke, NULL: both directions have ended. */
typedef void (*forward_join_fn)(void *arg, const char *word);

/*
 * Takes both over, in any case: the stream behind what opened it. NULL when memory runs out.
 * sock  a connected descriptor
 */
struct forward_join *forward_join_new(struct bufferevent *stream, int sock, forward_join_fn on_over,
				      void *arg);
/* What has not ended is reset, on both sides. NULL is fine. */
void forward_join_free(struct forward_join *j);

/* Bytes to the other side, and from it. */
void forward_join_count(const struct forward_join *j, uint64_t *out, uint64_t *in);

/* Closes a connection so that its other end hears of a reset. */
void forward_reset(int sock);

#endif
