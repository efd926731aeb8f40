/*
 * pipe_stream - pieces (pipe_wire.h) over a stream: a bufferevent. Data goes in and out, and each side
 * hears how the other one ends.
 */
#ifndef NATPROBE_PIPE_STREAM_H
#define NATPROBE_PIPE_STREAM_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "pipe_wire.h"

struct pipe_stream;

struct pipe_stream_hooks {
	/* The first `n` bytes of `in` are data: all of them have to be taken off it. */
	void (*on_data)(void *arg, struct evbuffer *in, size_t n);
	void (*on_end)(void *arg);  /* no more data will come */
	void (*on_room)(void *arg); /* pipe_stream_has_room again, perhaps */
	/*
	 * Once, and never within a call of ours: it may free the stream. All is over in good order
	 * where word is NULL; else it says why not (pipe_wire.h), and is_theirs whose it is.
	 */
	void (*on_over)(void *arg, const char *word, bool is_theirs);
	void *arg;
};

/*
 * Takes the bufferevent over, in any case; NULL when memory runs out.
 * has_receipts  both sides say when all has left for where it was to go, and wait for the other's word
 */
struct pipe_stream *pipe_stream_new(struct bufferevent *bev, bool has_receipts,
				    const struct pipe_stream_hooks *hooks);
/* At once, whatever still was to be said. NULL is fine. From on_over, and from no other hook. */
void pipe_stream_free(struct pipe_stream *s);

/* Whether data may be put now without much of it waiting. */
bool pipe_stream_has_room(const struct pipe_stream *s);
/* Takes all of `from`. Not after pipe_stream_end; after an abort it is thrown away. */
void pipe_stream_put(struct pipe_stream *s, struct evbuffer *from);
void pipe_stream_end(struct pipe_stream *s);
/* With receipts, after on_end. */
void pipe_stream_receive(struct pipe_stream *s);
/* on_over follows with that word, once it is said. */
void pipe_stream_abort(struct pipe_stream *s, const char *word);
/* on_data waits, and so does the other side. */
void pipe_stream_pause(struct pipe_stream *s, bool is_paused);

#endif
