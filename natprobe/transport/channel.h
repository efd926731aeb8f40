/*
 * channel - one of many streams of a transport (transport.h): opened by either side with a label and a
 * protocol (RFC 8832), whole messages in order, or datagrams that may be lost.
 *
 * Protocol CHANNEL_STREAM is a stream of bytes as a socket is one: what the other side may have
 * on its way to us is bounded by what it was granted, so that a slow reader stops its own channel
 * and no other one; each direction ends on its own (half-close); and an end is told from a break.
 * Binary messages are its data, text messages its words: grant, end, abort (doc/link.md). Any other
 * protocol is messages as they are, which is what a browser speaks.
 *
 * Events are set by who opens a channel, or in transport_config.on_channel by who is called.
 */
#ifndef NATPROBE_CHANNEL_H
#define NATPROBE_CHANNEL_H

#include "wire.h"

#define CHANNEL_STREAM      "natkit-stream/1"
#define CHANNEL_DATAGRAM    "natkit-datagram/1" /* unordered, sent once */
#define CHANNEL_LABEL_MAX   128
#define CHANNEL_MESSAGE_MAX 65536 /* of a message of other protocols, or a datagram */
#define CHANNEL_MAX         256   /* at once, opened by each side */

struct channel;

struct channel_events {
	/* The other side's natprobe has it. It may be written to before that as well. */
	void (*on_open)(void *arg);
	/*
	 * A piece of the stream, or a message; good for this call only. Of a stream it uses up what
	 * the other side was granted until channel_consumed says that it was taken on.
	 */
	void (*on_data)(void *arg, struct bytes data, bool is_text);
	void (*on_writable)(
		void *arg); /* after channel_write took less than all, or channel_send none */
	void (*on_end)(void *arg); /* of a stream: the other side has ended its direction */
	/*
	 * It is gone, and so is `c` once this returns. why: NULL where both directions had ended and all
	 * that was written has arrived, or where the other side closed a channel that is no stream;
	 * else a word of the other side or of ours, for people.
	 */
	void (*on_closed)(void *arg, const char *why);
	void *arg;
};

/* Printable ASCII, whatever the other side sent. */
const char *channel_label(const struct channel *c);
const char *channel_protocol(const struct channel *c);
void channel_set_events(struct channel *c, const struct channel_events *events);

/* Of a stream. Returns how much of it was taken: less than all when there is no room; on_writable. */
size_t channel_write(struct channel *c, struct bytes data);
/* Of a stream: `n` bytes that on_data told were taken on, and the other side may send as many more. */
void channel_consumed(struct channel *c, size_t n);
/* Of a stream: nothing more will be written; what was leaves first. */
void channel_end(struct channel *c);
/* Whether all that was written is acknowledged by the other side's transport. */
bool channel_is_flushed(const struct channel *c);

/* Not of a stream: one message or datagram. False: it is too long, or there is no room now. */
bool channel_send(struct channel *c, struct bytes data, bool is_text);

/* Breaks it off. on_closed is not called; c is gone, but within its own callbacks until they end. */
void channel_close(struct channel *c, const char *why);

#endif
