/*
 * pipe_io - carries what a descriptor has to read to the other side of a stream, and what comes from
 * there to another descriptor, of whatever kind they are; each direction ends on its own. It is over
 * in good order once all has left for where it was to go, on both sides.
 *
 * Nobody waits for more than a moment, and little is in memory: who reads slowly makes the other side
 * wait.
 */
#ifndef NATPROBE_PIPE_IO_H
#define NATPROBE_PIPE_IO_H

#include <event2/bufferevent.h>
#include <stdbool.h>
#include <stdint.h>

struct pipe_io_config {
	struct event_base *base;
	struct bufferevent *stream; /* taken over, in any case */
	int in_fd, out_fd;          /* borrowed. /dev/null takes the place of out_fd at its end */
	bool ends_with_theirs;      /* our direction ends at the latest when theirs has */
	/*
	 * Once; it may free. word: NULL: all went well, else why it did not (pipe_wire.h). error:
	 * an errno that goes with a word of ours, or 0.
	 */
	void (*on_over)(void *arg, const char *word, bool is_theirs, int error);
	void *arg;
};

struct pipe_io;

/* NULL when memory runs out. */
struct pipe_io *pipe_io_new(const struct pipe_io_config *config);
void pipe_io_free(struct pipe_io *io); /* NULL is fine */

void pipe_io_abort(struct pipe_io *io, const char *word);
/* Bytes that were read, and that were written, so far. */
void pipe_io_count(const struct pipe_io *io, uint64_t *sent, uint64_t *received);

#endif
