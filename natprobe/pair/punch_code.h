/*
 * punch_code - the code of a meeting, from wherever the user has it: the command line (where it is
 * overwritten at once), standard input, a file, or the environment; or a new one.
 */
#ifndef NATPROBE_PUNCH_CODE_H
#define NATPROBE_PUNCH_CODE_H

#include "natprobe/meet/code.h"

struct punch_code {
	char text[CODE_MAX]; /* as it counts */
	bool is_new;         /* the other side does not know it yet */
};

/*
 * command  for messages, which are printed at once
 * operand  of argv, NULL: none; "-": standard input
 * file     NULL: none; where there is no such file, it is made, with a new code in it
 * Returns 0 or an exit code.
 */
int punch_code_find(const char *command, char *operand, const char *file, struct punch_code *out);

/* The program that gets a path gets no code in its environment, whether it was used or not. */
void punch_code_forget(void);

/* A new one; or what somebody typed, 0 or an exit code. */
void punch_code_make(struct punch_code *out);
int punch_code_take(const char *command, const char *typed, struct punch_code *out);

void punch_code_clear(struct punch_code *c);

#endif
