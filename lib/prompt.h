/* prompt - a secret that is typed, or comes by a pipe. */
#ifndef NATKIT_PROMPT_H
#define NATKIT_PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum prompt_result {
	PROMPT_OK = 0,
	PROMPT_NOTHING, /* the input is at its end */
	PROMPT_LONG,    /* the line does not fit */
};

/* Whether somebody types there. */
bool prompt_is_person(FILE *in);

/*
 * Reads a line, without its end. A person is asked with `text` on the standard error, and sees
 * nothing of what is typed.
 * out, cap  set for PROMPT_OK: up to cap - 2 bytes and NUL; the caller wipes it in any case
 */
enum prompt_result prompt_line(FILE *in, const char *text, char *out, size_t cap);

#endif
