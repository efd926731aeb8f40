/* random - what nobody can guess. */
#ifndef NATPROBE_RANDOM_H
#define NATPROBE_RANDOM_H

#include <stddef.h>

/* Fills buf, or ends the program: without it nothing is safe. `arg` is for callers of callbacks. */
void random_draw(void *arg, void *buf, size_t len);

#endif
