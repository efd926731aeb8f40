/*
 * fake_channels - two transports (natprobe/transport/transport.h) that are joined by nothing but
 * memory: their channels carry what they shall, as far as the other side has granted it.
 */
#ifndef TESTS_FAKE_CHANNELS_H
#define TESTS_FAKE_CHANNELS_H

#include "natprobe/transport/transport.h"

#define FAKE_WINDOW 65536

/* A pair; each calls its on_channel for what the other one opens. Nothing moves but by fake_run. */
void fake_transports(struct transport *out[2], bool (*on_channel)(void *arg, struct channel *c),
		     void *args[2]);
/* Moves all that may move. Returns whether anything did. */
bool fake_run(struct transport *t);
/* All channels of both end so. */
void fake_lose(struct transport *t, const char *why);
void fake_free(struct transport *t);

#endif
