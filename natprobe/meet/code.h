/*
 * code - short secrets that people tell each other: "37-copper-violin-harbor", or one of their own
 * of at least CODE_OWN_MIN characters.
 */
#ifndef NATPROBE_CODE_H
#define NATPROBE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

#define CODE_MAX     128 /* with the end */
#define CODE_OWN_MIN 10

/* A number of up to four digits, which names the place to meet, and three words of 512: 27 bits. */
void code_make(void (*random)(void *arg, void *buf, size_t len), void *arg,
	       char out[static CODE_MAX]);

/*
 * As it counts: lower case (of ASCII), spaces, dashes and underscores become one "-", trimmed. False,
 * and *why: too short, too long, not text, or one of ours with a word that we do not have, which
 * somebody mistyped.
 */
bool code_normalise(const char *typed, char out[static CODE_MAX], const char **why);

/*
 * The topic of a normalised code: the number of one of ours; of a user's own 14 bits of its stretched
 * hash. Whoever runs the rendezvous learns no more than that of it.
 * cap  32 is enough
 */
void code_topic(const char *code, const uint8_t stretched[static 64], char *out, size_t cap);

#endif
