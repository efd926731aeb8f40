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

/* A number of up to four digits, which names the place to meet, and three words of 2,048. */
void code_make(void (*random)(void *arg, void *buf, size_t len), void *arg,
	       char out[static CODE_MAX]);

/* As it counts: lower case, spaces and the like become one "-", trimmed. False, and *why. */
bool code_normalise(const char *typed, char out[static CODE_MAX], const char **why);

/*
 * The topic of a code: the number of one of ours; of a user's own 14 bits of its stretched hash.
 * Whoever runs the rendezvous learns no more than that of it.
 */
void code_topic(const char *code, const uint8_t stretched[static 64], char *out, size_t cap);

#endif
