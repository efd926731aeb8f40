/*
 * splice - two connections joined: what comes in at one end leaves at the other.
 *
 * Bytes are moved, not copied. For who does not read, nothing is read: beyond a bound of bytes
 * that wait, the other end has to wait until some were taken. An end that sends no more (a
 * half-closed TCP connection, or TLS's close_notify) has that passed on behind its last byte, and
 * the other way goes on; but not for ever without a byte. Over libevent, in the thread of its base.
 */
#ifndef NATKIT_SPLICE_H
#define NATKIT_SPLICE_H

#include <stddef.h>
#include <stdint.h>

struct bufferevent;
struct event_base;
struct splice;

enum splice_way {
	SPLICE_A_TO_B,
	SPLICE_B_TO_A,
};

struct splice_options {
	size_t max_waiting; /* bytes that wait for one end, about; 0: 128 KiB */
	uint32_t half_ms;   /* how long one way may be silent when the other has ended; 0: 60 s */
};

struct splice_events {
	/* Both ways have ended, or an end failed: to be freed, in here or later. */
	void (*on_end)(struct splice *s, void *arg);
	/*
	 * So many bytes go this way. Returns for how many ms no more shall be taken; 0: go on.
	 * NULL: nobody counts.
	 */
	uint32_t (*on_bytes)(struct splice *s, enum splice_way way, size_t n, void *arg);
};

/*
 * Begins with what already lies in the inputs. The bufferevents are borrowed, with their
 * callbacks and water marks, until splice_free; they work on sockets, plain or with TLS.
 * Returns NULL when memory runs out.
 */
struct splice *splice_new(struct event_base *base, struct bufferevent *a, struct bufferevent *b,
			  const struct splice_options *options, const struct splice_events *events,
			  void *arg);

/* Takes no more of this way for so many ms, as if on_bytes had said so. */
void splice_rest(struct splice *s, enum splice_way way, uint32_t ms);

/* Moves no more. The bufferevents are left to their owners, without callbacks. NULL is fine. */
void splice_free(struct splice *s);

#endif
