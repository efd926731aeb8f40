/*
 * codec_load - what programs do to messages all day, each as one step that can be counted and
 * timed: a Binding exchange, an authenticated Allocate, a ChannelData.
 */
#ifndef NATKIT_CODEC_LOAD_H
#define NATKIT_CODEC_LOAD_H

#include <stdbool.h>
#include <stddef.h>

struct codec_step {
	const char *name;
	/* Does the work once; false when the result is not what it must be. */
	bool (*run)(void);
};

/* Builds the messages that the steps read, and derives keys: may allocate. */
const struct codec_step *codec_load_init(size_t *count);

#endif
